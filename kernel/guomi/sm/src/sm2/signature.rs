use crate::Error;

/// A signature, r and s; both between 1 and n - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature(pub(super) sm2::dsa::Signature);

impl Signature {
    /// A signature as r and s, 32 bytes each.
    ///
    /// # Errors
    /// [`Error::SignatureForm`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        sm2::dsa::Signature::from_slice(bytes)
            .map(Self)
            .map_err(|_| Error::SignatureForm)
    }

    /// A signature in DER (GM/T 0009-2012, 7.3): a SEQUENCE of two INTEGERs, and nothing after it.
    ///
    /// # Errors
    /// [`Error::SignatureForm`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        sm2::dsa::Signature::from_der(der)
            .map(Self)
            .map_err(|_| Error::SignatureForm)
    }

    /// r and s, 32 bytes each.
    pub fn to_bytes(&self) -> [u8; 64] {
        self.0.to_bytes().into()
    }

    /// The signature in DER.
    pub fn to_der(&self) -> Vec<u8> {
        self.0.to_der().as_bytes().to_vec()
    }
}
