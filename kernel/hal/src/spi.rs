//! SPI peripherals: what a backend offers.

use crate::error::HalError;

/// How a peripheral is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpiConfig {
    /// Clock polarity and phase: 0 to 3.
    pub mode: u8,
    /// The highest clock frequency in hertz; 0 for what the board says.
    pub frequency: u32,
    /// Whether the least significant bit goes first.
    pub lsb_first: bool,
}

/// A part of a transaction, during which the chip stays selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpiOperation {
    /// Reads as many bytes as the buffer has, while zeros go out.
    Read(Vec<u8>),
    /// Writes.
    Write(Vec<u8>),
    /// Writes what the buffer holds, and reads into it.
    Transfer(Vec<u8>),
    /// Waits, in nanoseconds.
    Delay(u32),
}

/// An open peripheral.
pub trait SpiDevice: Send + Sync {
    /// Carries out operations, one after the other.
    fn transaction(&self, operations: &mut [SpiOperation]) -> Result<(), HalError>;

    /// Changes how it is spoken to.
    fn configure(&self, config: &SpiConfig) -> Result<(), HalError>;
}
