//! SM4 (GB/T 32907-2016, GM/T 0002-2012) and its modes of operation.
//!
//! | | one call | in pieces |
//! |---|---|---|
//! | GCM | [`Aead::gcm`] | [`GcmSealer`], [`GcmOpener`] |
//! | CCM | [`Aead::ccm`] | the standard wants the length first |
//! | CTR | [`Ctr`] | [`Ctr`] |
//! | CBC | [`Cbc`] | [`Cbc::encryptor`], [`Cbc::decryptor`] |
//! | ECB | [`Ecb`] | [`Ecb::encryptor`], [`Ecb::decryptor`] |
//!
//! What is new takes GCM: the others are for what other systems prescribe.

mod aead;
#[allow(unsafe_code)]
mod block;
mod cbc;
mod ccm;
mod chain;
mod counter;
mod ctr;
mod ecb;
mod gcm;
mod gcm_stream;
mod key;
mod padding;
mod stream;

pub use aead::{Aead, NONCE, TAG};
pub use block::{Backend, Cipher, backend};
pub use cbc::Cbc;
pub use ctr::Ctr;
pub use ecb::Ecb;
pub use gcm_stream::{GcmOpener, GcmSealer};
pub use key::Key;
pub use padding::Padding;
pub use stream::{Decryptor, Encryptor};

/// Bytes of a block.
pub const BLOCK: usize = 16;
