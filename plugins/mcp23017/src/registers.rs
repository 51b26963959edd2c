//! The chip, by its registers (data sheet DS20001952, 3.5, with IOCON.BANK = 0).
//!
//! `port-expander` has a driver for it, which is not used: it begins with all latches at zero, whatever the chip's are.
//! A new version of the plugin would switch every output for a moment. Here both ports are written at once, latches
//! before directions.

use embedded_hal::i2c::I2c as _;
use weihe_sdk::hal::{I2c, I2cError};

const IODIR: u8 = 0x00;
const IPOL: u8 = 0x02;
const GPPU: u8 = 0x0c;
const GPIO: u8 = 0x12;
const OLAT: u8 = 0x14;

/// The chip. A word has port A in its low byte and port B in its high one.
#[derive(Debug)]
pub struct Chip {
    bus: I2c,
    address: u8,
}

impl Chip {
    /// A chip on a bus.
    pub fn new(bus: I2c, address: u8) -> Self {
        Chip { bus, address }
    }

    fn read(&mut self, register: u8) -> Result<u16, I2cError> {
        let mut word = [0; 2];
        self.bus.write_read(self.address, &[register], &mut word)?;
        Ok(u16::from_le_bytes(word))
    }

    fn write(&mut self, register: u8, word: u16) -> Result<(), I2cError> {
        let [a, b] = word.to_le_bytes();
        self.bus.write(self.address, &[register, a, b])
    }

    /// Sets everything, latches first: a pin that becomes an output has its level from the beginning.
    pub fn set_up(&mut self, outputs: u16, levels: u16, pull_ups: u16) -> Result<(), I2cError> {
        self.write(OLAT, levels)?;
        self.write(IPOL, 0)?;
        self.write(GPPU, pull_ups)?;
        self.write(IODIR, !outputs)
    }

    /// Whether it is as it was set up; after a loss of power it is not.
    pub fn is_as(&mut self, outputs: u16, levels: u16) -> Result<bool, I2cError> {
        Ok(self.read(IODIR)? == !outputs && self.read(OLAT)? & outputs == levels & outputs)
    }

    /// The levels at all pins.
    pub fn levels(&mut self) -> Result<u16, I2cError> {
        self.read(GPIO)
    }

    /// The levels of the outputs.
    pub fn drive(&mut self, levels: u16) -> Result<(), I2cError> {
        self.write(OLAT, levels)
    }
}
