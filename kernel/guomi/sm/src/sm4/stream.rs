//! Block modes over data that comes in pieces.

use cipher::{BlockCipherDecrypt, BlockCipherEncrypt};
use zeroize::Zeroizing;

use super::{
    BLOCK,
    block::{Chunk, Cipher},
    chain::Chain,
    padding::{Padding, unpad},
};
use crate::Error;

/// Encrypts data that comes in pieces: [`update`](Self::update) as often as there is some, then
/// [`finish`](Self::finish).
pub struct Encryptor {
    mode: Encrypt,
    padding: Padding,
    rest: Rest,
}

/// Decrypts data that comes in pieces: [`update`](Self::update) as often as there is some, then
/// [`finish`](Self::finish).
///
/// Nothing vouches for what comes out; where somebody may have changed the ciphertext, use
/// [`Aead`](super::Aead).
pub struct Decryptor {
    mode: Decrypt,
    padding: Padding,
    rest: Rest,
}

pub(super) enum Encrypt {
    Ecb(Cipher),
    Cbc(Chain),
}

pub(super) enum Decrypt {
    Ecb(Cipher),
    Cbc(Chain),
}

impl Encrypt {
    fn run(&mut self, data: &mut [u8]) {
        let (blocks, _) = Chunk::slice_as_chunks_mut(data);
        match self {
            Self::Ecb(cipher) => cipher.encrypt_blocks(blocks),
            Self::Cbc(chain) => chain.encrypt(blocks),
        }
    }
}

impl Decrypt {
    fn run(&mut self, data: &mut [u8]) {
        let (blocks, _) = Chunk::slice_as_chunks_mut(data);
        match self {
            Self::Ecb(cipher) => cipher.decrypt_blocks(blocks),
            Self::Cbc(chain) => chain.decrypt(blocks),
        }
    }
}

impl Encryptor {
    pub(super) fn new(mode: Encrypt, padding: Padding) -> Self {
        Self {
            mode,
            padding,
            rest: Rest::default(),
        }
    }

    /// Takes in data, and gives the blocks that it completes.
    pub fn update(&mut self, data: &[u8]) -> Vec<u8> {
        let mut out = self.rest.take(data, 0);
        self.mode.run(&mut out);
        out
    }

    /// The last block: the padding and what was left, or nothing.
    ///
    /// # Errors
    /// [`Error::Length`] where there is no padding and the data was not whole blocks.
    pub fn finish(mut self) -> Result<Vec<u8>, Error> {
        match (self.padding, self.rest.length) {
            (Padding::None, 0) => Ok(Vec::new()),
            (Padding::None, found) => Err(Error::Length {
                what: "what is left of data without padding",
                expected: "a multiple of 16",
                found,
            }),
            (Padding::Pkcs7, length) => {
                let mut block = self.rest.bytes.to_vec();
                block[length..].fill((BLOCK - length) as u8);
                self.mode.run(&mut block);
                Ok(block)
            }
        }
    }

    pub(super) fn all(mut self, data: &[u8]) -> Result<Vec<u8>, Error> {
        if self.padding == Padding::None && !data.len().is_multiple_of(BLOCK) {
            return Err(Error::Length {
                what: "data without padding",
                expected: "a multiple of 16",
                found: data.len(),
            });
        }
        let mut out = self.update(data);
        out.extend(self.finish()?);
        Ok(out)
    }
}

impl Decryptor {
    pub(super) fn new(mode: Decrypt, padding: Padding) -> Self {
        Self {
            mode,
            padding,
            rest: Rest::default(),
        }
    }

    /// Takes in data, and gives the blocks that are decrypted. The last one is kept back where it may hold padding.
    pub fn update(&mut self, data: &[u8]) -> Vec<u8> {
        let mut out = self
            .rest
            .take(data, usize::from(self.padding == Padding::Pkcs7));
        self.mode.run(&mut out);
        out
    }

    /// The last block without its padding, or nothing.
    ///
    /// # Errors
    /// [`Error::Decrypt`] where the ciphertext was not whole blocks, or the padding is wrong. Whoever may send
    /// ciphertexts and see this error can decrypt: tell nobody, or better use [`Aead`](super::Aead).
    pub fn finish(mut self) -> Result<Vec<u8>, Error> {
        match (self.padding, self.rest.length) {
            (Padding::None, 0) => Ok(Vec::new()),
            (Padding::Pkcs7, BLOCK) => {
                let mut block = self.rest.bytes.clone();
                self.mode.run(&mut *block);
                let length = unpad(&block).ok_or(Error::Decrypt)?;
                Ok(block[..length].to_vec())
            }
            _ => Err(Error::Decrypt),
        }
    }

    pub(super) fn all(mut self, data: &[u8]) -> Result<Vec<u8>, Error> {
        if !data.len().is_multiple_of(BLOCK) {
            return Err(Error::Decrypt);
        }
        let mut out = Zeroizing::new(self.update(data));
        out.extend(self.finish()?);
        Ok(std::mem::take(&mut *out))
    }
}

impl std::fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sm4::Encryptor(..)")
    }
}

impl std::fmt::Debug for Decryptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sm4::Decryptor(..)")
    }
}

/// What waits for more of its block.
#[derive(Default)]
struct Rest {
    bytes: Zeroizing<[u8; BLOCK]>,
    length: usize,
}

impl Rest {
    /// The whole blocks of what waited and `data`; `hold` bytes at least go on waiting.
    fn take(&mut self, data: &[u8], hold: usize) -> Vec<u8> {
        let total = self.length + data.len();
        let whole = total.saturating_sub(hold) / BLOCK * BLOCK;
        if whole == 0 {
            self.bytes[self.length..total].copy_from_slice(data);
            self.length = total;
            return Vec::new();
        }
        let (now, later) = data.split_at(whole - self.length);
        let mut out = Vec::with_capacity(whole + BLOCK);
        out.extend_from_slice(&self.bytes[..self.length]);
        out.extend_from_slice(now);
        self.bytes[..later.len()].copy_from_slice(later);
        self.length = later.len();
        out
    }
}
