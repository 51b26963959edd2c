//! What a board has, as plain data. Paths are those of the machine: [`Root::path`] gives the one to open.
//!
//! [`Root::path`]: crate::Root::path

use std::path::PathBuf;

use serde::Serialize;

use super::hardware::Hardware;
use super::trouble::Trouble;

/// A part that has a name on the board.
pub trait Part {
    /// What it is called in sentences: "GPIO line".
    const KIND: &'static str;
    /// What its logical name begins with: `gpio/`.
    const PREFIX: &'static str;

    /// Its logical name.
    fn name(&self) -> &str;

    /// Other names that it is known by.
    fn aliases(&self) -> &[String];
}

macro_rules! part {
    ($part:ident, $kind:literal, $prefix:literal) => {
        impl Part for $part {
            const KIND: &'static str = $kind;
            const PREFIX: &'static str = $prefix;

            fn name(&self) -> &str {
                &self.name
            }

            fn aliases(&self) -> &[String] {
                &self.aliases
            }
        }
    };
}

part!(GpioLine, "GPIO line", "gpio/");
part!(I2cBus, "I2C bus", "i2c/");
part!(SpiDevice, "SPI device", "spi/");
part!(Uart, "UART", "uart/");
part!(PwmChannel, "PWM channel", "pwm/");
part!(AdcChannel, "ADC channel", "adc/");

/// A controller of GPIO lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct GpioChip {
    /// Its character device, like `/dev/gpiochip0`, also where the kernel has none.
    pub path: PathBuf,
    /// What its driver calls it; alone on this board, where the driver has not made it so.
    pub label: String,
    /// What it is.
    pub hardware: Hardware,
    /// How many lines the kernel has there; none where it says so only through the character device.
    pub lines: Option<u32>,
    /// The number of its first line in `/sys/class/gpio`, where the kernel has that.
    pub base: Option<u32>,
    /// What will not work.
    pub troubles: Vec<Trouble>,
}

/// A GPIO line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct GpioLine {
    /// Its logical name, like `gpio/A3`; `gpio/LABEL/OFFSET` where no board file names it.
    pub name: String,
    /// The kernel's name of the line, and what is printed on the board.
    pub aliases: Vec<String>,
    /// The character device of its chip. Which chip has which number changes from boot to boot: ask again
    /// after each.
    pub chip: PathBuf,
    /// Its number in the chip.
    pub offset: u32,
    /// Its number in `/sys/class/gpio`, where the kernel has that.
    pub sysfs: Option<u32>,
    /// Whether it raises edges; where it does not, it is polled.
    pub edges: bool,
    /// Whether what is said here of name and edges has a source.
    pub verified: bool,
}

/// An I2C bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct I2cBus {
    /// Its logical name, like `i2c/1`.
    pub name: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// Its character device, like `/dev/i2c-1`, also where it is not there.
    pub path: PathBuf,
    /// What its driver calls it.
    pub label: String,
    /// What it is.
    pub hardware: Hardware,
    /// Whether its driver is one that knows SMBus only.
    pub smbus_only: bool,
    /// Whether what is said here of the name has a source.
    pub verified: bool,
    /// What will not work.
    pub troubles: Vec<Trouble>,
}

/// A device on an SPI bus that programs can talk to, or a bus without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SpiDevice {
    /// Its logical name, like `spi/0.0`: bus and chip select.
    pub name: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// Its character device, like `/dev/spidev0.0`, also where it is not there.
    pub path: PathBuf,
    /// Its chip select; none for a bus without a device.
    pub chip_select: Option<u32>,
    /// What the controller is.
    pub hardware: Hardware,
    /// Whether what is said here of the name has a source.
    pub verified: bool,
    /// What will not work.
    pub troubles: Vec<Trouble>,
}

/// A serial port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Uart {
    /// Its logical name, like `uart/1`.
    pub name: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// Its device file, like `/dev/ttyAMA1`.
    pub path: PathBuf,
    /// What it is.
    pub hardware: Hardware,
    /// Whether what is said here of the name has a source.
    pub verified: bool,
    /// What will not work.
    pub troubles: Vec<Trouble>,
}

/// A PWM output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PwmChannel {
    /// Its logical name, like `pwm/0`.
    pub name: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// The folder of its chip, like `/sys/class/pwm/pwmchip0`.
    pub chip: PathBuf,
    /// Its number in the chip.
    pub channel: u32,
    /// What the chip is.
    pub hardware: Hardware,
    /// Whether what is said here of the name has a source.
    pub verified: bool,
    /// What will not work.
    pub troubles: Vec<Trouble>,
}

/// An input of an analogue-digital converter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct AdcChannel {
    /// Its logical name, like `adc/0`.
    pub name: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// The folder of its device, like `/sys/bus/iio/devices/iio:device0`.
    pub device: PathBuf,
    /// What the names of its files begin with, like `in_voltage0`.
    pub channel: String,
    /// What the device is.
    pub hardware: Hardware,
    /// Whether what is said here of the name has a source.
    pub verified: bool,
    /// What will not work.
    pub troubles: Vec<Trouble>,
}
