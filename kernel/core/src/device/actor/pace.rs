//! How fast a device may publish: one that is beyond its rate gets nothing to do until it has room.
//!
//! Nothing that it published is lost on that way. What waits for it meanwhile waits in its own queues,
//! with the policies and bounds that it declared, and every drop there is counted as ever.

use crate::device::bucket::{Bucket, SLACK};
use crate::device::guest::GuestFactory;
use crate::device::status::DeviceCounters;
use crate::limits::Limits;

use super::Actor;

/// How often at most the log says that a device is held: what lasts is seen in its status.
const TOLD_EVERY: u64 = 60_000_000_000;

/// What the device would be given next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// A call. Somebody waits, and a valve may have to close: calls are held only when more is owed
    /// than a second's worth.
    Call,
    /// Anything else.
    Input,
}

/// The pace of one device. Times are monotonic nanoseconds.
#[derive(Debug)]
pub(super) struct Pace {
    bucket: Bucket,
    /// When the last call into the plugin returned: the time of what it published, so that the clock
    /// need not be read again.
    pub(super) returned: u64,
    /// Since when it is held.
    held: Option<u64>,
    /// When to look again while it is held.
    look_at: u64,
    told: Option<u64>,
}

impl Pace {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            bucket: Bucket::new(limits.publish_rate),
            returned: 0,
            held: None,
            look_at: 0,
            told: None,
        }
    }

    /// Counts what was published.
    pub(super) fn published(&mut self, count: u64) {
        self.bucket.take(count, self.returned);
    }

    /// There is no instance that could be held. What is owed stays owed.
    pub(super) fn rest(&mut self) {
        self.held = None;
    }

    /// When to look for inputs of which the earliest is due at a time. While the device is held that is
    /// when there is room again, in any case: something may wait in its queues.
    pub(super) fn after(&self, due: Option<u64>) -> Option<u64> {
        match self.held {
            Some(_) => Some(self.look_at),
            None => due,
        }
    }
}

impl<F: GuestFactory> Actor<F> {
    /// Whether the device has to wait until it may publish again.
    pub(super) fn is_held(&mut self, next: Next) -> bool {
        let slack = match next {
            Next::Call => SLACK,
            Next::Input => 0,
        };
        // Nearly always: nothing was owed when the last call returned, and time only helps.
        if self.pace.held.is_none() && self.pace.bucket.owes(self.pace.returned) == 0 {
            return false;
        }
        let now = self.now();
        let held = self.pace.bucket.owes(now) > slack;
        if next == Next::Call {
            let earlier = if held { slack } else { 0 };
            self.pace.look_at = self.pace.bucket.room_at().saturating_sub(earlier);
            return held;
        }
        match (held, self.pace.held) {
            (true, None) => {
                self.pace.held = Some(now);
                self.tell_that_held(now);
            }
            (true, Some(since)) | (false, Some(since)) => {
                let held_for = now.saturating_sub(since);
                DeviceCounters::add(&self.device.live.counters.held, held_for);
                self.pace.held = held.then_some(now);
            }
            (false, None) => {}
        }
        held
    }

    fn tell_that_held(&mut self, now: u64) {
        if self
            .pace
            .told
            .is_some_and(|told| now < told.saturating_add(TOLD_EVERY))
        {
            return;
        }
        self.pace.told = Some(now);
        let rate = self.device.spec.limits.publish_rate;
        tracing::warn!(
            device = %self.device.name,
            "it is slowed down: it publishes more than {rate} events a second (limit `publish-rate`)"
        );
    }

    /// Tells how many log records were left out, when it is time.
    pub(super) fn tell_of_left_out(&self) {
        if self.device.words.tell_at().is_some() {
            self.device.tell_of_left_out(self.now());
        }
    }
}
