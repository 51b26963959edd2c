//! The data directory of a host: held by one host at a time, counting its starts.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The file whose lock says that a host runs here.
const LOCK: &str = "weihe.lock";

/// The file that counts the starts.
const COUNTER: &str = "boot";

/// 2020-01-01T00:00:00Z, in seconds since 1970; see [`count`].
const EPOCH_2020: u64 = 1_577_836_800;

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// Another host uses it.
    #[error("a host is running already in {} (process {pid})", .directory.display())]
    Running {
        /// The directory.
        directory: PathBuf,
        /// The other host's process, as it wrote it down.
        pid: String,
    },
    /// The operating system refuses.
    #[error("cannot use the data directory {}: {source}", .path.display())]
    Io {
        /// What could not be used.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

impl BootError {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Running { .. } => "look at it with `weihe ps`, or stop it first",
            // Making a directory where, or below where, something else is.
            Self::Io { source, .. }
                if matches!(
                    source.kind(),
                    io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory
                ) =>
            {
                "a file is where a directory should be: remove it, or name another in `[host] data`"
            }
            Self::Io { .. } => "check permissions and free space, or name another in `[host] data`",
        }
    }
}

/// A data directory that this process holds. Released when dropped, also by a crash.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    boot: u32,
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory where it is missing (for this user only), takes it and counts this
    /// start.
    pub fn take(path: &Path) -> Result<Self, BootError> {
        let fail = |at: &Path| {
            let path = at.to_path_buf();
            move |source| BootError::Io { path, source }
        };
        // Compiled components lie there, which are trusted: nobody else may write.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(fail(path))?;
        let lock_path = path.join(LOCK);
        let mut lock = File::options()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(fail(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // For the message only.
                let _ = lock.read_to_string(&mut pid);
                let pid = pid.trim();
                return Err(BootError::Running {
                    directory: path.to_path_buf(),
                    pid: if pid.is_empty() { "unknown" } else { pid }.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(fail(&lock_path)(source)),
        }
        lock.set_len(0)
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .map_err(fail(&lock_path))?;
        let counter = path.join(COUNTER);
        let boot = count(&counter).map_err(fail(&counter))?;
        Ok(Self {
            path: path.to_path_buf(),
            boot,
            _lock: lock,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of this start; never the same twice in one directory.
    pub fn boot(&self) -> u32 {
        self.boot
    }
}

/// Raises the counter in a file by one, on the disk before it is used.
///
/// A counter that cannot be read (a damaged disk) must not fall back to numbers that were used
/// before, since events are told apart by them: it goes on from the minutes since 2020, which no
/// count of starts has reached.
fn count(file: &Path) -> io::Result<u32> {
    let last = match fs::read_to_string(file) {
        Ok(text) => text.trim().parse::<u32>().ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(0),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
        Err(error) => return Err(error),
    };
    let next = last
        .and_then(|last| last.checked_add(1))
        .unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let seconds = now.map_or(EPOCH_2020, |since| since.as_secs());
            let minutes = seconds.saturating_sub(EPOCH_2020) / 60;
            tracing::warn!(
                "{} cannot be read; it goes on from {minutes}",
                file.display()
            );
            u32::try_from(minutes).unwrap_or(u32::MAX).max(1)
        });
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(temporary, "{next}")?;
    temporary.as_file().sync_all()?;
    temporary.persist(file).map_err(|error| error.error)?;
    // The rename itself is on the disk when its folder is.
    File::open(folder)?.sync_all()?;
    Ok(next)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn each_start_has_a_number_of_its_own_and_one_host_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("deep/data");
        let first = DataDirectory::take(&path).unwrap();
        assert_eq!(first.boot(), 1);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        let error = DataDirectory::take(&path).unwrap_err().to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        assert_eq!(DataDirectory::take(&path).unwrap().boot(), 2);
    }

    #[test]
    fn a_file_where_the_directory_should_be_is_called_so() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("data");
        fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("deeper")] {
            let error = DataDirectory::take(&path).unwrap_err();
            assert!(error.help().contains("a file"), "{error}: {}", error.help());
        }
    }

    #[test]
    fn a_damaged_counter_never_goes_back() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(COUNTER), [0xff, 0x00]).unwrap();
        let boot = DataDirectory::take(root.path()).unwrap().boot();
        assert!(boot > 3_000_000, "{boot}");
        assert_eq!(DataDirectory::take(root.path()).unwrap().boot(), boot + 1);
    }
}
