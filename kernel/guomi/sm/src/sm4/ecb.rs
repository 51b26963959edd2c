use super::{
    Cipher, Decryptor, Encryptor, Padding,
    stream::{Decrypt, Encrypt},
};
use crate::Error;

/// SM4-ECB (GB/T 17964-2021, 5): each block by itself.
///
/// Equal blocks stay visibly equal: for wrapping single random values and for what other systems prescribe.
#[derive(Clone, Debug)]
pub struct Ecb(Cipher);

impl Ecb {
    /// SM4-ECB under a key.
    pub fn new(key: impl Into<Cipher>) -> Self {
        Self(key.into())
    }

    /// Encrypts `data`.
    ///
    /// # Errors
    /// [`Error::Length`] where it is not whole blocks and there is no padding.
    pub fn encrypt(&self, padding: Padding, data: &[u8]) -> Result<Vec<u8>, Error> {
        self.encryptor(padding).all(data)
    }

    /// Decrypts `data`.
    ///
    /// # Errors
    /// [`Error::Decrypt`]; see [`Decryptor::finish`].
    pub fn decrypt(&self, padding: Padding, data: &[u8]) -> Result<Vec<u8>, Error> {
        self.decryptor(padding).all(data)
    }

    /// Encrypts what comes in pieces.
    pub fn encryptor(&self, padding: Padding) -> Encryptor {
        Encryptor::new(Encrypt::Ecb(self.0.clone()), padding)
    }

    /// Decrypts what comes in pieces.
    pub fn decryptor(&self, padding: Padding) -> Decryptor {
        Decryptor::new(Decrypt::Ecb(self.0.clone()), padding)
    }
}
