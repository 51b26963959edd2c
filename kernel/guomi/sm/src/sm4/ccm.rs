//! Counter mode with CBC-MAC (NIST SP 800-38C, RFC 3610; GB/T 36624-2018, 9).

use std::ops::RangeInclusive;

use cipher::BlockCipherEncrypt;
use zeroize::Zeroizing;

use super::{
    BLOCK, TAG,
    block::{Chunk, Cipher},
    counter::{Counter, Width, mix},
};
use crate::Error;

/// How long a nonce may be (SP 800-38C, A.1); what it leaves of 15 bytes counts the message's.
const NONCES: RangeInclusive<usize> = 7..=13;

/// From this length on the associated data's own takes more than two bytes (SP 800-38C, A.2.2).
const LONG_ASSOCIATED: u64 = 0xff00;

/// A message with this key and nonce.
pub(super) struct Ccm<'a> {
    cipher: &'a Cipher,
    nonce: &'a [u8],
    /// Bytes of the tag.
    tag: usize,
}

impl<'a> Ccm<'a> {
    pub fn new(cipher: &'a Cipher, nonce: &'a [u8], tag: usize) -> Result<Self, Error> {
        if !NONCES.contains(&nonce.len()) {
            return Err(Error::Length {
                what: "a nonce of SM4-CCM",
                expected: "7 to 13",
                found: nonce.len(),
            });
        }
        Ok(Self { cipher, nonce, tag })
    }

    /// The longest message that the nonce leaves room to count.
    pub fn longest(&self) -> u64 {
        let bits = 8 * self.counted();
        u64::MAX >> (64 - bits)
    }

    /// Encrypts or decrypts `data`, and gives the mask of the tag (SP 800-38C, A.3).
    pub fn apply(&self, data: &mut [u8]) -> Zeroizing<[u8; TAG]> {
        let first = self.block((self.counted() - 1) as u8, 0);
        let mut stream = Counter::new(self.cipher, first.into(), Width::Bits128);
        let mut mask = Zeroizing::new([0; TAG]);
        stream.apply(&mut *mask);
        stream.apply(data);
        mask
    }

    /// The CBC-MAC of the plaintext `data` (SP 800-38C, A.2); of it, the first bytes are the tag's.
    pub fn mac(&self, associated: &[u8], data: &[u8]) -> Zeroizing<[u8; TAG]> {
        let mut mac = Mac {
            cipher: self.cipher,
            state: Chunk::default(),
        };
        let flags = u8::from(!associated.is_empty()) << 6
            | (((self.tag - 2) / 2) as u8 & 7) << 3
            | (self.counted() - 1) as u8;
        mac.blocks(&[self.block(flags, data.len() as u64)]);
        if !associated.is_empty() {
            mac.associated(associated);
        }
        mac.padded(data);
        Zeroizing::new(mac.state.into())
    }

    /// Bytes that count the message's.
    fn counted(&self) -> usize {
        BLOCK - 1 - self.nonce.len()
    }

    /// Flags, nonce and number.
    fn block(&self, flags: u8, number: u64) -> Chunk {
        let mut block = [0; BLOCK];
        block[BLOCK - 8..].copy_from_slice(&number.to_be_bytes());
        block[0] = flags;
        block[1..=self.nonce.len()].copy_from_slice(self.nonce);
        block.into()
    }
}

struct Mac<'a> {
    cipher: &'a Cipher,
    state: Chunk,
}

impl Mac<'_> {
    /// The length of the associated data and it, padded together (SP 800-38C, A.2.2).
    fn associated(&mut self, data: &[u8]) {
        let length = data.len() as u64;
        let mut head = Vec::with_capacity(BLOCK);
        if length < LONG_ASSOCIATED {
            head.extend_from_slice(&(length as u16).to_be_bytes());
        } else if let Ok(length) = u32::try_from(length) {
            head.extend_from_slice(&[0xff, 0xfe]);
            head.extend_from_slice(&length.to_be_bytes());
        } else {
            head.extend_from_slice(&[0xff, 0xff]);
            head.extend_from_slice(&length.to_be_bytes());
        }
        let (first, rest) = data.split_at(data.len().min(BLOCK - head.len()));
        head.extend_from_slice(first);
        self.padded(&head);
        self.padded(rest);
    }

    fn padded(&mut self, data: &[u8]) {
        let (blocks, rest) = Chunk::slice_as_chunks(data);
        self.blocks(blocks);
        if !rest.is_empty() {
            let mut last = Zeroizing::new([0; BLOCK]);
            last[..rest.len()].copy_from_slice(rest);
            self.blocks(&[(*last).into()]);
        }
    }

    fn blocks(&mut self, blocks: &[Chunk]) {
        for block in blocks {
            mix(&mut self.state, block);
            self.cipher
                .encrypt_blocks(std::slice::from_mut(&mut self.state));
        }
    }
}
