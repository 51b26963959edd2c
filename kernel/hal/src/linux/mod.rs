//! The hardware of this machine, by way of Linux.

mod adc;
mod file;
#[cfg(test)]
mod fixture;
mod gpio;
mod i2c;
mod place;
mod pwm;
mod spi;
mod trouble;
pub(crate) mod uapi;
mod uart;

use std::path::Path;
use std::sync::Arc;

use crate::adc::AdcChannel;
use crate::board::{Board, BoardFile, NoSuch};
use crate::error::HalError;
use crate::gpio::{EdgeSink, Line, LineConfig};
use crate::hardware::{Hardware, Kind};
use crate::i2c::I2cBus;
use crate::pwm::PwmChannel;
use crate::root::Root;
use crate::serial::{Port, PortSettings};
use crate::spi::{SpiConfig, SpiDevice};
use place::Places;

pub use gpio::CharacterDevices;

/// The hardware of this machine, by the names of its board.
///
/// Parts that vanish (an adapter is pulled) are errors of the kind `gone` until they are back. They are found again by
/// their names, whatever numbers the kernel gives them then, and outputs are what they were.
pub struct LinuxBoard {
    places: Arc<Places>,
    threads: Arc<gpio::Threads>,
}

impl LinuxBoard {
    /// The machine whose `/proc`, `/sys`, `/dev` and `/etc` lie below a root. It is looked at when something is asked
    /// for first.
    pub fn new(root: &Path) -> Self {
        Self::named(Root::new(root), None)
    }

    /// The same with a board file of the operator's own, whose names come before those of the one that fits the machine.
    pub fn named(root: Root, file: Option<Arc<BoardFile>>) -> Self {
        Self {
            places: Arc::new(Places::new(root, file)),
            threads: Arc::default(),
        }
    }
}

impl LinuxBoard {
    /// The name of the file of a part.
    fn file<P: Clone>(
        &self,
        kind: Kind,
        get: impl Fn(&Board) -> Result<&P, NoSuch>,
        path: impl Fn(&P) -> &Path,
    ) -> Option<String> {
        let part = self.places.find(kind, get).ok()?;
        let file = path(&part).file_name()?;
        Some(file.to_string_lossy().into_owned())
    }
}

impl Hardware for LinuxBoard {
    fn resolve(&self, kind: Kind, name: &str) -> Result<String, HalError> {
        self.places.resolve(kind, name)
    }

    fn blocks(&self) -> bool {
        true
    }

    fn bus_of(&self, kind: Kind, name: &str) -> String {
        let shared = match kind {
            // /dev/i2c-1 and ports are alone.
            Kind::I2c | Kind::Uart => None,
            // Peripherals of one controller: /dev/spidev1.0 and /dev/spidev1.1.
            Kind::Spi => self
                .file(kind, |board| board.spi(name), |part| &part.path)
                .and_then(|file| {
                    let (bus, _) = file.strip_prefix("spidev")?.split_once('.')?;
                    Some(bus.to_owned())
                }),
            Kind::Gpio => self.file(kind, |board| board.line(name), |part| &part.chip),
            Kind::Pwm => self.file(kind, |board| board.pwm(name), |part| &part.chip),
            Kind::Adc => self.file(kind, |board| board.adc(name), |part| &part.device),
        };
        match shared {
            Some(shared) => format!("{}/{shared}", kind.key()),
            None => name.to_owned(),
        }
    }

    fn line(
        &self,
        name: &str,
        config: &LineConfig,
        edges: EdgeSink,
    ) -> Result<Arc<dyn Line>, HalError> {
        let (places, threads) = (self.places.clone(), self.threads.clone());
        let line = gpio::LinuxLine::open(places, threads, name, config, edges)?;
        Ok(Arc::new(line))
    }

    fn i2c(&self, name: &str) -> Result<Arc<dyn I2cBus>, HalError> {
        Ok(Arc::new(i2c::LinuxBus::open(self.places.clone(), name)?))
    }

    fn spi(&self, name: &str, config: &SpiConfig) -> Result<Arc<dyn SpiDevice>, HalError> {
        let device = spi::LinuxSpi::open(self.places.clone(), name, config)?;
        Ok(Arc::new(device))
    }

    fn uart(&self, name: &str, settings: &PortSettings) -> Result<Arc<dyn Port>, HalError> {
        let port = uart::LinuxPort::open(self.places.clone(), name, settings)?;
        Ok(Arc::new(port))
    }

    fn pwm(&self, name: &str) -> Result<Arc<dyn PwmChannel>, HalError> {
        Ok(Arc::new(pwm::LinuxPwm::open(self.places.clone(), name)?))
    }

    fn adc(&self, name: &str) -> Result<Arc<dyn AdcChannel>, HalError> {
        Ok(Arc::new(adc::LinuxAdc::open(self.places.clone(), name)?))
    }
}
