//! The board as a backend.

use std::sync::Arc;

use super::adc::OpenAdc;
use super::board::VirtualBoard;
use super::bus::OpenBus;
use super::core::{Core, unknown};
use super::line::VirtualLine;
use super::spi::OpenSpi;
use super::uart::OpenUart;
use crate::adc::AdcChannel;
use crate::error::HalError;
use crate::gpio::{EdgeSink, Line, LineConfig};
use crate::hardware::{Hardware, Kind};
use crate::i2c::I2cBus;
use crate::pwm::PwmChannel;
use crate::serial::{Port, PortSettings};
use crate::spi::{SpiConfig, SpiDevice};

/// The names of a kind.
fn names(core: &Core, kind: Kind) -> Vec<&str> {
    fn keys<T>(map: &std::collections::BTreeMap<String, T>) -> Vec<&str> {
        map.keys().map(String::as_str).collect()
    }
    match kind {
        Kind::Gpio => core.names.keys().map(String::as_str).collect(),
        Kind::I2c => keys(&core.buses),
        Kind::Spi => keys(&core.spi),
        Kind::Uart => keys(&core.uarts),
        Kind::Pwm => keys(&core.pwm),
        Kind::Adc => keys(&core.adc),
    }
}

fn no_such(core: &Core, kind: Kind, name: &str) -> HalError {
    unknown(kind.words(), name, names(core, kind).into_iter())
}

impl Hardware for VirtualBoard {
    fn resolve(&self, kind: Kind, name: &str) -> Result<String, HalError> {
        let core = self.core();
        if kind == Kind::Gpio {
            let line = core.line(name)?;
            return Ok(core
                .lines
                .get(line)
                .map_or(name, |line| &line.name)
                .to_owned());
        }
        if names(&core, kind).contains(&name) {
            Ok(name.to_owned())
        } else {
            Err(no_such(&core, kind, name))
        }
    }

    fn blocks(&self) -> bool {
        false
    }

    fn bus_of(&self, kind: Kind, name: &str) -> String {
        match (kind, self.core().spi.get(name)) {
            (Kind::Spi, Some(spi)) => spi.bus.clone(),
            _ => name.to_owned(),
        }
    }

    fn line(
        &self,
        name: &str,
        config: &LineConfig,
        edges: EdgeSink,
    ) -> Result<Arc<dyn Line>, HalError> {
        let core = self.core();
        let line = core.line(name)?;
        Ok(Arc::new(VirtualLine::open(core, line, config, edges)?))
    }

    fn i2c(&self, name: &str) -> Result<Arc<dyn I2cBus>, HalError> {
        let core = self.core();
        let bus = core.buses.get(name).cloned();
        let bus = bus.ok_or_else(|| no_such(&core, Kind::I2c, name))?;
        core.timeline.drive(&core);
        Ok(Arc::new(OpenBus { core, bus }))
    }

    fn spi(&self, name: &str, config: &SpiConfig) -> Result<Arc<dyn SpiDevice>, HalError> {
        let core = self.core();
        let spi = core.spi.get(name).cloned();
        let spi = spi.ok_or_else(|| no_such(&core, Kind::Spi, name))?;
        Ok(Arc::new(OpenSpi::new(core, spi, config)?))
    }

    fn uart(&self, name: &str, settings: &PortSettings) -> Result<Arc<dyn Port>, HalError> {
        let core = self.core();
        core.catch_up();
        core.timeline.drive(&core);
        Ok(Arc::new(OpenUart::new(core, name, settings)?))
    }

    fn pwm(&self, name: &str) -> Result<Arc<dyn PwmChannel>, HalError> {
        let core = self.core();
        let pwm = core.pwm.get(name).cloned();
        let pwm = pwm.ok_or_else(|| no_such(&core, Kind::Pwm, name))?;
        Ok(pwm)
    }

    fn adc(&self, name: &str) -> Result<Arc<dyn AdcChannel>, HalError> {
        let core = self.core();
        let adc = core.adc.get(name).cloned();
        let adc = adc.ok_or_else(|| no_such(&core, Kind::Adc, name))?;
        Ok(Arc::new(OpenAdc { core, adc }))
    }

    fn virtual_board(&self) -> Option<&VirtualBoard> {
        Some(self)
    }
}
