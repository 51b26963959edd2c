use cipher::{
    Array, BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend,
    BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, InOut, InOutBuf, ParBlocks,
    ParBlocksSizeUser,
    consts::{U16, U64},
};
use zeroize::Zeroizing;

use super::{Backend, Chunk, Keys};
use crate::sm4::Key;

/// SM4 under one key: what the modes are built on.
///
/// It speaks the traits of the crate `cipher`, so that any mode written over those takes it. The round keys are
/// erased when it is dropped.
#[derive(Clone)]
pub struct Cipher {
    backend: Backend,
    encrypt: Zeroizing<Keys>,
    decrypt: Zeroizing<Keys>,
}

impl Cipher {
    /// SM4 under `key` on a certain backend, for tests and measurements; elsewhere a [`Key`] turns into the fastest.
    pub fn on(backend: Backend, key: &Key) -> Self {
        let mut encrypt = Zeroizing::new([0; 32]);
        backend.expand(key.as_bytes(), &mut encrypt);
        let mut decrypt = encrypt.clone();
        decrypt.reverse();
        Self {
            backend,
            encrypt,
            decrypt,
        }
    }
}

impl From<&Key> for Cipher {
    fn from(key: &Key) -> Self {
        Self::on(Backend::here(), key)
    }
}

impl BlockSizeUser for Cipher {
    type BlockSize = U16;
}

impl BlockCipherEncrypt for Cipher {
    fn encrypt_with_backend(&self, f: impl BlockCipherEncClosure<BlockSize = U16>) {
        f.call(&Run(self.backend, &self.encrypt));
    }

    fn encrypt_blocks(&self, blocks: &mut [Chunk]) {
        self.backend
            .blocks(&self.encrypt, Array::cast_slice_to_core_mut(blocks));
    }
}

impl BlockCipherDecrypt for Cipher {
    fn decrypt_with_backend(&self, f: impl BlockCipherDecClosure<BlockSize = U16>) {
        f.call(&Run(self.backend, &self.decrypt));
    }

    fn decrypt_blocks(&self, blocks: &mut [Chunk]) {
        self.backend
            .blocks(&self.decrypt, Array::cast_slice_to_core_mut(blocks));
    }
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sm4::Cipher(.., {:?})", self.backend)
    }
}

/// A backend with round keys in the order of one direction: SM4 decrypts as it encrypts.
struct Run<'a>(Backend, &'a Keys);

impl Run<'_> {
    fn blocks(&self, blocks: &mut [Chunk]) {
        self.0.blocks(self.1, Array::cast_slice_to_core_mut(blocks));
    }

    fn block(&self, mut block: InOut<'_, '_, Chunk>) {
        let mut data = block.clone_in();
        self.blocks(std::slice::from_mut(&mut data));
        *block.get_out() = data;
    }

    fn par_blocks(&self, mut blocks: InOut<'_, '_, ParBlocks<Self>>) {
        let mut data = blocks.clone_in();
        self.blocks(&mut data);
        *blocks.get_out() = data;
    }

    fn tail_blocks(&self, mut blocks: InOutBuf<'_, '_, Chunk>) {
        for mut block in blocks.reborrow() {
            let data = block.clone_in();
            *block.get_out() = data;
        }
        self.blocks(blocks.get_out());
    }
}

impl BlockSizeUser for Run<'_> {
    type BlockSize = U16;
}

impl ParBlocksSizeUser for Run<'_> {
    /// As many as any of the backends has use for at once.
    type ParBlocksSize = U64;
}

impl BlockCipherEncBackend for Run<'_> {
    fn encrypt_block(&self, block: InOut<'_, '_, Chunk>) {
        self.block(block);
    }

    fn encrypt_par_blocks(&self, blocks: InOut<'_, '_, ParBlocks<Self>>) {
        self.par_blocks(blocks);
    }

    fn encrypt_tail_blocks(&self, blocks: InOutBuf<'_, '_, Chunk>) {
        self.tail_blocks(blocks);
    }
}

impl BlockCipherDecBackend for Run<'_> {
    fn decrypt_block(&self, block: InOut<'_, '_, Chunk>) {
        self.block(block);
    }

    fn decrypt_par_blocks(&self, blocks: InOut<'_, '_, ParBlocks<Self>>) {
        self.par_blocks(blocks);
    }

    fn decrypt_tail_blocks(&self, blocks: InOutBuf<'_, '_, Chunk>) {
        self.tail_blocks(blocks);
    }
}
