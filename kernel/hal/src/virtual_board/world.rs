//! The world around the board: named values that follow a course.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How often a value that changes all the time is looked at by what follows it, in nanoseconds: a tenth of
/// a second, as things in the world go.
const LOOK: u64 = 100_000_000;

/// The most steps of a walk that are gone one by one after a long time in which nobody looked.
const STEPS: u64 = 1 << 20;

/// How a value goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Course {
    /// It stays.
    Constant(f64),
    /// Through points in time (nanoseconds from the start), sorted.
    Script {
        /// When, and what from then on.
        points: Vec<(u64, f64)>,
        /// Whether it goes straight from one point to the next, instead of jumping.
        ramp: bool,
        /// After what time it begins anew.
        repeat: Option<u64>,
    },
    /// Up and down.
    Sine {
        /// The value in the middle.
        mean: f64,
        /// How far up and down.
        amplitude: f64,
        /// Of one round, in nanoseconds.
        period: u64,
    },
    /// A random walk.
    Walk(Walk),
}

/// A random walk: the same one for the same seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Walk {
    /// Where it starts.
    pub start: f64,
    /// The longest step.
    pub step: f64,
    /// How often, in nanoseconds.
    pub every: u64,
    /// What it does not go beyond.
    pub least: f64,
    /// What it does not go beyond.
    pub most: f64,
    /// Which one.
    pub seed: u64,
    /// The step that was gone last, and where it led.
    reached: (u64, f64),
}

impl Walk {
    /// A walk that begins.
    pub fn new(start: f64, step: f64, every: u64, bounds: (f64, f64), seed: u64) -> Self {
        Self {
            start,
            step,
            every: every.max(1),
            least: bounds.0,
            most: bounds.1,
            seed,
            reached: (0, start),
        }
    }

    fn at(&mut self, elapsed: u64) -> f64 {
        let index = elapsed / self.every;
        if index < self.reached.0 {
            self.reached = (0, self.start);
        }
        // Who was away for years finds it somewhere, not after minutes of computing.
        self.reached.0 = self.reached.0.max(index.saturating_sub(STEPS));
        while self.reached.0 < index {
            self.reached.0 += 1;
            let share = unit(self.seed, self.reached.0) * 2.0 - 1.0;
            let next = self.reached.1 + share * self.step;
            // It is turned back at its bounds.
            let next = if next > self.most {
                2.0 * self.most - next
            } else if next < self.least {
                2.0 * self.least - next
            } else {
                next
            };
            self.reached.1 = next.clamp(self.least, self.most);
        }
        self.reached.1
    }
}

/// A number from 0 to 1 that belongs to a seed and a place (SplitMix64).
pub fn unit(seed: u64, place: u64) -> f64 {
    let mut bits = seed ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits ^ (bits >> 31)) as f64 / u64::MAX as f64
}

impl Course {
    fn at(&mut self, elapsed: u64) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Script {
                points,
                ramp,
                repeat,
            } => {
                let elapsed = repeat.map_or(elapsed, |repeat| elapsed % repeat.max(1));
                let after = points.partition_point(|(time, _)| *time <= elapsed);
                let before = after.checked_sub(1).and_then(|index| points.get(index));
                match (before, points.get(after)) {
                    (Some((from, a)), Some((to, b))) if *ramp && to > from => {
                        a + (b - a) * ((elapsed - from) as f64 / (to - from) as f64)
                    }
                    (Some((_, value)), _) | (None, Some((_, value))) => *value,
                    (None, None) => 0.0,
                }
            }
            Self::Sine {
                mean,
                amplitude,
                period,
            } => {
                let period = (*period).max(1);
                let share = (elapsed % period) as f64 / period as f64;
                *mean + *amplitude * (share * TAU).sin()
            }
            Self::Walk(walk) => walk.at(elapsed),
        }
    }

    /// When it may be another one, in nanoseconds from the start; none for never.
    fn changes_after(&self, elapsed: u64) -> Option<u64> {
        match self {
            Self::Constant(_) => None,
            Self::Script {
                points,
                ramp,
                repeat,
            } => {
                let (round, within) = match repeat {
                    Some(repeat) => {
                        let within = elapsed % (*repeat).max(1);
                        (elapsed - within, within)
                    }
                    None => (0, elapsed),
                };
                let after = points.partition_point(|(time, _)| *time <= within);
                let next = points.get(after).map(|(time, _)| *time);
                let end = repeat.filter(|_| next.is_none());
                let next = next.or(end)?;
                let moves = *ramp && after > 0 && end.is_none();
                let next = if moves { next.min(within + LOOK) } else { next };
                Some(round.saturating_add(next))
            }
            Self::Sine { .. } => Some(elapsed.saturating_add(LOOK)),
            Self::Walk(walk) => Some((elapsed / walk.every + 1).saturating_mul(walk.every)),
        }
    }

    /// What kind it is, in a word.
    fn word(&self) -> &'static str {
        match self {
            Self::Constant(_) => "constant",
            Self::Script { .. } => "script",
            Self::Sine { .. } => "sine",
            Self::Walk(_) => "walk",
        }
    }
}

/// A named value of the world.
#[derive(Debug)]
pub struct Value {
    start: u64,
    course: Mutex<Course>,
}

impl Value {
    /// A value whose course begins at a time of the monotonic clock.
    pub fn new(course: Course, start: u64) -> Self {
        Self {
            start,
            course: Mutex::new(course),
        }
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it is at a time of the monotonic clock.
    pub fn at(&self, now: u64) -> f64 {
        self.course().at(now.saturating_sub(self.start))
    }

    /// Until when it is what it is now; none for ever.
    pub fn changes_after(&self, now: u64) -> Option<u64> {
        let next = self
            .course()
            .changes_after(now.saturating_sub(self.start))?;
        Some(self.start.saturating_add(next))
    }

    /// From now on it is this.
    pub fn set(&self, value: f64) {
        *self.course() = Course::Constant(value);
    }

    /// How it goes, in a word.
    pub fn word(&self) -> &'static str {
        self.course().word()
    }
}

/// All values of the world.
pub type World = BTreeMap<String, Arc<Value>>;

/// Where a device has a value from.
#[derive(Debug, Clone)]
pub enum Source {
    /// It is always this.
    Fixed(f64),
    /// From the world.
    World(Arc<Value>),
}

impl Source {
    /// What it is at a time of the monotonic clock.
    pub fn at(&self, now: u64) -> f64 {
        match self {
            Self::Fixed(value) => *value,
            Self::World(value) => value.at(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn script(ramp: bool, repeat: Option<u64>) -> Value {
        let points = vec![(0, 10.0), (10 * SECOND, 20.0), (20 * SECOND, 0.0)];
        let course = Course::Script {
            points,
            ramp,
            repeat,
        };
        Value::new(course, 5 * SECOND)
    }

    #[test]
    fn scripts_jump_or_go_straight_and_may_begin_anew() {
        let jumps = script(false, None);
        let at = |value: &Value, second: u64| value.at((5 + second) * SECOND);
        assert_eq!(at(&jumps, 9), 10.0);
        assert_eq!(at(&jumps, 10), 20.0);
        assert_eq!(at(&jumps, 99), 0.0);
        let ramps = script(true, None);
        assert_eq!(at(&ramps, 5), 15.0);
        assert_eq!(at(&ramps, 15), 10.0);
        let rounds = script(false, Some(30 * SECOND));
        assert_eq!(at(&rounds, 42), 20.0);
        assert_eq!(jumps.changes_after(6 * SECOND), Some(15 * SECOND));
        assert_eq!(jumps.changes_after(40 * SECOND), None);
        assert_eq!(rounds.changes_after(30 * SECOND), Some(35 * SECOND));
    }

    #[test]
    fn a_sine_goes_up_and_down_and_a_value_that_is_set_stays() {
        let course = Course::Sine {
            mean: 20.0,
            amplitude: 5.0,
            period: 4 * SECOND,
        };
        let value = Value::new(course, 0);
        assert!((value.at(SECOND) - 25.0).abs() < 1e-9);
        assert!((value.at(3 * SECOND) - 15.0).abs() < 1e-9);
        value.set(-3.0);
        assert_eq!((value.at(9 * SECOND), value.word()), (-3.0, "constant"));
    }

    proptest! {
        #[test]
        fn walks_keep_within_their_bounds_and_are_the_same_for_the_same_seed(
            seed: u64, times in proptest::collection::vec(0_u64..1 << 40, 1..20),
        ) {
            let walk = || Value::new(Course::Walk(Walk::new(5.0, 3.0, SECOND / 10, (0.0, 10.0), seed)), 0);
            let (one, other) = (walk(), walk());
            let mut sorted = times.clone();
            sorted.sort_unstable();
            for time in sorted {
                let value = one.at(time);
                prop_assert!((0.0..=10.0).contains(&value));
                prop_assert_eq!(other.at(time), value);
            }
        }
    }
}
