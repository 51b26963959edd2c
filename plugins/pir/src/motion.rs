//! Motion, from what the sensor says and the time. Pure: no kernel in here.

use serde::{Deserialize, Serialize};
use weihe_sdk::{Duration, Timestamp};

/// What is known of motion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Motion {
    /// From when on the sensor is to be trusted.
    warm: Timestamp,
    /// The sensor sees something.
    seen: bool,
    /// When it saw the last.
    last: Option<Timestamp>,
    count: i64,
}

impl Motion {
    /// Nothing seen so far; with a count from before.
    pub fn new(warm: Timestamp, count: i64) -> Self {
        Motion {
            warm,
            seen: false,
            last: None,
            count,
        }
    }

    /// Takes what the sensor says. Returns whether motion begins, and counts.
    pub fn take(&mut self, active: bool, time: Timestamp, hold: Duration) -> bool {
        let begins = active && !self.is_moving(time, hold) && self.is_warm(time);
        if active || self.seen {
            self.last = Some(time);
        }
        self.seen = active;
        self.count += i64::from(begins);
        begins
    }

    /// Whether something moves, or did within the hold time.
    pub fn is_moving(&self, now: Timestamp, hold: Duration) -> bool {
        self.seen || self.last.is_some_and(|last| now.since(last) < hold)
    }

    /// Whether the sensor sees something.
    pub fn is_seen(&self) -> bool {
        self.seen
    }

    /// Whether the sensor is to be trusted.
    pub fn is_warm(&self, now: Timestamp) -> bool {
        now >= self.warm
    }

    /// How often motion began.
    pub fn count(&self) -> i64 {
        self.count
    }

    /// When something changes by itself.
    pub fn next(&self, now: Timestamp, hold: Duration) -> Option<Duration> {
        let ends = self.last.filter(|_| !self.seen).map(|last| last + hold);
        let all = [ends, Some(self.warm)].into_iter().flatten();
        all.filter(|at| *at > now).map(|at| at.since(now)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_nanos((100 + secs) * 1_000_000_000)
    }

    #[test]
    fn motion_lasts_for_the_hold_time_and_is_counted_once() {
        let hold = Duration::from_secs(30);
        let mut motion = Motion::new(at(0), 0);
        assert!(motion.take(true, at(1), hold));
        assert!(!motion.take(false, at(3), hold));
        assert!(!motion.take(true, at(20), hold), "still the same");
        assert!(!motion.take(false, at(22), hold));
        assert_eq!(motion.next(at(22), hold), Some(hold));
        assert!(motion.is_moving(at(51), hold) && !motion.is_moving(at(52), hold));
        assert!(motion.take(true, at(60), hold));
        assert_eq!(motion.count(), 2);
    }

    #[test]
    fn a_cold_sensor_is_not_counted() {
        let mut motion = Motion::new(at(60), 7);
        assert!(!motion.take(true, at(5), Duration::from_secs(1)));
        assert!(motion.is_moving(at(5), Duration::ZERO));
        assert_eq!((motion.count(), motion.is_warm(at(60))), (7, true));
    }
}
