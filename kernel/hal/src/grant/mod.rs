//! What a device may touch: `[device.NAME.grants.hal]`.

mod read;

use std::collections::{BTreeMap, BTreeSet};

use weihe_kernel::GrantError;

use crate::hardware::Kind;
use read::{Help, buses, fault, lines, others};

/// The grant of one device. Things are granted under the name that the plugin opens: that of the board,
/// or one of the integrator's choice.
///
/// ```toml
/// [device.lamp.grants.hal.gpio]
/// "gpio/A3" = "output"                   # the plugin opens `gpio/A3`
/// led = { line = "gpio/A4", mode = "output", active = "low", safe = "inactive" }
/// button = { line = "gpio/A5", mode = "input" }
///
/// [device.lamp.grants.hal]
/// i2c = { "i2c/1" = [0x44, 0x76], display = { bus = "i2c/2", addresses = [0x3c] } }
/// spi = ["spi/0.0"]                      # the same for uart, pwm and adc
/// adc = { pressure = "adc/2" }
/// pwm = { fan = { channel = "pwm/0", safe = "off" } }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    lines: BTreeMap<String, GrantedLine>,
    buses: BTreeMap<String, GrantedBus>,
    others: BTreeMap<(Kind, String), GrantedOther>,
}

/// A line that the device may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedLine {
    /// What the board calls it.
    pub line: String,
    /// Whether it may be an input.
    pub input: bool,
    /// Whether it may be an output.
    pub output: bool,
    /// Whether the lower voltage is active; none when the plugin says it.
    pub active_low: Option<bool>,
    /// Its safe value; none when the plugin says it.
    pub safe: Option<Safe>,
}

/// The safe value of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safe {
    /// It stays as it is.
    Keep,
    /// It is set to this.
    Value(bool),
}

/// A bus, and the addresses on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedBus {
    /// What the board calls it.
    pub bus: String,
    /// The addresses; none for all.
    pub addresses: Option<BTreeSet<u16>>,
}

/// Something that is granted as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedOther {
    /// What the board calls it.
    pub name: String,
    /// Whether a PWM channel stays as it is at the end; none when the plugin says it.
    pub keep: Option<bool>,
}

impl Grant {
    /// Checks a grant table. Whether its names exist is not its business.
    pub fn from_table(table: &toml::Table) -> Result<Self, GrantError> {
        let mut grant = Self::default();
        for (key, value) in table {
            match Kind::ALL.into_iter().find(|kind| kind.key() == key) {
                Some(Kind::Gpio) => grant.lines = lines(value)?,
                Some(Kind::I2c) => grant.buses = buses(value)?,
                Some(kind) => {
                    for (alias, other) in others(kind, value)? {
                        grant.others.insert((kind, alias), other);
                    }
                }
                None => {
                    let known = Kind::ALL.map(Kind::key).join(", ");
                    let message = format!("unknown key `{key}` in a grant of hardware");
                    return Err(fault(key, message).help(format!("known keys: {known}")));
                }
            }
        }
        Ok(grant)
    }

    /// A line by the name that the plugin opens.
    pub fn line(&self, alias: &str) -> Option<&GrantedLine> {
        self.lines.get(alias)
    }

    /// A bus by the name that the plugin opens.
    pub fn bus(&self, alias: &str) -> Option<&GrantedBus> {
        self.buses.get(alias)
    }

    /// Something else by the name that the plugin opens.
    pub fn other(&self, kind: Kind, alias: &str) -> Option<&GrantedOther> {
        self.others.get(&(kind, alias.to_owned()))
    }

    /// The names under which things of a kind are granted.
    pub fn aliases(&self, kind: Kind) -> Vec<&str> {
        match kind {
            Kind::Gpio => self.lines.keys().map(String::as_str).collect(),
            Kind::I2c => self.buses.keys().map(String::as_str).collect(),
            _ => {
                let of_kind =
                    |(other, alias): &'_ (Kind, String)| *other == kind && !alias.is_empty();
                let keys = self.others.keys().filter(|key| of_kind(key));
                keys.map(|(_, alias)| alias.as_str()).collect()
            }
        }
    }

    /// What may be set: what the plugin calls it, and what it is in the grant.
    pub fn outputs(&self) -> impl Iterator<Item = (Kind, &str, &str)> {
        let lines = self.lines.iter().filter(|(_, line)| line.output);
        let lines = lines.map(|(alias, line)| (Kind::Gpio, &**alias, &*line.line));
        let others = self
            .others
            .iter()
            .filter(|((kind, _), _)| *kind == Kind::Pwm);
        let channels = others.map(|((kind, alias), other)| (*kind, &**alias, &*other.name));
        lines.chain(channels)
    }

    /// Everything that is named, as the board calls it.
    pub fn names(&self) -> impl Iterator<Item = (Kind, &str)> {
        let lines = self.lines.values().map(|line| (Kind::Gpio, &*line.line));
        let buses = self.buses.values().map(|bus| (Kind::I2c, &*bus.bus));
        let others = self
            .others
            .iter()
            .map(|((kind, _), other)| (*kind, &*other.name));
        lines.chain(buses).chain(others)
    }
}

#[cfg(test)]
mod tests;
