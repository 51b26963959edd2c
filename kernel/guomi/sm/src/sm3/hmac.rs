use hmac::{KeyInit, Mac};
use zeroize::Zeroizing;

use super::{DIGEST, digest};
use crate::Error;

/// Bytes that SM3 takes in at once.
const BLOCK: usize = 64;

/// HMAC-SM3 (RFC 2104 over SM3) in the making.
#[derive(Clone)]
pub struct Hmac(hmac::Hmac<sm3::Sm3>);

impl Hmac {
    /// A MAC under `key`, which may have any length.
    pub fn new(key: &[u8]) -> Self {
        // A key of exactly one block is what HMAC makes of any other (RFC 2104, 2).
        let mut block = Zeroizing::new([0; BLOCK]);
        match block.get_mut(..key.len()) {
            Some(start) => start.copy_from_slice(key),
            None => block[..DIGEST].copy_from_slice(&digest(key)),
        }
        Self(hmac::Hmac::new((&*block).into()))
    }

    /// Takes in more data.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The MAC of all data so far.
    pub fn finish(self) -> [u8; DIGEST] {
        self.0.finalize().into_bytes().into()
    }

    /// Whether `tag` is the MAC of all data so far, in constant time.
    ///
    /// # Errors
    /// [`Error::Signature`] where it is not.
    pub fn verify(self, tag: &[u8]) -> Result<(), Error> {
        self.0.verify_slice(tag).map_err(|_| Error::Signature)
    }
}

impl std::fmt::Debug for Hmac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hmac(..)")
    }
}
