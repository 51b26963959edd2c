//! Whether a chip answers.

use weihe_sdk::prelude::*;

use crate::{BackOff, Fault, Pace, State};

/// Between a measurement that failed and the next try at once: longer than a burst of a switched motor.
const AT_ONCE: Duration = Duration::from_millis(50);

/// Whether the chip answers, and when it is tried again.
///
/// Failures that pass at once are passed over; the others are in the device's [`State`].
#[derive(Debug)]
pub struct Contact {
    state: State,
    retries: u32,
    back_off: BackOff,
    /// Failures in a row.
    failures: u32,
}

impl Contact {
    /// Nothing is known yet.
    pub fn new(state: State, pace: &Pace) -> Self {
        Contact {
            state,
            retries: pace.retries,
            back_off: BackOff::new(pace.retry, pace.retry_max),
            failures: 0,
        }
    }

    /// Whether it answered the last time that counts.
    pub fn is_up(&self) -> bool {
        self.state.is_ready()
    }

    /// Why it does not.
    pub fn reason(&self) -> Option<&str> {
        self.state.reason()
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// It has answered.
    pub fn succeeded(&mut self, ctx: &mut Context) {
        self.failures = 0;
        self.back_off.reset();
        self.state.ready(ctx);
    }

    /// It has not. Returns when it is to be tried again.
    pub fn failed(&mut self, ctx: &mut Context, fault: &Fault) -> Duration {
        self.failures = self.failures.saturating_add(1);
        if self.reason().is_none() && self.failures <= self.retries {
            return AT_ONCE;
        }
        self.state.amiss(ctx, fault.text());
        self.back_off.fail()
    }
}
