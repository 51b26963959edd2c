//! Files that have changed, until it is time to say so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a file has to be gone before it counts as removed. Some programs remove a file and write
/// it anew, and a device must not stop for that.
const GRACE: Duration = Duration::from_secs(1);

/// Files that have changed.
#[derive(Debug, Default)]
pub(super) struct Pending {
    whole: BTreeSet<PathBuf>,
    gone: BTreeMap<PathBuf, Instant>,
}

impl Pending {
    /// A file has changed, and is whole.
    pub(super) fn whole(&mut self, file: PathBuf) {
        self.gone.remove(&file);
        self.whole.insert(file);
    }

    /// A file is gone.
    pub(super) fn gone(&mut self, file: PathBuf, now: Instant) {
        self.whole.remove(&file);
        self.gone.insert(file, now + GRACE);
    }

    /// When the next file counts as removed.
    pub(super) fn next(&self) -> Option<Instant> {
        self.gone.values().min().copied()
    }

    /// What counts now.
    pub(super) fn take(&mut self, now: Instant) -> BTreeSet<PathBuf> {
        let mut taken = std::mem::take(&mut self.whole);
        let due: Vec<PathBuf> = self
            .gone
            .iter()
            .filter(|(_, due)| **due <= now)
            .map(|(file, _)| file.clone())
            .collect();
        for file in due {
            self.gone.remove(&file);
            // One that is there again is being written, and counts when it is whole.
            if !file.exists() {
                taken.insert(file);
            }
        }
        taken
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_comes_back_at_once_was_not_removed() {
        let (mut pending, now) = (Pending::default(), Instant::now());
        let file = PathBuf::from("/nowhere/modbus.wasm");
        pending.gone(file.clone(), now);
        assert_eq!(pending.take(now), BTreeSet::new());
        pending.whole(file.clone());
        assert_eq!(pending.take(now), BTreeSet::from([file.clone()]));
        assert_eq!(pending.take(now + GRACE), BTreeSet::new());
        pending.gone(file.clone(), now);
        assert_eq!(pending.next(), Some(now + GRACE));
        assert_eq!(pending.take(now + GRACE), BTreeSet::from([file]));
    }

    #[test]
    fn one_that_is_being_written_anew_counts_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("modbus.wasm");
        let (mut pending, now) = (Pending::default(), Instant::now());
        pending.gone(file.clone(), now);
        std::fs::write(&file, "half").unwrap();
        assert_eq!(pending.take(now + GRACE), BTreeSet::new());
        pending.whole(file.clone());
        assert_eq!(pending.take(now + GRACE), BTreeSet::from([file]));
    }
}
