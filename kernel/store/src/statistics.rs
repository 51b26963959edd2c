//! What the store counts, for `weihe ps` and `weihe top`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What the store has done since it was opened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StoreStatistics {
    /// Turns (handler calls and checkpoints) that were made durable.
    pub commits: u64,
    /// COMMITs of the database, each with one fsync; never more than `commits`.
    pub groups: u64,
    /// Turns that were rolled back: failed handlers, turns held too long, failed groups.
    pub rollbacks: u64,
    /// Groups whose COMMIT failed, or that were lost before it.
    pub failed_groups: u64,
    /// Rows changed by SQL in committed turns.
    pub rows: u64,
    /// Reads outside of a turn.
    pub queries: u64,
    /// Turns refused because another process held the database.
    pub busy: u64,
    /// Half of the commits took at most this, from the request to the durable answer, in
    /// microseconds.
    pub commit_p50_us: u64,
    /// All but one in a hundred commits took at most this, in microseconds.
    pub commit_p99_us: u64,
    /// Size of the database file, in bytes.
    pub file_bytes: u64,
    /// Size of the write-ahead log, in bytes.
    pub log_bytes: u64,
    /// The last failure of the database itself, in words.
    pub last_error: Option<String>,
}

/// The counters behind [`StoreStatistics`].
#[derive(Default)]
pub(crate) struct Counters {
    pub commits: AtomicU64,
    pub groups: AtomicU64,
    pub rollbacks: AtomicU64,
    pub failed_groups: AtomicU64,
    pub rows: AtomicU64,
    pub queries: AtomicU64,
    pub busy: AtomicU64,
    pub latency: Latency,
    last_error: Mutex<Option<String>>,
}

impl Counters {
    /// Keeps the words of a failure.
    pub fn failed(&self, text: &str) {
        *self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(text.to_owned());
    }

    /// What has been counted so far.
    pub fn snapshot(&self) -> StoreStatistics {
        let last_error = self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        StoreStatistics {
            commits: self.commits.load(Relaxed),
            groups: self.groups.load(Relaxed),
            rollbacks: self.rollbacks.load(Relaxed),
            failed_groups: self.failed_groups.load(Relaxed),
            rows: self.rows.load(Relaxed),
            queries: self.queries.load(Relaxed),
            busy: self.busy.load(Relaxed),
            commit_p50_us: self.latency.quantile(0.50),
            commit_p99_us: self.latency.quantile(0.99),
            file_bytes: 0,
            log_bytes: 0,
            last_error: last_error.clone(),
        }
    }
}

/// Steps between a power of two and the next: 1/8, so that a quantile is at most 12.5 % too high.
const STEPS_BITS: u32 = 3;
/// Enough for 2^30 µs, a quarter of an hour.
const SLOTS: usize = 30 << STEPS_BITS;

/// A histogram of spans of time with slots that grow with the span.
pub(crate) struct Latency {
    slots: [AtomicU64; SLOTS],
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            slots: [const { AtomicU64::new(0) }; SLOTS],
        }
    }
}

impl Latency {
    /// Counts one span.
    pub fn count(&self, span: Duration) {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        self.slots[slot(micros)].fetch_add(1, Relaxed);
    }

    /// The span in microseconds that so large a share of the counted ones did not exceed.
    pub fn quantile(&self, share: f64) -> u64 {
        let counts: Vec<u64> = self.slots.iter().map(|slot| slot.load(Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let wanted = (total as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (index, count) in counts.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= wanted {
                return upper(index);
            }
        }
        0
    }
}

/// The slot of a span: its power of two, and the bits that follow the highest.
fn slot(micros: u64) -> usize {
    let steps = 1_u64 << STEPS_BITS;
    if micros < steps {
        return micros as usize;
    }
    let power = micros.ilog2();
    let step = (micros >> (power - STEPS_BITS)) & (steps - 1);
    let index = ((power - STEPS_BITS + 1) << STEPS_BITS) as usize + step as usize;
    index.min(SLOTS - 1)
}

/// The longest span of a slot.
fn upper(index: usize) -> u64 {
    let steps = 1_usize << STEPS_BITS;
    if index < steps {
        return index as u64;
    }
    let power = (index >> STEPS_BITS) as u32 - 1;
    let step = (index & (steps - 1)) as u64;
    ((step + steps as u64 + 1) << power) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_slot_holds_its_span_within_an_eighth(micros in 0_u64..1 << 29) {
            let top = upper(slot(micros));
            prop_assert!(top >= micros);
            prop_assert!(top <= micros + micros / 8, "{} {}", micros, top);
        }
    }

    #[test]
    fn quantiles_are_of_what_was_counted() {
        let latency = Latency::default();
        assert_eq!(latency.quantile(0.5), 0);
        for micros in 1..=100 {
            latency.count(Duration::from_micros(micros));
        }
        let half = latency.quantile(0.5);
        assert!((50..=56).contains(&half), "{half}");
        let most = latency.quantile(0.99);
        assert!((99..=111).contains(&most), "{most}");
    }
}
