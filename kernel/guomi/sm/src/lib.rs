//! The national algorithms SM2, SM3 and SM4 as a typed interface over bytes.
//!
//! The arithmetic of SM2 and SM3 is RustCrypto's (signatures are verified with points of our own over its field, in a time
//! that depends on what is public), that of SM4 is on the processor's own instructions; here they are given types that
//! keep keys out of logs and erase them, one [`Error`] that says what was wrong with an input without telling anything
//! about a key, and no way to panic.
//!
//! | module | standard |
//! |---|---|
//! | [`sm2`] | GB/T 32918 (GM/T 0003): elliptic curve signatures, encryption, key agreement |
//! | [`sm3`] | GB/T 32905 (GM/T 0004): hash; HMAC (RFC 2104) and key derivation over it |
//! | [`sm4`] | GB/T 32907 (GM/T 0002): block cipher and its modes |
//! | [`keys`] | keys in files: PKCS#8, encrypted or not, SEC 1, SubjectPublicKeyInfo |
//! | [`request`] | PKCS#10 (RFC 2986): requests for certificates |
//! | [`certificate`] | X.509 (RFC 5280, GM/T 0015): certificates of SM2, their issue and the verification of chains |
//! | [`pem`] | the text form of keys, requests and certificates (RFC 7468) |
//!
//! ```
//! use weihe_sm::sm2::{DEFAULT_ID, PrivateKey};
//!
//! let key = PrivateKey::generate()?;
//! let signature = key.sign(DEFAULT_ID, b"valve open")?;
//! key.public_key().verify(DEFAULT_ID, b"valve open", &signature)?;
//! # Ok::<(), weihe_sm::Error>(())
//! ```

#![deny(unsafe_code)]

pub mod certificate;
mod error;
pub mod keys;
mod name;
pub mod pem;
mod random;
pub mod request;
pub mod sm2;
pub mod sm3;
pub mod sm4;

pub use error::Error;
pub use random::random;
