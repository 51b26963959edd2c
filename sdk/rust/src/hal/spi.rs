//! SPI peripherals.

use super::HalError;
use crate::bindings::hal::weihe::hal::spi as wit;
use crate::kernel::Peripheral;
use embedded_hal::spi::{ErrorType, Mode, Operation, Phase, Polarity, SpiDevice};
use std::borrow::Cow;
use std::rc::Rc;

/// How a peripheral wants to be spoken to: mode 0, as fast as the board allows, most significant bit first, unless
/// set otherwise.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// use weihe_sdk::hal::SpiOptions;
///
/// let converter = ctx.spi("converter", SpiOptions::new().hertz(1_000_000))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpiOptions {
    /// Polarity and phase.
    pub mode: Mode,
    /// The highest clock frequency, in hertz; 0 for what the board says.
    pub frequency: u32,
    /// Whether the least significant bit goes first.
    pub lsb_first: bool,
}

impl SpiOptions {
    /// Mode 0, as fast as the board allows, most significant bit first.
    ///
    /// ```
    /// # use weihe_sdk::hal::SpiOptions;
    /// assert_eq!(SpiOptions::new().mode, embedded_hal::spi::MODE_0);
    /// ```
    pub const fn new() -> Self {
        SpiOptions {
            mode: embedded_hal::spi::MODE_0,
            frequency: 0,
            lsb_first: false,
        }
    }

    /// With this polarity and phase.
    ///
    /// ```
    /// # use weihe_sdk::hal::SpiOptions;
    /// let display = SpiOptions::new().mode(embedded_hal::spi::MODE_3);
    /// ```
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// With at most so many bits in a second.
    ///
    /// ```
    /// # use weihe_sdk::hal::SpiOptions;
    /// assert_eq!(SpiOptions::new().hertz(1_000_000).frequency, 1_000_000);
    /// ```
    pub const fn hertz(mut self, frequency: u32) -> Self {
        self.frequency = frequency;
        self
    }
}

impl Default for SpiOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl From<SpiOptions> for wit::Options {
    fn from(options: SpiOptions) -> Self {
        wit::Options {
            mode: match (options.mode.polarity, options.mode.phase) {
                (Polarity::IdleLow, Phase::CaptureOnFirstTransition) => wit::Mode::Mode0,
                (Polarity::IdleLow, Phase::CaptureOnSecondTransition) => wit::Mode::Mode1,
                (Polarity::IdleHigh, Phase::CaptureOnFirstTransition) => wit::Mode::Mode2,
                (Polarity::IdleHigh, Phase::CaptureOnSecondTransition) => wit::Mode::Mode3,
            },
            frequency: options.frequency,
            lsb_first: options.lsb_first,
        }
    }
}

/// A peripheral on an SPI bus, from [`Context::spi`](crate::Context::spi). It implements
/// `embedded_hal::spi::SpiDevice`: the host selects the chip. One transaction carries at most 64 operations with 65536
/// bytes in all.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// use embedded_hal::spi::SpiDevice as _;
///
/// // Channel 0 of an MCP3008.
/// let mut converter = ctx.spi("converter", Default::default())?;
/// let mut bytes = [1, 0x80, 0];
/// converter.transfer_in_place(&mut bytes)?;
/// let value = u16::from(bytes[1] & 3) << 8 | u16::from(bytes[2]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Spi {
    peripheral: Rc<Peripheral>,
}

impl Spi {
    pub(super) fn new(peripheral: Peripheral) -> Self {
        Spi {
            peripheral: Rc::new(peripheral),
        }
    }
}

/// An operation as the host carries it out.
enum Part<'a> {
    Read(u64),
    Write(&'a [u8]),
    Transfer(Cow<'a, [u8]>),
    Delay(u32),
}

impl<'a> Part<'a> {
    fn new(operation: &'a Operation<'_, u8>) -> Self {
        match operation {
            Operation::Read(buffer) => Part::Read(buffer.len() as u64),
            Operation::Write(bytes) => Part::Write(bytes),
            // It lasts as long as the longer of both; zeros go out behind the last byte.
            Operation::Transfer(buffer, bytes) if buffer.len() > bytes.len() => {
                let mut padded = bytes.to_vec();
                padded.resize(buffer.len(), 0);
                Part::Transfer(Cow::Owned(padded))
            }
            Operation::Transfer(_, bytes) => Part::Transfer(Cow::Borrowed(bytes)),
            Operation::TransferInPlace(buffer) => Part::Transfer(Cow::Borrowed(buffer)),
            Operation::DelayNs(nanoseconds) => Part::Delay(*nanoseconds),
        }
    }

    fn as_param(&self) -> wit::Operation<'_> {
        match self {
            Part::Read(length) => wit::Operation::Read(*length),
            Part::Write(bytes) => wit::Operation::Write(bytes),
            Part::Transfer(bytes) => wit::Operation::Transfer(bytes),
            Part::Delay(nanoseconds) => wit::Operation::Delay(*nanoseconds),
        }
    }
}

#[cold]
fn short(got: usize, wanted: usize) -> HalError {
    HalError::Failed(format!("{got} bytes were read instead of {wanted}"))
}

impl ErrorType for Spi {
    type Error = HalError;
}

impl SpiDevice for Spi {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), HalError> {
        let parts: Vec<_> = operations.iter().map(Part::new).collect();
        let asked: Vec<_> = parts.iter().map(Part::as_param).collect();
        let answered = self.peripheral.transaction(&asked)?;
        drop(asked);
        drop(parts);
        // One answer for each operation.
        if answered.len() != operations.len() {
            return Err(short(0, operations.len()));
        }
        for (operation, bytes) in operations.iter_mut().zip(&answered) {
            let buffer: &mut [u8] = match operation {
                Operation::Read(buffer)
                | Operation::Transfer(buffer, _)
                | Operation::TransferInPlace(buffer) => buffer,
                Operation::Write(_) | Operation::DelayNs(_) => continue,
            };
            // What came in behind the buffer's end is of no interest.
            match bytes.get(..buffer.len()) {
                Some(bytes) => buffer.copy_from_slice(bytes),
                None => return Err(short(bytes.len(), buffer.len())),
            }
        }
        Ok(())
    }
}
