//! SM4 (GB/T 32907-2016, GM/T 0002-2012) and its modes of operation.

mod aead;
mod key;

pub use aead::{Aead, NONCE, TAG};
pub use key::Key;

/// Bytes of a block.
pub const BLOCK: usize = 16;
