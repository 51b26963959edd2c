use std::borrow::Borrow;

use cipher::BlockCipherEncrypt;
use zeroize::Zeroizing;

use super::{
    BLOCK, Cipher,
    block::{AT_ONCE, Chunk},
};

/// The key stream of counter mode (GB/T 17964-2021, 9), from data of any lengths.
///
/// The crate `ctr` encrypts what is short of a full set of blocks one by one, which would cost the wide backends most
/// of their speed on messages of a kilobyte.
pub(super) struct Counter<C> {
    cipher: C,
    next: u128,
    width: Width,
    /// A block of the stream, of which the last `left` bytes are still to be used.
    block: Zeroizing<[u8; BLOCK]>,
    left: usize,
}

/// How many of the counter's bits count; from the last of these on it begins anew.
#[derive(Clone, Copy)]
pub(super) enum Width {
    /// NIST SP 800-38D, 6.2: inc32.
    Bits32,
    Bits128,
}

impl<C: Borrow<Cipher>> Counter<C> {
    /// The stream that begins with the encrypted value `first`.
    pub fn new(cipher: C, first: [u8; BLOCK], width: Width) -> Self {
        Self {
            cipher,
            next: u128::from_be_bytes(first),
            width,
            block: Zeroizing::default(),
            left: 0,
        }
    }

    /// XORs the next of the stream onto `data`.
    pub fn apply(&mut self, data: &mut [u8]) {
        let (head, data) = data.split_at_mut(self.left.min(data.len()));
        mix(head, &self.block[BLOCK - self.left..]);
        self.left -= head.len();

        let mut stream = [Chunk::default(); AT_ONCE];
        for part in data.chunks_mut(AT_ONCE * BLOCK) {
            let blocks = &mut stream[..part.len().div_ceil(BLOCK)];
            self.count(blocks);
            self.cipher.borrow().encrypt_blocks(blocks);
            mix(part, Chunk::slice_as_flattened(blocks));
            let used = part.len() % BLOCK;
            if let ([.., last], 1..) = (blocks, used) {
                *self.block = (*last).into();
                self.left = BLOCK - used;
            }
        }
    }

    /// Writes the counter's next values.
    fn count(&mut self, blocks: &mut [Chunk]) {
        match self.width {
            Width::Bits32 => {
                let fixed = self.next & !u128::from(u32::MAX);
                for (block, number) in blocks.iter_mut().zip(0..) {
                    let low = (self.next as u32).wrapping_add(number);
                    *block = fixed.to_be_bytes().into();
                    block[BLOCK - 4..].copy_from_slice(&low.to_be_bytes());
                }
                let low = (self.next as u32).wrapping_add(blocks.len() as u32);
                self.next = fixed | u128::from(low);
            }
            Width::Bits128 => {
                for block in blocks {
                    *block = self.next.to_be_bytes().into();
                    self.next = self.next.wrapping_add(1);
                }
            }
        }
    }
}

/// XORs `with` onto `data`.
pub(super) fn mix(data: &mut [u8], with: &[u8]) {
    for (byte, with) in data.iter_mut().zip(with) {
        *byte ^= with;
    }
}
