//! The board as a backend.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use weihe_kernel::Clock;

use super::bus::VirtualBus;
use super::line::{VirtualLine, Wire};
use crate::adc::AdcChannel;
use crate::error::HalError;
use crate::gpio::{EdgeSink, Line, LineConfig};
use crate::hardware::{Hardware, Kind};
use crate::i2c::I2cBus;
use crate::pwm::PwmChannel;
use crate::serial::{Port, PortSettings};
use crate::spi::{SpiConfig, SpiDevice};

/// Why a text describes no board.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BoardError(pub String);

/// A board as its file describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Description {
    #[serde(default)]
    lines: Vec<String>,
    #[serde(default)]
    i2c: BTreeMap<String, BTreeMap<String, Model>>,
}

/// What is at an address.
#[derive(Debug, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case")]
enum Model {
    /// Sensirion SHT4x.
    Sht4x {
        /// In degrees Celsius.
        temperature: f64,
        /// In per cent.
        humidity: f64,
    },
}

/// A board that is not there.
pub struct VirtualBoard {
    wires: BTreeMap<String, Arc<Wire>>,
    buses: BTreeMap<String, Arc<VirtualBus>>,
}

impl VirtualBoard {
    /// Whether a text describes a board.
    pub fn check(text: &str) -> Result<(), BoardError> {
        Self::parse(text, Arc::new(weihe_kernel::SystemClock::new())).map(drop)
    }

    /// The board that a text in TOML describes.
    pub fn parse(text: &str, clock: Arc<dyn Clock>) -> Result<Self, BoardError> {
        let description: Description =
            toml::from_str(text).map_err(|error| BoardError(error.to_string()))?;
        let wires = description
            .lines
            .into_iter()
            .map(|name| (name.clone(), Arc::new(Wire::new(name, clock.clone()))))
            .collect();
        let mut buses = BTreeMap::new();
        for (name, devices) in description.i2c {
            let mut bus = VirtualBus::new(&name);
            for (address, model) in devices {
                let number = address
                    .strip_prefix("0x")
                    .and_then(|digits| u16::from_str_radix(digits, 16).ok())
                    .ok_or_else(|| BoardError(format!("`{address}` on {name} is no address")))?;
                let Model::Sht4x {
                    temperature,
                    humidity,
                } = model;
                bus.attach(
                    number,
                    Box::new(super::sht4x::Sht4x::new(temperature, humidity)),
                );
            }
            buses.insert(name, Arc::new(bus));
        }
        Ok(Self { wires, buses })
    }

    /// Sets the level of a line from outside, as a button does.
    pub fn drive(&self, line: &str, high: bool) {
        if let Some(wire) = self.wires.get(line) {
            wire.drive(high);
        }
    }

    /// The level of a line.
    pub fn level(&self, line: &str) -> Option<bool> {
        self.wires.get(line).map(|wire| wire.level())
    }

    fn unknown(kind: Kind, name: &str) -> HalError {
        HalError::Unknown {
            kind: kind.words(),
            name: name.to_owned(),
            similar: Vec::new(),
        }
    }
}

impl Hardware for VirtualBoard {
    fn resolve(&self, kind: Kind, name: &str) -> Result<String, HalError> {
        let known = match kind {
            Kind::Gpio => self.wires.contains_key(name),
            Kind::I2c => self.buses.contains_key(name),
            _ => false,
        };
        known
            .then(|| name.to_owned())
            .ok_or_else(|| Self::unknown(kind, name))
    }

    fn blocks(&self) -> bool {
        false
    }

    fn line(
        &self,
        name: &str,
        config: &LineConfig,
        edges: EdgeSink,
    ) -> Result<Arc<dyn Line>, HalError> {
        let wire = self
            .wires
            .get(name)
            .ok_or_else(|| Self::unknown(Kind::Gpio, name))?;
        Ok(Arc::new(VirtualLine::open(wire.clone(), config, edges)))
    }

    fn i2c(&self, name: &str) -> Result<Arc<dyn I2cBus>, HalError> {
        let bus = self.buses.get(name).cloned();
        bus.map(|bus| bus as Arc<dyn I2cBus>)
            .ok_or_else(|| Self::unknown(Kind::I2c, name))
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
