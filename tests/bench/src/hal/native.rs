//! The loops of the plugin as plain Rust over what backends offer.

use std::sync::Arc;
use std::time::Instant;

use weihe_hal::gpio::{Drive, Line, LineConfig, Mode};
use weihe_hal::i2c::{I2cBus, I2cOperation};
use weihe_hal::spi::{SpiConfig, SpiDevice, SpiOperation};
use weihe_hal::{HalError, Hardware};

use crate::Anyhow;

/// An address on an I2C bus.
#[derive(Clone, Copy)]
pub struct Address(pub u16);

/// What is measured.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Setting a line.
    Gpio,
    /// A transaction that writes one byte and reads two.
    I2c(Address),
    /// A transfer of three bytes.
    Spi,
}

impl Kind {
    /// As on the command line: `i2c BUS@0x48`.
    pub fn parse<'n>(kind: &str, name: &'n str) -> Anyhow<(Self, &'n str)> {
        match kind {
            "gpio" => Ok((Self::Gpio, name)),
            "spi" => Ok((Self::Spi, name)),
            "i2c" => {
                let (bus, address) = name.split_once("@0x").ok_or("name it BUS@0xADDRESS")?;
                let address = u16::from_str_radix(address, 16)?;
                Ok((Self::I2c(Address(address)), bus))
            }
            _ => Err(format!("`{kind}` is none of gpio, i2c and spi").into()),
        }
    }

    /// Among what a board has.
    pub fn hardware(self) -> weihe_hal::Kind {
        match self {
            Self::Gpio => weihe_hal::Kind::Gpio,
            Self::I2c(_) => weihe_hal::Kind::I2c,
            Self::Spi => weihe_hal::Kind::Spi,
        }
    }

    /// Opens it on a board.
    pub fn open(self, board: &dyn Hardware, name: &str) -> Result<Operation, HalError> {
        Ok(match self {
            Self::Gpio => Operation::Gpio(output(board, name)?),
            Self::I2c(address) => Operation::I2c(board.i2c(name)?, address),
            Self::Spi => {
                let config = SpiConfig {
                    mode: 0,
                    frequency: 0,
                    lsb_first: false,
                };
                Operation::Spi(board.spi(name, &config)?)
            }
        })
    }
}

/// Opens an output whose edges nobody hears.
pub fn output(board: &dyn Hardware, name: &str) -> Result<Arc<dyn Line>, HalError> {
    let config = LineConfig {
        active_low: false,
        mode: Mode::Output {
            drive: Drive::PushPull,
            initial: None,
        },
    };
    board.line(name, &config, Arc::new(|_| {}))
}

/// What is open.
pub enum Operation {
    /// A line.
    Gpio(Arc<dyn Line>),
    /// A device on a bus.
    I2c(Arc<dyn I2cBus>, Address),
    /// A peripheral.
    Spi(Arc<dyn SpiDevice>),
}

impl Operation {
    /// How long so many of them take, in nanoseconds. Buffers are made once: nothing could be faster natively.
    pub fn time(&mut self, count: u32) -> Anyhow<u64> {
        let began;
        match self {
            Self::Gpio(line) => {
                began = Instant::now();
                for number in 0..count {
                    line.write(number % 2 == 0)?;
                }
            }
            Self::I2c(bus, Address(address)) => {
                let mut operations = [I2cOperation::Write(vec![0]), I2cOperation::Read(vec![0; 2])];
                began = Instant::now();
                for _ in 0..count {
                    bus.transaction(*address, &mut operations)?;
                }
            }
            Self::Spi(peripheral) => {
                began = Instant::now();
                let mut operations = [SpiOperation::Transfer(vec![0; 3])];
                for _ in 0..count {
                    if let [SpiOperation::Transfer(bytes)] = &mut operations {
                        bytes.copy_from_slice(&[1, 0x80, 0]);
                    }
                    peripheral.transaction(&mut operations)?;
                }
            }
        }
        Ok(u64::try_from(began.elapsed().as_nanos())?)
    }
}
