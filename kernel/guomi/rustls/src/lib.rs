//! TLS 1.3 with SM2, SM3 and SM4 (RFC 8998) for rustls: a [`CryptoProvider`](rustls::crypto::CryptoProvider) and
//! configurations made of nothing else.
//!
//! What most callers need are [`client_config`] and [`server_config`]: they speak TLS 1.3 only, offer the SM4 suites
//! only, agree on keys over curveSM2 only and take certificates signed with SM2 only. [`provider`] is what they are
//! built on.
//!
//! # Never mixed
//!
//! In TLS 1.3 the cipher suite, the group and the signature are chosen one by one. A provider that holds both these
//! suites and standard ones may therefore agree on SM4 with X25519, or on AES with an SM2 certificate: neither is what
//! RFC 8998 describes (it asks for curveSM2 and sm2sig_sm3 with an SM4 suite), nor what an assessment under GM/T rules
//! accepts. Keep two configurations, on two doors; nothing here makes a mixed one.
//!
//! # Keys
//!
//! [`certified_key_from_pem`] takes what files hold; [`SigningKey::elsewhere`] signs with a key that stays in a key
//! store, a card or an engine.
//!
//! ```
//! use rustls_guomi::{certified_key_from_pem, client_config, roots_from_pem, server_config};
//!
//! # let read = |name: &str| std::fs::read(format!("tests/pki/{name}"));
//! let identity = certified_key_from_pem(&read("server.pem")?, &read("server.key.pem")?)?;
//! let server = server_config(identity).build()?;
//! let client = client_config(roots_from_pem(&read("root.pem")?)?).build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(missing_docs)]

mod code_point;
mod config;
mod error;
mod group;
mod hash;
mod hkdf;
mod key;
mod provider;
mod record;
mod suite;
mod ticket;
mod verify;

pub use code_point::{CURVE_SM2, SM2SIG_SM3, TLS_SM4_CCM_SM3, TLS_SM4_GCM_SM3};
pub use config::{ClientBuilder, ServerBuilder, client_config, server_config};
pub use error::Error;
pub use key::{SigningKey, certified_key, certified_key_from_pem, roots_from_pem};
pub use provider::provider;
pub use ticket::ticketer;

/// The cipher suites, for a provider of one's own, and their names.
pub mod cipher_suite {
    pub use crate::code_point::{name, named};
    pub use crate::suite::{TLS_SM4_CCM_SM3, TLS_SM4_GCM_SM3};
}

/// The groups for the agreement on keys, for a provider of one's own.
pub mod kx_group {
    pub use crate::group::CURVE_SM2;
}

/// The identities that SM2 signatures are made under.
pub mod identity {
    /// That of certificates (GM/T 0009-2012, 10).
    pub const CERTIFICATE: &[u8] = weihe_sm::sm2::DEFAULT_ID;
    /// That of CertificateVerify (RFC 8998, 3.2.1).
    pub const CERTIFICATE_VERIFY: &[u8] = b"TLSv1.3+GM+Cipher+Suite";
}

/// The examples of the documents, so that they are tried.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[doc = include_str!("../README.zh-CN.md")]
struct Documents;
