//! The lines that move a motor.

use embedded_hal::delay::DelayNs as _;
use weihe_sdk::Context;
use weihe_sdk::hal::{Delay, HalError, Output, OutputOptions};

use crate::{Config, Drive, Sequence};

/// Longer than what drivers ask for: 1 microsecond (A4988), 1.9 (DRV8825), 2.5 for some with optocouplers.
const PULSE_NANOSECONDS: u32 = 3_000;
/// What drivers ask for between a change of the direction and a step: 0.65 microseconds (DRV8825), 5 for some.
const SETUP_NANOSECONDS: u32 = 5_000;

/// The lines.
#[derive(Debug)]
pub enum Lines {
    /// Those of a driver.
    StepDir {
        /// A pulse is a step.
        step: Output,
        /// The direction; active counts up.
        dir: Output,
        /// Switches the driver on.
        enable: Option<Output>,
        /// The direction that was set last.
        up: Option<bool>,
    },
    /// Those of the coils.
    Coils {
        /// a, b, c and d.
        coils: [Output; 4],
        /// Which are on when.
        sequence: Sequence,
    },
}

impl Lines {
    /// Opens them.
    pub fn open(ctx: &mut Context, config: &Config) -> Result<Self, HalError> {
        let options = OutputOptions {
            active: config.active.into(),
            ..OutputOptions::new()
        };
        let mut open = |name| ctx.output(name, options);
        Ok(match config.drive {
            Drive::StepDir => Lines::StepDir {
                step: open("step")?,
                dir: open("dir")?,
                enable: match config.enable {
                    true => Some(open("enable")?),
                    false => None,
                },
                up: None,
            },
            Drive::Coils => Lines::Coils {
                coils: [open("a")?, open("b")?, open("c")?, open("d")?],
                sequence: config.sequence,
            },
        })
    }

    /// Makes a step, which leads to a position.
    pub fn step(&mut self, up: bool, position: i64, delay: &mut Delay) -> Result<(), HalError> {
        match self {
            Lines::StepDir {
                step,
                dir,
                enable,
                up: last,
            } => {
                if let Some(enable) = enable {
                    enable.set(true)?;
                }
                if *last != Some(up) {
                    dir.set(up)?;
                    *last = Some(up);
                    delay.delay_ns(SETUP_NANOSECONDS);
                }
                step.set(true)?;
                delay.delay_ns(PULSE_NANOSECONDS);
                step.set(false)
            }
            Lines::Coils { coils, sequence } => {
                let wanted = sequence.coils(position);
                coils
                    .iter()
                    .zip(wanted)
                    .try_for_each(|(coil, on)| coil.set(on))
            }
        }
    }

    /// Lets the motor turn freely.
    pub fn release(&mut self) -> Result<(), HalError> {
        match self {
            Lines::StepDir { enable, .. } => match enable {
                Some(enable) => enable.set(false),
                None => Ok(()),
            },
            Lines::Coils { coils, .. } => coils.iter().try_for_each(|coil| coil.set(false)),
        }
    }
}
