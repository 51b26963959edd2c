//! What goes wrong, in words for the operator.

use crate::bindings::imports::weihe::connection as wit_connection;
use crate::bindings::imports::weihe::plugin as wit;
use std::fmt;
use wit::types::CallError as WitCallError;

/// What went wrong in a hook. The text names the culprit.
///
/// ```
/// # use weihe_sdk::Error;
/// fn parse(text: &str) -> Result<f64, Error> {
///     // It will be no number the next time either.
///     weihe_sdk::number::parse(text).ok_or_else(|| Error::rejected(format!("`{text}` is no number")))
/// }
/// assert_eq!(parse("x").unwrap_err().to_string(), "`x` is no number");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The input can never be handled: it goes to `$dead/<device>` at once.
    Rejected(String),
    /// The input could be handled later: it is delivered again, with `attempt` one higher.
    Retry(String),
    /// The plugin cannot go on. From `start` it fails the device; from another hook it counts as a
    /// trap.
    Fatal(String),
}

impl Error {
    /// The input can never be handled.
    ///
    /// ```
    /// # use weihe_sdk::Error;
    /// assert_eq!(Error::rejected("no number"), Error::Rejected("no number".to_owned()));
    /// ```
    pub fn rejected(text: impl Into<String>) -> Self {
        Error::Rejected(text.into())
    }

    /// The input could be handled later.
    ///
    /// ```
    /// # use weihe_sdk::Error;
    /// let busy = Error::retry("the modem is dialling");
    /// assert!(matches!(busy, Error::Retry(_)));
    /// ```
    pub fn retry(text: impl Into<String>) -> Self {
        Error::Retry(text.into())
    }

    /// The plugin cannot go on.
    ///
    /// ```
    /// # use weihe_sdk::Error;
    /// # let period = 0;
    /// if period == 0 {
    ///     let error = Error::fatal("config: `period` is zero");
    /// #   assert!(matches!(error, Error::Fatal(_)));
    /// }
    /// ```
    pub fn fatal(text: impl Into<String>) -> Self {
        Error::Fatal(text.into())
    }

    /// What it says.
    ///
    /// ```
    /// # use weihe_sdk::Error;
    /// assert_eq!(Error::retry("disk full").text(), "disk full");
    /// ```
    pub fn text(&self) -> &str {
        match self {
            Error::Rejected(text) | Error::Retry(text) | Error::Fatal(text) => text,
        }
    }

    /// The same words with what was being done before them.
    ///
    /// ```
    /// # use weihe_sdk::Error;
    /// let error = Error::retry("disk full").while_doing("storing 12 rows");
    /// assert_eq!(error, Error::retry("storing 12 rows: disk full"));
    /// ```
    pub fn while_doing(self, what: impl fmt::Display) -> Self {
        match self {
            Error::Rejected(text) => Error::Rejected(format!("{what}: {text}")),
            Error::Retry(text) => Error::Retry(format!("{what}: {text}")),
            Error::Fatal(text) => Error::Fatal(format!("{what}: {text}")),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Error {}

impl From<Error> for wit::types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Rejected(text) => wit::types::Error::Rejected(text),
            Error::Retry(text) => wit::types::Error::Retry(text),
            Error::Fatal(text) => wit::types::Error::Fatal(text),
        }
    }
}

/// Why a command was not carried out. The text names the culprit.
///
/// ```
/// # use weihe_sdk::CallError;
/// fn checked(percent: u8) -> Result<u8, CallError> {
///     match percent {
///         0..=100 => Ok(percent),
///         _ => Err(CallError::invalid_argument(format!("`percent` is {percent}, above 100"))),
///     }
/// }
/// assert_eq!(checked(200).unwrap_err().text(), "`percent` is 200, above 100");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// There is no such device.
    UnknownDevice(String),
    /// The device has no such command.
    UnknownCommand(String),
    /// An argument is missing, of the wrong type or out of range.
    InvalidArgument(String),
    /// The caller has no grant for it.
    Denied(String),
    /// The device cannot do it now: link down, not started, queue full.
    Unavailable(String),
    /// No answer within the deadline.
    Timeout(String),
    /// It was tried and failed.
    Failed(String),
}

impl CallError {
    /// An argument is missing, of the wrong type or out of range.
    ///
    /// ```
    /// # use weihe_sdk::CallError;
    /// let error = CallError::invalid_argument("`percent` is above 100");
    /// assert!(matches!(error, CallError::InvalidArgument(_)));
    /// ```
    pub fn invalid_argument(text: impl Into<String>) -> Self {
        CallError::InvalidArgument(text.into())
    }

    /// The device cannot do it now.
    ///
    /// ```
    /// # use weihe_sdk::CallError;
    /// let error = CallError::unavailable("the link is down");
    /// assert!(matches!(error, CallError::Unavailable(_)));
    /// ```
    pub fn unavailable(text: impl Into<String>) -> Self {
        CallError::Unavailable(text.into())
    }

    /// It was tried and failed.
    ///
    /// ```
    /// # use weihe_sdk::CallError;
    /// let error = CallError::failed("the valve is stuck");
    /// assert!(matches!(error, CallError::Failed(_)));
    /// ```
    pub fn failed(text: impl Into<String>) -> Self {
        CallError::Failed(text.into())
    }

    /// What it says.
    ///
    /// ```
    /// # use weihe_sdk::CallError;
    /// assert_eq!(CallError::failed("the valve is stuck").text(), "the valve is stuck");
    /// ```
    pub fn text(&self) -> &str {
        match self {
            CallError::UnknownDevice(text)
            | CallError::UnknownCommand(text)
            | CallError::InvalidArgument(text)
            | CallError::Denied(text)
            | CallError::Unavailable(text)
            | CallError::Timeout(text)
            | CallError::Failed(text) => text,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for CallError {}

macro_rules! same_variants {
    ($ours:ident, $theirs:ident, $($variant:ident)*) => {
        impl From<$ours> for $theirs {
            fn from(error: $ours) -> Self {
                match error { $( $ours::$variant(text) => $theirs::$variant(text), )* }
            }
        }

        impl From<$theirs> for $ours {
            fn from(error: $theirs) -> Self {
                match error { $( $theirs::$variant(text) => $ours::$variant(text), )* }
            }
        }
    };
}

same_variants!(CallError, WitCallError,
    UnknownDevice UnknownCommand InvalidArgument Denied Unavailable Timeout Failed);

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unavailable(text) | CallError::Timeout(text) => Error::Retry(text),
            other => Error::Rejected(other.text().to_owned()),
        }
    }
}

/// An error in a command's handler: it was tried and failed, or (retry) cannot be done now.
impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        match error {
            Error::Retry(text) => CallError::Unavailable(text),
            Error::Rejected(text) | Error::Fatal(text) => CallError::Failed(text),
        }
    }
}

/// Why the kernel refuses what a plugin asks of it.
///
/// ```
/// # use weihe_sdk::{Error, Refused};
/// // With `?` it becomes the handler's error: a limit may be free again later.
/// assert!(matches!(Error::from(Refused::Limit("outbox".into())), Error::Retry(_)));
/// assert!(matches!(Error::from(Refused::Denied("a/b".into())), Error::Rejected(_)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// No grant covers it.
    Denied(String),
    /// A topic, filter, timer or request is not valid.
    Invalid(String),
    /// A limit is reached: outbox, topics, subscriptions, timers.
    Limit(String),
    /// No connection, bucket or database of this name is configured.
    Unknown(String),
    /// Another device holds it.
    Taken(String),
    /// It failed in the host.
    Failed(String),
}

impl Refused {
    /// What it says.
    ///
    /// ```
    /// # use weihe_sdk::Refused;
    /// assert_eq!(Refused::Unknown("no bucket `x`".into()).text(), "no bucket `x`");
    /// ```
    pub fn text(&self) -> &str {
        match self {
            Refused::Denied(text)
            | Refused::Invalid(text)
            | Refused::Limit(text)
            | Refused::Unknown(text)
            | Refused::Taken(text)
            | Refused::Failed(text) => text,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Refused {}

/// A limit may be free again later; the rest stays as it is.
impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Limit(text) | Refused::Failed(text) => Error::Retry(text),
            other => Error::Rejected(other.text().to_owned()),
        }
    }
}

impl From<Refused> for CallError {
    fn from(refused: Refused) -> Self {
        Error::from(refused).into()
    }
}

impl From<wit::bus::BusError> for Refused {
    fn from(error: wit::bus::BusError) -> Self {
        match error {
            wit::bus::BusError::Denied(text) => Refused::Denied(text),
            wit::bus::BusError::Invalid(text) => Refused::Invalid(text),
            wit::bus::BusError::Limit(text) => Refused::Limit(text),
        }
    }
}

impl From<wit::schedule::ScheduleError> for Refused {
    fn from(error: wit::schedule::ScheduleError) -> Self {
        match error {
            wit::schedule::ScheduleError::Invalid(text) => Refused::Invalid(text),
            wit::schedule::ScheduleError::Limit(text) => Refused::Limit(text),
        }
    }
}

impl From<wit_connection::connections::OpenError> for Refused {
    fn from(error: wit_connection::connections::OpenError) -> Self {
        use wit_connection::connections::OpenError;
        match error {
            OpenError::Unknown(text) => Refused::Unknown(text),
            OpenError::Denied(text) => Refused::Denied(text),
            OpenError::Taken(text) => Refused::Taken(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_was_being_done() {
        let error = Error::retry("disk full").while_doing("`readings`");
        assert_eq!(error.to_string(), "`readings`: disk full");
        assert!(matches!(error, Error::Retry(_)));
    }

    #[test]
    fn what_may_pass_is_retried() {
        assert!(matches!(
            Error::from(Refused::Limit("outbox".into())),
            Error::Retry(_)
        ));
        assert!(matches!(
            Error::from(Refused::Denied("x".into())),
            Error::Rejected(_)
        ));
        assert!(matches!(
            CallError::from(Error::retry("busy")),
            CallError::Unavailable(_)
        ));
    }
}
