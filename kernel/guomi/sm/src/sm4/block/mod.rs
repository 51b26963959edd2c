//! The block cipher itself, on the instructions that the processor has.
//!
//! This is the only module of the crate with `unsafe`: intrinsics and inline assembly, which only run where they were
//! detected, on memory that references vouch for. All backends are without tables and branches on data.

#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
mod aes;
#[cfg(target_arch = "aarch64")]
mod arm_aes;
#[cfg(target_arch = "aarch64")]
mod arm_sm4;
#[cfg(target_arch = "x86_64")]
mod avx2;
mod backend;
mod cipher;
#[cfg(target_arch = "x86_64")]
mod gfni;
#[cfg(target_arch = "x86_64")]
mod gfni_avx2;
#[cfg(target_arch = "x86_64")]
mod gfni_avx512;
mod portable;
mod sbox;
mod schedule;
#[cfg(target_arch = "x86_64")]
mod x86_aes;
#[cfg(target_arch = "x86_64")]
mod x86_aes_avx2;

pub use self::{
    backend::{Backend, backend},
    cipher::Cipher,
};

/// Round keys, in the order in which they are used.
type Keys = [u32; 32];

/// As many blocks as any backend has use for at once.
pub(super) const AT_ONCE: usize = 64;

/// A block of the traits' type.
pub(super) type Chunk = ::cipher::Block<Cipher>;
