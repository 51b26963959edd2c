//! The files of a trail.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The folder of the trail in the data directory.
pub const AUDIT: &str = "audit";

/// A file of a trail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrailFile {
    /// Its number; the next file has the next.
    pub number: u32,
    /// Where it is.
    pub path: PathBuf,
}

impl TrailFile {
    /// The file of a number in a folder.
    pub fn new(folder: &Path, number: u32) -> Self {
        Self {
            number,
            path: folder.join(format!("audit-{number:06}.jsonl")),
        }
    }

    /// Its name.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Where what a power cut left of its last record is put.
    pub fn torn(&self) -> PathBuf {
        self.path.with_extension("torn")
    }

    /// Opens it to add to it; it is made for this user only.
    pub fn append(&self) -> io::Result<File> {
        File::options()
            .create(true)
            .read(true)
            .append(true)
            .mode(0o600)
            .open(&self.path)
    }
}

/// The files of a folder, by number. Others are left alone.
pub fn files(folder: &Path) -> io::Result<Vec<TrailFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| {
            let digits = name.strip_prefix("audit-")?.strip_suffix(".jsonl")?;
            let number: u32 = digits.parse().ok()?;
            (format!("{number:06}") == digits).then_some(number)
        });
        files.extend(number.map(|number| TrailFile::new(folder, number)));
    }
    files.sort_unstable();
    Ok(files)
}

/// Makes a folder, for this user only, where it is missing.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// Waits until the names in a folder are on the disk.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn files_are_taken_by_number_and_others_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "audit-000010.jsonl",
            "audit-000002.jsonl",
            "audit-1000000.jsonl",
            "audit-000002.torn",
            "audit-2.jsonl",
            "notes.txt",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let numbers: Vec<u32> = files(folder.path())
            .unwrap()
            .into_iter()
            .map(|file| file.number)
            .collect();
        assert_eq!(numbers, [2, 10, 1_000_000]);
    }
}
