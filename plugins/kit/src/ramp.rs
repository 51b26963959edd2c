//! Values that move evenly.

use serde::{Deserialize, Serialize};
use weihe_sdk::{Duration, Timestamp};

/// A value on its way from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ramp {
    from: f64,
    to: f64,
    start: Timestamp,
    span: Duration,
}

impl Ramp {
    /// A value that rests.
    pub fn at(value: f64) -> Self {
        Ramp {
            from: value,
            to: value,
            start: Timestamp::from_nanos(0),
            span: Duration::ZERO,
        }
    }

    /// From where it is now to another value, within a span.
    pub fn to(self, value: f64, now: Timestamp, span: Duration) -> Self {
        Ramp {
            from: self.value(now),
            to: value,
            start: now,
            span,
        }
    }

    /// To another value with so much a second; not a positive number: at once.
    pub fn with_speed(self, value: f64, now: Timestamp, speed: f64) -> Self {
        let seconds = (value - self.value(now)).abs() / speed;
        let nanos = match speed > 0.0 && seconds.is_finite() {
            true => (seconds * 1e9) as u64,
            false => 0,
        };
        self.to(value, now, Duration::from_nanos(nanos))
    }

    /// Where it is.
    pub fn value(&self, now: Timestamp) -> f64 {
        if self.is_over(now) {
            return self.to;
        }
        let share = now.since(self.start).as_secs_f64() / self.span.as_secs_f64();
        self.from + (self.to - self.from) * share
    }

    /// Where it goes.
    pub fn target(&self) -> f64 {
        self.to
    }

    /// Whether it is there.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.span.is_zero() || now.since(self.start) >= self.span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_evenly_turns_on_the_way_and_arrives_exactly() {
        let at = |ms: u64| Timestamp::from_nanos(ms * 1_000_000);
        let ramp = Ramp::at(10.0).to(30.0, at(1_000), Duration::from_secs(2));
        assert_eq!(
            [1_000, 2_000, 3_000, 9_000].map(|ms| ramp.value(at(ms))),
            [10.0, 20.0, 30.0, 30.0]
        );
        let back = ramp.with_speed(0.0, at(2_000), 40.0);
        assert_eq!(back.value(at(2_250)), 10.0);
        assert!(back.is_over(at(2_500)) && back.value(at(2_500)) == 0.0);
        assert_eq!(Ramp::at(1.0).with_speed(5.0, at(0), 0.0).value(at(0)), 5.0);
    }
}
