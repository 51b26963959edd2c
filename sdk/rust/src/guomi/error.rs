//! What goes wrong with keys and what is computed with them.

use crate::bindings::guomi::weihe::guomi::types as wit;
use crate::{CallError, Error};
use std::fmt;

/// Why something was not done. The texts name the culprit.
///
/// ```
/// # use weihe_sdk::{Error, guomi::GuomiError};
/// // With `?` in a handler the event comes again where the trouble may pass.
/// assert!(matches!(Error::from(GuomiError::Unavailable("the key store is locked".into())), Error::Retry(_)));
/// assert!(matches!(Error::from(GuomiError::Mismatch), Error::Rejected(_)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuomiError {
    /// The key store has no such key.
    UnknownKey(String),
    /// The grant does not cover the key, or this use of it.
    NotGranted(String),
    /// The key cannot be used so.
    WrongUse(String),
    /// An argument has not the form that it must have.
    Malformed(String),
    /// A ciphertext could not be decrypted, or a confirmation is wrong. There is no more to know.
    DecryptFailed,
    /// A signature or a code does not belong to the data and the key.
    Mismatch,
    /// More bytes than one call may carry.
    TooLong(String),
    /// The key cannot be reached now.
    Unavailable(String),
    /// There is too much to do, or too many handles are open.
    Busy(String),
}

impl GuomiError {
    /// What it says.
    ///
    /// ```
    /// # use weihe_sdk::guomi::GuomiError;
    /// assert_eq!(GuomiError::DecryptFailed.text(), "the ciphertext could not be decrypted");
    /// ```
    pub fn text(&self) -> &str {
        match self {
            GuomiError::UnknownKey(text)
            | GuomiError::NotGranted(text)
            | GuomiError::WrongUse(text)
            | GuomiError::Malformed(text)
            | GuomiError::TooLong(text)
            | GuomiError::Unavailable(text)
            | GuomiError::Busy(text) => text,
            GuomiError::DecryptFailed => "the ciphertext could not be decrypted",
            GuomiError::Mismatch => "the signature or code does not belong to the data and the key",
        }
    }

    /// Whether the same may work later: unavailable or busy.
    ///
    /// ```
    /// # use weihe_sdk::guomi::GuomiError;
    /// assert!(GuomiError::Busy("256 handles are open".into()).is_transient());
    /// assert!(!GuomiError::DecryptFailed.is_transient());
    /// ```
    pub fn is_transient(&self) -> bool {
        matches!(self, GuomiError::Unavailable(_) | GuomiError::Busy(_))
    }
}

impl fmt::Display for GuomiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for GuomiError {}

impl From<wit::Error> for GuomiError {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::UnknownKey(text) => GuomiError::UnknownKey(text),
            wit::Error::NotGranted(text) => GuomiError::NotGranted(text),
            wit::Error::WrongUse(text) => GuomiError::WrongUse(text),
            wit::Error::Malformed(text) => GuomiError::Malformed(text),
            wit::Error::DecryptFailed => GuomiError::DecryptFailed,
            wit::Error::TooLong(text) => GuomiError::TooLong(text),
            wit::Error::Unavailable(text) => GuomiError::Unavailable(text),
            wit::Error::Busy(text) => GuomiError::Busy(text),
        }
    }
}

impl From<GuomiError> for Error {
    fn from(error: GuomiError) -> Self {
        match error.is_transient() {
            true => Error::Retry(error.text().to_owned()),
            false => Error::Rejected(error.text().to_owned()),
        }
    }
}

impl From<GuomiError> for CallError {
    fn from(error: GuomiError) -> Self {
        match error {
            GuomiError::NotGranted(text) => CallError::Denied(text),
            other => Error::from(other).into(),
        }
    }
}

impl From<GuomiError> for std::io::Error {
    fn from(error: GuomiError) -> Self {
        std::io::Error::other(error)
    }
}

/// Whether what was checked is right.
pub(super) fn right(right: bool) -> Result<(), GuomiError> {
    match right {
        true => Ok(()),
        false => Err(GuomiError::Mismatch),
    }
}
