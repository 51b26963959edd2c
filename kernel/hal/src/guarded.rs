//! How an output is set on a descriptor alone, by a process that did not open it: the guard, after the host died.
//!
//! The backend knows what it has opened and says what is to be done ([`Setting::on`]); that travels as plain
//! bytes beside the descriptor. The guard process calls [`apply`], which needs nothing else: no board, no
//! names, no state.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use weihe_kernel::failsafe::GuardedLine;

use crate::capability::HAL;
use crate::linux::uapi::{gpio_v1, gpio_v2};

/// The first byte of each encoding, so that a text for a serial line is not taken for a setting.
const MARK: u8 = 0xd7;

const LINE_V1: u8 = 1;
const LINE_V2: u8 = 2;
const FILE: u8 = 3;
const PWM_OFF: u8 = 4;
const PWM_WIDTH: u8 = 5;

/// What is done with a descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// It is a line handle of the first generation of the GPIO interface, whose only line gets this logical
    /// value: `GPIOHANDLE_SET_LINE_VALUES_IOCTL`.
    LineV1(bool),
    /// It is a line request of the second generation (Linux 5.10 and later):
    /// `GPIO_V2_LINE_SET_VALUES_IOCTL`.
    LineV2(bool),
    /// It is an open file (`value` of sysfs GPIO), which these bytes are written to from its beginning.
    File(Vec<u8>),
    /// It is the directory of a PWM channel in sysfs, which is switched off.
    PwmOff,
    /// It is such a directory, whose pulses get this width, in nanoseconds, and go on or begin.
    PwmWidth(u64),
}

/// Why a setting was not made.
#[derive(Debug, thiserror::Error)]
pub enum GuardedError {
    /// The bytes are none.
    #[error("these {0} bytes are no setting")]
    Unknown(usize),
    /// The kernel's interface to lines refused.
    #[error("the line cannot be set: {0}")]
    Line(io::Error),
    /// A file could not be opened or written.
    #[error("`{file}` cannot be written: {source}")]
    File {
        /// Which one.
        file: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl Setting {
    /// What the fail-safe passes on to the guard.
    pub fn on(&self, descriptor: Arc<OwnedFd>) -> GuardedLine {
        GuardedLine {
            descriptor,
            by: HAL,
            order: self.encode().into(),
        }
    }

    /// As bytes. They are read by a process of the same program, so their form may change with it.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::LineV1(value) => vec![MARK, LINE_V1, (*value).into()],
            Self::LineV2(value) => vec![MARK, LINE_V2, (*value).into()],
            Self::File(text) => [&[MARK, FILE], text.as_slice()].concat(),
            Self::PwmOff => vec![MARK, PWM_OFF],
            Self::PwmWidth(width) => [&[MARK, PWM_WIDTH], &width.to_le_bytes()[..]].concat(),
        }
    }

    /// From bytes; none when they are no setting.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [MARK, LINE_V1, value @ (0 | 1)] => Some(Self::LineV1(*value == 1)),
            [MARK, LINE_V2, value @ (0 | 1)] => Some(Self::LineV2(*value == 1)),
            [MARK, FILE, text @ ..] if !text.is_empty() => Some(Self::File(text.to_vec())),
            [MARK, PWM_OFF] => Some(Self::PwmOff),
            [MARK, PWM_WIDTH, width @ ..] => {
                let width = <[u8; 8]>::try_from(width).ok()?;
                Some(Self::PwmWidth(u64::from_le_bytes(width)))
            }
            _ => None,
        }
    }

    /// Makes it.
    pub fn apply(&self, descriptor: impl AsFd) -> Result<(), GuardedError> {
        match self {
            Self::LineV1(value) => {
                gpio_v1::set(descriptor, *value).map_err(GuardedError::Line)?;
            }
            Self::LineV2(value) => {
                gpio_v2::set(descriptor, *value).map_err(GuardedError::Line)?;
            }
            Self::File(text) => write_all(descriptor, text).map_err(cannot("value"))?,
            Self::PwmOff => write_in(descriptor, "enable", b"0")?,
            Self::PwmWidth(width) => {
                write_in(&descriptor, "duty_cycle", width.to_string().as_bytes())?;
                write_in(&descriptor, "enable", b"1")?;
            }
        }
        Ok(())
    }
}

/// Does with a descriptor what bytes say that came with it.
pub fn apply(descriptor: impl AsFd, bytes: &[u8]) -> Result<(), GuardedError> {
    let setting = Setting::decode(bytes).ok_or(GuardedError::Unknown(bytes.len()))?;
    setting.apply(descriptor)
}

fn cannot(file: &'static str) -> impl Fn(io::Error) -> GuardedError {
    move |source| GuardedError::File { file, source }
}

/// Writes a file of a directory.
fn write_in(directory: impl AsFd, name: &'static str, text: &[u8]) -> Result<(), GuardedError> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let opened = openat(directory, name, flags, Mode::empty());
    let file = opened.map_err(|error| cannot(name)(error.into()))?;
    write_all(&file, text).map_err(cannot(name))
}

/// Writes from the beginning of a file, or to whatever has none.
fn write_all(to: impl AsFd, text: &[u8]) -> io::Result<()> {
    let mut written = 0;
    while let Some(left) = text.get(written..).filter(|left| !left.is_empty()) {
        let done = match rustix::io::pwrite(&to, left, written as u64) {
            Err(Errno::SPIPE) => rustix::io::write(&to, left),
            done => done,
        };
        match done {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => written += length,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_setting_arrives_as_it_was_given() {
        for setting in [
            Setting::LineV2(true),
            Setting::LineV2(false),
            Setting::LineV1(true),
            Setting::File(b"1".to_vec()),
            Setting::PwmOff,
            Setting::PwmWidth(1_500_000),
        ] {
            assert_eq!(Setting::decode(&setting.encode()), Some(setting));
        }
        let short = &[MARK, PWM_WIDTH, 1][..];
        for nonsense in [
            &b""[..],
            b"?",
            &[MARK],
            &[MARK, LINE_V1, 2],
            &[MARK, FILE],
            short,
        ] {
            assert_eq!(Setting::decode(nonsense), None, "{nonsense:?}");
        }
    }

    #[test]
    fn a_file_is_written_from_its_beginning_wherever_the_host_had_left_off() {
        let folder = tempfile::tempdir().unwrap();
        let value = folder.path().join("value");
        std::fs::write(&value, "1").unwrap();
        let mut file = File::options().read(true).write(true).open(&value).unwrap();
        file.read_to_end(&mut Vec::new()).unwrap();
        apply(&file, &Setting::File(b"0".to_vec()).encode()).unwrap();
        assert_eq!(std::fs::read_to_string(&value).unwrap(), "0");
        let (mut reader, writer) = std::io::pipe().unwrap();
        apply(&writer, &Setting::File(b"0".to_vec()).encode()).unwrap();
        drop(writer);
        let mut heard = String::new();
        reader.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "0");
    }

    #[test]
    fn a_pwm_channel_is_switched_off_or_gets_its_width() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let get = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        put("enable", "1");
        put("duty_cycle", "9");
        let channel: OwnedFd = File::open(folder.path()).unwrap().into();
        apply(&channel, &Setting::PwmOff.encode()).unwrap();
        assert_eq!((get("enable"), get("duty_cycle")), ("0".into(), "9".into()));
        apply(&channel, &Setting::PwmWidth(1_500_000).encode()).unwrap();
        assert_eq!(
            (get("enable"), get("duty_cycle")),
            ("1".into(), "1500000".into())
        );
    }

    #[test]
    fn what_cannot_be_done_says_what_and_why() {
        let null: OwnedFd = File::options()
            .write(true)
            .open("/dev/null")
            .unwrap()
            .into();
        assert!(null.as_raw_fd() > 2);
        let said = |order: &[u8]| apply(&null, order).unwrap_err().to_string();
        assert!(said(b"?").contains("no setting"));
        assert!(said(&Setting::LineV2(false).encode()).contains("line cannot be set"));
        assert!(said(&Setting::LineV1(false).encode()).contains("line cannot be set"));
        assert!(said(&Setting::PwmOff.encode()).contains("`enable` cannot be written"));
    }
}
