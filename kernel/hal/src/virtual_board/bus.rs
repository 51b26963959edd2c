//! An I2C bus with devices that behave.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::i2c::{I2cBus, I2cError, I2cFault, I2cOperation};

/// A device on a bus, as its data sheet says.
pub trait I2cModel: Send {
    /// It is written to; none when a byte is not acknowledged.
    fn write(&mut self, bytes: &[u8]) -> Option<()>;

    /// It is read from; none when it does not acknowledge its address now.
    fn read(&mut self, bytes: &mut [u8]) -> Option<()>;
}

/// An I2C bus.
pub struct VirtualBus {
    name: String,
    devices: Mutex<BTreeMap<u16, Box<dyn I2cModel>>>,
}

impl VirtualBus {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            devices: Mutex::default(),
        }
    }

    pub(super) fn attach(&mut self, address: u16, model: Box<dyn I2cModel>) {
        let devices = self.devices.get_mut();
        devices
            .unwrap_or_else(PoisonError::into_inner)
            .insert(address, model);
    }
}

impl I2cBus for VirtualBus {
    fn transaction(&self, address: u16, operations: &mut [I2cOperation]) -> Result<(), I2cError> {
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(device) = devices.get_mut(&address) else {
            return Err(I2cError {
                fault: I2cFault::AddressNack,
                message: format!("nobody answers at address {address:#04x} on {}", self.name),
            });
        };
        for operation in operations {
            let done = match operation {
                I2cOperation::Read(bytes) => device.read(bytes).ok_or(I2cFault::AddressNack),
                I2cOperation::Write(bytes) => device.write(bytes).ok_or(I2cFault::DataNack),
            };
            done.map_err(|fault| I2cError {
                fault,
                message: format!(
                    "address {address:#04x} on {} does not acknowledge",
                    self.name
                ),
            })?;
        }
        Ok(())
    }
}
