//! What will not work on a board, why, and what to do.

use serde::Serialize;

/// Something that will not work. Its text says what and why, [`Trouble::advice`] what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error, Serialize)]
#[serde(tag = "trouble", rename_all = "kebab-case")]
pub enum Trouble {
    /// The kernel has no character device for GPIO.
    #[error(
        "this kernel has no character device for GPIO: lines are driven through sysfs, by polling"
    )]
    NoGpioDevice,
    /// Neither that nor sysfs.
    #[error("this kernel gives programs no way to GPIO lines")]
    NoGpio,
    /// Lines that do not raise edges.
    #[error("{lines} raise no edges: they are polled, and short pulses are missed")]
    NoEdges {
        /// Which, like `gpio/B0 to gpio/B7`.
        lines: String,
    },
    /// The board file knows more lines than the kernel.
    #[error(
        "the kernel has {there} lines where the board file knows {known}: the others are left out"
    )]
    FewerLines {
        /// How many there are.
        there: u32,
        /// How many should be.
        known: u32,
    },
    /// Only the character device says how many lines there are.
    #[error(
        "how many lines it has is not in sysfs, and its character device cannot be asked: {why}"
    )]
    UnknownLines {
        /// Why not.
        why: String,
    },
    /// The driver of a bus for programs is not loaded.
    #[error("{path} is not there: the driver {module} is not loaded")]
    NotLoaded {
        /// The device file.
        path: String,
        /// The kernel's module.
        module: &'static str,
    },
    /// There is no device file.
    #[error("the kernel knows it, but {path} is not there")]
    NoDeviceFile {
        /// The device file.
        path: String,
    },
    /// A bus that knows SMBus only.
    #[error(
        "its driver knows SMBus only: transfers of other shapes, and of more than 32 bytes, are refused"
    )]
    SmbusOnly,
    /// An SPI bus on which programs have no device.
    #[error("no device of this bus is bound to spidev")]
    NoSpidev,
}

impl Trouble {
    /// What to do; empty where nothing is to be done.
    pub fn advice(&self) -> String {
        match self {
            Self::NoGpioDevice => {
                "a kernel with CONFIG_GPIO_CDEV gives edges with their times".to_owned()
            }
            Self::NoGpio => {
                "use a kernel with CONFIG_GPIO_CDEV or CONFIG_GPIO_SYSFS".to_owned()
            }
            Self::NoEdges { .. } => "put what raises short pulses on other lines".to_owned(),
            Self::FewerLines { .. } | Self::SmbusOnly => String::new(),
            Self::UnknownLines { .. } => {
                "name a line by its chip and offset: `gpio/LABEL/OFFSET`".to_owned()
            }
            Self::NotLoaded { module, .. } => format!(
                "`sudo modprobe {module}`, and `echo {module} | sudo tee /etc/modules-load.d/{module}.conf` to keep it"
            ),
            Self::NoDeviceFile { .. } => "check udev or devtmpfs".to_owned(),
            Self::NoSpidev => {
                "bind one: an overlay of the device tree, or `echo spidev | sudo tee /sys/bus/spi/devices/spiB.C/driver_override`".to_owned()
            }
        }
    }
}
