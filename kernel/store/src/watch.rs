//! What SQLite calls back on a connection: the rules and the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::hooks::AuthContext;

use crate::authorize::Rules;
use crate::limits::PROGRESS_INSTRUCTIONS;

/// A deadline that SQLite looks at while a statement runs.
#[derive(Clone)]
pub(crate) struct Watch {
    start: Instant,
    /// Nanoseconds since `start`; `u64::MAX` while nothing is watched.
    until: Arc<AtomicU64>,
}

impl Watch {
    /// A watch that does not limit anything yet.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
            until: Arc::new(AtomicU64::new(u64::MAX)),
        }
    }

    /// From now on, for so long.
    pub fn limit(&self, time: Duration) {
        let until = self.start.elapsed().saturating_add(time).as_nanos();
        let until = u64::try_from(until).unwrap_or(u64::MAX);
        self.until.store(until, Ordering::Relaxed);
    }

    /// Nothing is limited any more.
    pub fn end(&self) {
        self.until.store(u64::MAX, Ordering::Relaxed);
    }

    /// Whether the time is over.
    pub fn is_over(&self) -> bool {
        self.start.elapsed().as_nanos() > u128::from(self.until.load(Ordering::Relaxed))
    }
}

/// What SQLite calls back on one connection.
pub(crate) struct Hooks {
    pub rules: Rules,
    pub watch: Watch,
}

impl Hooks {
    /// Makes SQLite ask the rules and look at the watch.
    pub fn set(connection: &mut Connection) -> rusqlite::Result<Self> {
        let (rules, watch) = (Rules::default(), Watch::new());
        let asked = rules.clone();
        connection.authorizer(Some(move |context: AuthContext<'_>| asked.decide(&context)))?;
        let seen = watch.clone();
        connection.progress_handler(PROGRESS_INSTRUCTIONS, Some(move || seen.is_over()))?;
        Ok(Self { rules, watch })
    }
}
