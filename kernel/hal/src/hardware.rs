//! What a backend is: the hardware of one board, by the names of the board.

use std::sync::Arc;

use crate::adc::AdcChannel;
use crate::error::HalError;
use crate::gpio::{EdgeSink, Line, LineConfig};
use crate::i2c::I2cBus;
use crate::pwm::PwmChannel;
use crate::serial::{Port, PortSettings};
use crate::spi::{SpiConfig, SpiDevice};
use crate::virtual_board::VirtualBoard;

/// A kind of hardware that has names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A digital line.
    Gpio,
    /// An I2C bus.
    I2c,
    /// An SPI peripheral.
    Spi,
    /// A serial port.
    Uart,
    /// A PWM channel.
    Pwm,
    /// An analogue input.
    Adc,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Gpio,
        Self::I2c,
        Self::Spi,
        Self::Uart,
        Self::Pwm,
        Self::Adc,
    ];

    /// The key of its table in a grant.
    pub fn key(self) -> &'static str {
        match self {
            Self::Gpio => "gpio",
            Self::I2c => "i2c",
            Self::Spi => "spi",
            Self::Uart => "uart",
            Self::Pwm => "pwm",
            Self::Adc => "adc",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Gpio => "line",
            Self::I2c => "I2C bus",
            Self::Spi => "SPI peripheral",
            Self::Uart => "serial port",
            Self::Pwm => "PWM channel",
            Self::Adc => "analogue input",
        }
    }

    /// One of them in words: whole ones, so that they can be said in other languages.
    pub fn named(self, name: &str) -> String {
        match self {
            Self::Gpio => format!("line `{name}`"),
            Self::I2c => format!("I2C bus `{name}`"),
            Self::Spi => format!("SPI peripheral `{name}`"),
            Self::Uart => format!("serial port `{name}`"),
            Self::Pwm => format!("PWM channel `{name}`"),
            Self::Adc => format!("analogue input `{name}`"),
        }
    }
}

/// The hardware of one board.
pub trait Hardware: Send + Sync + 'static {
    /// The one name under which the board knows something that may have several; an error when there
    /// is no such thing now.
    fn resolve(&self, kind: Kind, name: &str) -> Result<String, HalError>;

    /// Whether operations wait for real wires, and looking for something takes its time. Then I2C and SPI buses
    /// have lanes and threads of their own, and everything else has threads.
    fn blocks(&self) -> bool;

    /// What something shares with others, for its lane and its thread: the bus of an I2C bus or an SPI
    /// peripheral, the chip of a line or a channel.
    fn bus_of(&self, kind: Kind, name: &str) -> String {
        let _ = kind;
        name.to_owned()
    }

    /// Opens a line; its edges go to the sink.
    fn line(
        &self,
        name: &str,
        config: &LineConfig,
        edges: EdgeSink,
    ) -> Result<Arc<dyn Line>, HalError>;

    /// Opens a bus.
    fn i2c(&self, name: &str) -> Result<Arc<dyn I2cBus>, HalError>;

    /// Opens a peripheral.
    fn spi(&self, name: &str, config: &SpiConfig) -> Result<Arc<dyn SpiDevice>, HalError>;

    /// Opens a port. Called within the runtime of its device.
    fn uart(&self, name: &str, settings: &PortSettings) -> Result<Arc<dyn Port>, HalError>;

    /// Opens a channel.
    fn pwm(&self, name: &str) -> Result<Arc<dyn PwmChannel>, HalError>;

    /// Opens a channel.
    fn adc(&self, name: &str) -> Result<Arc<dyn AdcChannel>, HalError>;

    /// The board, where it is a virtual one: to look at it, and to move the world around it.
    fn virtual_board(&self) -> Option<&VirtualBoard> {
        None
    }
}
