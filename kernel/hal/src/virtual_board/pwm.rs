//! PWM channels.

use std::sync::{Mutex, MutexGuard, PoisonError};

use weihe_kernel::failsafe::GuardedLine;

use super::fault::{Fault, Forces};
use crate::error::HalError;
use crate::pwm::PwmChannel;

/// A channel.
#[derive(Debug)]
pub struct Pwm {
    /// What the board calls it.
    pub name: String,
    /// The shortest period, in nanoseconds.
    pub shortest: u64,
    /// The longest one.
    pub longest: u64,
    state: Mutex<State>,
}

/// What a channel is set to.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// In nanoseconds.
    pub period: u64,
    /// In nanoseconds.
    pub width: u64,
    /// Whether it is on.
    pub on: bool,
    /// What is wrong with it.
    pub faults: Forces,
}

impl Pwm {
    /// One that is off.
    pub fn new(name: &str, shortest: u64, longest: u64) -> Self {
        Self {
            name: name.to_owned(),
            shortest,
            longest,
            state: Mutex::default(),
        }
    }

    /// What it is set to.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn present(&self) -> Result<MutexGuard<'_, State>, HalError> {
        let mut state = self.state();
        let gone = |fault| matches!(fault, Fault::Unplugged).then_some(());
        match state.faults.show(gone) {
            Some(()) => Err(HalError::Gone(format!("{} has vanished", self.name))),
            None => Ok(state),
        }
    }
}

impl PwmChannel for Pwm {
    fn set(&self, period: u64, width: u64) -> Result<(), HalError> {
        let mut state = self.present()?;
        if width > period {
            return Err(HalError::Invalid(format!(
                "{}: a width of {width} ns does not fit into a period of {period} ns",
                self.name
            )));
        }
        if !(self.shortest..=self.longest).contains(&period) {
            return Err(HalError::Unsupported(format!(
                "{}: a period of {period} ns is not within the {} to {} ns that it can do",
                self.name, self.shortest, self.longest
            )));
        }
        (state.period, state.width) = (period, width);
        Ok(())
    }

    fn enable(&self, on: bool) -> Result<(), HalError> {
        let mut state = self.present()?;
        if on && state.period == 0 {
            return Err(HalError::Invalid(format!(
                "{}: it has no period yet; set one first",
                self.name
            )));
        }
        state.on = on;
        Ok(())
    }

    fn period(&self) -> Result<u64, HalError> {
        Ok(self.present()?.period)
    }

    fn width(&self) -> Result<u64, HalError> {
        Ok(self.present()?.width)
    }

    fn guarded(&self, _: Option<u64>) -> Option<GuardedLine> {
        // It dies with the host.
        None
    }
}
