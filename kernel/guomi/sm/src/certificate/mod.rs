//! Certificates of SM2 (X.509: RFC 5280, GM/T 0015-2012), their issue, and the verification of chains.
//!
//! They are signed with SM2 and SM3 (1.2.156.10197.1.501) under the identity
//! [`DEFAULT_ID`](crate::sm2::DEFAULT_ID).
//!
//! ```
//! use std::time::{Duration, SystemTime};
//! use weihe_sm::{
//!     certificate::{Check, Order, Profile, Purpose, issue, self_signed, verify},
//!     sm2::PrivateKey,
//! };
//!
//! let year = Duration::from_secs(365 * 24 * 3600);
//! let now = SystemTime::now();
//! let order = |subject: &str, profile, hosts| Order {
//!     subject: subject.to_owned(),
//!     profile,
//!     hosts,
//!     not_before: now,
//!     not_after: now + year,
//! };
//! let root_key = PrivateKey::generate()?;
//! let root = self_signed(&root_key, &order("CN=Plant", Profile::Authority { path_length: Some(0) }, vec![]))?;
//!
//! let key = PrivateKey::generate()?;
//! let hosts = vec!["gateway.plant".parse()?, "192.0.2.7".parse()?];
//! let server = issue(&root, &root_key, &key.public_key(), &order("CN=gateway", Profile::Server, hosts))?;
//!
//! let host = "gateway.plant".parse()?;
//! verify(&server, &[], &[root], &Check::new(now, Purpose::Server).host(&host))?;
//! # Ok::<(), weihe_sm::Error>(())
//! ```

mod chain;
mod extensions;
mod fingerprint;
mod host;
mod issue;
mod parse;
mod path;
mod purpose;
mod refusal;
mod revoked;
mod show;

pub use chain::{Check, verify};
pub(crate) use extensions::Extensions;
pub use fingerprint::Fingerprint;
pub use host::Host;
pub(crate) use issue::{Holder, alternative_names, bits};
pub use issue::{Order, Profile, issue, self_signed};
pub use parse::Certificate;
pub(crate) use parse::expect_algorithm;
pub use path::{has_issued, path};
pub use purpose::Purpose;
pub use refusal::Refusal;
pub use revoked::Revoked;
