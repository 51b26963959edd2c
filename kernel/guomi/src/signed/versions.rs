//! The highest version of each signed plugin that has run here, in a file of the data directory: an older one, signed
//! as well as any, may be put there for its faults.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use weihe_kernel::event::hex;
use weihe_sm::sm3;

/// Which of two versions is higher.
pub type Compare = fn(&str, &str) -> Ordering;

/// The highest versions.
#[derive(Debug)]
pub struct Versions {
    file: PathBuf,
    compare: Compare,
    /// Only looked up, and never written.
    fixed: bool,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    highest: BTreeMap<String, String>,
    /// What could not be written; tried again with the next version.
    unwritten: bool,
}

/// What is in the file.
#[derive(Serialize, Deserialize)]
struct Written {
    highest: BTreeMap<String, String>,
    /// SM3 over the names and versions: against damage, not against who may write to the data directory.
    sm3: String,
}

impl Versions {
    /// Reads the file; where there is none, nothing has run.
    ///
    /// # Errors
    /// What the operating system says; [`io::ErrorKind::InvalidData`] where it is damaged.
    pub fn open(file: &Path, compare: Compare) -> io::Result<Self> {
        let highest = match std::fs::read(file) {
            Ok(text) => {
                let written: Written = serde_json::from_slice(&text)?;
                if sum(&written.highest) != written.sm3 {
                    let message = "it does not match its sum";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, message));
                }
                written.highest
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Self {
            file: file.to_owned(),
            compare,
            fixed: false,
            known: Mutex::new(Known {
                highest,
                unwritten: false,
            }),
        })
    }

    /// Nothing is added to it: for those who only look.
    pub fn fixed(self) -> Self {
        Self {
            fixed: true,
            ..self
        }
    }

    /// The version that has run, where it is higher than this one.
    pub fn above(&self, name: &str, version: &str) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let highest = known.highest.get(name)?;
        ((self.compare)(version, highest) == Ordering::Less).then(|| highest.clone())
    }

    /// A version runs. It is on the disk before this returns.
    ///
    /// # Errors
    /// What the operating system says; it holds until the host ends all the same.
    pub fn raise(&self, name: &str, version: &str) -> io::Result<()> {
        self.note(name, version, Ordering::Greater)
    }

    /// An operator has gone back to a version: it, and what is between it and the one before, may run again. It is on
    /// the disk before this returns.
    ///
    /// # Errors
    /// What the operating system says; it holds until the host ends all the same.
    pub fn lower(&self, name: &str, version: &str) -> io::Result<()> {
        self.note(name, version, Ordering::Less)
    }

    /// Notes a version that is this to the one that is known.
    fn note(&self, name: &str, version: &str, wanted: Ordering) -> io::Result<()> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = match known.highest.get(name) {
            Some(before) => (self.compare)(version, before) == wanted,
            None => wanted == Ordering::Greater,
        };
        if self.fixed || !(is_news || known.unwritten) {
            return Ok(());
        }
        if is_news {
            known.highest.insert(name.to_owned(), version.to_owned());
        }
        known.unwritten = true;
        self.write(&known.highest)?;
        known.unwritten = false;
        Ok(())
    }

    fn write(&self, highest: &BTreeMap<String, String>) -> io::Result<()> {
        let written = Written {
            highest: highest.clone(),
            sm3: sum(highest),
        };
        let next = self.file.with_extension("next");
        let mut file = File::create(&next)?;
        file.write_all(&serde_json::to_vec_pretty(&written)?)?;
        file.sync_all()?;
        std::fs::rename(&next, &self.file)?;
        // The rename itself is on the disk when its folder is.
        File::open(self.file.parent().unwrap_or(Path::new(".")))?.sync_all()
    }
}

fn sum(highest: &BTreeMap<String, String>) -> String {
    let mut sm3 = sm3::Sm3::new();
    for (name, version) in highest {
        for text in [name, version] {
            sm3.update(&(text.len() as u64).to_be_bytes());
            sm3.update(text.as_bytes());
        }
    }
    hex(&sm3.finish())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn open(file: &Path) -> io::Result<Versions> {
        Versions::open(file, |one, other| one.cmp(other))
    }

    #[test]
    fn the_highest_version_outlives_the_host() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("versions.json");
        let versions = open(&file).unwrap();
        assert_eq!(versions.above("meter", "1"), None);
        versions.raise("meter", "2").unwrap();
        versions.raise("meter", "1").unwrap();
        let versions = open(&file).unwrap().fixed();
        assert_eq!(versions.above("meter", "1").as_deref(), Some("2"));
        assert_eq!(versions.above("meter", "2"), None);
        assert_eq!(versions.above("other", "1"), None);
        versions.raise("meter", "3").unwrap();
        assert_eq!(open(&file).unwrap().above("meter", "2"), None);
    }

    #[test]
    fn going_back_lets_the_version_in_again_and_none_below_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("versions.json");
        let versions = open(&file).unwrap();
        versions.lower("meter", "1").unwrap();
        assert!(!file.exists(), "nothing of it has run");
        versions.raise("meter", "3").unwrap();
        versions.lower("meter", "2").unwrap();
        versions.lower("meter", "4").unwrap();
        let versions = open(&file).unwrap();
        assert_eq!(versions.above("meter", "2"), None);
        assert_eq!(versions.above("meter", "1").as_deref(), Some("2"));
    }

    #[test]
    fn what_could_not_be_written_is_written_with_the_next_version() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let file = data.join("versions.json");
        let versions = open(&file).unwrap();
        versions.raise("meter", "2").unwrap_err();
        assert_eq!(versions.above("meter", "1").as_deref(), Some("2"));
        std::fs::create_dir(&data).unwrap();
        versions.raise("meter", "2").unwrap();
        assert_eq!(
            open(&file).unwrap().above("meter", "1").as_deref(),
            Some("2")
        );
    }

    #[test]
    fn a_file_that_was_changed_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("versions.json");
        open(&file).unwrap().raise("meter", "2").unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("\"2\"", "\"1\"")).unwrap();
        let error = open(&file).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
