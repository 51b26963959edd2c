//! When a trapped device is started again, and when it is given up.

use std::collections::VecDeque;

/// The pause after the first trap, in nanoseconds: short, since most faults are one bad input.
pub const FIRST_PAUSE: u64 = 10_000_000;

/// The longest pause, in nanoseconds: half a minute, so that a line that comes back is used soon.
pub const LONGEST_PAUSE: u64 = 30_000_000_000;

/// So many restarts within [`WINDOW`] and the device is given up.
pub const BUDGET: usize = 10;

/// The span in which restarts are counted, in nanoseconds: five minutes. Healthy time beyond it
/// resets the budget.
pub const WINDOW: u64 = 300_000_000_000;

/// The restarts of one device. Times are monotonic nanoseconds.
#[derive(Debug, Default)]
pub struct Restarts {
    recent: VecDeque<u64>,
}

impl Restarts {
    /// Counts a trap at `now`; returns the pause before the next instance, or `None` when the
    /// budget is spent.
    pub fn after_trap(&mut self, now: u64) -> Option<u64> {
        let since = now.saturating_sub(WINDOW);
        while self.recent.front().is_some_and(|at| *at < since) {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        if self.recent.len() > BUDGET {
            return None;
        }
        let doublings = u32::try_from(self.recent.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let pause = FIRST_PAUSE.saturating_mul(1_u64.checked_shl(doublings).unwrap_or(u64::MAX));
        Some(pause.min(LONGEST_PAUSE))
    }
}

/// The pause before an input that asked for a retry is delivered again: a tenth of a second,
/// doubled with each attempt, at most ten seconds.
pub fn retry_pause(attempt: u16) -> u64 {
    const FIRST: u64 = 100_000_000;
    const LONGEST: u64 = 10_000_000_000;
    let doublings = u32::from(attempt.saturating_sub(1));
    FIRST
        .saturating_mul(1_u64.checked_shl(doublings).unwrap_or(u64::MAX))
        .min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_the_budget_ends() {
        let mut restarts = Restarts::default();
        let pauses: Vec<_> = (0..BUDGET).map(|_| restarts.after_trap(0)).collect();
        assert_eq!(pauses[0], Some(FIRST_PAUSE));
        assert_eq!(pauses[1], Some(2 * FIRST_PAUSE));
        assert!(pauses.iter().all(Option::is_some));
        assert_eq!(restarts.after_trap(0), None);
    }

    #[test]
    fn healthy_time_resets_the_budget() {
        let mut restarts = Restarts::default();
        for _ in 0..BUDGET {
            restarts.after_trap(0);
        }
        assert_eq!(restarts.after_trap(WINDOW + 1), Some(FIRST_PAUSE));
    }

    #[test]
    fn retries_wait_longer_each_time_but_never_for_ever() {
        assert_eq!(retry_pause(1), 100_000_000);
        assert_eq!(retry_pause(2), 200_000_000);
        assert_eq!(retry_pause(u16::MAX), 10_000_000_000);
    }
}
