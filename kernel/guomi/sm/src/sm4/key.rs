use zeroize::Zeroizing;

use crate::{Error, random::random};

/// Bytes of a key.
const KEY: usize = 16;

/// A key for SM4; erased when it is dropped, and not shown by `Debug`.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; KEY]>);

impl Key {
    /// A random key.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate() -> Result<Self, Error> {
        let mut key = Zeroizing::new([0; KEY]);
        random(&mut *key)?;
        Ok(Self(key))
    }

    /// The key in `bytes`.
    ///
    /// # Errors
    /// [`Error::Length`] where they are not 16.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        match bytes.try_into() {
            Ok(key) => Ok(Self(Zeroizing::new(key))),
            Err(_) => Err(Error::Length {
                what: "an SM4 key",
                expected: "16",
                found: bytes.len(),
            }),
        }
    }

    /// The bytes of the key.
    pub fn as_bytes(&self) -> &[u8; KEY] {
        &self.0
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sm4::Key(..)")
    }
}
