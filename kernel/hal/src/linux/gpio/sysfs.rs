//! Lines of `/sys/class/gpio`: for kernels without character devices.
//!
//! Nobody owns a line there: one that is exported already, by another program or by a host that was killed, is used
//! on. The kernel keeps time of nothing, and tells of an edge at best that there was one.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::super::file::{settled, write};
use super::super::trouble;
use crate::error::HalError;
use crate::gpio::{Bias, Drive, Edges, LineConfig, Mode};
use crate::guarded::Setting;
use crate::root::Root;

const CLASS: &str = "/sys/class/gpio";

/// An exported line.
pub(super) struct FileLine {
    name: String,
    folder: PathBuf,
    value: Arc<File>,
    config: LineConfig,
    /// The kernel tells when something happens at the file of the value.
    pub(super) tells: bool,
    _export: Export,
}

/// Takes the export back at the end, when it was this process that made it.
struct Export {
    number: u32,
    unexport: Option<PathBuf>,
}

impl Drop for Export {
    fn drop(&mut self) {
        if let Some(unexport) = &self.unexport {
            // A line that has vanished with its chip is not exported any more.
            let _ = fs::write(unexport, self.number.to_string());
        }
    }
}

impl FileLine {
    pub(super) fn take(
        root: &Root,
        name: &str,
        number: u32,
        config: &LineConfig,
    ) -> Result<Self, HalError> {
        check(name, config)?;
        let folder = root.path(format!("{CLASS}/gpio{number}"));
        let mut export = Export {
            number,
            unexport: None,
        };
        if !folder.exists() {
            write(&root.path(format!("{CLASS}/export")), &number.to_string())
                .map_err(|error| not_exported(name, &error))?;
            export.unexport = Some(root.path(format!("{CLASS}/unexport")));
        }
        let value = settled(&folder.join("value"), true)
            .map_err(|error| trouble::cannot_open(name, &folder, "gpio-sysfs", &error))?;
        let mut line = Self {
            name: name.to_owned(),
            folder,
            value: Arc::new(value),
            config: *config,
            tells: false,
            _export: export,
        };
        line.put(config)?;
        Ok(line)
    }

    pub(super) fn configure(&mut self, config: &LineConfig) -> Result<(), HalError> {
        check(&self.name, config)?;
        let before = self.config;
        self.put(config).inspect_err(|_| {
            // What the files take tells itself; this is what they had.
            let _ = self.put(&before);
        })
    }

    fn put(&mut self, config: &LineConfig) -> Result<(), HalError> {
        let failed = |error: &io::Error| trouble::failed(&self.name, error);
        let direction = self.folder.join("direction");
        // Values of the files are those of the wire from here on.
        let inverts = self.folder.join("active_low");
        if inverts.exists() {
            write(&inverts, "0").map_err(|error| failed(&error))?;
        }
        let is_output = fs::read_to_string(&direction).is_ok_and(|text| text.trim() == "out");
        match config.mode {
            Mode::Output { initial: None, .. } if is_output => {}
            Mode::Output { initial, .. } => {
                self.put_edge("none");
                let high = initial.unwrap_or(false) != config.active_low;
                write(&direction, if high { "high" } else { "low" })
                    .map_err(|error| self.no_direction(&error, "an output"))?;
            }
            Mode::Input { .. } if direction.exists() => {
                write(&direction, "in").map_err(|error| self.no_direction(&error, "an input"))?;
            }
            Mode::Input { .. } => {}
        }
        self.tells = match config.mode {
            Mode::Input {
                edges, debounce: 0, ..
            } if edges != Edges::None => self.put_edge("both"),
            _ => {
                self.put_edge("none");
                false
            }
        };
        self.config = *config;
        Ok(())
    }

    /// Asks to be told of edges; false where the line has none.
    fn put_edge(&self, edges: &str) -> bool {
        write(&self.folder.join("edge"), edges).is_ok()
    }

    fn no_direction(&self, error: &io::Error, wanted: &str) -> HalError {
        if trouble::is_refused(error) || error.kind() == io::ErrorKind::NotFound {
            let name = &self.name;
            return HalError::Unsupported(format!(
                "{name} cannot be {wanted}: its direction is fixed ({error}); use another line"
            ));
        }
        trouble::failed(&self.name, error)
    }

    /// The logical value.
    pub(super) fn get(&self) -> io::Result<bool> {
        read_value(&self.value, self.config.active_low)
    }

    pub(super) fn set(&self, active: bool) -> io::Result<()> {
        self.value.write_all_at(self.level(active), 0)
    }

    fn level(&self, active: bool) -> &'static [u8] {
        if active != self.config.active_low {
            b"1\n"
        } else {
            b"0\n"
        }
    }

    /// The file of the value, on which the kernel tells of edges.
    pub(super) fn value(&self) -> &Arc<File> {
        &self.value
    }

    pub(super) fn guarded(&self, active: bool) -> Option<(OwnedFd, Setting)> {
        let descriptor = OwnedFd::from(self.value.try_clone().ok()?);
        Some((descriptor, Setting::File(self.level(active).to_vec())))
    }
}

/// The logical value of a line.
pub(super) fn read_value(file: &File, active_low: bool) -> io::Result<bool> {
    let mut byte = [0];
    match file.read_at(&mut byte, 0)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok((byte[0] == b'1') != active_low),
    }
}

/// What this interface has no way to ask for.
fn check(name: &str, config: &LineConfig) -> Result<(), HalError> {
    let wanted = match config.mode {
        Mode::Input {
            bias: Bias::Disabled | Bias::PullUp | Bias::PullDown,
            ..
        } => "set the resistor of",
        Mode::Input {
            edges: Edges::None,
            debounce: 1..,
            ..
        } => "debounce",
        Mode::Output {
            drive: Drive::OpenDrain | Drive::OpenSource,
            ..
        } => "drive only one level of",
        _ => return Ok(()),
    };
    Err(HalError::Unsupported(format!(
        "this kernel has no character device for GPIO, and sysfs cannot {wanted} {name}: open it without, or use a kernel with CONFIG_GPIO_CDEV"
    )))
}

fn not_exported(name: &str, error: &io::Error) -> HalError {
    match error.kind() {
        io::ErrorKind::ResourceBusy => HalError::Taken {
            name: name.to_owned(),
            holder: "a driver of the kernel (`sudo cat /sys/kernel/debug/gpio` names it)"
                .to_owned(),
        },
        io::ErrorKind::NotFound => HalError::Unsupported(format!(
            "{name}: this kernel gives programs no way to GPIO lines: use one with CONFIG_GPIO_CDEV or CONFIG_GPIO_SYSFS"
        )),
        io::ErrorKind::PermissionDenied => HalError::Failed(format!(
            "{name}: {CLASS}/export may not be written: add the user of the host to the group of that file, or give it one by a rule of udev"
        )),
        io::ErrorKind::InvalidInput => HalError::Gone(format!(
            "{name}: the kernel has no line of its number any more: its chip has vanished"
        )),
        _ => trouble::failed(name, error),
    }
}
