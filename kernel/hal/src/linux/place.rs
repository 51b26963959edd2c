//! What the board calls its parts, and where they are now.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::gpio::CharacterDevices;
use crate::board::{Board, BoardFile, GpioChip, GpioLine, NoSuch, Part, Trouble};
use crate::error::HalError;
use crate::hardware::Kind;
use crate::root::Root;

/// How old the known board must be before a name that it has not is looked for anew: adapters come and go, and a
/// look at everything takes some milliseconds.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The board below a root, as it was when it was looked at last.
pub(super) struct Places {
    root: Root,
    /// The operator's own board file.
    file: Option<Arc<BoardFile>>,
    look_again: Duration,
    seen: Mutex<Option<Seen>>,
}

struct Seen {
    board: Arc<Board>,
    at: Instant,
}

impl Places {
    pub(super) fn new(root: Root, file: Option<Arc<BoardFile>>) -> Self {
        Self {
            root,
            file,
            look_again: LOOK_AGAIN,
            seen: Mutex::default(),
        }
    }

    /// One that looks at once when a name is not known.
    #[cfg(test)]
    pub(super) fn watchful(root: Root) -> Self {
        Self {
            look_again: Duration::ZERO,
            ..Self::new(root, None)
        }
    }

    pub(super) fn root(&self) -> &Root {
        &self.root
    }

    /// The board; not older than so much.
    fn board(&self, age: Duration) -> Arc<Board> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = &*seen
            && seen.at.elapsed() < age
        {
            return seen.board.clone();
        }
        let board = Arc::new(Board::detect_as(
            &self.root,
            &CharacterDevices,
            self.file.as_deref(),
        ));
        *seen = Some(Seen {
            board: board.clone(),
            at: Instant::now(),
        });
        board
    }

    /// A part of the board, looked for anew when it is not known.
    pub(super) fn find<P: Clone>(
        &self,
        kind: Kind,
        get: impl Fn(&Board) -> Result<&P, NoSuch>,
    ) -> Result<P, HalError> {
        if let Ok(part) = get(&self.board(Duration::MAX)) {
            return Ok(part.clone());
        }
        match get(&self.board(self.look_again)) {
            Ok(part) => Ok(part.clone()),
            Err(error) => Err(unknown(kind, error)),
        }
    }

    /// A part that has vanished, where it is now: chips and buses get new numbers.
    pub(super) fn find_again<P: Clone>(
        &self,
        kind: Kind,
        get: impl Fn(&Board) -> Result<&P, NoSuch>,
    ) -> Result<P, HalError> {
        let board = self.board(self.look_again);
        get(&board).cloned().map_err(|error| unknown(kind, error))
    }

    /// The one name of something.
    pub(super) fn resolve(&self, kind: Kind, name: &str) -> Result<String, HalError> {
        match kind {
            Kind::Gpio => self.name(kind, |board| board.line(name)),
            Kind::I2c => self.name(kind, |board| board.i2c(name)),
            Kind::Spi => self.name(kind, |board| board.spi(name)),
            Kind::Uart => self.name(kind, |board| board.uart(name)),
            Kind::Pwm => self.name(kind, |board| board.pwm(name)),
            Kind::Adc => self.name(kind, |board| board.adc(name)),
        }
    }

    fn name<P: Part + Clone>(
        &self,
        kind: Kind,
        get: impl Fn(&Board) -> Result<&P, NoSuch>,
    ) -> Result<String, HalError> {
        self.find(kind, get).map(|part| part.name().to_owned())
    }

    /// Whether the chip of a line has a character device in this kernel, be the chip there or not: sysfs would keep the
    /// line from it.
    pub(super) fn has_device(&self, line: &GpioLine) -> bool {
        let board = self.board(Duration::MAX);
        let without = |chip: &GpioChip| chip.troubles.contains(&Trouble::NoGpioDevice);
        if board.chip(line).is_some_and(without) {
            return false;
        }
        let folder =
            Path::new("/sys/bus/gpio/devices").join(line.chip.file_name().unwrap_or_default());
        !self.root.exists(&folder) || self.root.exists(folder.join("dev"))
    }

    /// Whether what is at a path of sysfs is behind a bus that takes its time: operations on it wait for wires.
    pub(super) fn is_slow(&self, path: impl Into<PathBuf>) -> bool {
        let Some(real) = self.root.real(path.into()) else {
            return false;
        };
        real.components().any(|part| {
            let part = part.as_os_str().to_string_lossy();
            ["i2c-", "spi", "usb"].iter().any(|bus| {
                part.strip_prefix(bus).is_some_and(|rest| {
                    !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || c == '.')
                })
            })
        })
    }
}

fn unknown(kind: Kind, error: NoSuch) -> HalError {
    HalError::Unknown {
        kind: kind.words(),
        name: error.name,
        similar: error.similar,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;

    #[test]
    fn what_is_behind_a_slow_bus_is_known_by_its_path() {
        let fixture = Fixture::new();
        for (name, device, slow) in [
            (
                "gpiochip0",
                "/sys/devices/platform/28004000.gpio/gpiochip0",
                false,
            ),
            (
                "gpiochip1",
                "/sys/devices/pci0/i2c-1/1-0020/gpiochip1",
                true,
            ),
            (
                "gpiochip2",
                "/sys/devices/pci0/usb1/1-2/1-2:1.0/gpiochip2",
                true,
            ),
            (
                "gpiochip3",
                "/sys/devices/soc/spi_master/spi0/spi0.1/gpiochip3",
                true,
            ),
        ] {
            fixture.link(&format!("/sys/bus/gpio/devices/{name}"), device);
            let places = fixture.places();
            assert_eq!(
                places.is_slow(format!("/sys/bus/gpio/devices/{name}")),
                slow,
                "{name}"
            );
        }
    }

    #[test]
    fn an_adapter_that_is_plugged_in_later_is_found_by_its_name() {
        let fixture = Fixture::new();
        let places = fixture.places();
        let error = places.resolve(Kind::Pwm, "pwm/fan/0").unwrap_err();
        assert_eq!(error.to_string(), "there is no PWM channel `pwm/fan/0`");
        fixture.link(
            "/sys/class/pwm/pwmchip3",
            "/sys/devices/platform/fan/pwm/pwmchip3",
        );
        fixture.file("/sys/class/pwm/pwmchip3/npwm", "2\n");
        let name = places.resolve(Kind::Pwm, "pwm/pwmchip3/1").unwrap();
        assert_eq!(name, "pwm/pwmchip3/1");
        let error = places
            .resolve(Kind::Pwm, "pwmchip3/2")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`pwm/pwmchip3/"),
            "names that are there: {error}"
        );
    }
}
