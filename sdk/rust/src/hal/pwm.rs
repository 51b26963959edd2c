//! Pulse-width modulation.

use super::HalError;
use crate::Duration;
use crate::kernel::Pulses;
use embedded_hal::pwm::{ErrorType, SetDutyCycle};
use std::cell::Cell;
use std::rc::Rc;

/// A PWM channel, from [`Context::pwm`](crate::Context::pwm). It implements `embedded_hal::pwm::SetDutyCycle`, once
/// [`Pwm::set`] has given it a period; the duty cycle goes from 0 to 65535.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// // A servo in the middle, and without pulses when nobody minds it.
/// let servo = ctx.pwm("servo", None)?;
/// servo.set(Duration::from_millis(20), Duration::from_nanos(1_500_000))?;
/// servo.enable(true)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Pwm {
    pulses: Rc<Pulses>,
    /// The period in nanoseconds as it was set last; 0 when nobody has asked.
    period: Rc<Cell<u64>>,
}

impl Pwm {
    pub(super) fn new(pulses: Pulses) -> Self {
        Pwm {
            pulses: Rc::new(pulses),
            period: Rc::default(),
        }
    }

    /// Sets period and width of the pulses together.
    ///
    /// ```
    /// # use weihe_sdk::{Duration, hal::{HalError, Pwm}};
    /// fn half(heater: &Pwm) -> Result<(), HalError> {
    ///     heater.set(Duration::from_secs(2), Duration::from_secs(1))
    /// }
    /// ```
    pub fn set(&self, period: Duration, width: Duration) -> Result<(), HalError> {
        self.pulses.set(period.as_nanos(), width.as_nanos())?;
        self.period.set(period.as_nanos());
        Ok(())
    }

    /// Switches it on or off.
    ///
    /// ```
    /// # use weihe_sdk::hal::{HalError, Pwm};
    /// fn silence(buzzer: &Pwm) -> Result<(), HalError> {
    ///     buzzer.enable(false)
    /// }
    /// ```
    pub fn enable(&self, on: bool) -> Result<(), HalError> {
        self.pulses.enable(on)
    }

    /// The period as the hardware has it; zero before the first [`Pwm::set`].
    ///
    /// ```
    /// # use weihe_sdk::hal::{HalError, Pwm};
    /// fn is_set(servo: &Pwm) -> Result<bool, HalError> {
    ///     Ok(!servo.period()?.is_zero())
    /// }
    /// ```
    pub fn period(&self) -> Result<Duration, HalError> {
        self.pulses.period().map(Duration::from_nanos)
    }

    /// The width of the pulses as the hardware has it.
    ///
    /// ```
    /// # use weihe_sdk::hal::{HalError, Pwm};
    /// fn share(heater: &Pwm) -> Result<f64, HalError> {
    ///     Ok(heater.width()?.as_secs_f64() / heater.period()?.as_secs_f64())
    /// }
    /// ```
    pub fn width(&self) -> Result<Duration, HalError> {
        self.pulses.width().map(Duration::from_nanos)
    }
}

impl ErrorType for Pwm {
    type Error = HalError;
}

impl SetDutyCycle for Pwm {
    fn max_duty_cycle(&self) -> u16 {
        u16::MAX
    }

    fn set_duty_cycle(&mut self, duty: u16) -> Result<(), HalError> {
        let mut period = self.period.get();
        if period == 0 {
            // Another instance of the device may have set it.
            period = self.pulses.period()?;
            if period == 0 {
                return Err(HalError::Invalid(
                    "a duty cycle is a share of a period: set one first with `Pwm::set`".to_owned(),
                ));
            }
            self.period.set(period);
        }
        let width = u128::from(period) * u128::from(duty) / u128::from(u16::MAX);
        // At most the period.
        self.pulses.set(period, width as u64)
    }
}
