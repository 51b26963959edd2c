//! SPI peripherals.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::core::Core;
use super::fault::{Fault, Forces};
use super::models::{Bench, SpiModel};
use crate::error::HalError;
use crate::spi::{SpiConfig, SpiDevice, SpiOperation};

/// A peripheral.
pub struct Spi {
    /// What the board calls it.
    pub name: String,
    /// The bus that it is on.
    pub bus: String,
    slot: Mutex<Slot>,
}

/// What is at a select line.
pub struct Slot {
    /// How it behaves.
    pub model: Box<dyn SpiModel>,
    /// What is wrong with it.
    pub faults: Forces,
    /// Transactions.
    pub done: u64,
}

impl Spi {
    /// A peripheral on a bus.
    pub fn new(name: &str, bus: &str, model: Box<dyn SpiModel>) -> Self {
        Self {
            name: name.to_owned(),
            bus: bus.to_owned(),
            slot: Mutex::new(Slot {
                model,
                faults: Forces::default(),
                done: 0,
            }),
        }
    }

    /// What is at the select line.
    pub fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open peripheral.
pub struct OpenSpi {
    /// The board.
    pub core: Arc<Core>,
    /// The peripheral.
    pub spi: Arc<Spi>,
    /// How it is spoken to.
    pub config: Mutex<SpiConfig>,
}

impl OpenSpi {
    /// Opens a peripheral.
    pub fn new(core: Arc<Core>, spi: Arc<Spi>, config: &SpiConfig) -> Result<Self, HalError> {
        let opened = Self {
            core,
            spi,
            config: Mutex::new(*config),
        };
        opened.check(config)?;
        Ok(opened)
    }

    fn check(&self, config: &SpiConfig) -> Result<(), HalError> {
        if config.mode > 3 {
            let text = format!(
                "{}: SPI has modes 0 to 3, not {}",
                self.spi.name, config.mode
            );
            return Err(HalError::Invalid(text));
        }
        Ok(())
    }
}

impl SpiDevice for OpenSpi {
    fn transaction(&self, operations: &mut [SpiOperation]) -> Result<(), HalError> {
        self.core.catch_up();
        let config = *self.config.lock().unwrap_or_else(PoisonError::into_inner);
        let mut slot = self.spi.slot();
        let bench = Bench::new(&self.core);
        let unplugged = slot
            .faults
            .show(|fault| matches!(fault, Fault::Unplugged).then_some(()));
        // Whoever speaks to nobody, or in a way that the chip does not understand, reads what an open line
        // happens to give: ones.
        let heard = unplugged.is_none() && slot.model.modes().contains(&config.mode);
        if heard {
            slot.model.select(&bench);
        }
        let mut exchange = |out: u8| -> u8 {
            if !heard {
                return 0xff;
            }
            let turned = |byte: u8| {
                if config.lsb_first {
                    byte.reverse_bits()
                } else {
                    byte
                }
            };
            turned(slot.model.exchange(turned(out), &bench))
        };
        for operation in operations {
            match operation {
                SpiOperation::Read(bytes) => bytes.fill_with(|| exchange(0)),
                SpiOperation::Write(bytes) => bytes.iter().for_each(|byte| {
                    exchange(*byte);
                }),
                SpiOperation::Transfer(bytes) => {
                    for byte in bytes {
                        *byte = exchange(*byte);
                    }
                }
                // Time does not pass for the chip while it is selected.
                SpiOperation::Delay(_) => {}
            }
        }
        slot.done += 1;
        drop(slot);
        self.core.react();
        Ok(())
    }

    fn configure(&self, config: &SpiConfig) -> Result<(), HalError> {
        self.check(config)?;
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = *config;
        Ok(())
    }
}
