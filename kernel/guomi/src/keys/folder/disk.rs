//! Files that only their owner can read, written whole or not at all, by one writer at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::OFlags;
use weihe_sm::random;
use zeroize::Zeroizing;

use crate::keys::KeyError;
use crate::keys::shelf::Mark;

const LOCK: &str = "lock";
/// How long a writer waits for another: each of them writes a few files of a kilobyte.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many seconds a folder has to lie untouched before its times stand for what is in it: file systems count them in
/// steps of up to two seconds, and two changes within one step leave the same time.
const SETTLED: i64 = 2;
/// How often it looks.
const LOOK: Duration = Duration::from_millis(20);

/// Held by who writes; others wait for it.
#[derive(Debug)]
pub(in crate::keys) struct Lock {
    _file: File,
}

/// Makes the folder, and those above it.
pub(super) fn make_folder(folder: &Path) -> Result<(), KeyError> {
    let mut builder = fs::DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(fault("cannot make the folder", folder))
}

/// Whether the folder is there, and nobody but its owner gets in. False where there is none.
pub(super) fn check_folder(folder: &Path) -> Result<bool, KeyError> {
    look(folder).map(|metadata| metadata.is_some())
}

/// The times of the folder, which change with its files; none where they are so young that another change would not
/// show in them.
pub(super) fn mark(folder: &Path) -> Result<Option<Mark>, KeyError> {
    let Some(about) = look(folder)? else {
        return Ok(None);
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    let settled = about.mtime().max(about.ctime()).saturating_add(SETTLED) < now;
    Ok(settled.then(|| {
        Mark([
            about.dev().cast_signed(),
            about.ino().cast_signed(),
            about.mtime(),
            about.mtime_nsec(),
            about.ctime(),
            about.ctime_nsec(),
        ])
    }))
}

/// The folder as it is, where it is there, and nobody but its owner gets in.
fn look(folder: &Path) -> Result<Option<fs::Metadata>, KeyError> {
    let metadata = match fs::metadata(folder) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault("cannot look at the folder", folder)(error)),
    };
    if !metadata.is_dir() {
        return Err(fault("cannot use", folder)(
            io::ErrorKind::NotADirectory.into(),
        ));
    }
    check(folder, &metadata, "0700")?;
    Ok(Some(metadata))
}

fn check(path: &Path, metadata: &fs::Metadata, wanted: &'static str) -> Result<(), KeyError> {
    let own = rustix::process::geteuid().as_raw();
    if metadata.uid() != own {
        return Err(KeyError::Owner {
            path: path.to_owned(),
            owner: metadata.uid(),
            own,
        });
    }
    let mode = metadata.mode() & 0o7777;
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(KeyError::Permissions {
            path: path.to_owned(),
            mode,
            wanted,
        }),
    }
}

/// Waits until no other writes.
pub(super) fn lock(folder: &Path) -> Result<Lock, KeyError> {
    let begun = Instant::now();
    loop {
        match try_lock(folder)? {
            Some(lock) => return Ok(lock),
            None if begun.elapsed() < PATIENCE => std::thread::sleep(LOOK),
            None => return Err(KeyError::Locked(folder.to_owned())),
        }
    }
}

/// None where another writes.
pub(super) fn try_lock(folder: &Path) -> Result<Option<Lock>, KeyError> {
    let path = folder.join(LOCK);
    let file = private()
        .write(true)
        .create(true)
        .open(&path)
        .map_err(fault("cannot open", &path))?;
    match file.try_lock() {
        Ok(()) => {
            sweep(folder);
            Ok(Some(Lock { _file: file }))
        }
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(fault("cannot lock", &path)(error)),
    }
}

/// Removes what a writer left that was killed while it wrote. Whoever holds the lock may.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_unfinished(&entry.file_name().to_string_lossy()) {
            // It will be there again the next time, where it cannot be removed.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_unfinished(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".new")
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .mode(0o600)
        .custom_flags((OFlags::NOFOLLOW | OFlags::CLOEXEC).bits() as i32);
    options
}

/// The bytes of a file that only its owner can read.
pub(super) fn read(path: &Path, longest: u64) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    loop {
        // What was replaced while it was read may have been overwritten as well: then there is another one.
        if let Some(bytes) = read_once(path, longest)? {
            return Ok(bytes);
        }
    }
}

fn read_once(path: &Path, longest: u64) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    let cannot = || fault("cannot read", path);
    let file = private().read(true).open(path).map_err(cannot())?;
    let metadata = file.metadata().map_err(cannot())?;
    if !metadata.is_file() {
        return Err(cannot()(io::Error::other("it is not a file")));
    }
    check(path, &metadata, "0600")?;
    if metadata.len() > longest {
        return Err(damaged(path, format!("it has more than {longest} bytes")));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 1));
    (&file)
        .take(longest)
        .read_to_end(&mut bytes)
        .map_err(cannot())?;
    Ok((!is_gone(&file)).then_some(bytes))
}

/// Writes a file so that it is there as a whole, also after a power cut, or not at all. What was there under its name is
/// overwritten afterwards.
pub(super) fn write(_held: &Lock, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), KeyError> {
    let path = folder.join(name);
    let unfinished = folder.join(format!(".{name}.new"));
    let written = (|| {
        let mut file = private().write(true).create_new(true).open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        let before = private().write(true).open(&path).ok();
        fs::rename(&unfinished, &path)?;
        sync(folder)?;
        // The new one is there, whatever becomes of this.
        if let Some(before) = before.filter(is_gone) {
            let _ = scrub(before);
        }
        Ok(())
    })();
    written.map_err(|error| {
        // What matters is why it could not be written.
        let _ = fs::remove_file(&unfinished);
        fault("cannot write", &path)(error)
    })
}

/// Overwrites a file with random bytes and removes it.
pub(super) fn erase(_held: &Lock, folder: &Path, name: &str) -> Result<(), KeyError> {
    let path = folder.join(name);
    let erased = (|| {
        scrub(private().write(true).open(&path)?)?;
        fs::remove_file(&path)?;
        sync(folder)
    })();
    erased.map_err(fault("cannot erase", &path))
}

/// Whether no name is left of a file that is open.
fn is_gone(file: &File) -> bool {
    file.metadata().is_ok_and(|about| about.nlink() == 0)
}

/// Overwrites a file with random bytes.
fn scrub(mut file: File) -> io::Result<()> {
    let mut noise = vec![
        0;
        usize::try_from(file.metadata()?.len())
            .unwrap_or(usize::MAX)
            .min(1 << 20)
    ];
    random(&mut noise).map_err(io::Error::other)?;
    file.rewind()?;
    file.write_all(&noise)?;
    file.sync_all()
}

/// Names are only kept over a power cut when their folder was synchronised.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// An error of the system about a file.
pub(super) fn fault(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyError + use<> {
    let path: PathBuf = path.to_owned();
    move |source| KeyError::File { what, path, source }
}

/// A file that cannot be used, and why.
pub(super) fn damaged(path: &Path, reason: impl ToString) -> KeyError {
    KeyError::Damaged {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}
