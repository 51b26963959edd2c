//! The timers of one device, as plain data: nothing here waits or reads a clock.
//!
//! `every` and `after` live on the monotonic clock, [`cron`](CronExpression) on the calendar, which
//! can be set: `calendar.rs` says what becomes of its ticks then.

mod calendar;
mod cron;
mod timers;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;

pub use calendar::{MISSED_SPAN, MISSED_TICKS};
pub use cron::{CronError, CronExpression};
pub use timers::Timers;

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
    /// Tick at the instants that an expression names.
    Cron {
        /// The timer's name.
        name: Arc<str>,
        /// When.
        expression: CronExpression,
        /// What happens to missed ticks.
        missed: Missed,
        /// Each tick is delayed by up to so many nanoseconds.
        jitter: u64,
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

impl TimerOrder {
    /// The name of the timer that it sets; none when it ends one.
    pub fn sets(&self) -> Option<&Arc<str>> {
        (!matches!(self, Self::Cancel { .. })).then(|| self.name())
    }

    /// The timer that it is about.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::Every { name, .. }
            | Self::Cron { name, .. }
            | Self::After { name, .. }
            | Self::Cancel { name } => name,
        }
    }

    /// Bytes of the plugin's that it keeps.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Cron {
                name, expression, ..
            } => name.len() + expression.as_str().len(),
            Self::Every { name, .. } | Self::After { name, .. } | Self::Cancel { name } => {
                name.len()
            }
        }
    }
}

/// A timer that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// The timer's name.
    pub name: Arc<str>,
    /// How many ticks this one stands for: 1 but for missed ones delivered as one.
    pub count: u64,
}

/// One look at both clocks, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Of [`Clock::monotonic`].
    pub monotonic: u64,
    /// Of [`Clock::now`].
    pub wall: u64,
}

impl Now {
    /// Looks at a clock.
    pub fn of(clock: &dyn Clock) -> Self {
        Self {
            monotonic: clock.monotonic(),
            wall: clock.now(),
        }
    }
}
