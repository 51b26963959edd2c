//! What has become of keys that others changed: commands beside the host, or hands in the folder.
//!
//! Looking waits for a lock, a disk or a device. So lanes don't look: a thread of its own does, which is started when it
//! is first needed.

mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use weihe_kernel::audit::{Audit, Entry};

use self::work::{Task, Work};
use super::folder::{Folder, Intake};
use super::store::{action, target};
use super::{KeyError, Provider};

/// The versions of each key.
type Names = BTreeMap<String, BTreeSet<u32>>;

/// Looks after the keys of some providers, and says in a trail what others did to them.
pub(super) struct Watch {
    eyes: Arc<Eyes>,
    work: Work,
}

/// What looks.
struct Eyes {
    providers: Vec<Arc<dyn Provider>>,
    audit: Arc<dyn Audit>,
    /// Where commands write down what they did, if this takes it up.
    journal: Option<Intake>,
    /// What was there when it was last looked at; none before that. Held while it is looked: one says what there is.
    seen: Mutex<Option<Names>>,
}

/// Whether a change is said that no command has written down yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unexplained {
    /// It may still do so: a command changes its files first.
    Later,
    /// It had the time.
    Now,
}

impl Watch {
    pub(super) fn new(
        providers: Vec<Arc<dyn Provider>>,
        audit: Arc<dyn Audit>,
        journal: Option<Arc<Folder>>,
    ) -> Self {
        let eyes = Eyes {
            providers,
            audit,
            journal: journal.map(Intake::new),
            seen: Mutex::default(),
        };
        Self {
            eyes: Arc::new(eyes),
            work: Work::default(),
        }
    }

    pub(super) fn providers(&self) -> &[Arc<dyn Provider>] {
        &self.eyes.providers
    }

    pub(super) fn audit(&self) -> &Arc<dyn Audit> {
        &self.eyes.audit
    }

    /// The folder whose journal is taken up.
    pub(super) fn journal(&self) -> Option<&Arc<Folder>> {
        self.eyes.journal.as_ref().map(Intake::folder)
    }

    /// Says what has changed since it last looked. Not for lanes.
    pub(super) fn notice(&self) {
        let all = self.eyes.look(Unexplained::Later);
        if !all && self.work.give(&self.eyes, Task::Look).is_err() {
            self.eyes.look(Unexplained::Now);
        }
        if self.eyes.is_unconfirmed() {
            // Where it cannot be given, the next look does.
            let _ = self.work.give(&self.eyes, Task::Confirm);
        }
    }

    /// Records that a version was refused because another replaced or destroyed it. What did that stands before what came
    /// of it, so it is looked for first, once for each version; from lanes as well, for it is done elsewhere.
    pub(super) fn refused(&self, entry: Entry, version: String) {
        let task = Task::Refused(Box::new(entry), version);
        if let Err(Task::Refused(entry, _)) = self.work.give(&self.eyes, task) {
            self.eyes.audit.record(*entry);
        }
    }

    /// Takes a version that was made here for known.
    pub(super) fn made(&self, name: &str, version: u32) {
        if let Some(seen) = &mut *self.eyes.seen() {
            seen.entry(name.to_owned()).or_default().insert(version);
        }
    }

    /// Takes a version that was destroyed here for known to be gone.
    pub(super) fn destroyed(&self, name: &str, version: u32) {
        if let Some(seen) = &mut *self.eyes.seen() {
            take_away(seen, name, version);
        }
    }
}

impl Eyes {
    fn seen(&self) -> std::sync::MutexGuard<'_, Option<Names>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what has changed since it last looked. Whether nothing was left for later.
    fn look(&self, unexplained: Unexplained) -> bool {
        let mut seen = self.seen();
        // What commands wrote down says more than what their files have become.
        let mut written = BTreeSet::new();
        let mut all = true;
        if let Some(journal) = &self.journal {
            all = journal.take(&mut |entry| {
                if let Some(version) = entry.details.get("version").and_then(Value::as_u64) {
                    written.insert((entry.target.clone(), version));
                }
                self.audit.record(entry);
            });
        }
        // What cannot be looked at now is said by who opens it.
        let Ok(now) = self.names() else { return all };
        let Some(before) = seen.take() else {
            *seen = Some(now);
            return all;
        };
        let wait = self.journal.is_some() && unexplained == Unexplained::Later;
        let mut known = now.clone();
        let is_written =
            |name: &str, version: u32| written.contains(&(target(name), version.into()));
        for (name, version) in missing(&now, &before) {
            if is_written(name, version) {
                continue;
            }
            if wait {
                take_away(&mut known, name, version);
                all = false;
            } else {
                let first = !before.contains_key(name) && version == 1;
                let what = if first {
                    action::CREATED
                } else {
                    action::ROTATED
                };
                self.audit.record(noticed(what, name, version));
            }
        }
        for (name, version) in missing(&before, &now) {
            if is_written(name, version) {
                continue;
            }
            if wait {
                known.entry(name.to_owned()).or_default().insert(version);
                all = false;
            } else {
                self.audit.record(noticed(action::DESTROYED, name, version));
            }
        }
        *seen = Some(known);
        all
    }

    fn names(&self) -> Result<Names, KeyError> {
        let mut all = Names::new();
        for provider in &self.providers {
            for (name, version) in provider.names()? {
                all.entry(name).or_default().insert(version);
            }
        }
        Ok(all)
    }

    /// Whether there is something of the journal that the trail may not have on its disk yet.
    fn is_unconfirmed(&self) -> bool {
        self.journal.as_ref().is_some_and(Intake::is_unconfirmed)
    }
}

/// What the one has and the other has not.
fn missing<'a>(of: &'a Names, other: &'a Names) -> impl Iterator<Item = (&'a str, u32)> {
    of.iter().flat_map(move |(name, versions)| {
        let others = other.get(name);
        let gone = move |version: &&u32| !others.is_some_and(|others| others.contains(*version));
        versions
            .iter()
            .filter(gone)
            .map(move |version| (name.as_str(), *version))
    })
}

fn take_away(names: &mut Names, name: &str, version: u32) {
    if let Some(versions) = names.get_mut(name) {
        versions.remove(&version);
        if versions.is_empty() {
            names.remove(name);
        }
    }
}

fn noticed(what: &'static str, name: &str, version: u32) -> Entry {
    Entry::host(what, target(name))
        .detail("version", version)
        .detail("noticed", true)
}

#[cfg(test)]
mod tests;
