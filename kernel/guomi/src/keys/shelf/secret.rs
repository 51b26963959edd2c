//! Secrets as the bytes that files hold.

use weihe_sm::{random, sm2::PrivateKey, sm4};
use zeroize::Zeroizing;

use crate::keys::{Algorithm, KeyError, Secret};

/// Bytes of a key that is made for HMAC-SM3: as many as its digest has (RFC 2104, 3).
const HMAC_KEY: usize = 32;
/// The fewest bytes of one that is taken in: what takes 2^128 guesses.
const SHORTEST: usize = 16;
/// The most: HMAC hashes what is longer than a block, so nothing is gained by more.
const LONGEST: usize = 256;

impl Secret {
    /// A random one.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        Ok(match algorithm {
            Algorithm::Sm2 => Self::Sm2(PrivateKey::generate()?),
            Algorithm::Sm4 => Self::Sm4(sm4::Key::generate()?),
            Algorithm::HmacSm3 => {
                let mut key = Zeroizing::new(vec![0; HMAC_KEY]);
                random(&mut key)?;
                Self::HmacSm3(key)
            }
        })
    }

    /// The secret in its bytes: the number of SM2, the highest byte first; the key of the others as it is.
    ///
    /// # Errors
    /// [`KeyError::Crypto`], [`KeyError::Secret`] where they are not one.
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        Ok(match algorithm {
            Algorithm::Sm2 => Self::Sm2(PrivateKey::from_bytes(bytes)?),
            Algorithm::Sm4 => Self::Sm4(sm4::Key::from_bytes(bytes)?),
            Algorithm::HmacSm3 if (SHORTEST..=LONGEST).contains(&bytes.len()) => {
                Self::HmacSm3(Zeroizing::new(bytes.to_vec()))
            }
            Algorithm::HmacSm3 => {
                let found = bytes.len();
                let reason = format!("it has to have {SHORTEST} to {LONGEST} bytes, not {found}");
                return Err(KeyError::Secret { algorithm, reason });
            }
        })
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Sm2(key) => key.to_bytes().to_vec(),
            Self::Sm4(key) => key.as_bytes().to_vec(),
            Self::HmacSm3(key) => key.to_vec(),
        })
    }
}
