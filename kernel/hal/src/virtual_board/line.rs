//! A line that is open.

use std::sync::{Arc, Mutex, PoisonError};

use weihe_kernel::failsafe::GuardedLine;

use super::core::Core;
use super::net::{Ear, Pad};
use super::wire::LineInfo;
use crate::error::HalError;
use crate::gpio::{Bias, Drive, EdgeSink, Line, LineConfig, Mode};

/// An open line.
pub struct VirtualLine {
    core: Arc<Core>,
    line: usize,
    serial: u64,
    config: Mutex<LineConfig>,
    sink: EdgeSink,
}

impl VirtualLine {
    pub(super) fn open(
        core: Arc<Core>,
        line: usize,
        config: &LineConfig,
        sink: EdgeSink,
    ) -> Result<Self, HalError> {
        core.catch_up();
        core.timeline.drive(&core);
        let mut opened = Self {
            core,
            line,
            serial: 0,
            config: Mutex::new(*config),
            sink,
        };
        opened.check(config)?;
        let mut serial = 0;
        opened.core.change(line, None, |pad| {
            pad.serial += 1;
            pad.open = true;
            serial = pad.serial;
            take_on(pad, config, &opened.sink);
        });
        opened.core.react();
        opened.serial = serial;
        Ok(opened)
    }

    fn info(&self) -> Option<&LineInfo> {
        self.core.lines.get(self.line)
    }

    fn check(&self, config: &LineConfig) -> Result<(), HalError> {
        let info = self.info();
        info.map_or(Ok(()), |info| info.allows(config))?;
        self.present()
    }

    fn gone(&self) -> HalError {
        let (name, chip) = self
            .info()
            .map_or(("", ""), |info| (&info.name, &info.chip));
        HalError::Gone(format!("{name}: its chip `{chip}` has vanished"))
    }

    fn present(&self) -> Result<(), HalError> {
        let Some((net, pad)) = self.core.net(self.line) else {
            return Err(self.gone());
        };
        match net.pads.get(pad) {
            Some(pad) if !pad.gone => Ok(()),
            _ => Err(self.gone()),
        }
    }

    fn config(&self) -> LineConfig {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the processor drives for a level.
fn driven(drive: Drive, high: bool) -> Option<bool> {
    match (drive, high) {
        (Drive::PushPull, high) => Some(high),
        (Drive::OpenDrain, false) => Some(false),
        (Drive::OpenSource, true) => Some(true),
        (Drive::OpenDrain, true) | (Drive::OpenSource, false) => None,
    }
}

fn take_on(pad: &mut Pad, config: &LineConfig, sink: &EdgeSink) {
    match config.mode {
        Mode::Input { bias, .. } => {
            pad.output = false;
            pad.drive = None;
            match bias {
                Bias::AsIs => {}
                Bias::Disabled => pad.bias = None,
                Bias::PullUp => pad.bias = Some(true),
                Bias::PullDown => pad.bias = Some(false),
            }
            // What follows from the change of mode is no edge: the kernel begins to listen after it.
            let mut ear = Ear::new(*config, sink.clone(), pad.level);
            if let Some(before) = pad.ear.take() {
                ear.unsettled = before.unsettled + 1;
            }
            pad.ear = Some(ear);
        }
        Mode::Output { drive, initial } => {
            let value = match initial {
                Some(active) => active != config.active_low,
                None if pad.output => pad.level,
                None => config.active_low,
            };
            pad.ear = None;
            pad.output = true;
            pad.drive = driven(drive, value);
        }
    }
}

impl Line for VirtualLine {
    fn read(&self) -> Result<bool, HalError> {
        self.core.catch_up();
        let active_low = self.config().active_low;
        let Some((net, pad)) = self.core.net(self.line) else {
            return Err(self.gone());
        };
        match net.pads.get(pad) {
            Some(pad) if !pad.gone => {
                // A line with a steady time is read as it was told, as in the kernel.
                let level = pad.ear.as_ref().map_or(pad.level, |ear| {
                    if matches!(ear.config.mode, Mode::Input { debounce: 1.., .. }) {
                        ear.told
                    } else {
                        pad.level
                    }
                });
                Ok(level != active_low)
            }
            _ => Err(self.gone()),
        }
    }

    fn write(&self, active: bool) -> Result<(), HalError> {
        self.core.catch_up();
        let config = self.config();
        let Mode::Output { drive, .. } = config.mode else {
            let name = self.info().map_or("", |info| &info.name);
            return Err(HalError::Invalid(format!(
                "{name} is an input: open it as an output to set it"
            )));
        };
        let drive = driven(drive, active != config.active_low);
        let mut gone = false;
        self.core.change(self.line, None, |pad| {
            gone = pad.gone;
            if !gone {
                pad.drive = drive;
            }
        });
        if gone {
            return Err(self.gone());
        }
        self.core.react();
        Ok(())
    }

    fn configure(&self, config: &LineConfig) -> Result<(), HalError> {
        self.core.catch_up();
        self.check(config)?;
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = *config;
        let change = |pad: &mut Pad| take_on(pad, config, &self.sink);
        self.core.change(self.line, None, change);
        self.core.react();
        Ok(())
    }

    fn guarded(&self, _: bool) -> Option<GuardedLine> {
        // It dies with the host.
        None
    }
}

impl Drop for VirtualLine {
    /// A line that is released stays as it is, as most controllers leave it.
    fn drop(&mut self) {
        if let Some((mut net, pad)) = self.core.net(self.line)
            && let Some(pad) = net.pads.get_mut(pad)
            && pad.serial == self.serial
        {
            pad.ear = None;
            pad.open = false;
        }
    }
}
