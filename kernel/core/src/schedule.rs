//! The timers of one device, as plain data: nothing here waits or reads a clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What happens to ticks that could not be delivered in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missed {
    /// They are left out.
    Skip,
    /// They are delivered as one tick, whose count is their number.
    #[default]
    Once,
    /// Each is delivered.
    CatchUp,
}

/// What a plugin asks of the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimerOrder {
    /// Tick every `period` nanoseconds.
    Every {
        /// The timer's name.
        name: Arc<str>,
        /// Nanoseconds between two ticks.
        period: u64,
        /// What happens to missed ticks.
        missed: Missed,
        /// Each tick is delayed by up to so many nanoseconds.
        jitter: u64,
        /// Delay of the first tick; none stands for one period.
        first: Option<u64>,
    },
    /// Tick once, `delay` nanoseconds from now.
    After {
        /// The timer's name.
        name: Arc<str>,
        /// Nanoseconds from now.
        delay: u64,
    },
    /// End a timer.
    Cancel {
        /// The timer's name.
        name: Arc<str>,
    },
}

/// A timer that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// The timer's name.
    pub name: Arc<str>,
    /// How many ticks this one stands for: 1 but for missed ones delivered as one.
    pub count: u64,
}

/// The timers of one device. Times are monotonic nanoseconds.
#[derive(Debug)]
pub struct Timers {
    timers: BTreeMap<Arc<str>, Timer>,
    random: u64,
}

#[derive(Debug)]
struct Timer {
    /// The tick's place on the grid.
    grid: u64,
    /// When it fires: the place and its jitter.
    due: u64,
    repeat: Option<Repeat>,
}

#[derive(Debug)]
struct Repeat {
    period: u64,
    missed: Missed,
    jitter: u64,
}

impl Timers {
    /// No timers. `seed` makes the jitter of devices differ, and tests repeat.
    pub fn new(seed: u64) -> Self {
        Self {
            timers: BTreeMap::new(),
            random: seed | 1,
        }
    }

    /// Carries out an order at time `now`.
    pub fn order(&mut self, order: TimerOrder, now: u64) {
        match order {
            TimerOrder::Every {
                name,
                period,
                missed,
                jitter,
                first,
            } => {
                let grid = now.saturating_add(first.unwrap_or(period));
                let due = grid.saturating_add(self.jitter(jitter));
                let repeat = Some(Repeat {
                    period: period.max(1),
                    missed,
                    jitter,
                });
                self.timers.insert(name, Timer { grid, due, repeat });
            }
            TimerOrder::After { name, delay } => {
                let grid = now.saturating_add(delay);
                self.timers.insert(
                    name,
                    Timer {
                        grid,
                        due: grid,
                        repeat: None,
                    },
                );
            }
            TimerOrder::Cancel { name } => {
                self.timers.remove(&name);
            }
        }
    }

    /// Carries out an order of a version that takes over: a timer that beats as ordered already
    /// keeps its beat, so that versions that follow one another quickly do not silence it.
    pub fn take_over(&mut self, order: TimerOrder, now: u64) {
        if let TimerOrder::Every {
            name,
            period,
            missed,
            jitter,
            ..
        } = &order
            && let Some(repeat) = self
                .timers
                .get(name)
                .and_then(|timer| timer.repeat.as_ref())
            && (repeat.period, repeat.missed, repeat.jitter) == ((*period).max(1), *missed, *jitter)
        {
            return;
        }
        self.order(order, now);
    }

    /// Ends a timer.
    pub fn remove(&mut self, name: &str) {
        self.timers.remove(name);
    }

    /// The names of all timers.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.timers.keys()
    }

    /// When the next timer fires.
    pub fn next(&self) -> Option<u64> {
        self.timers.values().map(|timer| timer.due).min()
    }

    /// Takes the timers that are due at `now`, the earliest first, at most `max` ticks.
    pub fn take_due(&mut self, now: u64, ticks: &mut Vec<Tick>, max: usize) {
        while ticks.len() < max {
            let earliest = self
                .timers
                .iter()
                .filter(|(_, timer)| timer.due <= now)
                .min_by_key(|(_, timer)| timer.due)
                .map(|(name, _)| name.clone());
            let Some(name) = earliest else { return };
            let jitter = self
                .timers
                .get(&name)
                .and_then(|timer| timer.repeat.as_ref())
                .map_or(0, |repeat| repeat.jitter);
            let jitter = self.jitter(jitter);
            let Some(timer) = self.timers.get_mut(&name) else {
                return;
            };
            let Some(repeat) = &timer.repeat else {
                self.timers.remove(&name);
                ticks.push(Tick { name, count: 1 });
                continue;
            };
            // Places on the grid that have passed, this one included.
            let passed = 1 + now.saturating_sub(timer.grid) / repeat.period;
            let (count, steps) = match repeat.missed {
                Missed::Skip => (1, passed),
                Missed::Once => (passed, passed),
                Missed::CatchUp => (1, 1),
            };
            timer.grid = timer
                .grid
                .saturating_add(steps.saturating_mul(repeat.period));
            timer.due = timer.grid.saturating_add(jitter);
            ticks.push(Tick { name, count });
        }
    }

    /// Ends all timers.
    pub fn clear(&mut self) {
        self.timers.clear();
    }

    /// How many timers there are.
    pub fn len(&self) -> usize {
        self.timers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.timers.is_empty()
    }

    /// Whether a timer has this name.
    pub fn contains(&self, name: &str) -> bool {
        self.timers.contains_key(name)
    }

    fn jitter(&mut self, up_to: u64) -> u64 {
        if up_to == 0 {
            return 0;
        }
        // Marsaglia's xorshift: even enough to spread ticks, and repeatable.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % (up_to.saturating_add(1)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(period: u64, missed: Missed) -> TimerOrder {
        TimerOrder::Every {
            name: "t".into(),
            period,
            missed,
            jitter: 0,
            first: None,
        }
    }

    fn due(timers: &mut Timers, now: u64) -> Vec<u64> {
        let mut ticks = Vec::new();
        timers.take_due(now, &mut ticks, 100);
        ticks.into_iter().map(|tick| tick.count).collect()
    }

    #[test]
    fn a_period_keeps_its_grid() {
        let mut timers = Timers::new(1);
        timers.order(every(10, Missed::Once), 0);
        assert!(due(&mut timers, 9).is_empty());
        assert_eq!(due(&mut timers, 13), [1]);
        assert_eq!(timers.next(), Some(20));
    }

    #[test]
    fn missed_ticks_follow_their_policy() {
        for (missed, expected) in [
            (Missed::Skip, vec![1]),
            (Missed::Once, vec![4]),
            (Missed::CatchUp, vec![1, 1, 1, 1]),
        ] {
            let mut timers = Timers::new(1);
            timers.order(every(10, missed), 0);
            assert_eq!(due(&mut timers, 45), expected, "{missed:?}");
            assert_eq!(timers.next(), Some(50), "{missed:?}");
        }
    }

    #[test]
    fn once_means_once_and_a_name_is_one_timer() {
        let mut timers = Timers::new(1);
        timers.order(
            TimerOrder::After {
                name: "t".into(),
                delay: 5,
            },
            0,
        );
        timers.order(
            TimerOrder::After {
                name: "t".into(),
                delay: 7,
            },
            0,
        );
        assert!(due(&mut timers, 6).is_empty());
        assert_eq!(due(&mut timers, 7), [1]);
        assert!(timers.is_empty());
    }

    #[test]
    fn jitter_delays_without_drift() {
        let mut timers = Timers::new(42);
        let order = TimerOrder::Every {
            name: "t".into(),
            period: 100,
            missed: Missed::Once,
            jitter: 30,
            first: Some(0),
        };
        timers.order(order, 0);
        for place in 0..50 {
            let next = timers.next().unwrap_or_default();
            assert!((place * 100..=place * 100 + 30).contains(&next), "{next}");
            assert_eq!(due(&mut timers, next), [1]);
        }
    }

    #[test]
    fn a_storm_of_missed_ticks_is_taken_in_portions() {
        let mut timers = Timers::new(1);
        timers.order(every(1, Missed::CatchUp), 0);
        let mut ticks = Vec::new();
        timers.take_due(1_000_000, &mut ticks, 64);
        assert_eq!(ticks.len(), 64);
    }
}
