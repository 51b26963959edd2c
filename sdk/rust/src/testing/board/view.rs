//! What a test does with the board while the plugin runs.

use super::super::kernel::{Place, TestKernel};
use super::super::sandbox::Sandboxed;
use super::line::Drive;
use super::{I2cDevice, LineView, Parts, Pulse, Source};
use crate::hal::UartSettings;
use crate::{Error, Plugin, Timestamp};
use serde_json::json;
use std::cell::RefCell;
use std::rc::Rc;

impl<P: Plugin> TestKernel<P> {
    /// The board.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.board().press("button")?;
    /// assert!(kernel.board().line("lamp").is_active());
    /// # Ok(()) }
    /// ```
    pub fn board(&mut self) -> Board<'_, P> {
        Board(self)
    }
}

/// The board of a test, from [`TestKernel::board`].
///
/// What changes at an input comes to the plugin at once, as an event like all others, and the methods say what it says
/// of it.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::*};
/// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
/// let mut board: Board<'_, P> = kernel.board();
/// board.press("button")?;
/// board.release("button")?;
/// assert!(board.line("lamp").is_active());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Board<'k, P: Plugin>(&'k mut TestKernel<P>);

/// What of the board a test asks for that is not on it.
#[allow(clippy::panic)]
#[track_caller]
fn missing(kind: &str, name: &str) -> ! {
    panic!("there is no {kind} `{name}` on the board of this test")
}

#[allow(clippy::panic)]
#[track_caller]
fn said<T>(outcome: Result<T, Error>) -> T {
    outcome.unwrap_or_else(|error| panic!("the board of the test: {error}"))
}

impl<P: Plugin> Board<'_, P> {
    fn sandbox(&mut self) -> Option<&mut Sandboxed> {
        match &mut self.0.place {
            Place::Native(_) => None,
            Place::Sandbox(sandbox) => Some(sandbox.get_mut()),
        }
    }

    #[allow(clippy::panic)]
    #[track_caller]
    fn only_natively(&self, what: &str) {
        if self.0.is_sandbox() {
            panic!(
                "`Board::{what}` works only natively: in the sandbox chips behave by themselves, see `Board::set`"
            );
        }
    }

    fn parts<R>(&self, use_it: impl FnOnce(&mut Parts) -> R) -> R {
        self.0.kernel.with(|world| use_it(&mut world.board))
    }

    /// Makes a line active, as a press of a button does.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.board().press("button")?;
    /// kernel.advance(Duration::from_secs(2))?;
    /// assert_eq!(kernel.last("plugin/test/pressed"), Some(ValueBuf::Text("long".to_owned())));
    /// # Ok(()) }
    /// ```
    pub fn press(&mut self, line: &str) -> Result<(), Error> {
        if let Some(sandbox) = self.sandbox() {
            let act = json!({ "do": "press", "name": line });
            return sandbox.act(&act).map(drop);
        }
        self.drive(line, &[Drive::Active(true)])
    }

    /// Makes a line inactive.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.board().press("button")?;
    /// kernel.board().release("button")?;
    /// # Ok(()) }
    /// ```
    pub fn release(&mut self, line: &str) -> Result<(), Error> {
        if let Some(sandbox) = self.sandbox() {
            let act = json!({ "do": "release", "name": line });
            return sandbox.act(&act).map(drop);
        }
        self.drive(line, &[Drive::Active(false)])
    }

    /// Sets the voltage of a line: `true` is the higher one.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// // The door's contact is closed to ground.
    /// kernel.board().level("door", false)?;
    /// # Ok(()) }
    /// ```
    pub fn level(&mut self, line: &str, high: bool) -> Result<(), Error> {
        if let Some(sandbox) = self.sandbox() {
            let act = json!({ "do": "set", "name": line, "value": high });
            return sandbox.act(&act).map(drop);
        }
        self.drive(line, &[Drive::Level(high)])
    }

    /// Makes a line active and inactive so many times, which reaches the plugin as one batch
    /// (in the sandbox: edge by edge).
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.board().pulses("water-meter", 10)?;
    /// assert_eq!(kernel.last("plugin/test/litres"), Some(ValueBuf::Integer(10)));
    /// # Ok(()) }
    /// ```
    pub fn pulses(&mut self, line: &str, count: usize) -> Result<(), Error> {
        if self.0.is_sandbox() {
            return (0..count).try_for_each(|_| {
                self.press(line)?;
                self.release(line)
            });
        }
        self.drive(
            line,
            &[Drive::Active(true), Drive::Active(false)].repeat(count),
        )
    }

    fn drive(&mut self, line: &str, to: &[Drive]) -> Result<(), Error> {
        let edges = self.0.kernel.with(|world| {
            let now = Timestamp::from_nanos(world.now);
            let source = Source {
                device: &world.device,
                name: line,
            };
            let Some(line) = world.board.lines.get_mut(line) else {
                missing("line", line);
            };
            to.iter()
                .filter_map(|to| line.drive(&source, *to, now).transpose())
                .collect::<Result<Vec<_>, _>>()
        });
        let edges = edges.map_err(Error::fatal)?;
        if edges.is_empty() {
            return Ok(());
        }
        let mut errors = self.0.feed_batch(&edges).into_iter();
        errors.next().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Lets edges of a line come and go that nobody fetches in time: the next one is uncertain, with a gap
    /// before it. Only natively.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.board().pulses("water-meter", 1)?;
    /// kernel.board().miss("water-meter", 3);
    /// kernel.board().pulses("water-meter", 1)?;
    /// assert_eq!(kernel.last("plugin/test/litres"), Some(ValueBuf::Integer(5)));
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn miss(&mut self, line: &str, edges: u64) {
        self.only_natively("miss");
        self.parts(|board| match board.lines.get_mut(line) {
            Some(line) => line.miss(edges),
            None => missing("line", line),
        });
    }

    /// A line as it is.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert!(kernel.board().line("lamp").is_active());
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn line(&self, name: &str) -> LineView {
        if let Place::Sandbox(sandbox) = &self.0.place {
            let line = sandbox.borrow_mut().line(name);
            return line.unwrap_or_else(|| missing("line", name));
        }
        self.parts(|board| match board.lines.get(name) {
            Some(line) => line.view(),
            None => missing("line", name),
        })
    }

    /// The pulses of a PWM channel.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert_eq!(kernel.board().pulse("servo").width, Duration::from_nanos(1_500_000));
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn pulse(&self, channel: &str) -> Pulse {
        if let Place::Sandbox(sandbox) = &self.0.place {
            let pulse = sandbox.borrow_mut().pulse(channel);
            return pulse.unwrap_or_else(|| missing("PWM channel", channel));
        }
        self.parts(|board| match board.pwm.get(channel) {
            Some(channel) => channel.pulse,
            None => missing("PWM channel", channel),
        })
    }

    /// What a PWM channel became and when. Only natively.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// let tones = kernel.board().pulse_history("buzzer");
    /// let periods: Vec<Duration> = tones.iter().map(|(_, pulse)| pulse.period).collect();
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn pulse_history(&self, channel: &str) -> Vec<(Timestamp, Pulse)> {
        self.only_natively("pulse_history");
        self.parts(|board| match board.pwm.get(channel) {
            Some(channel) => channel.history.clone(),
            None => missing("PWM channel", channel),
        })
    }

    /// Sets a value of the world of the sandbox's board, to which its sensors answer: `temperature`, `light`. Natively
    /// there is none: an error.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// if kernel.is_sandbox() {
    ///     kernel.board().set("temperature", 31.0)?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn set(&mut self, world: &str, value: f64) -> Result<(), Error> {
        match self.sandbox() {
            Some(sandbox) => {
                let act = json!({ "do": "set", "name": world, "value": value });
                sandbox.act(&act).map(drop)
            }
            None => Err(Error::fatal(format!(
                "`{world}`: natively the test plays the chips, and the world with them"
            ))),
        }
    }

    /// Sets what an analogue input measures. Only natively: see [`Board::set`].
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.board().measure("battery", 10.8);
    /// kernel.advance(Duration::from_secs(60))?;
    /// assert_eq!(kernel.last("plugin/test/low"), Some(ValueBuf::Boolean(true)));
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn measure(&mut self, input: &str, value: f64) {
        self.only_natively("measure");
        self.parts(|board| match board.adc.get_mut(input) {
            Some(input) => input.value = value,
            None => missing("analogue input", input),
        });
    }

    /// Lets bytes come at a serial port, with silence before and behind them.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.board().feed("gps", b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n");
    /// kernel.advance(Duration::from_secs(1))?;
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn feed(&mut self, port: &str, bytes: &[u8]) {
        if let Some(sandbox) = self.sandbox() {
            said(sandbox.feed(port, bytes));
            return;
        }
        self.parts(|board| match board.uarts.get_mut(port) {
            Some(port) => port.feed(bytes),
            None => missing("serial port", port),
        });
    }

    /// What the plugin wrote to a serial port since this was last asked.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert_eq!(kernel.board().written("scale"), b"W\r\n");
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn written(&mut self, port: &str) -> Vec<u8> {
        if let Some(sandbox) = self.sandbox() {
            return said(sandbox.heard(port));
        }
        self.parts(|board| match board.uarts.get_mut(port) {
            Some(port) => std::mem::take(&mut port.written),
            None => missing("serial port", port),
        })
    }

    /// How the plugin has set a serial port; `None` before it was opened. Only natively.
    ///
    /// ```no_run
    /// # use weihe_sdk::{hal::UartSettings, prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert_eq!(kernel.board().settings("gps"), Some(UartSettings::new(38_400)));
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn settings(&self, port: &str) -> Option<UartSettings> {
        self.only_natively("settings");
        self.parts(|board| match board.uarts.get(port) {
            Some(port) => port.settings,
            None => missing("serial port", port),
        })
    }

    /// Puts a chip on an I2C bus, or another in its place. Only natively.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>, sensor: I2cScript) -> Result<(), Error> {
    /// kernel.board().unplug("sensors", 0x44);
    /// kernel.advance(Duration::from_secs(10))?;
    /// kernel.board().plug("sensors", 0x44, sensor);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn plug(&mut self, bus: &str, address: u16, chip: impl I2cDevice + 'static) {
        self.only_natively("plug");
        self.parts(|board| match board.buses.get_mut(bus) {
            Some(chips) => drop(chips.insert(address, Rc::new(RefCell::new(chip)))),
            None => missing("I2C bus", bus),
        });
    }

    /// Takes a chip off an I2C bus. Only natively.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.board().unplug("sensors", 0x44);
    /// kernel.advance(Duration::from_secs(10))?;
    /// assert_eq!(kernel.published().last().unwrap().quality, Quality::Bad);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn unplug(&mut self, bus: &str, address: u16) {
        self.only_natively("unplug");
        self.parts(|board| match board.buses.get_mut(bus) {
            Some(chips) => drop(chips.remove(&address)),
            None => missing("I2C bus", bus),
        });
    }
}
