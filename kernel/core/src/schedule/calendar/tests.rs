use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;

/// 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600 * SECOND;

/// A calendar with a clock that can be set, on which everything is taken at once.
struct Wall {
    calendar: Calendar,
    now: Now,
}

impl Wall {
    fn new(expression: &str, missed: Missed) -> Self {
        Self::at(START, expression, missed)
    }

    fn at(wall: u64, expression: &str, missed: Missed) -> Self {
        let now = Now { monotonic: 0, wall };
        let calendar = Calendar::new(expression.parse().unwrap(), missed, 0, now);
        Self { calendar, now }
    }

    /// Takes what is due.
    fn take(&mut self) -> Vec<u64> {
        let mut counts = Vec::new();
        self.calendar.look(self.now);
        while self.calendar.is_due(self.now) {
            counts.push(self.calendar.take(self.now, 0));
        }
        counts
    }

    /// Time goes on, from look to look; returns when it ticked and for how many.
    fn go(&mut self, span: u64) -> Vec<(u64, u64)> {
        let end = self.now.monotonic + span;
        let mut ticks = Vec::new();
        loop {
            let at = self.calendar.look(self.now).clamp(self.now.monotonic, end);
            self.now.wall += at - self.now.monotonic;
            self.now.monotonic = at;
            let taken = self.take();
            ticks.extend(taken.into_iter().map(|count| (self.now.wall, count)));
            if at == end {
                return ticks;
            }
        }
    }

    /// The clock is set; nobody looks yet.
    fn set(&mut self, wall: u64) {
        self.now.wall = wall;
    }
}

/// That many ticks, a period apart.
fn regular(first: u64, period: u64, count: u64) -> Vec<(u64, u64)> {
    (0..count).map(|n| (first + n * period, 1)).collect()
}

#[test]
fn it_ticks_at_each_instant_once() {
    let mut wall = Wall::new("*/5 * * * *", Missed::Once);
    assert_eq!(wall.go(HOUR), regular(START + 5 * MINUTE, 5 * MINUTE, 12));
}

#[test]
fn a_clock_set_forward_misses_ticks_by_the_policy() {
    for (missed, expected) in [
        (Missed::Skip, vec![1]),
        (Missed::Once, vec![6]),
        (Missed::CatchUp, vec![1; 6]),
    ] {
        let mut wall = Wall::new("0,10,20,30,40,50 * * * *", missed);
        wall.go(MINUTE);
        wall.set(START + HOUR + 5 * MINUTE);
        assert_eq!(wall.take(), expected, "{missed:?}");
        let next = START + HOUR + 10 * MINUTE;
        assert_eq!(wall.go(20 * MINUTE), regular(next, 10 * MINUTE, 2));
    }
}

#[test]
fn a_clock_that_learns_the_year_makes_no_storm() {
    for (missed, expected) in [
        (Missed::Skip, vec![1]),
        (Missed::Once, vec![MISSED_TICKS]),
        (Missed::CatchUp, vec![1; 100]),
    ] {
        let mut wall = Wall::at(0, "* * * * * *", missed);
        wall.set(START);
        assert_eq!(wall.take(), expected, "{missed:?}");
        assert_eq!(wall.go(3 * SECOND), regular(START + SECOND, SECOND, 3));
    }
    // Days of 56 years: those of the last month.
    let mut wall = Wall::at(0, "0 12 * * *", Missed::Once);
    wall.set(START);
    assert_eq!(wall.take(), [31]);
    // And what comes once a year is not lost.
    let mut wall = Wall::at(0, "0 0 1 6 *", Missed::Once);
    wall.set(START);
    assert_eq!(wall.take(), [1]);
}

#[test]
fn a_clock_set_back_repeats_no_instant() {
    let mut wall = Wall::new("*/10 * * * *", Missed::Once);
    assert_eq!(wall.go(2 * HOUR).len(), 12);
    wall.set(START + HOUR);
    assert_eq!(wall.go(HOUR), [], "these were delivered");
    let next = START + 2 * HOUR + 10 * MINUTE;
    assert_eq!(wall.go(HOUR), regular(next, 10 * MINUTE, 6));
}

#[test]
fn a_clock_that_was_years_ahead_silences_nobody() {
    for missed in [Missed::Skip, Missed::Once, Missed::CatchUp] {
        let mut wall = Wall::new("*/10 * * * *", missed);
        wall.go(5 * MINUTE);
        wall.set(START + 10 * YEAR);
        wall.take();
        wall.go(HOUR);
        // Corrected.
        wall.set(START + 6 * MINUTE);
        let next = START + 10 * MINUTE;
        assert_eq!(wall.go(HOUR), regular(next, 10 * MINUTE, 6), "{missed:?}");
    }
}

#[test]
fn a_clock_set_back_beyond_its_start_ticks_on_and_stops_where_it_had_been() {
    let mut wall = Wall::new("0 * * * *", Missed::Once);
    assert_eq!(wall.go(3 * HOUR).len(), 3);
    wall.set(START - 2 * HOUR - MINUTE);
    let ticks = wall.go(6 * HOUR);
    let before = regular(START - 2 * HOUR, HOUR, 3);
    let after = regular(START + 4 * HOUR, HOUR, 0);
    assert_eq!(ticks, [before, after].concat());
}

#[test]
fn a_step_back_while_the_jitter_runs_loses_nothing() {
    let mut wall = Wall::new("0 * * * *", Missed::Once);
    wall.calendar.delay = 30 * SECOND;
    wall.go(HOUR + 10 * SECOND);
    wall.set(START + HOUR - SECOND);
    assert_eq!(wall.go(MINUTE), [(START + HOUR + 30 * SECOND, 1)]);
}

#[test]
fn a_clock_that_was_set_is_noticed_soon() {
    let mut wall = Wall::new("0 0 1 1 *", Missed::Once);
    assert_eq!(wall.calendar.look(wall.now), LOOK);
    wall.set(START + YEAR - 3 * SECOND);
    assert_eq!(wall.calendar.look(wall.now), 3 * SECOND);
}

#[derive(Debug, Clone)]
enum Step {
    Go(u64),
    Set(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0..3 * HOUR).prop_map(Step::Go),
        1 => (-(3 * HOUR as i64)..3 * HOUR as i64).prop_map(Step::Set),
        1 => (-(3 * YEAR as i64)..3 * YEAR as i64).prop_map(Step::Set),
    ];
    proptest::collection::vec(step, 1..6)
}

proptest! {
    #[test]
    fn however_the_clock_is_set_no_instant_ticks_twice_and_silence_ends(steps in steps()) {
        let expression: CronExpression = "*/7 * * * *".parse().unwrap();
        let mut wall = Wall::at(START, "*/7 * * * *", Missed::Skip);
        let mut seen = std::collections::HashSet::new();
        // Since when instants are new, but for those that were seen before the clock was set back.
        let mut since = START;
        for step in steps {
            match step {
                Step::Go(span) => {
                    since = since.min(wall.now.wall);
                    for (at, count) in wall.go(span) {
                        prop_assert_eq!(count, 1);
                        // A late one stands for the last instant before that was not seen.
                        let mut instant = expression.up_to(at).unwrap();
                        while seen.contains(&instant) {
                            instant = expression.up_to(instant - 1).unwrap();
                        }
                        prop_assert!(instant > since, "one of {since}..={at} twice");
                        seen.insert(instant);
                        since = at;
                    }
                }
                Step::Set(by) => wall.now.wall = wall.now.wall.saturating_add_signed(by),
            }
        }
        // All that was lived through at most.
        prop_assert!(!wall.go(19 * HOUR).is_empty());
    }
}
