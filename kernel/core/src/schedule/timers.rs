//! Which timers a device has, and which are due.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::calendar::Calendar;
use super::{Missed, Now, Tick, TimerOrder};

/// The timers of one device. Times are monotonic nanoseconds.
#[derive(Debug)]
pub struct Timers {
    timers: BTreeMap<Arc<str>, Timer>,
    random: u64,
}

#[derive(Debug)]
struct Timer {
    /// When it fires, or on the calendar: when to look whether it does.
    due: u64,
    jitter: u64,
    rhythm: Rhythm,
}

#[derive(Debug)]
enum Rhythm {
    Once,
    Grid {
        /// The tick's place on the grid, without its jitter.
        place: u64,
        period: u64,
        missed: Missed,
    },
    Calendar(Box<Calendar>),
}

impl Timer {
    /// Takes the tick; returns how many it stands for, and none when it is not due after all. `delay`
    /// is the jitter of the next one.
    fn take(&mut self, now: Now, delay: u64) -> Option<u64> {
        match &mut self.rhythm {
            Rhythm::Once => Some(1),
            Rhythm::Grid {
                place,
                period,
                missed,
            } => {
                // Places on the grid that have passed, this one included.
                let passed = 1 + now.monotonic.saturating_sub(*place) / *period;
                let (count, steps) = match missed {
                    Missed::Skip => (1, passed),
                    Missed::Once => (passed, passed),
                    Missed::CatchUp => (1, 1),
                };
                *place = place.saturating_add(steps.saturating_mul(*period));
                self.due = place.saturating_add(delay);
                Some(count)
            }
            Rhythm::Calendar(calendar) => {
                let count = calendar.is_due(now).then(|| calendar.take(now, delay));
                self.due = calendar.look(now);
                count
            }
        }
    }
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
    pub fn order(&mut self, order: TimerOrder, now: Now) {
        match order {
            TimerOrder::Every {
                name,
                period,
                missed,
                jitter,
                first,
            } => {
                let place = now.monotonic.saturating_add(first.unwrap_or(period));
                let due = place.saturating_add(self.jitter(jitter));
                let rhythm = Rhythm::Grid {
                    place,
                    period: period.max(1),
                    missed,
                };
                let timer = Timer {
                    due,
                    jitter,
                    rhythm,
                };
                self.timers.insert(name, timer);
            }
            TimerOrder::Cron {
                name,
                expression,
                missed,
                jitter,
            } => {
                let delay = self.jitter(jitter);
                let mut calendar = Box::new(Calendar::new(expression, missed, delay, now));
                let timer = Timer {
                    due: calendar.look(now),
                    jitter,
                    rhythm: Rhythm::Calendar(calendar),
                };
                self.timers.insert(name, timer);
            }
            TimerOrder::After { name, delay } => {
                let timer = Timer {
                    due: now.monotonic.saturating_add(delay),
                    jitter: 0,
                    rhythm: Rhythm::Once,
                };
                self.timers.insert(name, timer);
            }
            TimerOrder::Cancel { name } => {
                self.timers.remove(&name);
            }
        }
    }

    /// Carries out an order of a version that takes over: a timer that beats as ordered already
    /// keeps its beat, so that versions that follow one another quickly do not silence it.
    pub fn take_over(&mut self, order: TimerOrder, now: Now) {
        if let TimerOrder::Every {
            name,
            period,
            missed,
            jitter,
            ..
        } = &order
            && let Some(timer) = self.timers.get(name)
            && let Rhythm::Grid {
                period: beats,
                missed: policy,
                ..
            } = &timer.rhythm
            && (*beats, *policy, timer.jitter) == ((*period).max(1), *missed, *jitter)
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

    /// When to ask for due timers again, on the monotonic clock.
    pub fn next(&self) -> Option<u64> {
        self.timers.values().map(|timer| timer.due).min()
    }

    /// Takes the timers that are due at `now`, the earliest first, at most `max` ticks.
    pub fn take_due(&mut self, now: Now, ticks: &mut Vec<Tick>, max: usize) {
        for timer in self.timers.values_mut() {
            // The wall clock may have been set since.
            if let Rhythm::Calendar(calendar) = &mut timer.rhythm {
                timer.due = calendar.look(now);
            }
        }
        while ticks.len() < max {
            let earliest = self
                .timers
                .iter()
                .filter(|(_, timer)| timer.due <= now.monotonic)
                .min_by_key(|(_, timer)| timer.due)
                .map(|(name, timer)| (name.clone(), timer.jitter));
            let Some((name, jitter)) = earliest else {
                return;
            };
            let delay = self.jitter(jitter);
            let Some(timer) = self.timers.get_mut(&name) else {
                return;
            };
            let count = timer.take(now, delay);
            if matches!(timer.rhythm, Rhythm::Once) {
                self.timers.remove(&name);
            }
            if let Some(count) = count {
                ticks.push(Tick { name, count });
            }
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

    fn at(monotonic: u64) -> Now {
        Now { monotonic, wall: 0 }
    }

    fn due(timers: &mut Timers, now: u64) -> Vec<u64> {
        let mut ticks = Vec::new();
        timers.take_due(at(now), &mut ticks, 100);
        ticks.into_iter().map(|tick| tick.count).collect()
    }

    #[test]
    fn a_period_keeps_its_grid() {
        let mut timers = Timers::new(1);
        timers.order(every(10, Missed::Once), at(0));
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
            timers.order(every(10, missed), at(0));
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
            at(0),
        );
        timers.order(
            TimerOrder::After {
                name: "t".into(),
                delay: 7,
            },
            at(0),
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
        timers.order(order, at(0));
        for place in 0..50 {
            let next = timers.next().unwrap_or_default();
            assert!((place * 100..=place * 100 + 30).contains(&next), "{next}");
            assert_eq!(due(&mut timers, next), [1]);
        }
    }

    #[test]
    fn a_storm_of_missed_ticks_is_taken_in_portions() {
        let mut timers = Timers::new(1);
        timers.order(every(1, Missed::CatchUp), at(0));
        let mut ticks = Vec::new();
        timers.take_due(at(1_000_000), &mut ticks, 64);
        assert_eq!(ticks.len(), 64);
    }
}
