//! The last log records, in a ring.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Records that are kept: an hour of a quiet system, and at most a few megabytes of a noisy one.
pub const CAPACITY: usize = 4_096;

/// Bytes of one message that are kept. Longer ones are dumps that belong in a file.
pub const MESSAGE_LIMIT: usize = 2_048;

/// How much a record matters, from most to least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Something went wrong.
    Error,
    /// Something looks wrong.
    Warn,
    /// For who watches the system.
    Info,
    /// For who debugs it.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// One log record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When, in nanoseconds since 1970.
    pub time: u64,
    /// How much it matters.
    pub level: Level,
    /// The device that it is about; none for the host itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The part of the host, or the plugin's own context.
    pub target: String,
    /// What happened.
    pub message: String,
}

#[derive(Debug, Default)]
struct State {
    records: VecDeque<Arc<Record>>,
    /// Records that were ever added.
    added: u64,
}

/// The last [`CAPACITY`] records.
#[derive(Debug)]
pub struct Ring {
    state: Mutex<State>,
    added: watch::Sender<u64>,
    capacity: usize,
}

impl Ring {
    /// An empty ring.
    pub fn new() -> Arc<Self> {
        Self::with_capacity(CAPACITY)
    }

    fn with_capacity(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            added: watch::Sender::new(0),
            capacity,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a record, and drops the oldest when the ring is full. Never waits for readers.
    pub fn add(&self, mut record: Record) {
        if record.message.len() > MESSAGE_LIMIT {
            let mut end = MESSAGE_LIMIT;
            while !record.message.is_char_boundary(end) {
                end -= 1;
            }
            record.message.truncate(end);
            record.message.push('…');
        }
        let mut state = self.lock();
        if state.records.len() == self.capacity {
            state.records.pop_front();
        }
        state.records.push_back(Arc::new(record));
        state.added += 1;
        let added = state.added;
        drop(state);
        self.added.send_replace(added);
    }

    /// Reads from the oldest record that is kept.
    pub fn reader(self: &Arc<Self>) -> Reader {
        let state = self.lock();
        Reader {
            next: state.added - state.records.len() as u64,
            added: self.added.subscribe(),
            ring: Arc::clone(self),
        }
    }
}

/// Reads a ring at its own pace.
#[derive(Debug)]
pub struct Reader {
    ring: Arc<Ring>,
    /// The number of the next record.
    next: u64,
    added: watch::Receiver<u64>,
}

impl Reader {
    /// Takes what is there: the records, and how many were dropped before them because this
    /// reader was too slow.
    pub fn take(&mut self) -> (u64, Vec<Arc<Record>>) {
        let state = self.ring.lock();
        let first = state.added - state.records.len() as u64;
        let lost = first.saturating_sub(self.next);
        let skip = usize::try_from((self.next + lost) - first).unwrap_or(usize::MAX);
        let records = state.records.iter().skip(skip).cloned().collect();
        self.next = state.added;
        (lost, records)
    }

    /// Waits until there is something to take.
    pub async fn wait(&mut self) {
        let next = self.next;
        // The ring lives as long as this reader, so its sender does.
        let _ = self.added.wait_for(|added| *added > next).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(message: &str) -> Record {
        Record {
            time: 1,
            level: Level::Info,
            device: None,
            target: "t".into(),
            message: message.into(),
        }
    }

    fn messages(records: &[Arc<Record>]) -> Vec<&str> {
        records
            .iter()
            .map(|record| record.message.as_str())
            .collect()
    }

    #[tokio::test]
    async fn a_slow_reader_loses_the_oldest_and_learns_how_many() {
        let ring = Ring::with_capacity(3);
        let mut reader = ring.reader();
        for message in ["a", "b", "c", "d", "e"] {
            ring.add(record(message));
        }
        reader.wait().await;
        let (lost, records) = reader.take();
        assert_eq!((lost, messages(&records)), (2, vec!["c", "d", "e"]));
        assert_eq!(reader.take(), (0, vec![]));
        ring.add(record("f"));
        reader.wait().await;
        assert_eq!(messages(&reader.take().1), ["f"]);
        assert_eq!(messages(&ring.reader().take().1), ["d", "e", "f"]);
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let ring = Ring::new();
        ring.add(record(&"温".repeat(MESSAGE_LIMIT)));
        let (_, records) = ring.reader().take();
        assert!(records[0].message.len() <= MESSAGE_LIMIT + '…'.len_utf8());
        assert!(records[0].message.ends_with('…'));
    }
}
