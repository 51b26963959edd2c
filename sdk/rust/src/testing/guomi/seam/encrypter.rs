//! `weihe:guomi/encrypter` in native code.

use super::wit::types::CiphertextForm;
use super::{Error, PublicKey, SM2, certified, layout, point};

#[derive(Debug)]
pub struct Encrypter(pub(super) PublicKey);

impl Encrypter {
    pub fn from_public_key(bytes: &[u8]) -> Result<Self, Error> {
        point(bytes).map(Self)
    }

    pub fn from_certificate(der: &[u8]) -> Result<Self, Error> {
        certified(der).map(Self)
    }

    pub fn encrypt(&self, data: &[u8], form: CiphertextForm) -> Result<Vec<u8>, Error> {
        if data.len() > SM2 {
            return Err(Error::TooLong(format!(
                "bytes to encrypt with SM2: {} is more than the {SM2} that one call may carry",
                data.len()
            )));
        }
        Ok(self.0.encrypt(layout(form), data)?)
    }
}
