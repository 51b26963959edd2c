//! SM3 (GB/T 32905-2016, GM/T 0004-2012), and what is built on it.

mod hash;
mod hmac;

pub use hash::{Sm3, digest};
pub use hmac::Hmac;

/// Bytes of a digest.
pub const DIGEST: usize = 32;
