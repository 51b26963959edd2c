//! Calls of commands.

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// Names one call of a command; never used twice, also across restarts of the host.
pub type CallId = u64;

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", content = "message", rename_all = "kebab-case")]
pub enum CallError {
    /// There is no such device.
    #[error("{0}")]
    UnknownDevice(String),
    /// The device has no such command.
    #[error("{0}")]
    UnknownCommand(String),
    /// An argument is missing, of the wrong type or out of range.
    #[error("{0}")]
    InvalidArgument(String),
    /// The caller has no grant for it.
    #[error("{0}")]
    Denied(String),
    /// The device cannot do it now.
    #[error("{0}")]
    Unavailable(String),
    /// No answer within the deadline.
    #[error("{0}")]
    Timeout(String),
    /// It was tried and failed.
    #[error("{0}")]
    Failed(String),
}

impl CallError {
    /// Its words.
    pub fn text(&self) -> &str {
        match self {
            Self::UnknownDevice(text)
            | Self::UnknownCommand(text)
            | Self::InvalidArgument(text)
            | Self::Denied(text)
            | Self::Unavailable(text)
            | Self::Timeout(text)
            | Self::Failed(text) => text,
        }
    }
}

/// A call on its way to a device.
#[derive(Debug)]
pub struct Call {
    /// Its name.
    pub id: CallId,
    /// The command.
    pub command: String,
    /// A JSON object.
    pub arguments: String,
    /// A device's name, or `operator`.
    pub caller: String,
    /// Until when the answer is awaited, in nanoseconds since 1970.
    pub deadline: u64,
    /// Where the answer goes. A caller that has given up has dropped the other end.
    pub answer: oneshot::Sender<Result<String, CallError>>,
}
