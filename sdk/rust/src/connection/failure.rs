//! Why an exchange fails, and what becomes of it where it is a handler's error.

use crate::bindings::imports::weihe::connection::types as wit;
use std::fmt;

/// Why an exchange failed.
///
/// ```
/// # use weihe_sdk::{Error, Failure};
/// let failure = Failure::Timeout(b"21.".to_vec());
/// assert_eq!(failure.to_string(), "no complete reply in time, only 3 bytes");
/// // What may pass is tried again where it becomes a handler's error.
/// assert!(matches!(Error::from(failure), Error::Retry(_)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No complete reply in time; the bytes that did come are here.
    Timeout(Vec<u8>),
    /// The deadline passed before the line was free.
    Expired,
    /// The connection is down or broke during the exchange.
    LinkDown(String),
    /// The reply cannot be framed: too long, or the codec failed.
    Framing(String),
    /// The connection's queue is full.
    QueueFull,
    /// Cancelled by the device, or the device ended.
    Cancelled,
    /// The request itself is wrong.
    Invalid(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Timeout(bytes) if bytes.is_empty() => write!(f, "no reply in time"),
            Failure::Timeout(bytes) => {
                write!(f, "no complete reply in time, only {} bytes", bytes.len())
            }
            Failure::Expired => write!(f, "the line was not free before the deadline"),
            Failure::LinkDown(text) => write!(f, "the link is down: {text}"),
            Failure::Framing(text) => write!(f, "the reply is no frame: {text}"),
            Failure::QueueFull => write!(f, "the connection's queue is full"),
            Failure::Cancelled => write!(f, "cancelled"),
            Failure::Invalid(text) => write!(f, "the request is wrong: {text}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<wit::Failure> for Failure {
    fn from(failure: wit::Failure) -> Self {
        match failure {
            wit::Failure::Timeout(bytes) => Failure::Timeout(bytes),
            wit::Failure::Expired => Failure::Expired,
            wit::Failure::LinkDown(text) => Failure::LinkDown(text),
            wit::Failure::Framing(text) => Failure::Framing(text),
            wit::Failure::QueueFull => Failure::QueueFull,
            wit::Failure::Cancelled => Failure::Cancelled,
            wit::Failure::Invalid(text) => Failure::Invalid(text),
        }
    }
}

/// A wrong request is rejected, all else may pass.
impl From<Failure> for crate::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Invalid(_) | Failure::Framing(_) => {
                crate::Error::Rejected(failure.to_string())
            }
            _ => crate::Error::Retry(failure.to_string()),
        }
    }
}

impl From<Failure> for crate::CallError {
    fn from(failure: Failure) -> Self {
        use crate::CallError;
        let text = failure.to_string();
        match failure {
            Failure::Timeout(_) | Failure::Expired => CallError::Timeout(text),
            Failure::LinkDown(_) | Failure::QueueFull => CallError::Unavailable(text),
            _ => CallError::Failed(text),
        }
    }
}
