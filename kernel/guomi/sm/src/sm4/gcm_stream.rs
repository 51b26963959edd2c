use subtle::ConstantTimeEq;

use super::{
    Cipher, TAG,
    gcm::{Gcm, Message},
};
use crate::Error;

/// Seals a message of SM4-GCM that comes in pieces: [`update`](Self::update) as often as there is some, then
/// [`finish`](Self::finish) for the tag.
///
/// The ciphertext is worth nothing to the receiver before the tag.
pub struct GcmSealer(Message<Cipher>);

impl GcmSealer {
    /// Begins a message. A nonce must never serve twice under one key.
    ///
    /// # Errors
    /// [`Error::Length`] where the nonce is empty; 12 bytes are usual, and fastest.
    pub fn new(key: impl Into<Cipher>, nonce: &[u8], associated: &[u8]) -> Result<Self, Error> {
        let gcm = Gcm::from(key.into());
        Ok(Self(gcm.message(gcm.cipher.clone(), nonce, associated)?))
    }

    /// Encrypts the next `data` where it is.
    ///
    /// # Errors
    /// [`Error::TooLong`] where the message would be longer than the mode can take; `data` is left alone then.
    pub fn apply(&mut self, data: &mut [u8]) -> Result<(), Error> {
        self.0.grow(data.len())?;
        self.0.seal(data);
        Ok(())
    }

    /// The ciphertext of the next `data`.
    ///
    /// # Errors
    /// [`Error::TooLong`], as [`apply`](Self::apply).
    pub fn update(&mut self, data: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = data.to_vec();
        self.apply(&mut out)?;
        Ok(out)
    }

    /// The tag of the message.
    pub fn finish(self) -> [u8; TAG] {
        self.0.finish().0
    }
}

/// Opens a message of SM4-GCM that comes in pieces: [`update`](Self::update) as often as there is some, then
/// [`finish`](Self::finish) with the tag for the whole plaintext.
///
/// Plaintext that the tag does not vouch for is never let out, so the ciphertext is kept in memory until the tag is
/// there. What is too large for that is to be sealed in records of their own, as TLS does.
pub struct GcmOpener {
    message: Message<Cipher>,
    data: Vec<u8>,
}

impl GcmOpener {
    /// Begins a message.
    ///
    /// # Errors
    /// [`Error::Length`] where the nonce is empty.
    pub fn new(key: impl Into<Cipher>, nonce: &[u8], associated: &[u8]) -> Result<Self, Error> {
        let gcm = Gcm::from(key.into());
        Ok(Self {
            message: gcm.message(gcm.cipher.clone(), nonce, associated)?,
            data: Vec::new(),
        })
    }

    /// Takes in the next ciphertext.
    ///
    /// # Errors
    /// [`Error::Decrypt`] where the message is longer than the mode can take.
    pub fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        self.message.grow(data.len()).map_err(|_| Error::Decrypt)?;
        self.message.hash(data);
        self.data.extend_from_slice(data);
        Ok(())
    }

    /// The plaintext, if `tag` vouches for it.
    ///
    /// # Errors
    /// [`Error::Decrypt`].
    pub fn finish(self, tag: &[u8; TAG]) -> Result<Vec<u8>, Error> {
        let Self { message, mut data } = self;
        let (expected, mut stream) = message.finish();
        if !bool::from(expected.ct_eq(tag)) {
            return Err(Error::Decrypt);
        }
        stream.apply(&mut data);
        Ok(data)
    }
}

impl std::fmt::Debug for GcmSealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sm4::GcmSealer(..)")
    }
}

impl std::fmt::Debug for GcmOpener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sm4::GcmOpener(..)")
    }
}
