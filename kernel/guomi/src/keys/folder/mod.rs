//! Keys in files: a folder, and a file for each version of a key.
//!
//! | file | what |
//! |---|---|
//! | `store` | the key of the store, sealed under what a passphrase or the machine gives |
//! | `machine.key` | the random part of that, where the machine protects the store |
//! | `NAME.VERSION.key` | a version of a key, sealed under the key of the store |
//! | `lock` | held by who writes |
//!
//! The folder and its files are of their owner alone, or they are not opened.

mod disk;
mod key;
mod passphrase;
mod sealed;
mod secret;
#[cfg(test)]
mod tests;
mod unlock;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use weihe_sm::{random, sm2::PublicKey, sm4};
use zeroize::Zeroizing;

use self::disk::Lock;
use self::key::SoftKey;
use self::sealed::{Header, Sealed};
use super::new::check_name;
use super::{About, Algorithm, Key, KeyError, Listing, NewKey, Provider, Secret, hex};

pub use passphrase::{Passphrase, Passphrases};
pub use unlock::{FEWEST_ROUNDS, Kind, MOST_ROUNDS, Protection, ROUNDS};

/// What it is called as a provider.
pub const SOFTWARE: &str = "software";

const EXTENSION: &str = "key";

/// Keys in the files of one folder.
///
/// It is opened when it is first needed, and the passphrase is asked for then. Each call looks at the files as they
/// are: what another process has changed is there at once.
pub struct Folder {
    path: PathBuf,
    passphrases: Arc<dyn Passphrases>,
    /// The key of the store, with the bytes of the file that it came from.
    unlocked: Mutex<Option<(Zeroizing<Vec<u8>>, sm4::Key)>>,
}

impl Folder {
    /// The keys in `path`, where there need not be any yet.
    pub fn new(path: impl Into<PathBuf>, passphrases: Arc<dyn Passphrases>) -> Self {
        Self {
            path: path.into(),
            passphrases,
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
                *self.unlocked() = Some((bytes, key));
                Ok(())
            }
        }
    }

    /// Puts the store under another protection. The files of the keys stay as they are.
    ///
    /// # Errors
    /// Those of opening it and of [`Folder::create`].
    pub fn protect(&self, protection: &Protection) -> Result<(), KeyError> {
        let (lock, key) = self.begin()?;
        match protection {
            Protection::Machine => unlock::make_machine_key(&lock, &self.path)?,
            Protection::Passphrase(..) => {}
        }
        unlock::write(&lock, &self.path, protection, &key)
    }

    fn unlocked(&self) -> std::sync::MutexGuard<'_, Option<(Zeroizing<Vec<u8>>, sm4::Key)>> {
        self.unlocked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key of the store, as its file is now.
    fn unlock(&self) -> Result<sm4::Key, KeyError> {
        if !disk::check_folder(&self.path)? {
            return Err(KeyError::NoStore(self.path.clone()));
        }
        let bytes = unlock::read(&self.path)?;
        // Held while it is unlocked: who comes meanwhile waits, and is not asked as well.
        let mut unlocked = self.unlocked();
        match &*unlocked {
            Some((known, key)) if *known == bytes => Ok(key.clone()),
            _ => {
                let key = unlock::unlock(&self.path, &bytes, &*self.passphrases)?;
                *unlocked = Some((bytes, key.clone()));
                Ok(key)
            }
        }
    }

    /// Begins to write: nobody else does until the lock is dropped.
    fn begin(&self) -> Result<(Lock, sm4::Key), KeyError> {
        // The passphrase may have to be typed in: nobody waits for that.
        let key = self.unlock()?;
        Ok((disk::lock(&self.path)?, key))
    }

    fn file(&self, name: &str, version: u32) -> PathBuf {
        self.path.join(file_name(name, version))
    }

    /// The numbers of the versions of a key, the lowest first; one at least.
    fn versions(&self, name: &str) -> Result<Vec<u32>, KeyError> {
        let all = self.names()?;
        let of_name = all.iter().filter(|(other, _)| other == name);
        let versions: Vec<_> = of_name.map(|(_, version)| *version).collect();
        if versions.is_empty() {
            let mut known: Vec<_> = all.into_iter().map(|(name, _)| name).collect();
            known.dedup();
            return Err(KeyError::Unknown {
                name: name.to_owned(),
                known,
            });
        }
        Ok(versions)
    }

    /// Reads a version and opens it.
    fn read(
        &self,
        store: &sm4::Key,
        name: &str,
        version: u32,
        current: bool,
    ) -> Result<SoftKey, KeyError> {
        let path = self.file(name, version);
        let bytes = disk::read(&path, sealed::LONGEST)?;
        let damaged = |reason: &dyn fmt::Display| disk::damaged(&path, reason);
        let sealed = Sealed::parse(&bytes).map_err(|damage| damaged(&damage))?;
        let secret = sealed.open(store).map_err(|damage| damaged(&damage))?;
        let header = sealed.header;
        if (header.name.as_str(), header.version) != (name, version) {
            return Err(damaged(&format!(
                "it is the file of version {} of key `{}` under another name",
                header.version, header.name
            )));
        }
        let secret =
            Secret::from_bytes(header.algorithm, &secret).map_err(|error| damaged(&error))?;
        let about = about(header, current)
            .ok_or_else(|| damaged(&"its header names no public key or certificate"))?;
        Ok(SoftKey { about, secret })
    }

    /// Seals a version and writes it.
    fn write(
        &self,
        lock: &Lock,
        store: &sm4::Key,
        about: &About,
        secret: &Secret,
    ) -> Result<(), KeyError> {
        let bytes = sealed::seal(store, &header(about), &secret.to_bytes())?;
        disk::write(
            lock,
            &self.path,
            &file_name(&about.name, about.version),
            &bytes,
        )
    }

    fn add(&self, new: &NewKey, secret: &Secret) -> Result<About, KeyError> {
        let (lock, store) = self.begin()?;
        if self.versions(&new.name).is_ok() {
            return Err(KeyError::Exists {
                name: new.name.clone(),
            });
        }
        let about = About {
            name: new.name.clone(),
            algorithm: new.algorithm,
            version: 1,
            current: true,
            created: now(),
            exportable: new.exportable,
            uses: new.uses,
            public_key: public(secret),
            certificate: None,
            provider: SOFTWARE.to_owned(),
        };
        self.write(&lock, &store, &about, secret)?;
        Ok(about)
    }
}

impl Provider for Folder {
    fn name(&self) -> &str {
        SOFTWARE
    }

    fn can(&self, _algorithm: Algorithm) -> Result<(), KeyError> {
        Ok(())
    }

    fn list(&self) -> Result<Listing, KeyError> {
        let names = self.names()?;
        let mut listing = Listing::default();
        if names.is_empty() {
            return Ok(listing);
        }
        let store = self.unlock()?;
        for (at, (name, version)) in names.iter().enumerate() {
            let current = names.get(at + 1).is_none_or(|(next, _)| next != name);
            match self.read(&store, name, *version, current) {
                Ok(key) => listing.keys.push(key.about),
                Err(error) => listing.damaged.push(error),
            }
        }
        Ok(listing)
    }

    fn names(&self) -> Result<Vec<(String, u32)>, KeyError> {
        if !disk::check_folder(&self.path)? {
            return Ok(Vec::new());
        }
        let cannot = || disk::fault("cannot list", &self.path);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(cannot())? {
            let entry = entry.map_err(cannot())?;
            names.extend(parse_name(&entry.file_name().to_string_lossy()));
        }
        names.sort();
        Ok(names)
    }

    fn open(&self, name: &str, version: Option<u32>) -> Result<Arc<dyn Key>, KeyError> {
        let versions = self.versions(name)?;
        let current = versions.last().copied().unwrap_or_default();
        let version = version.unwrap_or(current);
        if !versions.contains(&version) {
            return Err(KeyError::UnknownVersion {
                name: name.to_owned(),
                version,
            });
        }
        let store = self.unlock()?;
        Ok(Arc::new(self.read(
            &store,
            name,
            version,
            version == current,
        )?))
    }

    fn generate(&self, new: &NewKey) -> Result<About, KeyError> {
        new.check()?;
        self.add(new, &Secret::generate(new.algorithm)?)
    }

    fn import(&self, new: &NewKey, secret: &Secret) -> Result<About, KeyError> {
        new.check()?;
        match secret.algorithm() == new.algorithm {
            true => self.add(new, secret),
            false => Err(KeyError::Algorithm {
                expected: new.algorithm,
                found: secret.algorithm(),
            }),
        }
    }

    fn rotate(&self, name: &str) -> Result<About, KeyError> {
        let (lock, store) = self.begin()?;
        let last = self.versions(name)?.last().copied().unwrap_or_default();
        let old = self.read(&store, name, last, true)?.about;
        let secret = Secret::generate(old.algorithm)?;
        let about = About {
            version: last + 1,
            created: now(),
            public_key: public(&secret),
            certificate: None,
            ..old
        };
        self.write(&lock, &store, &about, &secret)?;
        Ok(about)
    }

    fn attach(
        &self,
        name: &str,
        version: Option<u32>,
        certificate: &[u8],
    ) -> Result<About, KeyError> {
        let (lock, store) = self.begin()?;
        let versions = self.versions(name)?;
        let current = versions.last().copied().unwrap_or_default();
        let version = version.unwrap_or(current);
        if !versions.contains(&version) {
            return Err(KeyError::UnknownVersion {
                name: name.to_owned(),
                version,
            });
        }
        let mut key = self.read(&store, name, version, version == current)?;
        key.about.certificate = Some(certificate.to_vec());
        self.write(&lock, &store, &key.about, &key.secret)?;
        Ok(key.about)
    }

    fn destroy(&self, name: &str, version: Option<u32>) -> Result<Vec<u32>, KeyError> {
        check_name(name)?;
        if !disk::check_folder(&self.path)? {
            return Err(KeyError::NoStore(self.path.clone()));
        }
        // Without the passphrase: who may write to the folder could remove the file anyway.
        let lock = disk::lock(&self.path)?;
        let versions = self.versions(name)?;
        let doomed = match version {
            None => versions,
            Some(version) if !versions.contains(&version) => {
                return Err(KeyError::UnknownVersion {
                    name: name.to_owned(),
                    version,
                });
            }
            // Its number would be given out again, and an old version would be the one in use.
            Some(version) if versions.len() > 1 && versions.last() == Some(&version) => {
                return Err(KeyError::InUse {
                    name: name.to_owned(),
                    version,
                });
            }
            Some(version) => vec![version],
        };
        for version in &doomed {
            disk::erase(&lock, &self.path, &file_name(name, *version))?;
        }
        Ok(doomed)
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), KeyError> {
        Ok(random(buffer)?)
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Folder({}, ..)", self.path.display())
    }
}

fn file_name(name: &str, version: u32) -> String {
    format!("{name}.{version}.{EXTENSION}")
}

/// Name and version in the name of a file; none where it is not one of a key.
fn parse_name(file: &str) -> Option<(String, u32)> {
    let (name, version) = file
        .strip_suffix(EXTENSION)?
        .strip_suffix('.')?
        .rsplit_once('.')?;
    let number: u32 = version.parse().ok()?;
    // `+1` and `01` are numbers to the parser, but no versions.
    let right = number > 0 && number.to_string() == version && check_name(name).is_ok();
    right.then(|| (name.to_owned(), number))
}

fn public(secret: &Secret) -> Option<PublicKey> {
    match secret {
        Secret::Sm2(key) => Some(key.public_key()),
        _ => None,
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map(|since| since.as_secs()).unwrap_or_default()
}

fn header(about: &About) -> Header {
    Header {
        name: about.name.clone(),
        version: about.version,
        algorithm: about.algorithm,
        created: about.created,
        exportable: about.exportable,
        uses: about.uses,
        public: about.public_key.map(|key| hex::digits(&key.to_sec1())),
        certificate: about.certificate.as_deref().map(hex::digits),
    }
}

/// None where the header says what cannot be.
fn about(header: Header, current: bool) -> Option<About> {
    let public_key = match header.public {
        Some(digits) => Some(PublicKey::from_sec1(&hex::bytes(&digits)?).ok()?),
        None => None,
    };
    let certificate = match header.certificate {
        Some(digits) => Some(hex::bytes(&digits)?),
        None => None,
    };
    Some(About {
        name: header.name,
        algorithm: header.algorithm,
        version: header.version,
        current,
        created: header.created,
        exportable: header.exportable,
        uses: header.uses,
        public_key,
        certificate,
        provider: SOFTWARE.to_owned(),
    })
}
