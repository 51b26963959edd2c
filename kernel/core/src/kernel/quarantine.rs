//! Versions that were rolled back. They are refused, also after a restart, until an operator lifts
//! that: whoever copies a bad file once more must not have it run again.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// A version that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// SHA-256 of its file.
    pub sha256: String,
    /// SHA-256 of what was compiled of it: the same code in another file, signed anew, is the same version. Empty in
    /// entries of hosts that did not note it.
    #[serde(default)]
    pub compiled: String,
    /// The plugin.
    pub plugin: String,
    /// The version, as its description says.
    pub version: String,
    /// When it was rolled back, in nanoseconds since 1970.
    pub time: u64,
    /// Why.
    pub reason: String,
}

impl Quarantined {
    fn is_of(&self, sha256: &str, compiled: &str) -> bool {
        self.sha256 == sha256 || (!self.compiled.is_empty() && self.compiled == compiled)
    }
}

/// The versions that are refused, in a file of JSON that is replaced as a whole.
#[derive(Debug)]
pub struct Quarantine {
    file: PathBuf,
    entries: Mutex<Vec<Quarantined>>,
}

impl Quarantine {
    /// Reads the file; when there is none, nothing is refused.
    pub fn open(file: &Path) -> io::Result<Self> {
        let entries = match std::fs::read(file) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Self {
            file: file.to_owned(),
            entries: Mutex::new(entries),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Quarantined>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry of a version: of its file, or of what is compiled of that.
    pub fn find(&self, sha256: &str, compiled: &str) -> Option<Quarantined> {
        let entries = self.lock();
        let mut entries = entries.iter();
        entries.find(|entry| entry.is_of(sha256, compiled)).cloned()
    }

    /// All entries, the latest last.
    pub fn all(&self) -> Vec<Quarantined> {
        self.lock().clone()
    }

    /// Refuses a version from now on; when that cannot be written, only until the host ends.
    pub fn add(&self, entry: Quarantined) -> io::Result<()> {
        let mut entries = self.lock();
        entries.retain(|known| known.sha256 != entry.sha256);
        entries.push(entry);
        self.write(&entries)
    }

    /// Refuses a version no longer; returns whether it was refused.
    pub fn lift(&self, sha256: &str) -> io::Result<bool> {
        let mut entries = self.lock();
        let Some(lifted) = entries.iter().find(|entry| entry.sha256 == sha256) else {
            return Ok(false);
        };
        let lifted = lifted.clone();
        // Other files of the same code would refuse it all the same.
        entries.retain(|entry| !entry.is_of(&lifted.sha256, &lifted.compiled));
        self.write(&entries)?;
        Ok(true)
    }

    fn write(&self, entries: &[Quarantined]) -> io::Result<()> {
        let next = self.file.with_extension("next");
        let mut file = std::fs::File::create(&next)?;
        file.write_all(&serde_json::to_vec_pretty(entries)?)?;
        file.sync_all()?;
        std::fs::rename(&next, &self.file)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn entry(sha256: &str, reason: &str) -> Quarantined {
        Quarantined {
            sha256: sha256.into(),
            compiled: format!("{sha256} unsigned"),
            plugin: "meter".into(),
            version: "1.0.0".into(),
            time: 7,
            reason: reason.into(),
        }
    }

    #[test]
    fn what_is_refused_stays_refused_after_a_restart_until_it_is_lifted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("quarantine.json");
        let quarantine = Quarantine::open(&file).unwrap();
        assert_eq!(quarantine.find("a", "a"), None);
        quarantine.add(entry("a", "it trapped")).unwrap();
        quarantine.add(entry("b", "no good")).unwrap();
        let quarantine = Quarantine::open(&file).unwrap();
        assert_eq!(quarantine.find("a", "").unwrap().reason, "it trapped");
        assert!(quarantine.lift("a").unwrap());
        assert!(!quarantine.lift("a").unwrap());
        let quarantine = Quarantine::open(&file).unwrap();
        assert_eq!(quarantine.all(), [entry("b", "no good")]);
    }

    #[test]
    fn the_same_code_in_another_file_is_the_same_version() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("quarantine.json");
        // As it was written before this was noted.
        let before = r#"[{"sha256":"o","plugin":"p","version":"1","time":1,"reason":"r"}]"#;
        std::fs::write(&file, before).unwrap();
        let quarantine = Quarantine::open(&file).unwrap();
        assert!(quarantine.find("o", "code").is_some());
        assert_eq!(quarantine.find("other", ""), None);
        quarantine.add(entry("a", "it trapped")).unwrap();
        let again = Quarantined {
            compiled: "a unsigned".into(),
            ..entry("signed anew", "it trapped again")
        };
        quarantine.add(again).unwrap();
        let found = quarantine.find("third", "a unsigned").unwrap();
        assert!(quarantine.lift(&found.sha256).unwrap());
        assert_eq!(quarantine.find("third", "a unsigned"), None);
        assert_eq!(quarantine.find("signed anew", "a unsigned"), None);
    }

    #[test]
    fn a_file_that_is_damaged_is_an_error_and_not_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("quarantine.json");
        std::fs::write(&file, "[{").unwrap();
        Quarantine::open(&file).unwrap_err();
    }
}
