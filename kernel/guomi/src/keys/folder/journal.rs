//! What commands did with keys, for the next host to put on record.
//!
//! The audit trail has one writer, the running host. So a command writes what it did into the file `journal` beside the
//! keys, and the host that next looks at them takes it up: the one that runs, or the next that starts.

use std::fs;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use weihe_kernel::audit::{Actor, Audit, AuditStatus, Entry};

use super::Folder;
use super::disk::{self, Lock};
use crate::keys::{KeyError, action};

const JOURNAL: &str = "journal";
/// How large the file grows where no host takes it up: some thousand entries. The older half goes then.
const LARGEST: u64 = 1 << 20;
/// The longest line that is taken up: names have 64 bytes.
const LONGEST_LINE: usize = 4096;

/// An entry as a line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    /// Seconds since 1970.
    at: u64,
    actor: Actor,
    action: String,
    target: String,
    details: Map<String, Value>,
}

/// Writes down what a command does.
pub struct Journal {
    folder: Arc<Folder>,
    failed: AtomicBool,
    problem: Mutex<Option<KeyError>>,
}

impl Journal {
    /// For the keys in a folder.
    pub fn new(folder: Arc<Folder>) -> Self {
        Self {
            folder,
            failed: AtomicBool::new(false),
            problem: Mutex::default(),
        }
    }

    /// Why something could not be written down, once.
    pub fn problem(&self) -> Option<KeyError> {
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        problem.take()
    }

    fn add(&self, entry: Entry) -> Result<(), KeyError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let line = Line {
            at: now.map_or(0, |now| now.as_secs()),
            actor: Actor::Operator {
                uid: rustix::process::getuid().as_raw(),
                pid: i32::try_from(std::process::id()).ok(),
            },
            action: entry.action,
            target: entry.target,
            details: entry.details,
        };
        let mut text =
            serde_json::to_vec(&line).map_err(|error| KeyError::Header(error.to_string()))?;
        text.push(b'\n');
        let folder = self.folder.path();
        if !disk::check_folder(folder)? {
            return Err(KeyError::NoStore(folder.to_owned()));
        }
        let lock = disk::lock(folder)?;
        let mut before = match disk::read(&folder.join(JOURNAL), 2 * LARGEST) {
            Ok(before) => before.to_vec(),
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        if before.len() as u64 + text.len() as u64 > LARGEST {
            let half = before.len() / 2;
            let cut = before[half..].iter().position(|byte| *byte == b'\n');
            before.drain(..cut.map_or(before.len(), |cut| half + cut + 1));
        }
        before.extend(text);
        disk::write(&lock, folder, JOURNAL, &before)
    }
}

impl Audit for Journal {
    fn record(&self, entry: Entry) {
        if let Err(error) = self.add(entry) {
            self.failed.store(true, Ordering::SeqCst);
            *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }

    fn settled(&self) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        Box::pin(std::future::ready(!self.failed.load(Ordering::SeqCst)))
    }

    fn status(&self) -> Option<AuditStatus> {
        None
    }
}

/// What commands have written down since it was last taken up. It is handed to `record` before it is removed.
pub(in crate::keys) fn take(folder: &Folder, record: &mut dyn FnMut(Entry)) {
    let path = folder.path().join(JOURNAL);
    if path.symlink_metadata().is_err() {
        return;
    }
    let taken = disk::check_folder(folder.path()).and_then(|_| {
        // Who writes now is taken up the next time.
        let Some(lock) = disk::try_lock(folder.path())? else {
            return Ok(());
        };
        take_locked(&lock, &path, record)
    });
    if let Err(error) = taken {
        tracing::warn!("what commands did with keys cannot be put on record: {error}");
    }
}

fn take_locked(_held: &Lock, path: &Path, record: &mut dyn FnMut(Entry)) -> Result<(), KeyError> {
    let bytes = match disk::read(path, 2 * LARGEST) {
        Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(());
        }
        read => read?,
    };
    for line in bytes.split(|byte| *byte == b'\n') {
        match entry(line) {
            Some(entry) => record(entry),
            None if line.is_empty() => {}
            None => tracing::warn!("{} has a line that is no entry of it", path.display()),
        }
    }
    fs::remove_file(path).map_err(disk::fault("cannot erase", path))
}

/// An entry of a command. Nothing else than what commands do with keys comes into the trail this way.
fn entry(line: &[u8]) -> Option<Entry> {
    if line.len() > LONGEST_LINE {
        return None;
    }
    let line: Line = serde_json::from_slice(line).ok()?;
    let known = action::OF_COMMANDS.contains(&&*line.action);
    let of_keys = line.target == action::STORE || line.target.starts_with("key/");
    if !known || !of_keys || !matches!(line.actor, Actor::Operator { .. }) {
        return None;
    }
    let mut entry = Entry::new(line.actor, line.action, line.target);
    entry.details = line.details;
    Some(entry.detail("at", line.at).detail("noticed", true))
}
