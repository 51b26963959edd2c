//! The hardware of this machine, by way of Linux.

use std::path::Path;
use std::sync::Arc;

use crate::adc::AdcChannel;
use crate::error::HalError;
use crate::gpio::{EdgeSink, Line, LineConfig};
use crate::hardware::{Hardware, Kind};
use crate::i2c::I2cBus;
use crate::pwm::PwmChannel;
use crate::serial::{Port, PortSettings};
use crate::spi::{SpiConfig, SpiDevice};

/// The hardware of this machine.
pub struct LinuxBoard {}

impl LinuxBoard {
    /// The machine whose `/proc`, `/sys`, `/dev` and `/etc` lie below a root.
    pub fn new(_root: &Path) -> Self {
        Self {}
    }

    fn unknown(kind: Kind, name: &str) -> HalError {
        HalError::Unknown {
            kind: kind.words(),
            name: name.to_owned(),
            similar: Vec::new(),
        }
    }
}

impl Hardware for LinuxBoard {
    fn resolve(&self, kind: Kind, name: &str) -> Result<String, HalError> {
        Err(Self::unknown(kind, name))
    }

    fn blocks(&self) -> bool {
        true
    }

    fn line(&self, name: &str, _: &LineConfig, _: EdgeSink) -> Result<Arc<dyn Line>, HalError> {
        Err(Self::unknown(Kind::Gpio, name))
    }

    fn i2c(&self, name: &str) -> Result<Arc<dyn I2cBus>, HalError> {
        Err(Self::unknown(Kind::I2c, name))
    }

    fn spi(&self, name: &str, _: &SpiConfig) -> Result<Arc<dyn SpiDevice>, HalError> {
        Err(Self::unknown(Kind::Spi, name))
    }

    fn uart(&self, name: &str, _: &PortSettings) -> Result<Arc<dyn Port>, HalError> {
        Err(Self::unknown(Kind::Uart, name))
    }

    fn pwm(&self, name: &str) -> Result<Arc<dyn PwmChannel>, HalError> {
        Err(Self::unknown(Kind::Pwm, name))
    }

    fn adc(&self, name: &str) -> Result<Arc<dyn AdcChannel>, HalError> {
        Err(Self::unknown(Kind::Adc, name))
    }
}
