//! The processor time of a call into an instance.
//!
//! The engine interrupts a call once an epoch, which is time on the wall: on a loaded board a thread may be
//! off the processor for several epochs without having done anything. So an interruption only asks; what
//! counts is the processor time of the thread.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::time::{ClockId, clock_gettime};

use crate::device::InstanceUse;

use super::engine::EPOCH;

/// What a call may use, and has used. In nanoseconds.
#[derive(Debug, Default)]
pub(super) struct Budget {
    limit: AtomicU64,
    used: AtomicU64,
    /// The thread's processor time up to which it is counted; none before the first interruption, so that
    /// a call that ends within an epoch never looks at a clock.
    counted: AtomicU64,
    /// The longest of the calls that did not come to their end at once, on the wall clock.
    longest: AtomicU64,
    /// The most processor time that a call has used, of those that were interrupted.
    most: AtomicU64,
    /// Time in which calls had left the lane to others.
    waited: AtomicU64,
    calls: AtomicU64,
}

/// Stands for none in [`Budget::counted`].
const NONE: u64 = u64::MAX;

impl Budget {
    /// Gives the next call its time.
    pub(super) fn refill(&self, limit: u64) {
        self.limit.store(limit, Ordering::Relaxed);
        self.used.store(0, Ordering::Relaxed);
        self.counted.store(NONE, Ordering::Relaxed);
        let calls = self.calls.load(Ordering::Relaxed);
        self.calls.store(calls + 1, Ordering::Relaxed);
    }

    /// The call that left the lane for so long goes on.
    pub(super) fn left_for(&self, nanoseconds: u64) {
        self.waited.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// A call that left the lane has come to its end, so long after it left it first.
    pub(super) fn ended_after(&self, nanoseconds: u64) {
        self.longest.fetch_max(nanoseconds, Ordering::Relaxed);
        self.most
            .fetch_max(self.used.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// What the calls have used since this was asked last. Nobody else changes it meanwhile.
    pub(super) fn taken(&self) -> InstanceUse {
        let take = |of: &AtomicU64| {
            let value = of.load(Ordering::Relaxed);
            // Mostly there is nothing to store.
            if value != 0 {
                of.store(0, Ordering::Relaxed);
            }
            value
        };
        InstanceUse {
            calls: take(&self.calls),
            longest: take(&self.longest),
            processor: take(&self.most),
            waited: take(&self.waited),
            ..InstanceUse::default()
        }
    }

    /// The call runs again after others have run on its thread.
    pub(super) fn resume(&self) {
        if self.counted.load(Ordering::Relaxed) != NONE {
            self.counted.store(thread_time(), Ordering::Relaxed);
        }
    }

    /// The call is interrupted; returns whether it may go on.
    pub(super) fn allows_more(&self) -> bool {
        let now = thread_time();
        let used = match self.counted.swap(now, Ordering::Relaxed) {
            // It began within the epoch that has just ended.
            NONE => EPOCH.as_nanos() as u64,
            counted => now.saturating_sub(counted),
        };
        let used = self.used.fetch_add(used, Ordering::Relaxed) + used;
        used <= self.limit.load(Ordering::Relaxed)
    }
}

/// The processor time that this thread has used, in nanoseconds.
fn thread_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH_NS: u64 = EPOCH.as_nanos() as u64;

    /// Uses so much of the processor, however long that takes.
    fn compute(nanoseconds: u64) {
        let end = thread_time() + nanoseconds;
        while thread_time() < end {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn a_call_that_computes_is_ended_when_its_time_is_spent() {
        let budget = Budget::default();
        budget.refill(4 * EPOCH_NS);
        assert!(budget.allows_more(), "one epoch of four");
        compute(2 * EPOCH_NS);
        assert!(budget.allows_more(), "three of four");
        compute(2 * EPOCH_NS);
        assert!(!budget.allows_more());
        budget.refill(4 * EPOCH_NS);
        assert!(budget.allows_more(), "the next call has its own");
    }

    #[test]
    fn interruptions_while_the_thread_has_not_run_cost_nothing_to_speak_of() {
        let budget = Budget::default();
        budget.refill(20 * EPOCH_NS);
        assert!((0..1_000).all(|_| budget.allows_more()));
    }

    #[test]
    fn what_others_compute_on_the_thread_meanwhile_is_theirs() {
        let budget = Budget::default();
        budget.refill(3 * EPOCH_NS);
        assert!(budget.allows_more());
        compute(5 * EPOCH_NS);
        budget.resume();
        assert!(budget.allows_more());
    }
}
