//! Whether a chip answers.

use weihe_sdk::log;
use weihe_sdk::prelude::*;

use crate::{Fault, Pace};

/// Between a measurement that failed and the next try at once: longer than a burst of a switched motor.
const AT_ONCE: Duration = Duration::from_millis(50);

/// Whether the chip answers, and when it is tried again.
///
/// The device's topic `state` is `ready` with good quality, or the reason with bad quality. What stays wrong is said
/// once, and again when the reason is another.
#[derive(Debug)]
pub struct Contact {
    what: String,
    pace: Pace,
    topic: Topic,
    up: Option<bool>,
    /// Failures in a row.
    failures: u32,
    reason: Option<String>,
}

impl Contact {
    /// Nothing is known yet. `what` is what people are told of: `SHT4x at 0x44 on i2c/1`. `topic` is that of the state.
    pub fn new(what: String, pace: Pace, topic: Topic) -> Self {
        Contact {
            what,
            pace,
            topic,
            up: None,
            failures: 0,
            reason: None,
        }
    }

    /// Whether it answered the last time that counts.
    pub fn is_up(&self) -> bool {
        self.up == Some(true)
    }

    /// Why it does not.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// It has answered.
    pub fn succeeded(&mut self, ctx: &mut Context) {
        self.failures = 0;
        self.reason = None;
        if self.up != Some(true) {
            if self.up == Some(false) {
                log::info!("{}: works again", self.what);
            }
            self.up = Some(true);
            ctx.publish_on(self.topic, "ready");
        }
    }

    /// It has not. Returns when it is to be tried again.
    pub fn failed(&mut self, ctx: &mut Context, fault: &Fault) -> Duration {
        self.failures = self.failures.saturating_add(1);
        if self.up != Some(false) && self.failures <= self.pace.retries {
            return AT_ONCE;
        }
        if self.reason.as_deref() != Some(fault.text()) {
            log::warn!("{}: {}", self.what, fault.text());
            self.reason = Some(fault.text().to_owned());
            let sample = Sample::new(fault.text()).quality(Quality::Bad);
            ctx.publish_on(self.topic, sample);
        }
        self.up = Some(false);
        self.back_off()
    }

    /// Twice as long after each further failure.
    fn back_off(&self) -> Duration {
        let further = self.failures.saturating_sub(self.pace.retries + 1).min(32);
        let nanos = self.pace.retry.as_nanos().saturating_mul(1 << further);
        Duration::from_nanos(nanos.min(self.pace.retry_max.as_nanos()))
    }
}
