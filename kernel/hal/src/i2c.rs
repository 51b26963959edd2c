//! I2C buses: what a backend offers.

/// What a bus is asked to do: in one transaction, with a repeated start between operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum I2cOperation {
    /// Reads as many bytes as the buffer has.
    Read(Vec<u8>),
    /// Writes.
    Write(Vec<u8>),
}

/// What went wrong, as far as guests are told (`wasi:i2c/i2c` `error-code`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum I2cFault {
    /// The bus: a stuck line, a start or stop where none belongs.
    Bus,
    /// Another master was faster.
    ArbitrationLoss,
    /// Nobody at this address.
    AddressNack,
    /// A byte was not acknowledged.
    DataNack,
    /// One of both.
    Nack,
    /// Bytes came faster than they were fetched.
    Overrun,
    /// Anything else: a timeout, something that the adapter cannot do.
    Other,
}

/// Why a transaction failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct I2cError {
    /// For the guest.
    pub fault: I2cFault,
    /// For people, naming bus and address.
    pub message: String,
}

/// An open bus.
pub trait I2cBus: Send + Sync {
    /// Carries out a transaction with a 7-bit address. Transactions of several threads go one after the
    /// other.
    fn transaction(&self, address: u16, operations: &mut [I2cOperation]) -> Result<(), I2cError>;
}
