//! The block cipher itself.

use cipher::{
    Block, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncClosure, BlockCipherEncrypt,
    BlockSizeUser, KeyInit, consts::U16,
};

use super::Key;

/// SM4 under one key: what the modes are built on.
///
/// It speaks the traits of the crate `cipher`, so that any mode written over those takes it.
#[derive(Clone)]
pub struct Cipher(sm4::Sm4);

impl From<&Key> for Cipher {
    fn from(key: &Key) -> Self {
        Self(sm4::Sm4::new(key.as_bytes().into()))
    }
}

impl BlockSizeUser for Cipher {
    type BlockSize = U16;
}

impl BlockCipherEncrypt for Cipher {
    fn encrypt_with_backend(&self, f: impl BlockCipherEncClosure<BlockSize = U16>) {
        self.0.encrypt_with_backend(f);
    }
}

impl BlockCipherDecrypt for Cipher {
    fn decrypt_with_backend(&self, f: impl BlockCipherDecClosure<BlockSize = U16>) {
        self.0.decrypt_with_backend(f);
    }
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sm4::Cipher(..)")
    }
}

/// A block of the traits' type.
pub(super) type Chunk = Block<Cipher>;
