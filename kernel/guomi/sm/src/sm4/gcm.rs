//! Galois/counter mode (NIST SP 800-38D; GB/T 36624-2018, 11).

use std::borrow::Borrow;

use cipher::BlockCipherEncrypt;
use ghash::{GHash, universal_hash::UniversalHash};
use zeroize::Zeroizing;

use super::{
    BLOCK, NONCE, TAG,
    block::{Chunk, Cipher},
    counter::{Counter, Width, mix},
};
use crate::Error;

/// The longest message: the counter of 32 bits has two values for other things (SP 800-38D, 5.2.1.1).
pub(super) const LONGEST: u64 = (1 << 36) - 32;

/// How much is encrypted before it is hashed, or the other way round: what stays in the nearest cache.
const STRIDE: usize = 8 << 10;

/// SM4-GCM under a key: the cipher, and the hash that it keys.
#[derive(Clone)]
pub(super) struct Gcm {
    pub cipher: Cipher,
    hash: GHash,
}

/// One message in the making: the counter, the hash of what was encrypted, and what closes the tag.
pub(super) struct Message<C> {
    stream: Counter<C>,
    hash: Padded,
    mask: Zeroizing<[u8; TAG]>,
    associated: u64,
    length: u64,
}

impl From<Cipher> for Gcm {
    fn from(cipher: Cipher) -> Self {
        let mut key = Zeroizing::new([0; BLOCK]);
        cipher.encrypt_block((&mut *key).into());
        let hash = GHash::new((&*key).into());
        Self { cipher, hash }
    }
}

impl Gcm {
    /// A message with `nonce`, over the same key by way of `cipher`: borrowed or owned.
    pub fn message<C: Borrow<Cipher>>(
        &self,
        cipher: C,
        nonce: &[u8],
        associated: &[u8],
    ) -> Result<Message<C>, Error> {
        let mut stream = Counter::new(cipher, self.first(nonce)?, Width::Bits32);
        let mut mask = Zeroizing::new([0; TAG]);
        stream.apply(&mut *mask);
        let mut hash = Padded::from(self.hash.clone());
        hash.update(associated);
        hash.pad();
        Ok(Message {
            stream,
            hash,
            mask,
            associated: associated.len() as u64,
            length: 0,
        })
    }

    /// The counter's first value (SP 800-38D, 7.1, step 2).
    fn first(&self, nonce: &[u8]) -> Result<[u8; BLOCK], Error> {
        let mut first = [0; BLOCK];
        match nonce.len() {
            0 => {
                return Err(Error::Length {
                    what: "a nonce of SM4-GCM",
                    expected: "1 or more",
                    found: 0,
                });
            }
            NONCE => {
                first[..NONCE].copy_from_slice(nonce);
                first[BLOCK - 1] = 1;
            }
            length => {
                let mut hash = Padded::from(self.hash.clone());
                hash.update(nonce);
                hash.pad();
                first = hash.finish(0, length as u64);
            }
        }
        Ok(first)
    }
}

impl<C: Borrow<Cipher>> Message<C> {
    /// Counts `more` bytes, or refuses them where the message would be too long.
    pub fn grow(&mut self, more: usize) -> Result<(), Error> {
        match self.length.checked_add(more as u64) {
            Some(length) if length <= LONGEST => {
                self.length = length;
                Ok(())
            }
            _ => Err(Error::TooLong {
                what: "a message of SM4-GCM",
                limit: LONGEST,
            }),
        }
    }

    /// Encrypts and hashes bytes that were counted.
    pub fn seal(&mut self, data: &mut [u8]) {
        for part in data.chunks_mut(STRIDE) {
            self.stream.apply(part);
            self.hash.update(part);
        }
    }

    /// Hashes ciphertext that was counted.
    pub fn hash(&mut self, data: &[u8]) {
        self.hash.update(data);
    }

    /// The tag, and the stream for decryption.
    pub fn finish(mut self) -> ([u8; TAG], Counter<C>) {
        self.hash.pad();
        let mut tag = self.hash.finish(self.associated, self.length);
        mix(&mut tag, &*self.mask);
        (tag, self.stream)
    }
}

/// GHASH over bytes that come in pieces.
struct Padded {
    hash: GHash,
    rest: Chunk,
    length: usize,
}

impl From<GHash> for Padded {
    fn from(hash: GHash) -> Self {
        Self {
            hash,
            rest: Chunk::default(),
            length: 0,
        }
    }
}

impl Padded {
    fn update(&mut self, mut data: &[u8]) {
        if self.length > 0 {
            let (head, tail) = data.split_at(data.len().min(BLOCK - self.length));
            self.rest[self.length..self.length + head.len()].copy_from_slice(head);
            self.length += head.len();
            data = tail;
            if self.length < BLOCK {
                return;
            }
            self.pad();
        }
        let (blocks, tail) = Chunk::slice_as_chunks(data);
        self.hash.update(blocks);
        self.rest[..tail.len()].copy_from_slice(tail);
        self.length = tail.len();
    }

    /// Fills a block that has begun with zeros.
    fn pad(&mut self) {
        if self.length > 0 {
            self.rest[self.length..].fill(0);
            self.hash.update(std::slice::from_ref(&self.rest));
            self.length = 0;
        }
    }

    /// The hash, once both lengths in bytes are in.
    fn finish(mut self, associated: u64, data: u64) -> [u8; BLOCK] {
        let mut lengths = Chunk::default();
        lengths[..8].copy_from_slice(&(associated << 3).to_be_bytes());
        lengths[8..].copy_from_slice(&(data << 3).to_be_bytes());
        self.hash.update(&[lengths]);
        self.hash.finalize().into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sm4::Key;

    #[test]
    fn a_message_ends_where_the_counter_would_come_round() {
        let gcm = Gcm::from(Cipher::from(&Key::from_bytes(&[1; 16]).unwrap()));
        let mut message = gcm.message(&gcm.cipher, &[0; NONCE], b"").unwrap();
        message.grow((LONGEST - 1) as usize).unwrap();
        assert!(matches!(message.grow(2), Err(Error::TooLong { .. })));
        message.grow(1).unwrap();
        assert!(message.grow(usize::MAX).is_err());
    }
}
