use der::{Decode, Sequence, asn1::UintRef};

use crate::Error;

/// A signature, r and s; both between 1 and n - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature(pub(super) sm2::dsa::Signature);

/// SM2Signature (GM/T 0009-2012, 7.3).
#[derive(Sequence)]
struct Form<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

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

    /// A signature in DER (GM/T 0009-2012, 7.3): a SEQUENCE of two INTEGERs, and nothing after it. Only the one
    /// form of DER is taken: shortest lengths, no leading zeros, no negative numbers.
    ///
    /// # Errors
    /// [`Error::SignatureForm`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let form = Form::from_der(der).map_err(|_| Error::SignatureForm)?;
        let mut bytes = [0; 64];
        let (r, s) = bytes.split_at_mut(32);
        pad(form.r.as_bytes(), r).ok_or(Error::SignatureForm)?;
        pad(form.s.as_bytes(), s).ok_or(Error::SignatureForm)?;
        Self::from_bytes(&bytes)
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

/// Puts a number at the end of `into`, or says that it is too long.
pub(super) fn pad(number: &[u8], into: &mut [u8]) -> Option<()> {
    let start = into.len().checked_sub(number.len())?;
    into.get_mut(start..)?.copy_from_slice(number);
    Some(())
}
