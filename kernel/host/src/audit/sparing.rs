//! Entries that a plugin can cause as often as it likes: the first of each kind within a minute is
//! recorded, the others are counted.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;
use weihe_kernel::audit::{Actor, Entry, Outcome, Pace};

/// How long a first entry stands for those that follow, in nanoseconds.
const WINDOW: u64 = 60_000_000_000;

/// Kinds that are told apart at a time. What a plugin can choose is no part of a kind, so a system has
/// some for each device; beyond this many, entries of different kinds are counted together.
const KINDS: usize = 4_096;

/// The kind of what is one too many.
const OTHERS: Cow<'static, str> = Cow::Borrowed("others");

/// What is counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    actor: String,
    action: String,
    done: bool,
    kind: Cow<'static, str>,
}

#[derive(Debug)]
struct Window {
    /// The first entry.
    of: Entry,
    ends: u64,
    /// How many came after it.
    more: u64,
}

/// Decides what is recorded, and counts what is not.
#[derive(Debug, Default)]
pub struct Sparing {
    windows: HashMap<Kind, Window>,
}

impl Sparing {
    /// Takes an entry at a time (monotonic, in nanoseconds); returns it when it is to be recorded.
    pub fn take(&mut self, entry: Entry, now: u64) -> Option<Entry> {
        let Pace::First(kind) = &entry.pace else {
            return Some(entry);
        };
        let mut kind = Kind {
            actor: entry.actor.name().to_owned(),
            action: entry.action.clone(),
            done: entry.outcome == Outcome::Done,
            kind: kind.clone(),
        };
        if self.windows.len() >= KINDS && !self.windows.contains_key(&kind) {
            kind = Kind {
                actor: String::new(),
                kind: OTHERS,
                ..kind
            };
        }
        if let Some(window) = self.windows.get_mut(&kind) {
            // Also when it has ended and was not closed yet.
            window.more += 1;
            return None;
        }
        let window = Window {
            of: entry.clone(),
            ends: now.saturating_add(WINDOW),
            more: 0,
        };
        self.windows.insert(kind, window);
        Some(entry)
    }

    /// What was counted in windows that have ended by now, as entries; all windows when the host ends.
    pub fn ended(&mut self, now: Option<u64>) -> Vec<Entry> {
        let mut entries = Vec::new();
        self.windows.retain(|kind, window| {
            if now.is_some_and(|now| window.ends > now) {
                return true;
            }
            if window.more > 0 {
                entries.push(repeated(kind, window));
            }
            false
        });
        entries
    }

    /// Whether windows are open that have to be closed.
    pub fn is_idle(&self) -> bool {
        self.windows.is_empty()
    }
}

/// The entry that says how many came after the first.
fn repeated(kind: &Kind, window: &Window) -> Entry {
    let mut entry = window.of.clone();
    if kind.actor.is_empty() {
        entry.actor = Actor::Host;
        entry.target = "several".to_owned();
    }
    entry.pace = Pace::Each;
    entry.details = serde_json::Map::new();
    entry.detail("repeated", Value::from(window.more))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn denied(device: &str, what: &str, kind: &'static str) -> Entry {
        Entry::device(device, "denied", format!("{kind}/{what}"))
            .refused("no")
            .often(kind)
    }

    #[test]
    fn the_first_of_a_kind_is_recorded_and_the_others_are_counted() {
        let mut sparing = Sparing::default();
        let first = denied("soil", "a", "publish");
        assert_eq!(sparing.take(first.clone(), 0), Some(first));
        for number in 0..1_000 {
            let other = denied("soil", &number.to_string(), "publish");
            assert_eq!(sparing.take(other, number), None);
        }
        assert!(sparing.take(denied("soil", "a", "subscribe"), 5).is_some());
        assert!(sparing.take(denied("valve", "a", "publish"), 5).is_some());
        assert_eq!(sparing.ended(Some(WINDOW - 1)), []);
        let ended = sparing.ended(Some(WINDOW));
        assert_eq!(ended.len(), 1, "{ended:?}");
        assert_eq!(ended[0].details["repeated"], 1_000);
        assert_eq!(ended[0].target, "publish/a");
        assert!(
            sparing
                .take(denied("soil", "b", "publish"), WINDOW)
                .is_some()
        );
    }

    #[test]
    fn what_was_counted_is_told_when_the_host_ends() {
        let mut sparing = Sparing::default();
        sparing.take(denied("soil", "a", "publish"), 0);
        sparing.take(denied("soil", "a", "publish"), 1);
        assert_eq!(sparing.ended(None).len(), 1);
        assert!(sparing.is_idle());
    }

    #[test]
    fn kinds_without_end_take_no_memory_without_end() {
        let mut sparing = Sparing::default();
        let recorded = (0..10 * KINDS)
            .filter_map(|number| sparing.take(denied(&number.to_string(), "a", "publish"), 0))
            .count();
        assert!(recorded <= KINDS + 1, "{recorded}");
        assert!(sparing.windows.len() <= KINDS + 1);
        let counted: u64 = sparing
            .ended(None)
            .iter()
            .filter_map(|entry| entry.details["repeated"].as_u64())
            .sum();
        assert_eq!(counted as usize + recorded, 10 * KINDS);
    }

    #[test]
    fn what_operators_do_is_recorded_each_time() {
        let mut sparing = Sparing::default();
        let set = Entry::host("set", "topic/a");
        assert_eq!(sparing.take(set.clone(), 0), Some(set.clone()));
        assert_eq!(sparing.take(set.clone(), 0), Some(set));
        assert!(sparing.is_idle());
    }
}
