//! Entries on their way to the thread that writes them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use weihe_kernel::audit::{AuditStatus, Entry, action};

use super::record::clipped;
use super::sparing::Sparing;
use super::writer::Timed;

/// Entries that wait. What operators and devices do in the seconds that a slow disk takes fits; what does
/// not fit is counted.
const ENTRIES: usize = 4_096;

/// What they may take, in bytes, about.
const BYTES: usize = 4 << 20;

/// What all entries take beside their texts, about.
const ENTRY_SIZE: usize = 256;

#[derive(Default)]
pub struct State {
    pub entries: VecDeque<Timed>,
    bytes: usize,
    pub waiters: Vec<oneshot::Sender<bool>>,
    /// Entries that found no room since it was last said.
    pub lost: u64,
    pub sparing: Sparing,
    pub ending: bool,
    pub status: AuditStatus,
}

impl State {
    /// Takes an entry in, if there is room.
    pub fn push(&mut self, time: u64, entry: Entry) {
        let size = size(&entry);
        if self.entries.len() >= ENTRIES || self.bytes + size > BYTES {
            self.lost += 1;
            self.status.lost += 1;
            return;
        }
        self.bytes += size;
        self.entries.push_back((time, entry));
    }

    /// Hands over all that waits.
    pub fn take(&mut self) -> VecDeque<Timed> {
        self.bytes = 0;
        std::mem::take(&mut self.entries)
    }
}

fn size(entry: &Entry) -> usize {
    let details = serde_json::to_vec(&entry.details).map_or(0, |text| text.len());
    ENTRY_SIZE + entry.target.len() + entry.action.len() + details
}

#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

impl Queue {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn record(&self, entry: Entry, time: u64, monotonic: u64) {
        let entry = clipped(entry);
        let mut state = self.lock();
        if entry.action == action::HOST_STOPPED {
            // The last word of a host that ends in order: what was only counted stands before it.
            for counted in state.sparing.ended(None) {
                state.push(time, counted);
            }
        }
        let entry = state.sparing.take(entry, monotonic);
        // What is only counted wakes nobody: the first of its kind did, and the thread looks after it.
        let Some(entry) = entry else { return };
        state.push(time, entry);
        drop(state);
        self.changed.notify_one();
    }

    pub fn wait_for_disk(&self) -> oneshot::Receiver<bool> {
        let (settled, is_settled) = oneshot::channel();
        let mut state = self.lock();
        if !state.ending {
            state.waiters.push(settled);
        }
        drop(state);
        self.changed.notify_one();
        is_settled
    }

    pub fn end(&self) {
        self.lock().ending = true;
        self.changed.notify_one();
    }

    /// Waits until there is something to do, or for some time. With `stuck`, new entries are nothing to
    /// do.
    pub fn wait(&self, patience: Option<Duration>, stuck: bool) -> MutexGuard<'_, State> {
        let is_idle = |state: &mut State| {
            (stuck || state.entries.is_empty()) && state.waiters.is_empty() && !state.ending
        };
        let state = self.lock();
        match patience {
            Some(patience) => {
                let waited = self.changed.wait_timeout_while(state, patience, is_idle);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => {
                let waited = self.changed.wait_while(state, is_idle);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
        }
    }
}
