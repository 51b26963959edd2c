//! Devices that behave as their data sheets say, as far as drivers look.

mod ads1115;
mod bme280;
mod ds3231;
mod eeprom;
mod ina226;
mod lm75;
mod mcp23017;
mod mcp3008;
mod pca9685;
mod registers;
mod sht4x;
mod ssd1306;

pub use ads1115::Ads1115;
pub use bme280::Bme280;
pub use ds3231::Ds3231;
pub use eeprom::{Eeprom, Part as EepromPart};
pub use ina226::Ina226;
pub use lm75::Lm75;
pub use mcp3008::{Loopback, Mcp3008};
pub use mcp23017::Mcp23017;
pub use pca9685::Pca9685;
pub use registers::{Field, Registers};
pub use sht4x::Sht4x;
pub use ssd1306::Ssd1306;

use super::core::Core;

/// What a model has around it.
pub struct Bench<'c> {
    /// The monotonic clock, in nanoseconds.
    pub now: u64,
    /// The wall clock, in nanoseconds since 1970.
    pub wall: u64,
    core: &'c Core,
}

impl<'c> Bench<'c> {
    /// What is around at this moment.
    pub fn new(core: &'c Core) -> Self {
        Self {
            now: core.clock.monotonic(),
            wall: core.clock.now(),
            core,
        }
    }

    /// The level at a pin of the device.
    pub fn level(&self, line: usize) -> bool {
        self.core
            .net(line)
            .is_some_and(|(net, pad)| net.pads.get(pad).is_some_and(|pad| pad.level))
    }

    /// Drives a pin of the device, or lets go of it, with or without a resistor to the supply.
    pub fn drive(&self, line: usize, level: Option<bool>, pull_up: bool) {
        self.core.change(line, None, |pad| {
            pad.output = level.is_some();
            pad.drive = level;
            pad.bias = pull_up.then_some(true);
        });
    }

    /// Drives a line from outside, as a chip's interrupt output does.
    pub fn signal(&self, line: usize, level: Option<bool>) {
        self.core.change(line, None, |pad| pad.outside = level);
    }
}

/// What a device does not acknowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nack {
    /// Its address.
    Address,
    /// This byte of what is written, the first being 1.
    Data(usize),
}

/// What people see of a device: names and values.
pub type Seen = Vec<(String, String)>;

/// A device on an I2C bus.
pub trait I2cModel: Send {
    /// Which one: `sht4x`.
    fn part(&self) -> &'static str;

    /// How many addresses it answers at, from its own on.
    fn blocks(&self) -> u8 {
        1
    }

    /// At which of them it is addressed from now on.
    fn select(&mut self, _block: u8) {}

    /// It is addressed to be written to. Nothing but the address is written where a driver asks whether it
    /// is there.
    fn write(&mut self, bytes: &[u8], bench: &Bench<'_>) -> Result<(), Nack>;

    /// It is addressed to be read from. The buffer is full of ones, as a bus is that nobody drives.
    fn read(&mut self, bytes: &mut [u8], bench: &Bench<'_>) -> Result<(), Nack>;

    /// A transaction with it ends.
    fn stop(&mut self, _bench: &Bench<'_>) {}

    /// It gets power: everything is as its data sheet says of that moment.
    fn power_on(&mut self, bench: &Bench<'_>);

    /// A pin of it has another level.
    fn pin_changed(&mut self, _bench: &Bench<'_>) {}

    /// What people see of it.
    fn seen(&self, bench: &Bench<'_>) -> Seen;

    /// What its screen shows, from the top.
    fn screen(&self) -> Option<Vec<String>> {
        None
    }

    /// What it keeps: its memory or its registers, for tests.
    fn memory(&self) -> &[u8] {
        &[]
    }
}

/// A device on an SPI bus.
pub trait SpiModel: Send {
    /// Which one.
    fn part(&self) -> &'static str;

    /// The modes in which it is spoken to.
    fn modes(&self) -> &'static [u8];

    /// It is selected.
    fn select(&mut self, bench: &Bench<'_>);

    /// A byte goes in, and one comes out.
    fn exchange(&mut self, byte: u8, bench: &Bench<'_>) -> u8;

    /// What people see of it.
    fn seen(&self, bench: &Bench<'_>) -> Seen;
}

/// A value as it is shown, with its unit.
fn shown(name: &str, value: f64, unit: &str) -> (String, String) {
    (
        name.to_owned(),
        format!("{value:.2} {unit}").trim_end().to_owned(),
    )
}

#[cfg(test)]
mod tests;
