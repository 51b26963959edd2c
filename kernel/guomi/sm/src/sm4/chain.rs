use cipher::{BlockCipherDecrypt, BlockCipherEncrypt};

use super::{
    BLOCK, Cipher,
    block::{AT_ONCE, Chunk},
    counter::mix,
};

/// The chain of CBC (GB/T 17964-2021, 6): the ciphertext before the next block, or the initial value.
pub(super) struct Chain {
    cipher: Cipher,
    before: Chunk,
}

impl Chain {
    pub fn new(cipher: Cipher, iv: &[u8; BLOCK]) -> Self {
        Self {
            cipher,
            before: (*iv).into(),
        }
    }

    /// Encrypts the next blocks, one after the other: each needs the one before.
    pub fn encrypt(&mut self, blocks: &mut [Chunk]) {
        for block in blocks {
            mix(block, &self.before);
            self.cipher.encrypt_blocks(std::slice::from_mut(block));
            self.before = *block;
        }
    }

    /// Decrypts the next blocks, many at once.
    pub fn decrypt(&mut self, blocks: &mut [Chunk]) {
        let mut encrypted = [Chunk::default(); AT_ONCE];
        for part in blocks.chunks_mut(AT_ONCE) {
            let encrypted = &mut encrypted[..part.len()];
            encrypted.copy_from_slice(part);
            self.cipher.decrypt_blocks(part);
            for (block, encrypted) in part.iter_mut().zip(encrypted) {
                mix(block, &self.before);
                self.before = *encrypted;
            }
        }
    }
}
