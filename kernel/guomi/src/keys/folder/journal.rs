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
use weihe_sm::sm3;

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
        let mut before = written(folder)?;
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
        // Who gives a command is told what it was refused; the trail takes up what was done.
        if !action::OF_COMMANDS.contains(&&*entry.action) {
            return;
        }
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

/// Takes up what commands have written down. It stays in the file until the trail has it on its disk: after a power cut
/// it is rather recorded twice than not at all.
pub(in crate::keys) struct Intake {
    folder: Arc<Folder>,
    taken: Mutex<Taken>,
}

/// The beginning of the file that was handed on already.
#[derive(Clone, Default)]
pub(in crate::keys) struct Taken {
    length: usize,
    digest: Option<[u8; sm3::DIGEST]>,
}

impl Taken {
    fn of(bytes: &[u8]) -> Self {
        Self {
            length: bytes.len(),
            digest: Some(sm3::digest(bytes)),
        }
    }

    /// What follows it; none where the file begins otherwise.
    fn rest<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (begin, rest) = bytes.split_at_checked(self.length)?;
        let same = self.digest.is_none_or(|known| known == sm3::digest(begin));
        same.then_some(rest)
    }
}

impl Intake {
    /// Of the journal in a folder.
    pub(in crate::keys) fn new(folder: Arc<Folder>) -> Self {
        let taken = Mutex::default();
        Self { folder, taken }
    }

    pub(in crate::keys) fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// What was handed on and is still in the file.
    pub(in crate::keys) fn taken(&self) -> Taken {
        self.lock().clone()
    }

    /// Whether there is something of that.
    pub(in crate::keys) fn is_unconfirmed(&self) -> bool {
        self.lock().length > 0
    }

    /// Hands on what commands have written down since it last did. False where somebody writes just now.
    pub(in crate::keys) fn take(&self, record: &mut dyn FnMut(Entry)) -> bool {
        let folder = self.folder.path();
        if folder.join(JOURNAL).symlink_metadata().is_err() {
            return true;
        }
        let taken = disk::check_folder(folder).and_then(|_| match disk::try_lock(folder)? {
            Some(lock) => self.take_locked(&lock, record).map(|()| true),
            None => Ok(false),
        });
        taken.unwrap_or_else(|error| {
            tracing::warn!("what commands did with keys cannot be put on record: {error}");
            true
        })
    }

    fn take_locked(&self, _held: &Lock, record: &mut dyn FnMut(Entry)) -> Result<(), KeyError> {
        let path = self.folder.path().join(JOURNAL);
        let bytes = self.read()?;
        let mut taken = self.lock();
        // Where the older half made room, or somebody removed it, all of it is new.
        for line in taken
            .rest(&bytes)
            .unwrap_or(&bytes)
            .split(|byte| *byte == b'\n')
        {
            match entry(line) {
                Some(entry) => record(entry),
                None if line.is_empty() => {}
                None => tracing::warn!("{} has a line that is no entry of it", path.display()),
            }
        }
        *taken = Taken::of(&bytes);
        Ok(())
    }

    /// Removes from the file what is on the disk of the trail.
    pub(in crate::keys) fn let_go(&self, confirmed: &Taken) {
        let removed = disk::lock(self.folder.path()).and_then(|lock| {
            let bytes = self.read()?;
            let mut taken = self.lock();
            let Some(rest) = confirmed.rest(&bytes) else {
                // The older half made room, or somebody removed it.
                if taken.rest(&bytes).is_none() {
                    *taken = Taken::default();
                }
                return Ok(());
            };
            let since = taken
                .length
                .saturating_sub(confirmed.length)
                .min(rest.len());
            self.put(&lock, rest)?;
            *taken = Taken::of(&rest[..since]);
            Ok(())
        });
        if let Err(error) = removed {
            tracing::warn!(
                "what commands did with keys is on record, and cannot be removed: {error}"
            );
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Result<Vec<u8>, KeyError> {
        written(self.folder.path())
    }

    fn put(&self, held: &Lock, rest: &[u8]) -> Result<(), KeyError> {
        let path = self.folder.path().join(JOURNAL);
        match rest {
            [] => match fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed.map_err(disk::fault("cannot erase", &path)),
            },
            rest => disk::write(held, self.folder.path(), JOURNAL, rest),
        }
    }
}

/// What is in the file, if it is there.
fn written(folder: &Path) -> Result<Vec<u8>, KeyError> {
    match disk::read(&folder.join(JOURNAL), 2 * LARGEST) {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
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
