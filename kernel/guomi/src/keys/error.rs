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
    /// A version that was destroyed while it was open.
    #[error(
        "version {version} of key `{name}` is not there any more: it was destroyed after it was opened here"
    )]
    Gone {
        /// The key.
        name: String,
        /// Its version.
        version: u32,
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
    /// What cannot stand in the header of a key.
    #[error("the header of the key cannot be written: {0}")]
    Header(String),
    /// What cannot be a secret of its algorithm.
    #[error("this is no key of {algorithm}: {reason}")]
    Secret {
        /// The algorithm.
        algorithm: Algorithm,
        /// What it has to be.
        reason: String,
    },
    /// The version that is in use, while older ones are there.
    #[error(
        "version {version} of key `{name}` is the one in use: `weihe key rotate {name}` first, or destroy the key with all its versions"
    )]
    InUse {
        /// The key.
        name: String,
        /// Its version.
        version: u32,
    },
    /// A certificate of another key.
    #[error("the certificate is for another key than `{name}`, version {version}")]
    OtherCertificate {
        /// The key.
        name: String,
        /// Its version.
        version: u32,
    },
    /// There is no store in the folder.
    #[error("there is no key store in {} yet; `weihe key new` makes one", .0.display())]
    NoStore(PathBuf),
    /// There is one already.
    #[error("there is a key store in {} already", .0.display())]
    StoreExists(PathBuf),
    /// Nothing says the passphrase.
    #[error("the key store in {} is protected by a passphrase, and there is none: set WEIHE_KEY_PASSPHRASE, or name a file with `passphrase-file` in [keys]", .0.display())]
    NoPassphrase(PathBuf),
    /// It does not open the store.
    #[error("the passphrase does not open the key store in {}", .0.display())]
    WrongPassphrase(PathBuf),
    /// A passphrase without a character.
    #[error("a passphrase cannot be empty")]
    EmptyPassphrase,
    /// The machine is not the one where the store was made.
    #[error("the key store in {} is bound to the machine where it was made, and this is another one, or `machine.key` or /etc/machine-id was replaced", .0.display())]
    OtherMachine(PathBuf),
    /// A number of rounds that is too small or too large.
    #[error("{0}")]
    Rounds(String),
    /// Others can read or write it.
    #[error("others have access to {} (mode {mode:04o}): `chmod {wanted}` it, and think of what they may have read", .path.display())]
    Permissions {
        /// The file or folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// What its mode has to be.
        wanted: &'static str,
    },
    /// It belongs to another user.
    #[error("{} belongs to user {owner}, and this is user {own}: keys are opened by their owner only", .path.display())]
    Owner {
        /// The file or folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who wants it.
        own: u32,
    },
    /// Another writes.
    #[error("another process has been writing to the key store in {} for more than ten seconds", .0.display())]
    Locked(PathBuf),
    /// A file that cannot be used.
    #[error("{} cannot be used: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What a device said.
    #[error("{device}: {reason}")]
    Device {
        /// The device.
        device: String,
        /// What it said.
        reason: String,
    },
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
