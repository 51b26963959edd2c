use super::{
    BLOCK, Cipher, Decryptor, Encryptor, Padding,
    chain::Chain,
    stream::{Decrypt, Encrypt},
};
use crate::Error;

/// SM4-CBC (GB/T 17964-2021, 6): each block is mixed with the ciphertext before it.
///
/// The initial value has to be unpredictable for each message. Nothing vouches for what is decrypted; where
/// somebody may change ciphertexts, use [`Aead`](super::Aead).
#[derive(Clone, Debug)]
pub struct Cbc(Cipher);

impl Cbc {
    /// SM4-CBC under a key.
    pub fn new(key: impl Into<Cipher>) -> Self {
        Self(key.into())
    }

    /// Encrypts `data` from the initial value `iv` on.
    ///
    /// # Errors
    /// [`Error::Length`] where it is not whole blocks and there is no padding.
    pub fn encrypt(
        &self,
        iv: &[u8; BLOCK],
        padding: Padding,
        data: &[u8],
    ) -> Result<Vec<u8>, Error> {
        self.encryptor(iv, padding).all(data)
    }

    /// Decrypts `data` from the initial value `iv` on.
    ///
    /// # Errors
    /// [`Error::Decrypt`]; see [`Decryptor::finish`].
    pub fn decrypt(
        &self,
        iv: &[u8; BLOCK],
        padding: Padding,
        data: &[u8],
    ) -> Result<Vec<u8>, Error> {
        self.decryptor(iv, padding).all(data)
    }

    /// Encrypts what comes in pieces.
    pub fn encryptor(&self, iv: &[u8; BLOCK], padding: Padding) -> Encryptor {
        Encryptor::new(Encrypt::Cbc(Chain::new(self.0.clone(), iv)), padding)
    }

    /// Decrypts what comes in pieces.
    pub fn decryptor(&self, iv: &[u8; BLOCK], padding: Padding) -> Decryptor {
        Decryptor::new(Decrypt::Cbc(Chain::new(self.0.clone(), iv)), padding)
    }
}
