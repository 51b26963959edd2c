//! What will not work on a board, why, and what to do.

use serde::Serialize;

use super::Board;
use crate::root::Root;

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
    /// A kernel before uAPI v2 of GPIO.
    #[error("Linux {kernel} has the first GPIO interface only: lines have no debouncing{bias}")]
    OldGpio {
        /// Its release.
        kernel: String,
        /// What else it lacks.
        bias: &'static str,
    },
    /// A kernel of LoongArch's old world.
    #[error(
        "Linux {kernel} on LoongArch is of the old world, whose system calls current programs do not speak"
    )]
    OldWorld {
        /// Its release.
        kernel: String,
    },
    /// Pages larger than usual.
    #[error(
        "pages of memory have {kilobytes} KiB: each plugin takes more memory than on pages of 4 KiB"
    )]
    LargePages {
        /// Their size.
        kilobytes: u64,
    },
    /// Ports without hardware.
    #[error("no hardware stands behind {ports}, which a driver has registered: left out")]
    Phantoms {
        /// Which.
        ports: String,
    },
    /// Nothing says what it is.
    #[error("no board file fits this machine: parts are named by their chips and buses")]
    Unrecognised,
    /// Lines that do not raise edges.
    #[error("{lines} raise no edges: they are polled, and short pulses are missed")]
    NoEdges {
        /// Which, like `gpio/B0…B7`.
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
            Self::OldGpio { .. } => "Linux 5.10 and later have the second".to_owned(),
            Self::OldWorld { .. } => "use a system of the new world, with Linux 5.19 or later".to_owned(),
            Self::LargePages { .. } => String::new(),
            Self::Phantoms { .. } => {
                "name ports by `uart/…`: which ttyS is which changes with the kernel".to_owned()
            }
            Self::Unrecognised => {
                "write a board file, or send a copy of /proc, /sys and /etc: docs/boards.md".to_owned()
            }
            Self::NoEdges { .. } => "put what raises short pulses on other lines".to_owned(),
            Self::FewerLines { .. } | Self::SmbusOnly => String::new(),
            Self::UnknownLines { .. } => {
                "let this user open it, or give it a bank with `lines` in a board file".to_owned()
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

/// Pages that the figures of memory are for.
const USUAL_PAGE: u64 = 4 << 10;

/// What will not work because of what the machine and its kernel are.
pub(super) fn of_machine(root: &Root, board: &mut Board) {
    let machine = &board.machine;
    let mut troubles = Vec::new();
    if machine.recognised_by.is_none() && board.file.is_none() {
        troubles.push(Trouble::Unrecognised);
    }
    if let Some(page) = machine.page.filter(|page| *page > USUAL_PAGE) {
        let kilobytes = page >> 10;
        troubles.push(Trouble::LargePages { kilobytes });
    }
    let release = board.os.kernel.clone().unwrap_or_default();
    let version = version(&release);
    if machine.cpu.arch == "loongarch64" && version.is_some_and(|version| version < (5, 19)) {
        let kernel = release.clone();
        troubles.push(Trouble::OldWorld { kernel });
    }
    let devices = root.list("/sys/bus/gpio/devices").unwrap_or_default();
    let classes = root.list("/sys/class/gpio").unwrap_or_default();
    let chips = |names: &[String]| names.iter().any(|name| name.starts_with("gpiochip"));
    if !root.exists("/sys/bus/gpio") && !root.exists("/sys/class/gpio") {
        troubles.push(Trouble::NoGpio);
    } else if chips(&devices) && version.is_some_and(|version| version < (5, 10)) {
        // Debouncing and later things came with v2 in 5.10, bias with 5.5.
        let bias = match version {
            Some(version) if version < (5, 5) => ", and no pull-up or pull-down",
            _ => "",
        };
        let kernel = release.clone();
        troubles.push(Trouble::OldGpio { kernel, bias });
    } else if !chips(&devices) && chips(&classes) {
        troubles.push(Trouble::NoGpioDevice);
    }
    board.troubles = troubles;
}

/// Major and minor number of a kernel.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    Some((major, minor))
}
