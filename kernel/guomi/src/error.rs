//! Why something cannot be done with a key, in words for people that name the culprit.

use wasmtime::component::ResourceTableError;

use crate::keys::KeyError;

/// Why something cannot be done with a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuomiError {
    /// The key store has no such key.
    #[error("{0}")]
    UnknownKey(String),
    /// The grant does not cover it.
    #[error("{reason}")]
    NotGranted {
        /// The name that the plugin used.
        key: String,
        /// What is not covered.
        reason: String,
    },
    /// The key is not made for it.
    #[error("{0}")]
    WrongUse(String),
    /// An argument that has not its form.
    #[error("{0}")]
    Malformed(String),
    /// What did not decrypt.
    #[error("the ciphertext could not be decrypted")]
    Decrypt,
    /// More than one call may carry.
    #[error("{what}: {asked} is more than the {limit} that one call may carry")]
    TooLong {
        /// What: bytes of data, random bytes.
        what: &'static str,
        /// How many were asked for.
        asked: u64,
        /// How many there may be.
        limit: u64,
    },
    /// The key cannot be reached.
    #[error("{0}")]
    Unavailable(String),
    /// Too much to do.
    #[error("{0}")]
    Busy(String),
}

impl From<weihe_sm::Error> for GuomiError {
    fn from(error: weihe_sm::Error) -> Self {
        use weihe_sm::Error as Sm;
        match error {
            Sm::Decrypt | Sm::Exchange | Sm::Signature => Self::Decrypt,
            Sm::Random(_) => Self::Unavailable(error.to_string()),
            error => Self::Malformed(error.to_string()),
        }
    }
}

impl From<KeyError> for GuomiError {
    fn from(error: KeyError) -> Self {
        let text = error.to_string();
        match error {
            // Which other keys there are is nobody's business who has no grant for them.
            KeyError::Unknown { name, .. } => {
                Self::UnknownKey(format!("there is no key `{name}` in the key store"))
            }
            KeyError::UnknownVersion { .. } | KeyError::Gone { .. } => Self::UnknownKey(text),
            KeyError::Use { .. }
            | KeyError::Replaced { .. }
            | KeyError::NotExportable { .. }
            | KeyError::Unsuitable { .. } => Self::WrongUse(text),
            KeyError::Crypto(error) => error.into(),
            // Paths, and what a device says of itself, are for the operator.
            _ => {
                tracing::warn!("the key store: {text}");
                Self::Unavailable(
                    "the key store cannot be used; the host's log says why".to_owned(),
                )
            }
        }
    }
}

/// Whether a number that a guest named is within a limit.
pub fn within(what: &'static str, asked: u64, limit: u64) -> Result<(), GuomiError> {
    if asked > limit {
        return Err(GuomiError::TooLong { what, asked, limit });
    }
    Ok(())
}

/// What ends a call of a guest: an error that it is told, or a fault of the host, which ends the instance.
#[derive(Debug)]
pub enum Failure {
    /// The guest is told.
    Told(GuomiError),
    /// A bug.
    Bug(wasmtime::Error),
}

impl<E: Into<GuomiError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Told(error.into())
    }
}

impl Failure {
    /// A handle that is not there, which the engine should have noticed.
    pub fn handle(error: ResourceTableError) -> Self {
        Self::Bug(error.into())
    }
}
