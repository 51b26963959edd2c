//! What a plugin says to the log, and what is said of its errors: so many records a second, each so long,
//! the rest counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::limits::Limits;

use super::bucket::Bucket;
use super::shared::Device;

/// Stands for never in [`Words::tell_at`].
const NEVER: u64 = u64::MAX;

/// The records of one device. They outlive its instances, or a plugin could restart to say more.
#[derive(Debug)]
pub struct Words {
    state: Mutex<State>,
    longest: usize,
    /// When to tell how many records were left out; read each round, without the lock.
    tell_at: AtomicU64,
    said: AtomicU64,
    left_out: AtomicU64,
}

#[derive(Debug)]
struct State {
    bucket: Bucket,
    /// Records left out since that was told last.
    untold: u64,
}

impl Words {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            state: Mutex::new(State {
                bucket: Bucket::new(limits.log_rate),
                untold: 0,
            }),
            longest: limits.log_bytes.bytes(),
            tell_at: AtomicU64::new(NEVER),
            said: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
        }
    }

    /// Whether one more record may go; counts it either way.
    fn admit(&self, now: u64) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let room_at = state.bucket.room_at();
        if room_at > now {
            state.untold += 1;
            self.left_out.fetch_add(1, Ordering::Relaxed);
            // With a limit of none there is never room; whoever set it knows.
            self.tell_at.store(room_at, Ordering::Relaxed);
            return false;
        }
        state.bucket.take(1, now);
        self.said.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Counts a record that goes whatever the rate is.
    fn exempt(&self, now: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.bucket.take(1, now);
        self.said.fetch_add(1, Ordering::Relaxed);
    }

    /// How many records were left out and not told of yet, when it is time to tell.
    fn untold(&self, now: u64) -> Option<u64> {
        if self.tell_at.load(Ordering::Relaxed) > now {
            return None;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.tell_at.store(NEVER, Ordering::Relaxed);
        Some(std::mem::take(&mut state.untold)).filter(|untold| *untold > 0)
    }

    /// When to tell of records that were left out; none while there are none.
    pub(super) fn tell_at(&self) -> Option<u64> {
        let at = self.tell_at.load(Ordering::Relaxed);
        (at != NEVER).then_some(at)
    }

    /// Records written since the host started.
    pub fn said(&self) -> u64 {
        self.said.load(Ordering::Relaxed)
    }

    /// Records left out since the host started.
    pub fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }
}

impl Device {
    /// Writes a record, cut to its greatest length, or leaves it out and counts it.
    pub fn say(&self, text: &str, write: impl FnOnce(&str)) {
        let now = self.clock.monotonic();
        self.tell_of_left_out(now);
        if self.words.admit(now) {
            write(&text[..text.floor_char_boundary(self.words.longest)]);
        }
    }

    /// Writes a record that there is once in the life of a device: noise before it must not hide it.
    pub(super) fn say_once(&self, text: &str, write: impl FnOnce(&str)) {
        self.words.exempt(self.clock.monotonic());
        write(text);
    }

    /// Tells of records that were left out, when it is time.
    pub(super) fn tell_of_left_out(&self, now: u64) {
        if let Some(untold) = self.words.untold(now) {
            let rate = self.spec.limits.log_rate;
            tracing::warn!(
                device = %self.name,
                "{untold} log records were left out: it may write {rate} a second (limit `log-rate`)"
            );
        }
    }
}
