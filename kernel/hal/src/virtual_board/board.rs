//! The board as tests, people and the host have it.

use std::sync::{Arc, PoisonError, RwLock};

use weihe_kernel::{Clock, SystemClock};

use super::core::{Core, unknown};
use super::fault::{Fault, Force};
use super::file::{self, BoardError, Scripted};
use super::models::Bench;
use super::timeline::Happening;
use super::uart::Far;
use super::view::BoardView;
use super::wire::Attached;
use crate::error::HalError;
use crate::hardware::Kind;

/// A board that is not there.
///
/// ```
/// # use std::sync::Arc;
/// use weihe_hal::virtual_board::VirtualBoard;
/// use weihe_kernel::VirtualClock;
///
/// let clock = Arc::new(VirtualClock::new(0));
/// let board = VirtualBoard::parse(
///     r#"
///     [world]
///     temperature = 21.5
///     [line."gpio/A3"]
///     alias = "start"
///     kind = "button"
///     [i2c."i2c/1"."0x44"]
///     model = "sht4x"
///     "#,
///     clock,
/// )?;
/// board.press("start", Some(50_000_000))?;
/// assert_eq!(board.level("gpio/A3"), Some(false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct VirtualBoard {
    clock: Arc<dyn Clock>,
    core: RwLock<Arc<Core>>,
}

impl VirtualBoard {
    /// Whether a text describes a board.
    pub fn check(text: &str) -> Result<(), BoardError> {
        file::read(text, 0).map(drop)
    }

    /// The board that a text in TOML describes. Its world begins now.
    pub fn parse(text: &str, clock: Arc<dyn Clock>) -> Result<Self, BoardError> {
        let core = RwLock::new(build(text, &clock)?);
        Ok(Self { clock, core })
    }

    /// Becomes another board, as long as nobody has anything of it open: for who has to hand it on before it
    /// is known.
    pub fn rebuild(&self, text: &str) -> Result<(), BoardError> {
        let core = build(text, &self.clock)?;
        *self.core.write().unwrap_or_else(PoisonError::into_inner) = core;
        Ok(())
    }

    pub(super) fn core(&self) -> Arc<Core> {
        let core = self.core.read().unwrap_or_else(PoisonError::into_inner);
        core.clone()
    }

    /// Makes what is outside of the process: pseudo-terminals and listeners of serial ports. From here on,
    /// things happen in time by themselves. To be called where there is a runtime; the errors name ports that
    /// have no other end.
    pub fn power_on(&self) -> Vec<String> {
        let core = self.core();
        core.timeline.drive(&core);
        let ports = core.uarts.values();
        ports.filter_map(|uart| uart.connect().err()).collect()
    }

    /// The board as it is now.
    pub fn look(&self) -> BoardView {
        let core = self.core();
        core.catch_up();
        core.look()
    }

    /// Makes happen what is due by now. Whatever touches the board does that first: this is for tests with a
    /// clock of their own that only want to wait.
    pub fn catch_up(&self) {
        self.core().catch_up();
    }

    /// Presses a button for a time, or until it is released.
    pub fn press(&self, name: &str, nanoseconds: Option<u64>) -> Result<(), HalError> {
        let core = self.core();
        core.catch_up();
        let line = core.line(name)?;
        let contact = match core.lines.get(line).map(|line| &line.attached) {
            Some(Attached::Button(contact)) => *contact,
            _ => {
                let text = format!("{name} is no button, and only buttons can be pressed");
                return Err(HalError::Unsupported(text));
            }
        };
        let now = core.clock.monotonic();
        core.touch(line, Some(contact.closed), now);
        if let Some(span) = nanoseconds {
            let release: Happening = Box::new(move |core, due| core.touch(line, None, due));
            core.later(now.saturating_add(span), release);
        }
        core.timeline.drive(&core);
        core.react();
        Ok(())
    }

    /// Releases a button.
    pub fn release(&self, name: &str) -> Result<(), HalError> {
        let core = self.core();
        core.catch_up();
        let line = core.line(name)?;
        core.touch(line, None, core.clock.monotonic());
        core.react();
        Ok(())
    }

    /// What is set by this name is neither a line nor of the world.
    pub(super) fn cannot_set(&self, name: &str) -> Option<HalError> {
        let core = self.core();
        let mut known = core.names.keys().chain(core.world.keys());
        if known.any(|known| known == name) {
            return None;
        }
        let known = core.names.keys().chain(core.world.keys());
        let what = "line or value of the world";
        Some(unknown(what, name, known.map(String::as_str)))
    }

    /// Closes a switch or presses a button (true), opens it (false); drives any other line from outside to a
    /// level, or lets go of it (none).
    pub fn set_line(&self, name: &str, state: Option<bool>) -> Result<(), HalError> {
        let core = self.core();
        core.catch_up();
        let line = core.line(name)?;
        let level = match core.lines.get(line).map(|line| &line.attached) {
            Some(Attached::Button(contact) | Attached::Switch(contact)) => {
                (state == Some(true)).then_some(contact.closed)
            }
            Some(Attached::Nothing | Attached::Pir { .. } | Attached::Echo) => state,
            other => {
                let what = other.map_or("plain", Attached::word);
                let text =
                    format!("{name} cannot be driven from outside: `{what}` is at its other end");
                return Err(HalError::Unsupported(text));
            }
        };
        core.touch(line, level, core.clock.monotonic());
        core.react();
        Ok(())
    }

    /// Drives a line from outside; an unknown one is left alone.
    pub fn drive(&self, line: &str, high: bool) {
        let core = self.core();
        core.catch_up();
        if let Ok(line) = core.line(line) {
            core.touch(line, Some(high), core.clock.monotonic());
            core.react();
        }
    }

    /// Has a line change its level so many times, at once, with so many nanoseconds between two edges as far
    /// as their times tell.
    pub fn edges(&self, name: &str, count: u64, spacing: u64) -> Result<(), HalError> {
        let core = self.core();
        core.catch_up();
        let line = core.line(name)?;
        let now = core.clock.monotonic();
        let mut high = self.level(name).unwrap_or(false);
        for number in 1..=count {
            high = !high;
            let due = now.saturating_add(number.saturating_mul(spacing));
            core.change(line, Some(due), |pad| pad.outside = Some(high));
        }
        core.react();
        Ok(())
    }

    /// The level of a line as it is outside of the processor: what a lamp or relay at it sees.
    pub fn level(&self, line: &str) -> Option<bool> {
        let core = self.core();
        core.catch_up();
        let (net, _) = core.net(core.line(line).ok()?)?;
        Some(net.node)
    }

    /// Turns an encoder by so many steps, clockwise when they are positive. It takes its time.
    pub fn turn(&self, name: &str, steps: i64) -> Result<(), HalError> {
        let core = self.core();
        core.catch_up();
        let known = || core.encoders.keys().map(String::as_str);
        let encoder = core
            .encoders
            .get(name)
            .ok_or_else(|| unknown("encoder", name, known()))?;
        encoder.turn(&core, steps);
        core.timeline.drive(&core);
        Ok(())
    }

    /// Whether the world has such a value.
    pub fn is_world(&self, name: &str) -> bool {
        self.core().world.contains_key(name)
    }

    /// What a value of the world is now.
    pub fn world(&self, name: &str) -> Option<f64> {
        let core = self.core();
        let now = core.clock.monotonic();
        core.world.get(name).map(|value| value.at(now))
    }

    /// Sets a value of the world. It stays there.
    pub fn set_world(&self, name: &str, value: f64) -> Result<(), HalError> {
        let core = self.core();
        core.catch_up();
        if !value.is_finite() {
            return Err(HalError::Invalid(format!("{value} is no value")));
        }
        let known = || core.world.keys().map(String::as_str);
        let of_world = core
            .world
            .get(name)
            .ok_or_else(|| unknown("value of the world", name, known()))?;
        of_world.set(value);
        core.world_changed();
        Ok(())
    }

    /// Puts a fault in force until it is mended.
    pub fn fault(&self, name: &str, fault: Fault) -> Result<(), HalError> {
        self.put(name, Force { fault, left: None })
    }

    /// Puts a fault in force that shows so many times.
    pub fn fault_times(&self, name: &str, fault: Fault, times: u32) -> Result<(), HalError> {
        let left = Some(times.max(1));
        self.put(name, Force { fault, left })
    }

    fn put(&self, name: &str, force: Force) -> Result<(), HalError> {
        let core = self.core();
        core.catch_up();
        core.break_part(name, force, None)
    }

    /// Mends what is wrong with something. What was unplugged begins anew.
    pub fn mend(&self, name: &str) -> Result<(), HalError> {
        let core = self.core();
        core.catch_up();
        core.mend(name, None)
    }

    /// Mends everything.
    pub fn mend_all(&self) {
        let core = self.core();
        core.catch_up();
        core.mend_all();
    }

    /// Says something at the other end of a serial port that leads nowhere else.
    pub fn say(&self, port: &str, bytes: &[u8]) -> Result<(), HalError> {
        let core = self.core();
        let uart = own_end(&core, port)?;
        uart.receive(bytes);
        Ok(())
    }

    /// Takes what was sent on such a port.
    pub fn hear(&self, port: &str) -> Result<Vec<u8>, HalError> {
        let core = self.core();
        Ok(own_end(&core, port)?.take_sent())
    }

    /// What a device on a bus keeps: its registers, memory or picture.
    pub fn memory(&self, bus: &str, address: u16) -> Option<Vec<u8>> {
        let core = self.core();
        let bus = core.buses.get(bus)?;
        bus.with(address, |slot| slot.model.memory().to_vec())
    }

    /// What a device shows: a value by its name, as [`VirtualBoard::look`] has it.
    pub fn value(&self, bus: &str, address: u16, name: &str) -> Option<String> {
        let core = self.core();
        core.catch_up();
        let bench = Bench::new(&core);
        let seen = core
            .buses
            .get(bus)?
            .with(address, |slot| slot.model.seen(&bench))?;
        let found = seen.into_iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }

    /// What the screen at an address shows, two rows of points a line.
    pub fn screen(&self, bus: &str, address: u16) -> Option<Vec<String>> {
        let core = self.core();
        core.buses
            .get(bus)?
            .with(address, |slot| slot.model.screen())?
    }

    /// Period and width of a PWM channel in nanoseconds, and whether it is on.
    pub fn pwm(&self, name: &str) -> Option<(u64, u64, bool)> {
        let core = self.core();
        let state = core.pwm.get(name)?.state();
        Some((state.period, state.width, state.on))
    }
}

/// A port at whose other end is whoever speaks for the board.
fn own_end<'c>(core: &'c Core, name: &str) -> Result<&'c super::uart::Uart, HalError> {
    core.catch_up();
    let known = || core.uarts.keys().map(String::as_str);
    let uart = core
        .uarts
        .get(name)
        .ok_or_else(|| unknown(Kind::Uart.words(), name, known()))?;
    match uart.far {
        Far::Test => Ok(uart),
        _ => Err(HalError::Unsupported(format!(
            "{name} leads to {}; speak there",
            uart.place()
        ))),
    }
}

fn build(text: &str, clock: &Arc<dyn Clock>) -> Result<Arc<Core>, BoardError> {
    let start = clock.monotonic();
    let (parts, scripted) = file::read(text, start)?;
    let core = Arc::new(Core::new(parts, clock.clone()));
    for Scripted {
        on,
        force,
        at,
        until,
    } in scripted
    {
        let name = on.clone();
        let happening: Happening = Box::new(move |core, due| {
            // It was looked at when the file was read.
            let _ = core.break_part(&name, force, Some(due));
        });
        core.later(start.saturating_add(at), happening);
        if let Some(until) = until {
            let happening: Happening = Box::new(move |core, due| {
                let _ = core.mend(&on, Some(due));
            });
            core.later(start.saturating_add(until), happening);
        }
    }
    core.catch_up();
    Ok(core)
}

impl Default for VirtualBoard {
    /// A board with nothing on it, in the time of the operating system.
    fn default() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let core = Core::new(Default::default(), clock.clone());
        let core = RwLock::new(Arc::new(core));
        Self { clock, core }
    }
}
