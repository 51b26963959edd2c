//! A PWM channel that a device holds, with what it is set to at the end.

use std::sync::Arc;

use weihe_kernel::failsafe::{GuardedLine, SafeLine};

use crate::lease::Claim;
use crate::pwm::PwmChannel;

/// A PWM channel that a device holds.
pub struct HeldChannel {
    /// What the board calls it.
    pub name: String,
    /// The channel itself.
    pub channel: Arc<dyn PwmChannel>,
    /// Held until the last who may set it lets go of it.
    pub _claim: Claim,
}

/// A channel with its safe width, as the fail-safe holds it.
pub struct SafeChannel {
    held: Arc<HeldChannel>,
    /// The width; none for off.
    width: Option<u64>,
}

impl SafeChannel {
    /// What a channel is set to at the end: a width, or off.
    pub fn new(held: Arc<HeldChannel>, width: Option<u64>) -> Self {
        Self { held, width }
    }
}

impl SafeLine for SafeChannel {
    fn name(&self) -> &str {
        &self.held.name
    }

    fn describe(&self) -> String {
        match self.width {
            Some(width) => format!("{} = {width} ns", self.held.name),
            None => format!("{} = off", self.held.name),
        }
    }

    fn apply(&self) -> Result<(), String> {
        let channel = &self.held.channel;
        let applied = match self.width {
            Some(width) => channel
                .period()
                .and_then(|period| channel.set(period, width)),
            None => channel.enable(false),
        };
        applied.map_err(|error| error.to_string())
    }

    fn guarded(&self) -> Option<GuardedLine> {
        self.held.channel.guarded(self.width)
    }
}
