//! Outputs.

use super::{Active, HalError};
use crate::bindings::hal::weihe::hal::gpio as wit;
use crate::kernel::Line;
use embedded_hal::digital::{ErrorType, InputPin, OutputPin, PinState, StatefulOutputPin};
use std::rc::Rc;

/// How an output drives its line.
///
/// ```
/// # use weihe_sdk::hal::{Drive, OutputOptions};
/// // Several pull the line to ground; a resistor brings it back.
/// let alarm = OutputOptions { drive: Drive::OpenDrain, ..OutputOptions::new() };
/// ```
pub use wit::Drive;

/// What an output is set to when nobody minds it any more: the device has failed for good, was stopped or unloaded, or
/// the host has stopped or died. What the grant says goes before this.
///
/// ```
/// # use weihe_sdk::hal::{OutputOptions, SafeValue};
/// // A fan runs rather than not.
/// let fan = OutputOptions { safe: SafeValue::Active, ..OutputOptions::new() };
/// ```
pub use wit::SafeValue;

/// How an output is opened: as it is wired, driving both levels, inactive at the end, unless set otherwise.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// use weihe_sdk::hal::{OutputOptions, SafeValue};
///
/// let fan = OutputOptions::new().initial(true).safe(SafeValue::Active);
/// let fan = ctx.output("fan", fan)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputOptions {
    /// Which level is active.
    pub active: Active,
    /// How it is driven.
    pub drive: Drive,
    /// What it is set to at once; not when the device holds the line already, as after a restart. Without it a line that
    /// is an output stays as it is, and another becomes inactive.
    pub initial: Option<bool>,
    /// What it is set to at the end.
    pub safe: SafeValue,
}

impl OutputOptions {
    /// As it is wired, driving both levels, inactive at the end.
    ///
    /// ```
    /// # use weihe_sdk::hal::OutputOptions;
    /// assert_eq!(OutputOptions::new(), OutputOptions::default());
    /// ```
    pub const fn new() -> Self {
        OutputOptions {
            active: Active::AsWired,
            drive: Drive::PushPull,
            initial: None,
            safe: SafeValue::Inactive,
        }
    }

    /// Active when the voltage is the lower one, where the grant does not say otherwise.
    ///
    /// ```
    /// # use weihe_sdk::hal::{Active, OutputOptions};
    /// assert_eq!(OutputOptions::new().active_low().active, Active::Low);
    /// ```
    pub const fn active_low(mut self) -> Self {
        self.active = Active::Low;
        self
    }

    /// Only pulls its line low.
    ///
    /// ```
    /// # use weihe_sdk::hal::{Drive, OutputOptions};
    /// assert_eq!(OutputOptions::new().open_drain().drive, Drive::OpenDrain);
    /// ```
    pub const fn open_drain(mut self) -> Self {
        self.drive = Drive::OpenDrain;
        self
    }

    /// Set to this when it is opened for the first time.
    ///
    /// ```
    /// # use weihe_sdk::hal::OutputOptions;
    /// assert_eq!(OutputOptions::new().initial(true).initial, Some(true));
    /// ```
    pub const fn initial(mut self, active: bool) -> Self {
        self.initial = Some(active);
        self
    }

    /// Set to this at the end.
    ///
    /// ```
    /// # use weihe_sdk::hal::{OutputOptions, SafeValue};
    /// let valve = OutputOptions::new().safe(SafeValue::Keep);
    /// ```
    pub const fn safe(mut self, safe: SafeValue) -> Self {
        self.safe = safe;
        self
    }
}

impl Default for OutputOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl From<OutputOptions> for wit::OutputOptions {
    fn from(options: OutputOptions) -> Self {
        wit::OutputOptions {
            active: options.active,
            drive: options.drive,
            initial: options.initial,
            safe: options.safe,
        }
    }
}

/// A line as an output, from [`Context::output`](crate::Context::output). It implements
/// `embedded_hal::digital::{OutputPin, StatefulOutputPin}`, where high is *active*, and `InputPin` for what the line has.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// let lamp = ctx.output("lamp", Default::default())?;
/// lamp.set(true)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Output {
    line: Rc<Line>,
}

impl Output {
    pub(super) fn new(line: Line) -> Self {
        Output {
            line: Rc::new(line),
        }
    }

    /// Sets it.
    ///
    /// ```
    /// # use weihe_sdk::hal::{HalError, Output};
    /// fn all_off(lamps: &[Output]) -> Result<(), HalError> {
    ///     lamps.iter().try_for_each(|lamp| lamp.set(false))
    /// }
    /// ```
    pub fn set(&self, active: bool) -> Result<(), HalError> {
        self.line.write(active)
    }

    /// Sets it to what it was not; returns what it is now.
    ///
    /// ```
    /// # use weihe_sdk::{hal::Output, prelude::*};
    /// fn on_press(lamp: &Output, ctx: &mut Context) -> Result<(), Error> {
    ///     Ok(ctx.publish("hall/lamp", lamp.toggle()?)?)
    /// }
    /// ```
    pub fn toggle(&self) -> Result<bool, HalError> {
        self.line.toggle()
    }

    /// Whether it is active: what it was set to, or what the line really has where the hardware can tell.
    ///
    /// ```
    /// # use weihe_sdk::hal::{HalError, Output};
    /// fn is_dark(lamp: &Output) -> Result<bool, HalError> {
    ///     Ok(!lamp.is_active()?)
    /// }
    /// ```
    pub fn is_active(&self) -> Result<bool, HalError> {
        self.line.read()
    }
}

impl ErrorType for Output {
    type Error = HalError;
}

impl OutputPin for Output {
    fn set_low(&mut self) -> Result<(), HalError> {
        self.set(false)
    }

    fn set_high(&mut self) -> Result<(), HalError> {
        self.set(true)
    }

    fn set_state(&mut self, state: PinState) -> Result<(), HalError> {
        self.set(state == PinState::High)
    }
}

impl StatefulOutputPin for Output {
    fn is_set_high(&mut self) -> Result<bool, HalError> {
        self.is_active()
    }

    fn is_set_low(&mut self) -> Result<bool, HalError> {
        Ok(!self.is_active()?)
    }

    fn toggle(&mut self) -> Result<(), HalError> {
        Output::toggle(self).map(drop)
    }
}

impl InputPin for Output {
    fn is_high(&mut self) -> Result<bool, HalError> {
        self.is_active()
    }

    fn is_low(&mut self) -> Result<bool, HalError> {
        Ok(!self.is_active()?)
    }
}
