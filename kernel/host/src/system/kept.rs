//! Copies of the versions that ran last, in the data directory. When the file of a plugin turns out to
//! be bad, what ran before runs again, also after a restart of the host.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use weihe_kernel::event::hex;

/// The folder in the data directory.
const FOLDER: &str = "kept";

/// Copies kept of each plugin: the version that runs, and the one before it.
const COPIES: usize = 2;

/// The copies of all plugins.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    folder: PathBuf,
}

impl Kept {
    /// Copies in a data directory.
    pub(super) fn new(data: &Path) -> Self {
        Self {
            folder: data.join(FOLDER),
        }
    }

    fn of(&self, plugin: &str) -> PathBuf {
        self.folder.join(plugin)
    }

    /// The copies of a plugin, the latest first.
    pub(super) fn files(&self, plugin: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.of(plugin)).into_iter().flatten();
        let files = entries.flatten().map(|entry| entry.path());
        let mut files: Vec<(SystemTime, PathBuf)> = files
            .filter(|file| file.extension().is_some_and(|kind| kind == "wasm"))
            .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file)))
            .collect();
        files.sort_by(|one, other| other.cmp(one));
        files.into_iter().map(|(_, file)| file).collect()
    }

    /// Keeps a copy of the version in a file, which runs now. Another that has taken its place in the
    /// file meanwhile is not kept: it has not run.
    pub(super) async fn keep(&self, plugin: &str, file: &Path, sha256: &str) {
        let (kept, name, from) = (self.clone(), plugin.to_owned(), file.to_path_buf());
        let runs = sha256.to_owned();
        // A slow disk holds up nobody.
        let copied = tokio::task::spawn_blocking(move || kept.copy(&name, &from, &runs)).await;
        if let Err(error) = copied.unwrap_or_else(|error| Err(io::Error::other(error))) {
            tracing::warn!(
                "plugin {plugin}: no copy of {} can be kept, so it does not outlive its file: {error}",
                file.display()
            );
        }
    }

    fn copy(&self, plugin: &str, file: &Path, runs: &str) -> io::Result<()> {
        let folder = self.of(plugin);
        let bytes = std::fs::read(file)?;
        let sha256 = sha256_of(&bytes);
        if sha256 != runs {
            return Err(io::Error::other("it does not hold the version that runs"));
        }
        std::fs::create_dir_all(&folder)?;
        let copy = folder.join(sha256).with_extension("wasm");
        if copy.is_file() {
            // It is the latest again.
            let again = std::fs::File::options().write(true).open(&copy)?;
            again.set_modified(SystemTime::now())?;
        } else {
            let next = copy.with_extension("next");
            std::fs::write(&next, &bytes)?;
            std::fs::File::open(&next)?.sync_all()?;
            std::fs::rename(&next, &copy)?;
        }
        for old in self.files(plugin).into_iter().skip(COPIES) {
            std::fs::remove_file(old)?;
        }
        Ok(())
    }

    /// After a version went back: the copy of the one that runs is the latest, and those of versions
    /// that are refused make room.
    pub(super) fn renew(&self, plugin: &str, runs: &str, is_refused: impl Fn(&str) -> bool) {
        for file in self.files(plugin) {
            let sha256 = file.file_stem().unwrap_or_default().to_string_lossy();
            let renewed = if sha256 == runs {
                let again = std::fs::File::options().write(true).open(&file);
                again.and_then(|again| again.set_modified(SystemTime::now()))
            } else if is_refused(&sha256) {
                std::fs::remove_file(&file)
            } else {
                Ok(())
            };
            if let Err(error) = renewed {
                tracing::warn!("plugin {plugin}: {}: {error}", file.display());
            }
        }
    }

    /// Forgets a plugin whose file was removed.
    pub(super) fn forget(&self, plugin: &str) {
        // What stays is used for nothing but a plugin of this name whose file is bad.
        let _ = std::fs::remove_dir_all(self.of(plugin));
    }
}

fn sha256_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sha256(text: &str) -> String {
        sha256_of(text.as_bytes())
    }

    #[tokio::test]
    async fn the_last_two_versions_are_kept_and_the_latest_comes_first() {
        let data = tempfile::tempdir().unwrap();
        let kept = Kept::new(data.path());
        let file = data.path().join("meter.wasm");
        let contents = |kept: &Kept| -> Vec<String> {
            let files = kept.files("meter").into_iter();
            files
                .map(|file| std::fs::read_to_string(file).unwrap())
                .collect()
        };
        for version in ["one", "two", "three"] {
            std::fs::write(&file, version).unwrap();
            kept.keep("meter", &file, &sha256(version)).await;
        }
        assert_eq!(contents(&kept), ["three", "two"]);
        std::fs::write(&file, "two").unwrap();
        kept.keep("meter", &file, &sha256("one")).await;
        assert_eq!(
            contents(&kept),
            ["three", "two"],
            "the file is not what runs"
        );
        kept.keep("meter", &file, &sha256("two")).await;
        assert_eq!(
            contents(&kept),
            ["two", "three"],
            "what runs again is the latest"
        );
        kept.forget("meter");
        assert!(contents(&kept).is_empty());
    }
}
