//! The directory of compiled code: private to the host's user, and swept when it is opened.
//!
//! Ages are told by the file system alone: from the times of its files, and of one that is made now.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::COMPILE_TIME;

/// What the names of scratch directories begin with.
pub const SCRATCH: &str = "compile-";

/// The extension of compiled code.
pub const CODE: &str = "cwasm";

/// The extension of its checksum.
pub const SUM: &str = "sum";

/// How old a scratch directory may grow: ten times what a compilation may take. What is older was
/// left by a host that was killed.
const SCRATCH_AGE: Duration = Duration::from_secs(10 * COMPILE_TIME.as_secs());

/// Entries that stay however long ago they were used: a host loads what it runs at its start, and
/// may then run for years.
const KEPT: usize = 64;

/// How long an entry beyond those stays unused. A version that nobody went back to within a month is
/// one of the past.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 3600);

/// Permission of the group and of others to write.
const WRITABLE: u32 = 0o022;

/// Why compiled code in a directory cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// Another user's.
    #[error(
        "`{}` belongs to user {owner}, and the host runs as user {user}; compiled code is trusted as a program is, so remove the directory, or name another", directory.display()
    )]
    Foreign {
        /// The directory.
        directory: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who the host runs as.
        user: u32,
    },
    /// Others may write to it.
    #[error(
        "other users may write to `{}` (mode {mode:03o}); compiled code is trusted as a program is, so remove the directory with all that is in it: the host makes it anew", directory.display()
    )]
    Writable {
        /// The directory.
        directory: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

/// Makes the directory where it is missing, makes sure that it is private, and sweeps it.
pub fn open(directory: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let fresh = tempfile::tempfile_in(directory)?.metadata()?;
    check(directory, &fs::metadata(directory)?, fresh.uid())
        .map_err(|untrusted| io::Error::new(io::ErrorKind::PermissionDenied, untrusted))?;
    if let Err(error) = sweep(directory, fresh.modified()?) {
        tracing::warn!(directory = %directory.display(), %error, "the compile cache cannot be swept");
    }
    Ok(())
}

/// Whether nobody but `user` can have written what lies in the directory.
fn check(directory: &Path, metadata: &Metadata, user: u32) -> Result<(), Untrusted> {
    if metadata.uid() != user {
        return Err(Untrusted::Foreign {
            directory: directory.to_owned(),
            owner: metadata.uid(),
            user,
        });
    }
    if metadata.mode() & WRITABLE != 0 {
        return Err(Untrusted::Writable {
            directory: directory.to_owned(),
            mode: metadata.mode() & 0o777,
        });
    }
    Ok(())
}

/// Notes that an entry was used. Only the next sweep wants to know, so a failure is nothing.
pub fn touch(directory: &Path, code: &Path) {
    let touched = tempfile::tempfile_in(directory)
        .and_then(|fresh| fresh.metadata()?.modified())
        .and_then(|now| File::open(code)?.set_modified(now));
    if let Err(error) = touched {
        tracing::debug!(file = %code.display(), %error, "its last use cannot be noted");
    }
}

/// Removes what a killed host left behind, and entries that were not used for long. Several hosts may
/// share the directory, so what is gone meanwhile is no error.
fn sweep(directory: &Path, now: SystemTime) -> io::Result<()> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let Some((age, kind)) = age(&entry, now) else {
            continue;
        };
        if kind.is_dir() {
            if age > SCRATCH_AGE && name.to_string_lossy().starts_with(SCRATCH) {
                remove(&path, fs::remove_dir_all);
            }
        } else if path.extension().is_some_and(|extension| extension == CODE) {
            entries.push((age, path));
        } else if path.extension().is_some_and(|extension| extension == SUM)
            && age > SCRATCH_AGE
            && !path.with_extension(CODE).exists()
        {
            remove(&path, fs::remove_file);
        }
    }
    entries.sort();
    for (age, code) in entries.into_iter().skip(KEPT) {
        if age > UNUSED {
            remove(&code, fs::remove_file);
            remove(&code.with_extension(SUM), fs::remove_file);
        }
    }
    Ok(())
}

/// How long ago an entry was written or used, and what it is; none when it is gone.
fn age(entry: &fs::DirEntry, now: SystemTime) -> Option<(Duration, fs::FileType)> {
    let metadata = entry.metadata().ok()?;
    let age = now.duration_since(metadata.modified().ok()?);
    // From the future (the clock was set back): as good as new.
    Some((age.unwrap_or_default(), metadata.file_type()))
}

fn remove(path: &Path, with: fn(PathBuf) -> io::Result<()>) {
    match with(path.to_owned()) {
        Ok(()) => tracing::debug!(path = %path.display(), "removed from the compile cache"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "cannot be removed from the compile cache");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn aged(path: &Path, age: Duration) {
        let file = File::open(path).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - age).unwrap();
    }

    fn entry(directory: &Path, stem: &str, age: Duration) -> PathBuf {
        let code = directory.join(stem).with_extension(CODE);
        for path in [&code, &code.with_extension(SUM)] {
            fs::write(path, stem).unwrap();
            aged(path, age);
        }
        code
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_refused_with_its_name_and_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("cache");
        open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        for (mode, fine) in [(0o755, true), (0o770, false), (0o702, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let said = open(&path).map_err(|error| error.to_string());
            assert_eq!(said.is_ok(), fine, "{mode:o}: {said:?}");
            if let Err(text) = said {
                assert!(
                    text.contains(path.to_str().unwrap()) && text.contains("remove the directory"),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn a_directory_of_another_user_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let metadata = fs::metadata(root.path()).unwrap();
        let (owner, stranger) = (metadata.uid(), metadata.uid().wrapping_add(1));
        assert_eq!(check(root.path(), &metadata, owner), Ok(()));
        let said = check(root.path(), &metadata, stranger).unwrap_err();
        assert!(matches!(said, Untrusted::Foreign { .. }));
        assert!(
            said.to_string().contains(&format!("user {owner}")),
            "{said}"
        );
    }

    #[test]
    fn what_a_killed_host_left_goes_and_what_another_one_works_on_stays() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path();
        for (name, age) in [
            ("compile-old", SCRATCH_AGE + Duration::from_secs(1)),
            ("compile-new", Duration::ZERO),
            ("something-else", SCRATCH_AGE * 2),
        ] {
            fs::create_dir(path.join(name)).unwrap();
            fs::write(path.join(name).join("input.wasm"), "").unwrap();
            aged(&path.join(name), age);
        }
        for (name, age) in [("lost.sum", SCRATCH_AGE * 2), ("next.sum", Duration::ZERO)] {
            fs::write(path.join(name), "").unwrap();
            aged(&path.join(name), age);
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        open(path).unwrap();
        assert_eq!(names(path), ["compile-new", "next.sum", "something-else"]);
    }

    #[test]
    fn entries_beyond_those_kept_go_when_they_were_not_used_for_long() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("cache");
        open(&path).unwrap();
        let long = UNUSED + Duration::from_secs(60);
        for number in 0..KEPT {
            entry(&path, &format!("kept-{number}"), long);
        }
        let used = entry(&path, "used", long * 2);
        entry(&path, "unused", long * 2);
        touch(&path, &used);
        open(&path).unwrap();
        let names = names(&path);
        assert_eq!(names.len(), 2 * KEPT, "{names:?}");
        assert!(names.contains(&"used.cwasm".to_owned()));
        assert!(!names.iter().any(|name| name.starts_with("unused")));
        // Few entries stay, however old they are.
        let few = tempfile::tempdir().unwrap();
        entry(few.path(), "old", long * 10);
        sweep(few.path(), SystemTime::UNIX_EPOCH + long * 10_000).unwrap();
        assert_eq!(names_of_code(few.path()), 1);
    }

    fn names_of_code(path: &Path) -> usize {
        let names = names(path);
        names.iter().filter(|name| name.ends_with(CODE)).count()
    }
}
