//! `weihe:guomi/keys` in native code.

use super::{Error, Uses, has};

pub use super::wit::keys::About;

pub struct Secret {
    pub(super) bytes: Vec<u8>,
    pub(super) uses: Uses,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    pub(super) fn loose(bytes: &[u8]) -> Self {
        let uses = match bytes.len() {
            16 => Uses::ENCRYPT | Uses::DECRYPT | Uses::MAC | Uses::VERIFY,
            _ => Uses::MAC | Uses::VERIFY,
        };
        Secret {
            bytes: bytes.to_vec(),
            uses,
        }
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        match bytes.len() {
            0 => Err(Error::Malformed("a key has at least one byte".to_owned())),
            1..=1024 => {
                let mut secret = Self::loose(bytes);
                secret.uses = secret.uses | Uses::EXPORT;
                Ok(secret)
            }
            length => Err(Error::TooLong(format!(
                "bytes of a key: {length} is more than the 1024 that one call may carry"
            ))),
        }
    }

    pub fn generate() -> Result<Self, Error> {
        Ok(Self::loose(&super::random::bytes(16)?))
    }

    pub fn export(&self) -> Result<Vec<u8>, Error> {
        self.to(Uses::EXPORT).map(<[u8]>::to_vec)
    }

    pub(super) fn to(&self, wanted: Uses) -> Result<&[u8], Error> {
        match has(self.uses, wanted) {
            true => Ok(&self.bytes),
            false => Err(Error::WrongUse(
                "the key was not opened for this".to_owned(),
            )),
        }
    }

    pub(super) fn sm4(&self, wanted: Uses) -> Result<weihe_sm::sm4::Key, Error> {
        Ok(weihe_sm::sm4::Key::from_bytes(self.to(wanted)?)?)
    }
}
