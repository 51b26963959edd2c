use der::{Decode, Encode, Sequence, asn1::OctetStringRef};
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::{ITERATIONS, Prf, pbes2};
use crate::{Error, pem, sm2::PrivateKey};

/// EncryptedPrivateKeyInfo (RFC 5958, 3).
#[derive(Sequence)]
pub(super) struct Encrypted<'a> {
    algorithm: AlgorithmIdentifierRef<'a>,
    data: &'a OctetStringRef,
}

/// An encrypted private key, where the bytes are one.
pub(super) fn parse(der: &[u8]) -> Option<Encrypted<'_>> {
    Encrypted::from_der(der).ok()
}

impl Encrypted<'_> {
    pub(super) fn decrypt(&self, passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        pbes2::decrypt(&self.algorithm, passphrase, self.data.as_bytes())
    }
}

impl PrivateKey {
    /// The key in PKCS#8, encrypted under a passphrase: PBES2 (RFC 8018, 6.2; GM/T 0091-2020) with
    /// [`ITERATIONS`] of PBKDF2 over `prf`, and SM4-CBC; in DER.
    ///
    /// # Errors
    /// [`Error::Random`]; [`Error::Length`] of an empty passphrase.
    pub fn to_encrypted_der(&self, prf: Prf, passphrase: &[u8]) -> Result<Vec<u8>, Error> {
        if passphrase.is_empty() {
            return Err(Error::Length {
                what: "a passphrase",
                expected: "1 or more",
                found: 0,
            });
        }
        let plain = self.to_pkcs8_der()?;
        let (algorithm, data) = pbes2::encrypt(prf, ITERATIONS, passphrase, &plain)?;
        let der = || {
            Encrypted {
                algorithm: AlgorithmIdentifierRef::from_der(&algorithm)?,
                data: OctetStringRef::new(&data)?,
            }
            .to_der()
        };
        der().map_err(pbes2::form)
    }

    /// The encrypted key as text, `-----BEGIN ENCRYPTED PRIVATE KEY-----`; see
    /// [`to_encrypted_der`](Self::to_encrypted_der).
    ///
    /// # Errors
    /// As [`to_encrypted_der`](Self::to_encrypted_der).
    pub fn to_encrypted_pem(&self, prf: Prf, passphrase: &[u8]) -> Result<String, Error> {
        let der = self.to_encrypted_der(prf, passphrase)?;
        Ok(pem::encode(pem::ENCRYPTED_PRIVATE_KEY, &der)?.to_string())
    }
}
