//! Buses and peripherals that a guest has opened, and what one transaction may carry.

use std::sync::Arc;

use crate::capability::Place;
use crate::error::HalError;
use crate::i2c::{I2cBus, I2cError, I2cFault, I2cOperation};
use crate::limits::{I2C_BYTES, OPERATIONS, SPI_BYTES};
use crate::spi::{SpiDevice, SpiOperation};

/// A bus that a guest has opened.
#[derive(Clone)]
pub struct OpenBus {
    pub(super) alias: Arc<str>,
    pub(super) place: Place,
    pub(super) bus: Arc<dyn I2cBus>,
    /// Addresses that the device has claimed through this handle.
    pub(super) claimed: [u64; 2],
}

/// A peripheral that a guest has opened.
#[derive(Clone)]
pub struct OpenSpi {
    pub(super) device: Arc<dyn SpiDevice>,
    pub(super) place: Place,
}

impl OpenBus {
    /// What the board calls it.
    pub fn name(&self) -> &str {
        &self.place.name
    }

    /// Carries out a transaction whose address has been claimed; what was read is in the operations.
    pub async fn transaction(
        &self,
        address: u16,
        mut operations: Vec<I2cOperation>,
    ) -> Result<Vec<I2cOperation>, I2cError> {
        if operations.is_empty() {
            // Drivers refuse a transaction of nothing, each in words of its own.
            return Ok(operations);
        }
        let bus = self.bus.clone();
        let done = self.place.run(move |_| {
            let outcome = bus.transaction(address, &mut operations);
            Ok(outcome.map(|()| operations))
        });
        done.await.unwrap_or_else(|error| {
            Err(I2cError {
                fault: I2cFault::Other,
                message: error.to_string(),
            })
        })
    }

    /// Whether a transaction is within the limits: numbers of operations, and bytes of each.
    pub fn check(lengths: impl ExactSizeIterator<Item = u64>) -> Result<(), HalError> {
        within(
            "operations of a transaction",
            lengths.len() as u64,
            OPERATIONS,
        )?;
        for length in lengths {
            within("bytes of an I2C operation", length, I2C_BYTES)?;
        }
        Ok(())
    }
}

impl OpenSpi {
    /// Carries out operations.
    pub async fn transaction(
        &self,
        mut operations: Vec<SpiOperation>,
    ) -> Result<Vec<SpiOperation>, HalError> {
        if operations.is_empty() {
            return Ok(operations);
        }
        let device = self.device.clone();
        let done = self.place.run(move |_| {
            device.transaction(&mut operations)?;
            Ok(operations)
        });
        done.await
    }

    /// Whether a transaction is within the limits: numbers of operations, and bytes in all.
    pub fn check(lengths: impl ExactSizeIterator<Item = u64>) -> Result<(), HalError> {
        within(
            "operations of a transaction",
            lengths.len() as u64,
            OPERATIONS,
        )?;
        let bytes = lengths.fold(0_u64, u64::saturating_add);
        within("bytes of an SPI transaction", bytes, SPI_BYTES)
    }
}

/// Whether a number that a guest named is within a limit.
pub fn within(what: &'static str, asked: u64, limit: u64) -> Result<(), HalError> {
    if asked > limit {
        return Err(HalError::TooLong { what, asked, limit });
    }
    Ok(())
}
