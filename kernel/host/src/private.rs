//! Files with a secret in them, passphrases and private keys: read only where they are private, and written whole or not at
//! all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use zeroize::Zeroizing;

/// What others may not do: anything; and the group may not write. That the group may read is for who set it so: what
/// systemd hands over as credentials looks like that.
const NOT_PRIVATE: u32 = 0o027;

/// Why a private file is not read.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It is not private.
    #[error("{} can be read or written by others (mode {mode:03o}): run `chmod 600 {}`", .path.display(), .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is something else.
    #[error("{} is too long: it has more than {longest} bytes", .path.display())]
    Long {
        /// The file.
        path: PathBuf,
        /// How many it may have.
        longest: u64,
    },
}

/// Opens a file that holds a secret, where nobody but its owner, and who the owner lets read it, gets at it.
pub fn open_private(path: &Path) -> Result<File, PrivateError> {
    let fail = |source| PrivateError::Read {
        path: path.to_path_buf(),
        source,
    };
    let file = File::open(path).map_err(fail)?;
    let about = file.metadata().map_err(fail)?;
    let mode = about.permissions().mode() & 0o777;
    match about.is_file() && mode & NOT_PRIVATE != 0 {
        true => Err(PrivateError::Open {
            path: path.to_path_buf(),
            mode,
        }),
        false => Ok(file),
    }
}

/// The bytes of such a file.
pub fn read_private(path: &Path, longest: u64) -> Result<Zeroizing<Vec<u8>>, PrivateError> {
    let file = open_private(path)?;
    let mut bytes = Zeroizing::new(Vec::new());
    let read = file.take(longest + 1).read_to_end(&mut bytes);
    let read = read.map_err(|source| PrivateError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    match read as u64 > longest {
        true => Err(PrivateError::Long {
            path: path.to_path_buf(),
            longest,
        }),
        false => Ok(bytes),
    }
}

/// Makes a folder for private files, and those above it, where they are missing.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// A file that is written, and has not its name yet. Dropped without it, it is gone.
#[derive(Debug)]
pub struct Written {
    path: PathBuf,
    beside: PathBuf,
}

impl Written {
    /// Writes the bytes beside where they are to be, until they are on the disk.
    pub fn new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<Self> {
        let name = path
            .file_name()
            .ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
        let name = format!(".{}.{}", name.to_string_lossy(), std::process::id());
        let written = Self {
            path: path.to_path_buf(),
            beside: path.with_file_name(name),
        };
        // What a process of this number left that was killed here.
        let _ = fs::remove_file(&written.beside);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&written.beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(written)
    }

    /// Gives it its name. What has that name already is never replaced.
    pub fn name_it(self) -> io::Result<()> {
        match fs::hard_link(&self.beside, &self.path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                // Some file systems have no links.
                renameat_with(CWD, &self.beside, CWD, &self.path, RenameFlags::NOREPLACE)?;
            }
            linked => linked?,
        }
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        File::open(folder)?.sync_all()
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // It may have been renamed.
        let _ = fs::remove_file(&self.beside);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_others_can_get_at_is_refused_with_its_mode_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        fs::write(&path, "correct horse\n").unwrap();
        let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        for mode in [0o600, 0o400, 0o440] {
            set(mode);
            assert_eq!(&**read_private(&path, 100).unwrap(), b"correct horse\n");
        }
        for mode in [0o644, 0o666, 0o660, 0o602] {
            set(mode);
            let error = read_private(&path, 100).unwrap_err().to_string();
            let shown = path.display();
            assert_eq!(
                error,
                format!(
                    "{shown} can be read or written by others (mode {mode:03o}): run `chmod 600 {shown}`"
                )
            );
        }
        set(0o600);
        let error = read_private(&path, 5).unwrap_err();
        assert!(matches!(error, PrivateError::Long { longest: 5, .. }));
    }

    #[test]
    fn a_file_gets_its_name_when_it_is_whole_and_takes_none_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.key");
        // A power cut now leaves nothing that is called so.
        let written = Written::new(&path, b"a key", 0o600).unwrap();
        assert!(!path.exists());
        drop(written);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        Written::new(&path, b"a key", 0o600)
            .unwrap()
            .name_it()
            .unwrap();
        let other = Written::new(&path, b"another", 0o600).unwrap();
        let error = other.name_it().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"a key");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
