//! A virtual board that takes down every change of a line, and is as strict as Linux: what is open cannot be
//! opened a second time. Each line has a file, which the guard can write to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weihe_hal::adc::AdcChannel;
use weihe_hal::gpio::{EdgeSink, Line, LineConfig};
use weihe_hal::guarded::Setting;
use weihe_hal::i2c::I2cBus;
use weihe_hal::pwm::PwmChannel;
use weihe_hal::serial::{Port, PortSettings};
use weihe_hal::spi::{SpiConfig, SpiDevice};
use weihe_hal::virtual_board::VirtualBoard;
use weihe_hal::{HalError, Hardware, Kind};
use weihe_kernel::Clock;
use weihe_kernel::failsafe::GuardedLine;

/// The lines of the board; the last cannot be set quickly, like that of an expander on a slow bus.
pub const LINES: [&str; 4] = ["gpio/A", "gpio/B", "gpio/C", "gpio/slow"];

/// Its only PWM channel.
pub const FAN: &str = "pwm/fan";

/// See the module.
pub struct Strict {
    board: VirtualBoard,
    files: PathBuf,
    seen: Mutex<Seen>,
}

/// What has happened on the board.
#[derive(Default)]
struct Seen {
    open: BTreeSet<String>,
    levels: BTreeMap<String, Vec<bool>>,
    pulses: Pulses,
}

/// How a PWM channel is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pulses {
    pub period: u64,
    pub width: u64,
    pub on: bool,
}

impl Strict {
    pub fn new(clock: Arc<dyn Clock>, files: PathBuf) -> Arc<Self> {
        let text = format!("lines = {LINES:?}");
        Arc::new(Self {
            board: VirtualBoard::parse(&text, clock).unwrap(),
            files,
            seen: Mutex::default(),
        })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every level that a line has had after its first.
    pub fn record(&self, line: &str) -> Vec<bool> {
        self.seen().levels.get(line).cloned().unwrap_or_default()
    }

    pub fn level(&self, line: &str) -> bool {
        self.board.level(line).unwrap()
    }

    pub fn pulses(&self) -> Pulses {
        self.seen().pulses
    }

    /// What is open, by anyone.
    pub fn open(&self) -> Vec<String> {
        self.seen().open.iter().cloned().collect()
    }

    /// What the guard has written for a line; empty when nothing.
    pub fn guarded(&self, line: &str) -> String {
        std::fs::read_to_string(self.file(line)).unwrap_or_default()
    }

    fn file(&self, line: &str) -> PathBuf {
        self.files.join(line.replace('/', "-"))
    }

    fn take(self: &Arc<Self>, name: &str) -> Result<Opened, HalError> {
        if !self.seen().open.insert(name.to_owned()) {
            return Err(HalError::Taken {
                name: name.to_owned(),
                holder: "this program (EBUSY)".to_owned(),
            });
        }
        Ok(Opened {
            board: self.clone(),
            name: name.to_owned(),
        })
    }
}

/// What is open, until this is dropped.
struct Opened {
    board: Arc<Strict>,
    name: String,
}

impl Opened {
    /// Does something with a line, and takes down what its level becomes.
    fn note<T>(&self, act: impl FnOnce() -> T) -> T {
        let mut seen = self.board.seen();
        let before = self.board.level(&self.name);
        let done = act();
        let after = self.board.level(&self.name);
        if before != after {
            let levels = seen.levels.entry(self.name.clone()).or_default();
            levels.push(after);
        }
        done
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.board.seen().open.remove(&self.name);
    }
}

struct StrictLine {
    line: Arc<dyn Line>,
    opened: Opened,
}

impl Line for StrictLine {
    fn read(&self) -> Result<bool, HalError> {
        self.line.read()
    }

    fn write(&self, active: bool) -> Result<(), HalError> {
        self.opened.note(|| self.line.write(active))
    }

    fn configure(&self, config: &LineConfig) -> Result<(), HalError> {
        self.opened.note(|| self.line.configure(config))
    }

    fn blocks(&self) -> bool {
        self.opened.name == LINES[3]
    }

    fn guarded(&self, active: bool) -> Option<GuardedLine> {
        let file = File::create(self.opened.board.file(&self.opened.name));
        let value = if active { "1" } else { "0" };
        let descriptor = Arc::new(file.unwrap().into());
        Some(Setting::File(value.into()).on(descriptor))
    }
}

struct StrictPwm(Opened);

impl PwmChannel for StrictPwm {
    fn set(&self, period: u64, width: u64) -> Result<(), HalError> {
        let mut seen = self.0.board.seen();
        (seen.pulses.period, seen.pulses.width) = (period, width);
        Ok(())
    }

    fn enable(&self, on: bool) -> Result<(), HalError> {
        self.0.board.seen().pulses.on = on;
        Ok(())
    }

    fn period(&self) -> Result<u64, HalError> {
        Ok(self.0.board.pulses().period)
    }

    fn width(&self) -> Result<u64, HalError> {
        Ok(self.0.board.pulses().width)
    }

    fn guarded(&self, _: Option<u64>) -> Option<GuardedLine> {
        None
    }
}

/// A handle on the board, as the capability wants it.
pub struct Handle(pub Arc<Strict>);

impl Hardware for Handle {
    fn resolve(&self, kind: Kind, name: &str) -> Result<String, HalError> {
        match kind {
            Kind::Pwm if name == FAN => Ok(name.to_owned()),
            _ => self.0.board.resolve(kind, name),
        }
    }

    fn blocks(&self) -> bool {
        false
    }

    fn line(
        &self,
        name: &str,
        config: &LineConfig,
        edges: EdgeSink,
    ) -> Result<Arc<dyn Line>, HalError> {
        let opened = self.0.take(name)?;
        let line = opened.note(|| self.0.board.line(name, config, edges))?;
        Ok(Arc::new(StrictLine { line, opened }))
    }

    fn i2c(&self, name: &str) -> Result<Arc<dyn I2cBus>, HalError> {
        self.0.board.i2c(name)
    }

    fn spi(&self, name: &str, config: &SpiConfig) -> Result<Arc<dyn SpiDevice>, HalError> {
        self.0.board.spi(name, config)
    }

    fn uart(&self, name: &str, settings: &PortSettings) -> Result<Arc<dyn Port>, HalError> {
        self.0.board.uart(name, settings)
    }

    fn pwm(&self, name: &str) -> Result<Arc<dyn PwmChannel>, HalError> {
        Ok(Arc::new(StrictPwm(self.0.take(name)?)))
    }

    fn adc(&self, name: &str) -> Result<Arc<dyn AdcChannel>, HalError> {
        self.0.board.adc(name)
    }
}
