//! All keys of a host, whoever keeps them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use weihe_kernel::audit::{Actor, Audit, Entry, NoAudit};

use super::checked::{Checked, Witness};
use super::folder::Folder;
use super::watch::Watch;
use super::{About, Algorithm, Key, KeyError, Listing, NewKey, Provider, Secret, Use, Uses};

/// What the audit trail says of keys; also the last level of the topic, `$audit/<action>`. The target is
/// `key/<name>`.
pub mod action {
    /// A key was made.
    pub const CREATED: &str = "key-created";
    /// A key that was made elsewhere was taken in.
    pub const IMPORTED: &str = "key-imported";
    /// A device used a version of a key so for the first time since the host began.
    pub const USED: &str = "key-used";
    /// A key, or a use of it, was refused.
    pub const REFUSED: &str = "key-refused";
    /// A key has a new version.
    pub const ROTATED: &str = "key-rotated";
    /// A certificate was attached.
    pub const CERTIFIED: &str = "key-certified";
    /// The key itself was taken out.
    pub const EXPORTED: &str = "key-exported";
    /// A version was destroyed.
    pub const DESTROYED: &str = "key-destroyed";
    /// The key store has another protection. The target is [`STORE`].
    pub const PROTECTED: &str = "key-store-protected";

    /// The key store as a target.
    pub const STORE: &str = "key-store";

    /// What commands do, which the next host puts on record.
    pub(in crate::keys) const OF_COMMANDS: [&str; 7] = [
        CREATED, IMPORTED, ROTATED, CERTIFIED, EXPORTED, DESTROYED, PROTECTED,
    ];
}

/// What the store shares with the keys that are open.
struct Shared {
    watch: Watch,
    /// Device, key and version of what was used, and to what.
    used: Mutex<BTreeSet<(String, String, u32, Use)>>,
}

/// The keys of all providers, by name.
///
/// Where two have a key of one name, the provider that was named first has it.
#[derive(Debug)]
pub struct KeyStore {
    shared: Arc<Shared>,
    notices: Vec<String>,
}

impl KeyStore {
    /// The keys of these providers; new ones are kept by the first that can. Nothing is opened yet.
    pub fn new(providers: Vec<Arc<dyn Provider>>) -> Self {
        Self {
            shared: Arc::new(Shared::new(providers, Arc::new(NoAudit), None)),
            notices: Vec::new(),
        }
    }

    /// Says in a trail what is done with keys.
    #[must_use]
    pub fn audited(mut self, audit: Arc<dyn Audit>) -> Self {
        let watch = &self.shared.watch;
        let (providers, journal) = (watch.providers().to_vec(), watch.journal().cloned());
        self.shared = Arc::new(Shared::new(providers, audit, journal));
        self
    }

    /// Takes up what commands wrote down beside the keys in a folder ([`Journal`](super::folder::Journal)), and puts it
    /// into the trail.
    #[must_use]
    pub fn taking_up(mut self, folder: Arc<Folder>) -> Self {
        let watch = &self.shared.watch;
        let (providers, audit) = (watch.providers().to_vec(), watch.audit().clone());
        self.shared = Arc::new(Shared::new(providers, audit, Some(folder)));
        self
    }

    /// Says that the store has another protection.
    pub fn was_protected(&self) {
        self.say(Entry::host(action::PROTECTED, action::STORE));
    }

    /// Adds what people should know of its providers: that a device cannot be used, and software does its work.
    #[must_use]
    pub fn noting(mut self, notices: Vec<String>) -> Self {
        self.notices = notices;
        self
    }

    /// What people should know of its providers.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Who keeps keys.
    pub fn providers(&self) -> &[Arc<dyn Provider>] {
        self.shared.watch.providers()
    }

    /// All versions of all keys.
    ///
    /// # Errors
    /// What stands in the way of looking at a provider.
    pub fn list(&self) -> Result<Listing, KeyError> {
        self.notice();
        let mut all = Listing::default();
        for provider in self.providers() {
            let listing = provider.list()?;
            all.keys.extend(listing.keys);
            all.damaged.extend(listing.damaged);
        }
        Ok(all)
    }

    /// Opens a version of a key for the host itself, the current one where no number is given. Its uses are checked
    /// each time.
    ///
    /// # Errors
    /// [`KeyError::Unknown`], [`KeyError::UnknownVersion`], and what is wrong with that version.
    pub fn open(&self, name: &str, version: Option<u32>) -> Result<Arc<dyn Key>, KeyError> {
        self.open_as(Actor::Host, name, version, Uses::NONE)
    }

    /// Opens a version of a key for a device that wants to use it so. The trail says when a device first uses a
    /// version, and what it is refused.
    ///
    /// # Errors
    /// Those of [`KeyStore::open`]; [`KeyError::Use`], [`KeyError::Replaced`] and [`KeyError::NotExportable`] of what
    /// is wanted.
    pub fn open_for(
        &self,
        device: &str,
        name: &str,
        version: Option<u32>,
        wanted: Uses,
    ) -> Result<Arc<dyn Key>, KeyError> {
        let name_of_device = device.to_owned();
        self.open_as(
            Actor::Device {
                name: name_of_device,
            },
            name,
            version,
            wanted,
        )
    }

    fn open_as(
        &self,
        actor: Actor,
        name: &str,
        version: Option<u32>,
        wanted: Uses,
    ) -> Result<Arc<dyn Key>, KeyError> {
        self.notice();
        let opened = self.find(name).and_then(|provider| {
            let key = provider.open(name, version)?;
            wanted
                .iter()
                .try_for_each(|wanted| key.about().allow(wanted))?;
            Ok((key, provider.clone()))
        });
        match opened {
            Ok((key, provider)) => {
                let shared = self.shared.clone();
                let said = AtomicU8::new(0);
                let user = Box::new(User {
                    actor,
                    shared,
                    said,
                });
                Ok(Arc::new(Checked::new(key, provider, user)))
            }
            Err(error) => {
                let entry = Entry::new(actor, action::REFUSED, target(name));
                self.say(entry.refused(&error).often("open"));
                Err(error)
            }
        }
    }

    /// Makes a key, in the first provider that can keep it.
    ///
    /// # Errors
    /// [`KeyError::Exists`], those of [`NewKey::check`], and what stood in the way.
    pub fn generate(&self, new: &NewKey) -> Result<About, KeyError> {
        let provider = self.keeper(new)?;
        self.made(action::CREATED, provider.generate(new))
    }

    /// Takes in a key that was made elsewhere.
    ///
    /// # Errors
    /// Those of [`KeyStore::generate`]; [`KeyError::Algorithm`] where the secret is not one of its algorithm.
    pub fn import(&self, new: &NewKey, secret: &Secret) -> Result<About, KeyError> {
        let provider = self.keeper(new)?;
        self.made(action::IMPORTED, provider.import(new, secret))
    }

    /// Makes the next version of a key.
    ///
    /// # Errors
    /// [`KeyError::Unknown`], and what stood in the way.
    pub fn rotate(&self, name: &str) -> Result<About, KeyError> {
        self.made(action::ROTATED, self.find(name)?.rotate(name))
    }

    /// Attaches a certificate to a version of a key, and those of its issuers, which follow it in `chain`. Whether it is
    /// one for it is for who has the means to read it.
    ///
    /// # Errors
    /// [`KeyError::Unknown`], and what stood in the way.
    pub fn attach(
        &self,
        name: &str,
        version: Option<u32>,
        chain: &[Vec<u8>],
    ) -> Result<About, KeyError> {
        self.made(
            action::CERTIFIED,
            self.find(name)?.attach(name, version, chain),
        )
    }

    /// Destroys a version of a key, or all of them, and says which ones.
    ///
    /// # Errors
    /// [`KeyError::Unknown`], [`KeyError::InUse`], and what stood in the way.
    pub fn destroy(&self, name: &str, version: Option<u32>) -> Result<Vec<u32>, KeyError> {
        self.notice();
        let destroyed = self.find(name)?.destroy(name, version)?;
        for version in &destroyed {
            self.say(Entry::host(action::DESTROYED, target(name)).detail("version", *version));
            self.shared.watch.destroyed(name, *version);
        }
        Ok(destroyed)
    }

    /// Says what has changed since it last looked: another process may have changed it (`weihe key`). It waits for disks
    /// and devices, as opening a key does.
    pub fn notice(&self) {
        self.shared.watch.notice();
    }

    fn made(&self, what: &'static str, made: Result<About, KeyError>) -> Result<About, KeyError> {
        let about = made?;
        self.say(
            Entry::host(what, target(&about.name))
                .detail("version", about.version)
                .detail("algorithm", about.algorithm.name())
                .detail("provider", about.provider.clone()),
        );
        self.shared.watch.made(&about.name, about.version);
        Ok(about)
    }

    /// Who keeps the key.
    fn find(&self, name: &str) -> Result<&Arc<dyn Provider>, KeyError> {
        let mut known = BTreeSet::new();
        for provider in self.providers() {
            let names = provider.names()?;
            if names.iter().any(|(other, _)| other == name) {
                return Ok(provider);
            }
            known.extend(names.into_iter().map(|(name, _)| name));
        }
        Err(KeyError::Unknown {
            name: name.to_owned(),
            known: known.into_iter().collect(),
        })
    }

    /// Who is to keep a new key.
    fn keeper(&self, new: &NewKey) -> Result<&Arc<dyn Provider>, KeyError> {
        new.check()?;
        self.notice();
        if self.find(&new.name).is_ok() {
            return Err(KeyError::Exists {
                name: new.name.clone(),
            });
        }
        let mut why = unable(new.algorithm);
        for provider in self.providers() {
            match provider.can(new.algorithm) {
                Ok(()) => return Ok(provider),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    fn say(&self, entry: Entry) {
        self.shared.watch.audit().record(entry);
    }
}

impl Shared {
    fn new(
        providers: Vec<Arc<dyn Provider>>,
        audit: Arc<dyn Audit>,
        journal: Option<Arc<Folder>>,
    ) -> Self {
        Self {
            watch: Watch::new(providers, audit, journal),
            used: Mutex::default(),
        }
    }
}

fn unable(algorithm: Algorithm) -> KeyError {
    KeyError::Unable {
        provider: "this host".to_owned(),
        algorithm,
        reason: "nothing keeps keys here".to_owned(),
    }
}

pub(super) fn target(name: &str) -> String {
    format!("key/{name}")
}

/// Who has a key open.
struct User {
    actor: Actor,
    shared: Arc<Shared>,
    /// The uses that were looked at already, a bit each.
    said: AtomicU8,
}

impl User {
    /// Whether this use is the first of its kind.
    fn is_first(&self, device: &str, about: &About, wanted: Use) -> bool {
        let bit = 1 << wanted as u8;
        if self.said.fetch_or(bit, Ordering::Relaxed) & bit != 0 {
            return false;
        }
        let what = (device.to_owned(), about.name.clone(), about.version, wanted);
        let mut used = self
            .shared
            .used
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        used.insert(what)
    }
}

impl Witness for User {
    fn used(&self, about: &About, wanted: Use) {
        let entry = |what| {
            Entry::new(self.actor.clone(), what, target(&about.name))
                .detail("version", about.version)
                .detail("provider", about.provider.clone())
        };
        let audit = self.shared.watch.audit();
        match &self.actor {
            // What goes out is recorded each time; of one key within a minute, the others are counted.
            Actor::Device { .. } if wanted == Use::Export => {
                let kind = format!("{}@{}", about.name, about.version);
                audit.record(entry(action::EXPORTED).often(kind));
            }
            Actor::Device { name } if self.is_first(name, about, wanted) => {
                audit.record(entry(action::USED).detail("use", wanted.name()));
            }
            Actor::Device { .. } => {}
            // The host is no user to watch, but what it lets out is.
            _ if wanted == Use::Export => audit.record(entry(action::EXPORTED)),
            _ => {}
        }
    }

    fn refused(&self, about: &About, wanted: Use, error: &KeyError) {
        let entry = Entry::new(self.actor.clone(), action::REFUSED, target(&about.name))
            .detail("version", about.version)
            .detail("use", wanted.name())
            .refused(error)
            .often(wanted.name());
        let watch = &self.shared.watch;
        match error {
            KeyError::Replaced { .. } | KeyError::Gone { .. } => {
                let gone = matches!(error, KeyError::Gone { .. });
                let version = format!("{}@{} {} {gone}", about.name, about.version, about.id);
                watch.refused(entry, version);
            }
            _ => watch.audit().record(entry),
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared(..)")
    }
}
