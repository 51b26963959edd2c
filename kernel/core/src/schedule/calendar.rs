//! A timer on the calendar, whose clock may be set.
//!
//! What is delivered are *instants*: the seconds that the expression names.
//!
//! - The clock goes on, or is set **forward**: the instants in between are missed ticks, and the
//!   timer's policy says what becomes of them. At most [`MISSED_TICKS`] of them count, the latest,
//!   and none older than [`MISSED_SPAN`]: a board that wakes up in 1970 and learns what year it is
//!   has not missed every day since.
//! - It is set **back**: instants that were delivered do not come again, all others do. So a clock
//!   that was years ahead for a minute does not silence a timer for years.
//!
//! For that the timer keeps the stretches of time whose instants are delivered.

use super::{CronExpression, Missed, Now};

/// The most missed ticks that are delivered, or counted in one: far more than a device that was busy
/// misses, and no storm.
pub const MISSED_TICKS: u64 = 100;

/// How old a missed tick may be, in nanoseconds: 31 days, a period of all but the rarest expressions.
/// It is also the longest that a clock set forward and back again can silence a timer.
pub const MISSED_SPAN: u64 = 31 * 24 * 3_600 * 1_000_000_000;

/// How long a clock that was set may go unnoticed, in nanoseconds. Shorter than a minute, the unit of
/// most expressions; long enough that an idle host sleeps.
const LOOK: u64 = 10_000_000_000;

/// How many stretches are kept apart. There are several only after the clock was set back, or ticks
/// were left out; more than these are not worth their memory.
const STRETCHES: usize = 8;

/// A timer on the calendar. Times are wall-clock nanoseconds unless they say otherwise.
#[derive(Debug)]
pub(super) struct Calendar {
    expression: CronExpression,
    missed: Missed,
    /// All instants up to here are dealt with, until the clock is set back.
    seen: u64,
    /// The first instant after `seen` that was not delivered, while there is one.
    next: Option<u64>,
    /// How long the next tick is delayed.
    delay: u64,
    /// Ticks that are to be caught up before `next`.
    owed: u64,
    /// Stretches, both ends included, whose instants were delivered; in order, and apart.
    delivered: Vec<(u64, u64)>,
}

impl Calendar {
    pub(super) fn new(expression: CronExpression, missed: Missed, delay: u64, now: Now) -> Self {
        let mut calendar = Self {
            expression,
            missed,
            seen: now.wall,
            next: None,
            delay,
            owed: 0,
            delivered: Vec::new(),
        };
        calendar.next = calendar.undelivered_after(now.wall);
        calendar
    }

    /// Looks at the clock; returns when to look again, on the monotonic clock. A tick can be taken
    /// when that has come and [`Calendar::is_due`].
    pub(super) fn look(&mut self, now: Now) -> u64 {
        if now.wall < self.seen {
            // It was set back.
            self.seen = now.wall;
            self.next = self.undelivered_after(now.wall);
        }
        if self.owed > 0 {
            return now.monotonic;
        }
        let Some(due) = self.due() else {
            return now.monotonic.saturating_add(LOOK);
        };
        match due.checked_sub(now.wall) {
            Some(left) => now.monotonic.saturating_add(left.min(LOOK)),
            None => now.monotonic.saturating_sub(now.wall - due),
        }
    }

    fn due(&self) -> Option<u64> {
        self.next.map(|next| next.saturating_add(self.delay))
    }

    /// Whether a tick can be taken.
    pub(super) fn is_due(&self, now: Now) -> bool {
        self.owed > 0 || self.due().is_some_and(|due| due <= now.wall)
    }

    /// Takes a tick that is due; returns how many it stands for. `delay` is that of the next one.
    pub(super) fn take(&mut self, now: Now, delay: u64) -> u64 {
        if self.owed > 0 {
            self.owed -= 1;
            return 1;
        }
        let most = match self.missed {
            Missed::Skip => 1,
            Missed::Once | Missed::CatchUp => MISSED_TICKS,
        };
        let (count, first) = self.passed(now.wall, most);
        let whole = self.next == Some(first);
        let begin = if whole {
            self.seen.saturating_add(1)
        } else {
            first
        };
        self.deliver(begin, now.wall);
        self.seen = now.wall;
        self.next = self.undelivered_after(now.wall);
        self.delay = delay;
        if self.missed == Missed::CatchUp {
            self.owed = count - 1;
            return 1;
        }
        count
    }

    /// How many instants since `seen` count at `wall`, and the first of them.
    fn passed(&self, wall: u64, most: u64) -> (u64, u64) {
        // The latest counts however old it is, or what comes once a year would be lost.
        let oldest = wall.saturating_sub(MISSED_SPAN);
        let (mut count, mut first, mut from) = (0, wall, wall);
        while count < most {
            let Some(instant) = self.expression.up_to(from).filter(|at| *at > self.seen) else {
                break;
            };
            if count > 0 && instant < oldest {
                break;
            }
            match self.stretch_of(instant) {
                Some((begin, _)) => from = begin.saturating_sub(1),
                None => {
                    count += 1;
                    first = instant;
                    from = instant.saturating_sub(1);
                }
            }
        }
        (count.max(1), first)
    }

    fn stretch_of(&self, instant: u64) -> Option<(u64, u64)> {
        let holds = |(begin, end): &&(u64, u64)| (*begin..=*end).contains(&instant);
        self.delivered.iter().find(holds).copied()
    }

    fn undelivered_after(&self, wall: u64) -> Option<u64> {
        let mut instant = self.expression.after(wall)?;
        while let Some((_, end)) = self.stretch_of(instant) {
            instant = self.expression.after(end)?;
        }
        Some(instant)
    }

    /// Notes that the instants of a stretch were delivered.
    fn deliver(&mut self, mut begin: u64, mut end: u64) {
        self.delivered.retain(|(known, until)| {
            let apart = until.saturating_add(1) < begin || end.saturating_add(1) < *known;
            if !apart {
                begin = begin.min(*known);
                end = end.max(*until);
            }
            apart
        });
        let place = self.delivered.partition_point(|(known, _)| *known < begin);
        self.delivered.insert(place, (begin, end));
        if self.delivered.len() > STRETCHES {
            // The one farthest from here, which is the first or the last.
            let after = self
                .delivered
                .last()
                .map_or(0, |last| last.0.saturating_sub(end));
            let before = self
                .delivered
                .first()
                .map_or(0, |first| begin.saturating_sub(first.1));
            let farthest = if after > before { STRETCHES } else { 0 };
            self.delivered.remove(farthest);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
