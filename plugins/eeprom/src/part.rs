//! The parts, by their drivers.

use eeprom24x::{Eeprom24x, Eeprom24xTrait, SlaveAddr};
use serde::Deserialize;
use weihe_sdk::hal::{I2c, I2cError};

/// A memory, whichever part it is.
pub type Memory = Box<dyn Eeprom24xTrait<Error = I2cError>>;

/// A part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Part {
    #[serde(rename = "24c01")]
    C01,
    #[serde(rename = "24c02")]
    C02,
    #[serde(rename = "24c04")]
    C04,
    #[serde(rename = "24c08")]
    C08,
    #[serde(rename = "24c16")]
    C16,
    #[serde(rename = "24c32")]
    C32,
    #[serde(rename = "24c64")]
    C64,
    #[serde(rename = "24c128")]
    C128,
    #[serde(rename = "24c256")]
    C256,
    #[serde(rename = "24c512")]
    C512,
}

/// How they are called.
pub const NAMES: &str =
    r#""24c01","24c02","24c04","24c08","24c16","24c32","24c64","24c128","24c256","24c512""#;

impl Part {
    /// Octets.
    pub fn size(self) -> u32 {
        let kilobits = match self {
            Part::C01 => 1,
            Part::C02 => 2,
            Part::C04 => 4,
            Part::C08 => 8,
            Part::C16 => 16,
            Part::C32 => 32,
            Part::C64 => 64,
            Part::C128 => 128,
            Part::C256 => 256,
            Part::C512 => 512,
        };
        kilobits * 128
    }

    /// Its driver.
    pub fn open(self, bus: I2c, address: u8) -> Memory {
        let bit = |bit: u8| address >> bit & 1 == 1;
        let at = SlaveAddr::Alternative(bit(2), bit(1), bit(0));
        match self {
            Part::C01 => Box::new(Eeprom24x::new_24x01(bus, at)),
            Part::C02 => Box::new(Eeprom24x::new_24x02(bus, at)),
            Part::C04 => Box::new(Eeprom24x::new_24x04(bus, at)),
            Part::C08 => Box::new(Eeprom24x::new_24x08(bus, at)),
            Part::C16 => Box::new(Eeprom24x::new_24x16(bus, at)),
            Part::C32 => Box::new(Eeprom24x::new_24x32(bus, at)),
            Part::C64 => Box::new(Eeprom24x::new_24x64(bus, at)),
            Part::C128 => Box::new(Eeprom24x::new_24x128(bus, at)),
            Part::C256 => Box::new(Eeprom24x::new_24x256(bus, at)),
            Part::C512 => Box::new(Eeprom24x::new_24x512(bus, at)),
        }
    }
}
