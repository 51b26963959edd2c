//! What keeps sealed keys by the names of their files: a folder, or the memory of a token. The keys work here.

mod roll;
mod sealed;
mod secret;

use std::fmt::{self, Debug};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use weihe_sm::sm2::PublicKey;
use zeroize::Zeroizing;

use self::sealed::{Header, Resealing, Sealed};
use super::new::check_name;
use super::{
    About, Algorithm, Key, KeyError, Listing, NewKey, Provider, Secret, SoftKey, Standing, hex,
};

pub(super) use roll::{Mark, Roll};
pub(super) use sealed::{LONGEST, StoreKey};

const EXTENSION: &str = "key";

/// Keeps files by name. All that a key is, its versions and its seal, is the same for all of them.
pub(super) trait Shelf: Send + Sync + Debug {
    /// Held by who writes; nobody else does until it is dropped.
    type Hold<'a>
    where
        Self: 'a;

    /// What it is called as a provider.
    fn provider(&self) -> &str;
    /// The key of the store.
    fn key(&self) -> Result<StoreKey, KeyError>;
    fn hold(&self) -> Result<Self::Hold<'_>, KeyError>;
    /// Where a file is, for errors.
    fn place(&self, file: &str) -> PathBuf;
    /// The names of what is there, keys or not.
    fn files(&self) -> Result<Vec<String>, KeyError>;
    fn read(&self, file: &str) -> Result<Zeroizing<Vec<u8>>, KeyError>;
    /// Writes a file as a whole or not at all, in place of the one before.
    fn write(&self, held: &Self::Hold<'_>, file: &str, bytes: &[u8]) -> Result<(), KeyError>;
    fn erase(&self, held: &Self::Hold<'_>, file: &str) -> Result<(), KeyError>;
    fn random(&self, buffer: &mut [u8]) -> Result<(), KeyError>;
    /// What changes when a file comes or goes; none while that cannot be told. It is asked before each use of a key.
    fn mark(&self) -> Result<Option<Mark>, KeyError>;
    /// What was there when it last was looked at.
    fn roll(&self) -> &Roll;
}

/// The versions of one key: those that there are, and the one in use.
struct Versions {
    all: Vec<u32>,
    current: u32,
}

impl Versions {
    fn of<S: Shelf + ?Sized>(shelf: &S, name: &str) -> Result<Self, KeyError> {
        let all = names(shelf)?;
        let of_name = all.iter().filter(|(other, _)| other == name);
        let versions: Vec<_> = of_name.map(|(_, version)| *version).collect();
        match versions.last() {
            Some(current) => Ok(Self {
                current: *current,
                all: versions,
            }),
            None => {
                let mut known: Vec<_> = all.into_iter().map(|(name, _)| name).collect();
                known.dedup();
                let name = name.to_owned();
                Err(KeyError::Unknown { name, known })
            }
        }
    }

    /// The version that is meant.
    fn find(&self, name: &str, version: Option<u32>) -> Result<u32, KeyError> {
        let version = version.unwrap_or(self.current);
        match self.all.contains(&version) {
            true => Ok(version),
            false => Err(KeyError::UnknownVersion {
                name: name.to_owned(),
                version,
            }),
        }
    }
}

/// Reads a version and opens it.
fn load<S: Shelf + ?Sized>(
    shelf: &S,
    store: &StoreKey,
    name: &str,
    version: u32,
    current: bool,
) -> Result<SoftKey, KeyError> {
    let file = file_name(name, version);
    let bytes = shelf.read(&file)?;
    let damaged = |reason: &dyn fmt::Display| KeyError::Damaged {
        path: shelf.place(&file),
        reason: reason.to_string(),
    };
    let sealed = Sealed::parse(&bytes).map_err(|damage| damaged(&damage))?;
    let secret = sealed.open(store).map_err(|damage| damaged(&damage))?;
    let header = sealed.header;
    if (header.name.as_str(), header.version) != (name, version) {
        return Err(damaged(&format!(
            "it is the file of version {} of key `{}` under another name",
            header.version, header.name
        )));
    }
    let secret = Secret::from_bytes(header.algorithm, &secret).map_err(|error| damaged(&error))?;
    let about = about(header, current, shelf.provider())
        .ok_or_else(|| damaged(&"its header names no public key or certificate"))?;
    Ok(SoftKey::new(about, secret))
}

/// The same for who does not hold the shelf: the store may be put under another key between the two.
fn load_freely<S: Shelf + ?Sized>(
    shelf: &S,
    store: &mut StoreKey,
    name: &str,
    version: u32,
    current: bool,
) -> Result<SoftKey, KeyError> {
    let loaded = load(shelf, store, name, version, current);
    if !matches!(loaded, Err(KeyError::Damaged { .. })) {
        return loaded;
    }
    let now = shelf.key()?;
    if now.now.as_bytes() == store.now.as_bytes() {
        return loaded;
    }
    *store = now;
    load(shelf, store, name, version, current)
}

/// Seals a version and writes it.
fn save<S: Shelf + ?Sized>(
    shelf: &S,
    held: &S::Hold<'_>,
    store: &StoreKey,
    about: &About,
    secret: &Secret,
) -> Result<(), KeyError> {
    let bytes = sealed::seal(&store.now, &header(about), &secret.to_bytes())?;
    shelf.write(held, &file_name(&about.name, about.version), &bytes)
}

/// Begins to write: nobody else does, and the key is the one that the store has meanwhile.
fn begin<S: Shelf + ?Sized>(shelf: &S) -> Result<(S::Hold<'_>, StoreKey), KeyError> {
    // The passphrase may have to be typed in: nobody waits for that.
    shelf.key()?;
    let held = shelf.hold()?;
    // Who held it before may have put the store under another key.
    let store = shelf.key()?;
    Ok((held, store))
}

/// Seals all keys anew that are not sealed under the key of the store as it is from now on.
pub(super) fn reseal<S: Shelf + ?Sized>(
    shelf: &S,
    held: &S::Hold<'_>,
    store: &StoreKey,
) -> Result<(), KeyError> {
    for (name, version) in names(shelf)? {
        let file = file_name(&name, version);
        let bytes = shelf.read(&file)?;
        let resealed = sealed::reseal(&bytes, store).map_err(|error| match error {
            Resealing::Damage(damage) => KeyError::Damaged {
                path: shelf.place(&file),
                reason: damage.to_string(),
            },
            Resealing::Key(error) => error,
        })?;
        if let Some(bytes) = resealed {
            shelf.write(held, &file, &bytes)?;
        }
    }
    Ok(())
}

/// Whether all keys open.
///
/// # Errors
/// What is wrong with the first that does not.
pub(super) fn check_all<S: Shelf + ?Sized>(shelf: &S, store: &StoreKey) -> Result<(), KeyError> {
    for (name, version) in names(shelf)? {
        load(shelf, store, &name, version, true)?;
    }
    Ok(())
}

fn add<S: Shelf + ?Sized>(shelf: &S, new: &NewKey, secret: &Secret) -> Result<About, KeyError> {
    let (held, store) = begin(shelf)?;
    if Versions::of(shelf, &new.name).is_ok() {
        let name = new.name.clone();
        return Err(KeyError::Exists { name });
    }
    let about = About {
        name: new.name.clone(),
        algorithm: new.algorithm,
        version: 1,
        id: new_id()?,
        current: true,
        created: now(),
        exportable: new.exportable,
        uses: new.uses,
        public_key: public(secret),
        certificate: None,
        issuers: Vec::new(),
        provider: shelf.provider().to_owned(),
    };
    save(shelf, &held, &store, &about, secret)?;
    Ok(about)
}

fn names<S: Shelf + ?Sized>(shelf: &S) -> Result<Vec<(String, u32)>, KeyError> {
    let files = shelf.files()?;
    let mut names: Vec<_> = files.iter().filter_map(|file| parse_name(file)).collect();
    names.sort();
    // A token may have two files of one name, where the power failed while one was written.
    names.dedup();
    Ok(names)
}

impl<S: Shelf> Provider for S {
    fn name(&self) -> &str {
        self.provider()
    }

    fn can(&self, _algorithm: Algorithm) -> Result<(), KeyError> {
        Ok(())
    }

    fn list(&self) -> Result<Listing, KeyError> {
        let names = names(self)?;
        let mut listing = Listing::default();
        if names.is_empty() {
            return Ok(listing);
        }
        let mut store = self.key()?;
        for (at, (name, version)) in names.iter().enumerate() {
            let current = names.get(at + 1).is_none_or(|(next, _)| next != name);
            match load_freely(self, &mut store, name, *version, current) {
                Ok(key) => listing.keys.push(key.about),
                Err(error) => listing.damaged.push(error),
            }
        }
        Ok(listing)
    }

    fn names(&self) -> Result<Vec<(String, u32)>, KeyError> {
        names(self)
    }

    fn open(&self, name: &str, version: Option<u32>) -> Result<Arc<dyn Key>, KeyError> {
        let versions = Versions::of(self, name)?;
        let version = versions.find(name, version)?;
        let current = version == versions.current;
        let mut store = self.key()?;
        let key = load_freely(self, &mut store, name, version, current)?;
        Ok(Arc::new(key))
    }

    fn standing(&self, about: &About) -> Result<Standing, KeyError> {
        roll::standing(self, about)
    }

    fn generate(&self, new: &NewKey) -> Result<About, KeyError> {
        new.check()?;
        add(self, new, &Secret::generate(new.algorithm)?)
    }

    fn import(&self, new: &NewKey, secret: &Secret) -> Result<About, KeyError> {
        new.check()?;
        match secret.algorithm() == new.algorithm {
            true => add(self, new, secret),
            false => Err(KeyError::Algorithm {
                expected: new.algorithm,
                found: secret.algorithm(),
            }),
        }
    }

    fn rotate(&self, name: &str) -> Result<About, KeyError> {
        let (held, store) = begin(self)?;
        let last = Versions::of(self, name)?.current;
        let old = load(self, &store, name, last, true)?.about;
        let secret = Secret::generate(old.algorithm)?;
        let about = About {
            version: last + 1,
            id: new_id()?,
            created: now(),
            public_key: public(&secret),
            certificate: None,
            issuers: Vec::new(),
            ..old
        };
        save(self, &held, &store, &about, &secret)?;
        Ok(about)
    }

    fn attach(
        &self,
        name: &str,
        version: Option<u32>,
        chain: &[Vec<u8>],
    ) -> Result<About, KeyError> {
        let (held, store) = begin(self)?;
        let versions = Versions::of(self, name)?;
        let version = versions.find(name, version)?;
        let mut key = load(self, &store, name, version, version == versions.current)?;
        let (certificate, issuers) = match chain.split_first() {
            Some((first, issuers)) => (Some(first.clone()), issuers.to_vec()),
            None => (None, Vec::new()),
        };
        (key.about.certificate, key.about.issuers) = (certificate, issuers);
        save(self, &held, &store, &key.about, &key.secret)?;
        Ok(key.about)
    }

    fn destroy(&self, name: &str, version: Option<u32>) -> Result<Vec<u32>, KeyError> {
        check_name(name)?;
        // Without the key of the store: who may write there could remove the file anyway.
        let held = self.hold()?;
        let versions = Versions::of(self, name)?;
        let doomed = match version {
            None => versions.all,
            Some(_) => {
                let version = versions.find(name, version)?;
                // Its number would be given out again, and an old version would be the one in use.
                if versions.all.len() > 1 && version == versions.current {
                    let name = name.to_owned();
                    return Err(KeyError::InUse { name, version });
                }
                vec![version]
            }
        };
        for version in &doomed {
            self.erase(&held, &file_name(name, *version))?;
        }
        Ok(doomed)
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), KeyError> {
        Shelf::random(self, buffer)
    }
}

fn file_name(name: &str, version: u32) -> String {
    format!("{name}.{version}.{EXTENSION}")
}

/// Name and version in the name of a file; none where it is not one of a key.
fn parse_name(file: &str) -> Option<(String, u32)> {
    let stem = file.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    let (name, version) = stem.rsplit_once('.')?;
    let number: u32 = version.parse().ok()?;
    // `+1` and `01` are numbers to the parser, but no versions; nothing could follow the last one.
    let right = (1..u32::MAX).contains(&number) && number.to_string() == version;
    (right && check_name(name).is_ok()).then(|| (name.to_owned(), number))
}

fn public(secret: &Secret) -> Option<PublicKey> {
    match secret {
        Secret::Sm2(key) => Some(key.public_key()),
        _ => None,
    }
}

/// Sixteen random bytes in digits.
fn new_id() -> Result<String, KeyError> {
    let mut bytes = [0; 16];
    weihe_sm::random(&mut bytes)?;
    Ok(hex::digits(&bytes))
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map(|since| since.as_secs()).unwrap_or_default()
}

fn header(about: &About) -> Header {
    Header {
        name: about.name.clone(),
        version: about.version,
        id: about.id.clone(),
        algorithm: about.algorithm,
        created: about.created,
        exportable: about.exportable,
        uses: about.uses,
        public: about.public_key.map(|key| hex::digits(&key.to_sec1())),
        certificate: about.certificate.as_deref().map(hex::digits),
        issuers: about.issuers.iter().map(|der| hex::digits(der)).collect(),
    }
}

/// None where the header says what cannot be.
fn about(header: Header, current: bool, provider: &str) -> Option<About> {
    let public_key = match header.public {
        Some(digits) => Some(PublicKey::from_sec1(&hex::bytes(&digits)?).ok()?),
        None => None,
    };
    let certificate = match header.certificate {
        Some(digits) => Some(hex::bytes(&digits)?),
        None => None,
    };
    let issuers = header.issuers.iter().map(|digits| hex::bytes(digits));
    Some(About {
        name: header.name,
        algorithm: header.algorithm,
        version: header.version,
        id: header.id,
        current,
        created: header.created,
        exportable: header.exportable,
        uses: header.uses,
        public_key,
        certificate,
        issuers: issuers.collect::<Option<_>>()?,
        provider: provider.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_written_are_read() {
        assert_eq!(parse_name("valve.12.key"), Some(("valve".to_owned(), 12)));
        for other in [
            "valve.key",
            "valve.01.key",
            "valve.+1.key",
            "valve.0.key",
            "valve.4294967295.key",
            "Valve.1.key",
            ".valve.1.key.new",
            "machine.key",
            "store",
        ] {
            assert_eq!(parse_name(other), None, "{other}");
        }
    }
}
