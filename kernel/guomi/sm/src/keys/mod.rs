//! Keys in files.
//!
//! [`PrivateKey`](crate::sm2::PrivateKey) reads what OpenSSL writes with
//! [`from_pem`](crate::sm2::PrivateKey::from_pem) and [`from_der`](crate::sm2::PrivateKey::from_der): PKCS#8
//! (RFC 5958), encrypted or not, and the form of SEC 1 (RFC 5915). [`PublicKey`](crate::sm2::PublicKey) reads a
//! SubjectPublicKeyInfo (RFC 5280, 4.1.2.7).
//!
//! ```
//! use weihe_sm::sm2::PrivateKey;
//!
//! let key = PrivateKey::generate()?;
//! let text = key.to_pkcs8_pem()?;
//! assert_eq!(PrivateKey::from_pem(&text, None)?.public_key(), key.public_key());
//! # Ok::<(), weihe_sm::Error>(())
//! ```

mod encrypted;
mod pbes2;
mod private;
mod public;

pub use pbes2::{ITERATIONS, MAX_ITERATIONS, Prf};
pub(crate) use public::spki;
