//! SM3 (GB/T 32905-2016, GM/T 0004-2012), and what is built on it.

mod hash;
pub mod hkdf;
mod hmac;
mod kdf;
mod pbkdf2;

pub use hash::{Sm3, digest};
pub use hmac::Hmac;
pub use kdf::kdf;
pub(crate) use kdf::kdf_of_parts;
pub use pbkdf2::pbkdf2;

/// Bytes of a digest.
pub const DIGEST: usize = 32;
