//! What goes wrong with hardware.

use crate::bindings::hal::wasi::i2c::i2c as bus;
use crate::bindings::hal::weihe::hal::types as wit;
use crate::{CallError, Error};
use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use std::fmt;

/// Why hardware cannot be used. The texts name the culprit.
///
/// ```
/// # use weihe_sdk::{Error, hal::HalError};
/// // With `?` in a handler the event comes again where the trouble may pass.
/// assert!(matches!(Error::from(HalError::Gone("uart/1 was unplugged".into())), Error::Retry(_)));
/// assert!(matches!(Error::from(HalError::Denied("line `led`".into())), Error::Rejected(_)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HalError {
    /// There is no such line, bus, port or channel.
    Unknown(String),
    /// The grant does not cover it.
    Denied(String),
    /// Somebody else has it, whom the text names.
    Taken(String),
    /// The hardware or its driver cannot do this.
    Unsupported(String),
    /// An argument that makes no sense.
    Invalid(String),
    /// More bytes than one call may carry.
    TooLong(String),
    /// Nothing happened in time.
    Timeout(String),
    /// The hardware has vanished. Open it again later.
    Gone(String),
    /// Anything else that the driver reports.
    Failed(String),
}

impl HalError {
    /// What it says.
    ///
    /// ```
    /// # use weihe_sdk::hal::HalError;
    /// assert_eq!(HalError::Taken("led is taken by device `lamp`".into()).text(), "led is taken by device `lamp`");
    /// ```
    pub fn text(&self) -> &str {
        match self {
            HalError::Unknown(text)
            | HalError::Denied(text)
            | HalError::Taken(text)
            | HalError::Unsupported(text)
            | HalError::Invalid(text)
            | HalError::TooLong(text)
            | HalError::Timeout(text)
            | HalError::Gone(text)
            | HalError::Failed(text) => text,
        }
    }

    /// Whether the same may work later: timeout, gone or failed.
    ///
    /// ```
    /// # use weihe_sdk::hal::HalError;
    /// assert!(HalError::Timeout("uart/1: no byte in 1 s".into()).is_transient());
    /// assert!(!HalError::Unsupported("gpio/B3 has no pull-up".into()).is_transient());
    /// ```
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            HalError::Timeout(_) | HalError::Gone(_) | HalError::Failed(_)
        )
    }
}

impl fmt::Display for HalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for HalError {}

impl From<wit::Error> for HalError {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Unknown(text) => HalError::Unknown(text),
            wit::Error::Denied(text) => HalError::Denied(text),
            wit::Error::Taken(text) => HalError::Taken(text),
            wit::Error::Unsupported(text) => HalError::Unsupported(text),
            wit::Error::Invalid(text) => HalError::Invalid(text),
            wit::Error::TooLong(text) => HalError::TooLong(text),
            wit::Error::Timeout(text) => HalError::Timeout(text),
            wit::Error::Gone(text) => HalError::Gone(text),
            wit::Error::Failed(text) => HalError::Failed(text),
        }
    }
}

/// What is transient is retried; the rest is rejected.
impl From<HalError> for Error {
    fn from(error: HalError) -> Self {
        if error.is_transient() {
            Error::Retry(error.text().to_owned())
        } else {
            Error::Rejected(error.text().to_owned())
        }
    }
}

impl From<HalError> for CallError {
    fn from(error: HalError) -> Self {
        match error {
            HalError::Denied(text) => CallError::Denied(text),
            HalError::Timeout(text) => CallError::Timeout(text),
            other => Error::from(other).into(),
        }
    }
}

impl embedded_hal::digital::Error for HalError {
    fn kind(&self) -> embedded_hal::digital::ErrorKind {
        embedded_hal::digital::ErrorKind::Other
    }
}

impl embedded_hal::spi::Error for HalError {
    fn kind(&self) -> embedded_hal::spi::ErrorKind {
        embedded_hal::spi::ErrorKind::Other
    }
}

impl embedded_hal::pwm::Error for HalError {
    fn kind(&self) -> embedded_hal::pwm::ErrorKind {
        embedded_hal::pwm::ErrorKind::Other
    }
}

impl embedded_io::Error for HalError {
    fn kind(&self) -> embedded_io::ErrorKind {
        use embedded_io::ErrorKind;
        match self {
            HalError::Unknown(_) => ErrorKind::NotFound,
            HalError::Denied(_) => ErrorKind::PermissionDenied,
            HalError::Taken(_) => ErrorKind::AddrInUse,
            HalError::Unsupported(_) => ErrorKind::Unsupported,
            HalError::Invalid(_) | HalError::TooLong(_) => ErrorKind::InvalidInput,
            HalError::Timeout(_) => ErrorKind::TimedOut,
            HalError::Gone(_) => ErrorKind::NotConnected,
            HalError::Failed(_) => ErrorKind::Other,
        }
    }
}

/// Why an operation on an I2C bus failed: one of the cases of `embedded-hal`, and the kernel's words.
///
/// Drivers wrap it in errors of their own, which mostly have but a `Debug` form; that of this one is made for people,
/// too, so that `format!("{error:?}")` says `I2c(address 0x44 on i2c/1 does not acknowledge)`.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn poll(ctx: &mut Context) -> Result<(), Error> {
/// use embedded_hal::i2c::{Error as _, ErrorKind, I2c as _};
///
/// let mut bus = ctx.i2c("i2c/1")?;
/// match bus.write(0x44, &[0x94]) {
///     Err(error) if matches!(error.kind(), ErrorKind::NoAcknowledge(_)) => {
///         weihe_sdk::log::warn!("no sensor: {error}");
///     }
///     done => done?,
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct I2cError {
    kind: ErrorKind,
    text: Box<str>,
}

impl I2cError {
    /// An error with the host's words, or with some of its own when the host has none.
    pub(crate) fn new(code: bus::ErrorCode, address: u16, bus: &str, words: String) -> Self {
        use bus::{ErrorCode, NoAcknowledgeSource as Source};
        let (kind, what) = match code {
            ErrorCode::Bus => (ErrorKind::Bus, "meets a bus error"),
            ErrorCode::ArbitrationLoss => (ErrorKind::ArbitrationLoss, "loses the arbitration"),
            ErrorCode::Overrun => (ErrorKind::Overrun, "sends faster than is read"),
            ErrorCode::Other => (ErrorKind::Other, "fails"),
            ErrorCode::NoAcknowledge(source) => {
                let source = match source {
                    Source::Address => NoAcknowledgeSource::Address,
                    Source::Data => NoAcknowledgeSource::Data,
                    Source::Unknown => NoAcknowledgeSource::Unknown,
                };
                (ErrorKind::NoAcknowledge(source), "does not acknowledge")
            }
        };
        let text = match words.is_empty() {
            true => format!("address {address:#04x} on {bus} {what}"),
            false => words,
        };
        I2cError {
            kind,
            text: text.into(),
        }
    }

    #[cold]
    pub(crate) fn short(got: usize, wanted: usize) -> Self {
        I2cError {
            kind: ErrorKind::Other,
            text: format!("{got} bytes were read instead of {wanted}").into(),
        }
    }

    /// What it says.
    ///
    /// ```
    /// # use weihe_sdk::hal::I2cError;
    /// fn note(error: &I2cError) {
    ///     weihe_sdk::log::warn!("{}", error.text());
    /// }
    /// ```
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for I2cError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for I2cError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for I2cError {}

impl embedded_hal::i2c::Error for I2cError {
    fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// A bus may recover, and a chip may answer the next time.
impl From<I2cError> for Error {
    fn from(error: I2cError) -> Self {
        Error::Retry(error.text.into())
    }
}

impl From<I2cError> for CallError {
    fn from(error: I2cError) -> Self {
        CallError::Failed(error.text.into())
    }
}
