//! Folders that are looked at again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Targets, named};

/// What tells one content of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

/// A file as it was seen.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// At the last look; none: it was not there.
    last: Option<Stamp>,
    /// As it was when it was reported, or first seen.
    reported: Option<Stamp>,
}

/// Folders that are looked at.
#[derive(Debug, Default)]
pub(super) struct Poll {
    folders: BTreeSet<PathBuf>,
    files: BTreeMap<PathBuf, Seen>,
}

impl Poll {
    /// Looks at these folders from now on. What is in those that are new may be known already.
    pub(super) fn place(&mut self, folders: BTreeSet<PathBuf>, targets: &Targets, known: bool) {
        self.files
            .retain(|file, _| folder_of(file).is_some_and(|folder| folders.contains(&folder)));
        if known {
            for folder in folders.difference(&self.folders) {
                for (file, stamp) in stamps(folder, targets).unwrap_or_default() {
                    let seen = Seen {
                        last: Some(stamp),
                        reported: Some(stamp),
                    };
                    self.files.insert(file, seen);
                }
            }
        }
        self.folders = folders;
    }

    /// Whether there is anything to look at.
    pub(super) fn is_needed(&self) -> bool {
        !self.folders.is_empty()
    }

    /// Looks once. Returns the files that are other than they were, and that were the same at the
    /// last two looks: those that are being written have changed in between.
    pub(super) fn look(&mut self, targets: &Targets) -> Vec<PathBuf> {
        let mut now = BTreeMap::new();
        // A folder that is away (a share that is not mounted) says nothing about its files.
        let mut there = BTreeSet::new();
        for folder in &self.folders {
            if let Some(files) = stamps(folder, targets) {
                now.extend(files);
                there.insert(folder.clone());
            }
        }
        for file in now.keys() {
            let unseen = Seen {
                last: None,
                reported: None,
            };
            self.files.entry(file.clone()).or_insert(unseen);
        }
        let mut changed = Vec::new();
        self.files.retain(|file, seen| {
            if !folder_of(file).is_some_and(|folder| there.contains(&folder)) {
                return true;
            }
            let stamp = now.get(file).copied();
            if stamp == seen.last && stamp != seen.reported {
                seen.reported = stamp;
                changed.push(file.clone());
            }
            seen.last = stamp;
            stamp.is_some() || seen.reported.is_some()
        });
        changed
    }
}

/// The folder of a file, as it is looked at.
fn folder_of(file: &Path) -> Option<PathBuf> {
    file.parent().map(named)
}

/// The files in a folder that matter. None when it cannot be read.
fn stamps(folder: &Path, targets: &Targets) -> Option<BTreeMap<PathBuf, Stamp>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let file = targets.file(folder, entry.file_name().as_ref());
        if !targets.has(&file) {
            continue;
        }
        // Through links: what is read is what they lead to.
        if let Ok(metadata) = std::fs::metadata(&file) {
            let stamp = Stamp {
                modified: metadata.modified().ok(),
                size: metadata.len(),
                inode: metadata.ino(),
            };
            files.insert(file, stamp);
        }
    }
    Some(files)
}
