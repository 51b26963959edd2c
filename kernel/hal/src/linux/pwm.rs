//! PWM channels, by sysfs.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weihe_kernel::failsafe::GuardedLine;

use super::file::{number, settled, write};
use super::place::Places;
use super::trouble;
use crate::board::PwmChannel as ChannelPart;
use crate::error::HalError;
use crate::guarded::Setting;
use crate::hardware::Kind;
use crate::pwm::PwmChannel;

/// An open channel.
pub(super) struct LinuxPwm {
    name: String,
    places: Arc<Places>,
    /// Rises when it is found or lost.
    renewal: AtomicU64,
    state: Mutex<State>,
}

struct State {
    /// None while it has vanished.
    open: Option<Open>,
    /// Period and width that were set last, and whether it was on.
    last: Option<(u64, u64)>,
    on: bool,
}

struct Open {
    folder: PathBuf,
    /// Takes the export back, when it was this process that made it.
    unexport: Option<(PathBuf, u32)>,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some((file, channel)) = &self.unexport {
            // A channel that has vanished with its chip is not exported any more.
            let _ = fs::write(file, channel.to_string());
        }
    }
}

impl LinuxPwm {
    pub(super) fn open(places: Arc<Places>, name: &str) -> Result<Self, HalError> {
        let part = places.find(Kind::Pwm, |board| board.pwm(name))?;
        let open = open(&places, &part)?;
        // One that goes on from before goes on after its chip has come back, too.
        let period = number(&open.folder.join("period")).unwrap_or(0);
        let width = number(&open.folder.join("duty_cycle")).unwrap_or(0);
        let on = number::<u8>(&open.folder.join("enable")).is_ok_and(|on| on == 1);
        Ok(Self {
            name: part.name,
            places,
            renewal: AtomicU64::new(0),
            state: Mutex::new(State {
                open: Some(open),
                last: (period > 0).then_some((period, width)),
                on,
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something in the folder of the channel, which is looked for when it had vanished.
    fn with<T>(
        &self,
        state: &mut State,
        operation: impl FnOnce(&Path) -> Result<T, HalError>,
    ) -> Result<T, HalError> {
        let folder = match &state.open {
            Some(open) => open.folder.clone(),
            None => {
                let part = self
                    .places
                    .find_again(Kind::Pwm, |board| board.pwm(&self.name))
                    .map_err(|_| trouble::gone(&self.name, &io::ErrorKind::NotFound.into()))?;
                let open = open(&self.places, &part)?;
                let folder = open.folder.clone();
                if let Some((period, width)) = state.last {
                    self.put(&folder, period, width)?;
                }
                if state.on {
                    self.switch(&folder, true)?;
                }
                state.open = Some(open);
                self.renewal.fetch_add(1, Ordering::Relaxed);
                folder
            }
        };
        let done = operation(&folder);
        if matches!(done, Err(HalError::Gone(_))) {
            state.open = None;
            self.renewal.fetch_add(1, Ordering::Relaxed);
        }
        done
    }

    fn put(&self, folder: &Path, period: u64, width: u64) -> Result<(), HalError> {
        let (periods, widths) = (folder.join("period"), folder.join("duty_cycle"));
        let set = || {
            let now: u64 = number(&periods)?;
            // A pulse is never longer than its period, not for a moment.
            if period < number::<u64>(&widths)? {
                write(&widths, &width.to_string())?;
                return write(&periods, &period.to_string());
            }
            if period != now {
                write(&periods, &period.to_string())?;
            }
            write(&widths, &width.to_string())
        };
        set().map_err(|error: io::Error| {
            if trouble::is_refused(&error) || error.raw_os_error() == Some(ERANGE) {
                return HalError::Unsupported(format!(
                    "{}: the driver refuses a period of {period} ns with pulses of {width} ns ({error}): channels of one chip may have to share their period; choose what it can do",
                    self.name
                ));
            }
            trouble::failed(&self.name, &error)
        })
    }

    fn switch(&self, folder: &Path, on: bool) -> Result<(), HalError> {
        let text = if on { "1" } else { "0" };
        write(&folder.join("enable"), text).map_err(|error| {
            let unset = number::<u64>(&folder.join("period")).is_ok_and(|period| period == 0);
            if on && unset && trouble::is_refused(&error) {
                return HalError::Invalid(format!(
                    "{} has no period yet: set one before it is switched on",
                    self.name
                ));
            }
            trouble::failed(&self.name, &error)
        })
    }
}

/// A number out of the range of the driver.
const ERANGE: i32 = rustix::io::Errno::RANGE.raw_os_error();

fn open(places: &Places, part: &ChannelPart) -> Result<Open, HalError> {
    let (name, channel) = (&part.name, part.channel);
    let chip = places.root().path(&part.chip);
    let mut open = Open {
        folder: chip.join(format!("pwm{channel}")),
        unexport: None,
    };
    if !open.folder.exists() {
        write(&chip.join("export"), &channel.to_string())
            .map_err(|error| not_exported(name, &chip, &error))?;
        open.unexport = Some((chip.join("unexport"), channel));
    }
    let period = open.folder.join("period");
    settled(&period, false).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => no_permission(name, &period),
        _ => trouble::failed(name, &error),
    })?;
    Ok(open)
}

fn no_permission(name: &str, path: &Path) -> HalError {
    HalError::Failed(format!(
        "{name}: {} may not be written: give it to a group by a rule of udev like SUBSYSTEM==\"pwm\", RUN+=\"/bin/chgrp -R gpio /sys%p\", RUN+=\"/bin/chmod -R g=u /sys%p\", and add the user of the host to that group",
        path.display()
    ))
}

fn not_exported(name: &str, chip: &Path, error: &io::Error) -> HalError {
    match error.kind() {
        io::ErrorKind::ResourceBusy => HalError::Taken {
            name: name.to_owned(),
            holder: "a driver of the kernel (`sudo cat /sys/kernel/debug/pwm` names it)".to_owned(),
        },
        io::ErrorKind::PermissionDenied => no_permission(name, &chip.join("export")),
        _ => trouble::failed(name, error),
    }
}

impl PwmChannel for LinuxPwm {
    fn set(&self, period: u64, width: u64) -> Result<(), HalError> {
        let mut state = self.state();
        self.with(&mut state, |folder| self.put(folder, period, width))?;
        state.last = Some((period, width));
        Ok(())
    }

    fn enable(&self, on: bool) -> Result<(), HalError> {
        let mut state = self.state();
        let before = state.on;
        if state.open.is_none() {
            // It comes back as this, and not for a moment as what it was.
            state.on = on;
        }
        let outcome = self.with(&mut state, |folder| self.switch(folder, on));
        state.on = if outcome.is_ok() { on } else { before };
        outcome?;
        Ok(())
    }

    fn period(&self) -> Result<u64, HalError> {
        let failed = |error: io::Error| trouble::failed(&self.name, &error);
        self.with(&mut self.state(), |folder| {
            number(&folder.join("period")).map_err(failed)
        })
    }

    fn width(&self) -> Result<u64, HalError> {
        let failed = |error: io::Error| trouble::failed(&self.name, &error);
        self.with(&mut self.state(), |folder| {
            number(&folder.join("duty_cycle")).map_err(failed)
        })
    }

    /// Drivers wait for the end of a period, for a clock or for a bus; and it may have to be looked for.
    fn blocks(&self) -> bool {
        true
    }

    fn renewal(&self) -> u64 {
        self.renewal.load(Ordering::Relaxed)
    }

    fn guarded(&self, width: Option<u64>) -> Option<GuardedLine> {
        let state = self.state();
        let folder = &state.open.as_ref()?.folder;
        let folder = File::open(folder).ok()?;
        let setting = match width {
            Some(width) => Setting::PwmWidth(width),
            None => Setting::PwmOff,
        };
        Some(setting.on(Arc::new(OwnedFd::from(folder))))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;

    const CHIP: &str = "/sys/class/pwm/pwmchip0";

    fn fixture() -> Fixture {
        let fixture = Fixture::new();
        fixture.link(CHIP, "/sys/devices/platform/f2.pwm/pwm/pwmchip0");
        fixture.file(&format!("{CHIP}/npwm"), "2\n");
        fixture.file(&format!("{CHIP}/export"), "");
        fixture.file(&format!("{CHIP}/unexport"), "");
        for (file, value) in [
            ("period", "0"),
            ("duty_cycle", "0"),
            ("enable", "0"),
            ("polarity", "inversed"),
        ] {
            fixture.file(&format!("{CHIP}/pwm1/{file}"), &format!("{value}\n"));
        }
        fixture
    }

    fn channel(fixture: &Fixture) -> LinuxPwm {
        LinuxPwm::open(fixture.places(), "pwm/pwmchip0/1").unwrap()
    }

    #[test]
    fn a_channel_is_set_and_switched_and_its_polarity_stays() {
        let fixture = fixture();
        let servo = channel(&fixture);
        servo.set(20_000_000, 1_500_000).unwrap();
        servo.enable(true).unwrap();
        let value = |file: &str| fixture.read(&format!("{CHIP}/pwm1/{file}"));
        assert_eq!(value("period"), "20000000");
        assert_eq!(value("duty_cycle"), "1500000");
        assert_eq!(value("enable"), "1");
        assert_eq!(value("polarity"), "inversed\n");
        servo.set(1_000_000, 250_000).unwrap();
        assert_eq!(
            (servo.period(), servo.width()),
            (Ok(1_000_000), Ok(250_000))
        );
        drop(servo);
        // It was exported before, and stays so.
        assert_eq!(fixture.read(&format!("{CHIP}/unexport")), "");
    }

    #[test]
    fn the_guard_sets_a_width_or_switches_off_by_a_descriptor() {
        let fixture = fixture();
        let fan = channel(&fixture);
        fan.set(1_000_000, 900_000).unwrap();
        fan.enable(true).unwrap();
        let safe = fan.guarded(Some(100_000)).unwrap();
        let off = fan.guarded(None).unwrap();
        drop(fan);
        crate::guarded::apply(&safe.descriptor, &safe.order).unwrap();
        crate::guarded::apply(&off.descriptor, &off.order).unwrap();
        assert_eq!(fixture.read(&format!("{CHIP}/pwm1/duty_cycle")), "100000");
        assert_eq!(fixture.read(&format!("{CHIP}/pwm1/enable")), "0");
    }

    #[test]
    fn a_chip_that_vanishes_says_so_and_goes_on_where_it_was_when_it_is_back() {
        let fixture = fixture();
        let fan = channel(&fixture);
        fan.set(1_000_000, 900_000).unwrap();
        fan.enable(true).unwrap();
        let device = fixture.at("/sys/devices/platform/f2.pwm/pwm/pwmchip0");
        let away = fixture.at("/away");
        fs::rename(&device, &away).unwrap();
        let gone = fan.set(1_000_000, 100_000).unwrap_err();
        assert!(matches!(gone, HalError::Gone(_)), "{gone}");
        assert!(
            gone.to_string().starts_with("pwm/pwmchip0/1 has vanished"),
            "{gone}"
        );
        assert!(matches!(fan.period(), Err(HalError::Gone(_))));
        fs::rename(&away, &device).unwrap();
        for file in ["period", "duty_cycle", "enable"] {
            fixture.file(&format!("{CHIP}/pwm1/{file}"), "0\n");
        }
        assert_eq!(fan.period(), Ok(1_000_000));
        assert_eq!(fan.width(), Ok(900_000));
        assert_eq!(fixture.read(&format!("{CHIP}/pwm1/enable")), "1");
    }

    #[test]
    fn who_may_not_and_who_came_first_are_told_apart() {
        let chip = Path::new("/sys/class/pwm/pwmchip0");
        let busy = io::Error::from(rustix::io::Errno::BUSY);
        let taken = not_exported("pwm/0/1", chip, &busy);
        assert!(matches!(taken, HalError::Taken { .. }), "{taken}");
        let denied = not_exported("pwm/0/1", chip, &rustix::io::Errno::ACCESS.into());
        let text = denied.to_string();
        assert!(
            text.contains("pwmchip0/export") && text.contains("udev"),
            "{text}"
        );
    }
}
