use std::io;
use std::path::PathBuf;

use super::{Algorithm, Use, Uses};

/// What went wrong with a key. No text has anything of a key or a passphrase in it.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not a name.
    #[error(
        "`{0}` cannot be the name of a key: a lower-case letter, then lower-case letters, digits, `-` and `_`, 64 at most"
    )]
    Name(String),
    /// There is no such key.
    #[error("there is no key `{name}`{}", nearby(.known))]
    Unknown {
        /// The name.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// There is no such version.
    #[error("key `{name}` has no version {version}")]
    UnknownVersion {
        /// The key.
        name: String,
        /// The number.
        version: u32,
    },
    /// There is one already.
    #[error("there is a key `{name}` already; `weihe key rotate {name}` makes a new version of it")]
    Exists {
        /// The key.
        name: String,
    },
    /// A key without a use.
    #[error("key `{name}` would be of no use: name one at least")]
    NoUse {
        /// The key.
        name: String,
    },
    /// A use that the algorithm does not have.
    #[error("{algorithm} cannot be used to {wanted}, only to: {possible}")]
    UselessUse {
        /// The algorithm.
        algorithm: Algorithm,
        /// The use.
        wanted: Use,
        /// What it can be used to.
        possible: Uses,
    },
    /// A use that the key does not allow.
    #[error("key `{name}` ({algorithm}) may not be used to {wanted}, only to: {allowed}")]
    Use {
        /// The key.
        name: String,
        /// Its algorithm.
        algorithm: Algorithm,
        /// The use.
        wanted: Use,
        /// What it may be used to.
        allowed: Uses,
    },
    /// A use that old versions do not allow.
    #[error(
        "version {version} of key `{name}` was replaced by a newer one: it still verifies and decrypts, but may not be used to {wanted}"
    )]
    Replaced {
        /// The key.
        name: String,
        /// The old version.
        version: u32,
        /// The use.
        wanted: Use,
    },
    /// The key stays in.
    #[error(
        "key `{name}` is not exportable: it was not made with `--exportable`, and that cannot be changed"
    )]
    NotExportable {
        /// The key.
        name: String,
    },
    /// What this algorithm, or this device, cannot do.
    #[error("key `{name}` ({algorithm}, kept by {provider}) cannot {what}")]
    Unsuitable {
        /// The key.
        name: String,
        /// Its algorithm.
        algorithm: Algorithm,
        /// Who keeps it.
        provider: String,
        /// What it should do.
        what: &'static str,
    },
    /// A secret of another algorithm.
    #[error("this is a key of {found}, not of {expected}")]
    Algorithm {
        /// The algorithm of the key.
        expected: Algorithm,
        /// The algorithm of the secret.
        found: Algorithm,
    },
    /// A provider cannot keep such keys.
    #[error("{provider} cannot do {algorithm}: {reason}")]
    Unable {
        /// Who.
        provider: String,
        /// The algorithm.
        algorithm: Algorithm,
        /// Why.
        reason: String,
    },
    /// What the algorithm said.
    #[error(transparent)]
    Crypto(#[from] weihe_sm::Error),
    /// A file or folder could not be read or written.
    #[error("{what} {}: {source}", .path.display())]
    File {
        /// What was tried: `cannot read`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The names that there are, for an error.
fn nearby(known: &[String]) -> String {
    match known {
        [] => "; there are no keys yet".to_owned(),
        known => format!("; there are: {}", known.join(", ")),
    }
}
