//! Keys in files: a folder, and a file for each version of a key.
//!
//! | file | what |
//! |---|---|
//! | `store` | the key of the store, sealed under what a passphrase or the machine gives |
//! | `machine.key` | the random part of that, where the machine protects the store |
//! | `NAME.VERSION.key` | a version of a key, sealed under the key of the store |
//! | `journal` | what commands did, until a host takes it up |
//! | `lock` | held by who writes |
//!
//! The folder and its files are of their owner alone, or they are not opened.

mod disk;
mod journal;
mod passphrase;
mod unlock;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use weihe_sm::{random, sm4};
use zeroize::Zeroizing;

use self::disk::Lock;
use self::unlock::Refused;
use super::KeyError;
use super::shelf::{self, LONGEST, Mark, Roll, Shelf, StoreKey};

pub(in crate::keys) use journal::Intake;
pub use journal::Journal;
pub use passphrase::{Passphrase, Passphrases};
pub use unlock::{FEWEST_ROUNDS, Kind, MOST_ROUNDS, Protection, ROUNDS};

/// What it is called as a provider.
pub const SOFTWARE: &str = "software";

/// Keys in the files of one folder.
///
/// It is opened when it is first needed, and the passphrase is asked for then. Each call looks at the files as they
/// are: what another process has changed is there at once.
pub struct Folder {
    path: PathBuf,
    passphrases: Arc<dyn Passphrases>,
    roll: Roll,
    /// What did not open it: guessing again takes as long as the first time, and comes to the same.
    refused: Refused,
    /// The key of the store, with the bytes of the file that it came from.
    unlocked: Mutex<Option<Unlocked>>,
}

/// The bytes of the file `store`, and the key that came from them.
type Unlocked = (Zeroizing<Vec<u8>>, StoreKey);

impl Folder {
    /// The keys in `path`, where there need not be any yet.
    pub fn new(path: impl Into<PathBuf>, passphrases: Arc<dyn Passphrases>) -> Self {
        Self {
            path: path.into(),
            passphrases,
            roll: Roll::default(),
            refused: Refused::default(),
            unlocked: Mutex::default(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is protected; none where there is no store yet.
    ///
    /// # Errors
    /// [`KeyError::Permissions`], [`KeyError::Damaged`], and what the system said.
    pub fn protection(&self) -> Result<Option<Kind>, KeyError> {
        match disk::check_folder(&self.path)? && unlock::exists(&self.path) {
            true => unlock::kind(&self.path, &unlock::read(&self.path)?).map(Some),
            false => Ok(None),
        }
    }

    /// Makes the folder and the store in it.
    ///
    /// # Errors
    /// [`KeyError::StoreExists`], [`KeyError::Rounds`], and what the system said.
    pub fn create(&self, protection: &Protection) -> Result<(), KeyError> {
        disk::make_folder(&self.path)?;
        disk::check_folder(&self.path)?;
        let lock = disk::lock(&self.path)?;
        match unlock::exists(&self.path) {
            true => Err(KeyError::StoreExists(self.path.clone())),
            false => {
                let key = unlock::create(&lock, &self.path, protection)?;
                let bytes = unlock::read(&self.path)?;
                *self.unlocked() = Some((bytes, key.into()));
                Ok(())
            }
        }
    }

    /// Puts the store under another protection and another key, and seals all keys anew: what was copied before, of
    /// keys or of the store, opens nothing of what is there afterwards.
    ///
    /// The store has both keys until all files are sealed anew. So it opens with the old passphrase or with the new one
    /// whenever the power fails; what is left to do is done when it is next opened.
    ///
    /// # Errors
    /// Those of opening it and of [`Folder::create`]; what is wrong with a key that does not open, and nothing has changed
    /// then.
    pub fn protect(&self, protection: &Protection) -> Result<(), KeyError> {
        // The passphrase may have to be typed in: nobody waits for that.
        self.unlock()?;
        let lock = disk::lock(&self.path)?;
        let mut old = self.unlock()?;
        if old.before.is_some() {
            self.settle(&lock, &old)?;
            old.before = None;
        }
        // What could not be sealed anew would be lost.
        shelf::check_all(self, &old)?;
        if matches!(protection, Protection::Machine) {
            unlock::make_machine_key(&lock, &self.path)?;
        }
        let new = StoreKey {
            now: sm4::Key::generate()?,
            before: Some(old.now),
        };
        unlock::write(&lock, &self.path, protection, &new)?;
        self.settle(&lock, &new)?;
        let bytes = unlock::read(&self.path)?;
        *self.unlocked() = Some((bytes, new.now.into()));
        Ok(())
    }

    /// Seals all keys under the key of now, and forgets the one before.
    fn settle(&self, lock: &Lock, key: &StoreKey) -> Result<(), KeyError> {
        shelf::reseal(self, lock, key)?;
        unlock::forget_before(lock, &self.path)
    }

    /// The same for a store that a power cut left in between, whose file had these bytes; what the file has then. Another
    /// may be at it, or the disk may refuse: the next who opens it tries again.
    fn try_settle(&self, bytes: &[u8], key: &StoreKey) -> Option<Zeroizing<Vec<u8>>> {
        let lock = disk::try_lock(&self.path).ok()??;
        // A passphrase takes its time: another may have settled it meanwhile and gone on to a further key, and keys that
        // are sealed under one it has still to forget would be lost with that.
        if *unlock::read(&self.path).ok()? != bytes {
            return None;
        }
        self.settle(&lock, key).ok()?;
        unlock::read(&self.path).ok()
    }

    fn unlocked(&self) -> std::sync::MutexGuard<'_, Option<Unlocked>> {
        self.unlocked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key of the store, as its file is now.
    fn unlock(&self) -> Result<StoreKey, KeyError> {
        if !disk::check_folder(&self.path)? {
            return Err(KeyError::NoStore(self.path.clone()));
        }
        let bytes = unlock::read(&self.path)?;
        // Held while it is unlocked: who comes meanwhile waits, and is not asked as well.
        let mut unlocked = self.unlocked();
        match &*unlocked {
            Some((known, key)) if *known == bytes => Ok(key.clone()),
            _ => {
                let mut key =
                    unlock::unlock(&self.path, &bytes, &*self.passphrases, &self.refused)?;
                let mut bytes = bytes;
                if key.before.is_some()
                    && let Some(settled) = self.try_settle(&bytes, &key)
                {
                    key.before = None;
                    bytes = settled;
                }
                *unlocked = Some((bytes, key.clone()));
                Ok(key)
            }
        }
    }
}

impl Shelf for Folder {
    type Hold<'a> = Lock;

    fn provider(&self) -> &str {
        SOFTWARE
    }

    fn key(&self) -> Result<StoreKey, KeyError> {
        self.unlock()
    }

    fn hold(&self) -> Result<Lock, KeyError> {
        match disk::check_folder(&self.path)? {
            true => disk::lock(&self.path),
            false => Err(KeyError::NoStore(self.path.clone())),
        }
    }

    fn place(&self, file: &str) -> PathBuf {
        self.path.join(file)
    }

    fn files(&self) -> Result<Vec<String>, KeyError> {
        if !disk::check_folder(&self.path)? {
            return Ok(Vec::new());
        }
        let cannot = || disk::fault("cannot list", &self.path);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(cannot())? {
            let entry = entry.map_err(cannot())?;
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }

    fn read(&self, file: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        disk::read(&self.path.join(file), LONGEST)
    }

    fn write(&self, held: &Lock, file: &str, bytes: &[u8]) -> Result<(), KeyError> {
        disk::write(held, &self.path, file, bytes)
    }

    fn erase(&self, held: &Lock, file: &str) -> Result<(), KeyError> {
        disk::erase(held, &self.path, file)
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), KeyError> {
        Ok(random(buffer)?)
    }

    fn mark(&self) -> Result<Option<Mark>, KeyError> {
        disk::mark(&self.path)
    }

    fn roll(&self) -> &Roll {
        &self.roll
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Folder({}, ..)", self.path.display())
    }
}

#[cfg(test)]
mod tests;
