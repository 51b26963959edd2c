//! What one instance does with keys: names, grants, uses and limits are checked here. Without wasm.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::capability::Shared;
use crate::error::GuomiError;
use crate::grant::Grant;
use crate::keys::{About, Algorithm, Key, Use, Uses};
use crate::limits::{HANDLES, NAME_BYTES};
use crate::memory::MEMORY;
use crate::worker::{Effort, Workers};

/// Keys as one instance of a device sees them.
pub struct Session {
    shared: Arc<Shared>,
    device: Arc<str>,
    grant: Arc<Grant>,
    /// How many handles are open.
    open: Arc<AtomicU32>,
}

/// A place among the handles of an instance; free again when it is dropped.
pub struct Place(Arc<AtomicU32>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a device was granted of a key.
#[derive(Debug, Clone)]
pub struct Allowed {
    /// What the key store calls it.
    pub key: String,
    /// The uses that are granted.
    pub uses: Uses,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, device: &str, grant: Arc<Grant>) -> Self {
        Self {
            shared,
            device: device.into(),
            grant,
            open: Arc::default(),
        }
    }

    /// Where long work is done.
    pub fn workers(&self) -> &Workers {
        &self.shared.workers
    }

    /// A place for one more handle.
    pub fn place(&self) -> Result<Place, GuomiError> {
        let place = Place(self.open.clone());
        if self.open.fetch_add(1, Ordering::Relaxed) >= HANDLES {
            return Err(GuomiError::Busy(format!(
                "device `{}` has {HANDLES} handles of cryptography open, and may have no more",
                self.device
            )));
        }
        Ok(place)
    }

    /// What is granted of a key by the name that the plugin opens.
    fn granted(&self, alias: &str) -> Result<Allowed, GuomiError> {
        if let Some((key, uses)) = self.grant.find(alias) {
            return Ok(Allowed { key, uses });
        }
        let shown = &alias[..alias.floor_char_boundary(NAME_BYTES)];
        let granted: Vec<_> = self.grant.aliases().collect();
        let device = &self.device;
        let reason = match granted.as_slice() {
            [] => format!("key `{shown}` is not granted to device `{device}`"),
            some => format!(
                "key `{shown}` is not granted to device `{device}`; granted are `{}`",
                some.join("`, `")
            ),
        };
        Err(GuomiError::NotGranted {
            key: shown.to_owned(),
            reason,
        })
    }

    /// Whether all of these uses of a key are granted.
    fn allowed(&self, alias: &str, wanted: Uses) -> Result<Allowed, GuomiError> {
        let allowed = self.granted(alias)?;
        match wanted.iter().find(|wanted| !allowed.uses.contains(*wanted)) {
            None => Ok(allowed),
            Some(missing) => Err(GuomiError::NotGranted {
                key: alias.to_owned(),
                reason: format!(
                    "key `{alias}` is granted to device `{}` to {}, not to {missing}",
                    self.device, allowed.uses
                ),
            }),
        }
    }

    /// Opens a key for uses that must be granted, and that it must have been made for; says with it what is granted of it
    /// in all.
    pub async fn open(
        &self,
        alias: &str,
        version: Option<u32>,
        algorithms: &[Algorithm],
        wanted: Uses,
    ) -> Result<(Arc<dyn Key>, Uses), GuomiError> {
        let allowed = self.allowed(alias, wanted)?;
        let key = self.fetch(allowed.key, version, wanted).await?;
        let about = key.about();
        if !algorithms.contains(&about.algorithm) {
            let expected: Vec<_> = algorithms.iter().map(|one| one.name()).collect();
            return Err(GuomiError::WrongUse(format!(
                "key `{alias}` is one of {}, where one of {} is needed",
                about.algorithm,
                expected.join(" or ")
            )));
        }
        for wanted in wanted.iter() {
            about.allow(wanted)?;
        }
        Ok((key, allowed.uses))
    }

    /// What is known of a key that is granted in some way, and which of its uses are.
    pub async fn look(
        &self,
        alias: &str,
        version: Option<u32>,
    ) -> Result<(About, Uses), GuomiError> {
        let allowed = self.granted(alias)?;
        let key = self.fetch(allowed.key, version, Uses::NONE).await?;
        let about = key.about().clone();
        let can = allowed.uses.iter().filter(|one| about.allow(*one).is_ok());
        let can = can.collect();
        Ok((about, can))
    }

    /// A key of the store. What keeps it may have to be waited for.
    async fn fetch(
        &self,
        key: String,
        version: Option<u32>,
        wanted: Uses,
    ) -> Result<Arc<dyn Key>, GuomiError> {
        let (shared, device) = (self.shared.clone(), self.device.clone());
        let open = move || Ok(shared.keys.open(&device, &key, version, wanted)?);
        self.workers().run(Effort::Hardware, open).await
    }
}

/// What the provider of keys in files is called.
const SOFTWARE: &str = "software";

/// How much an operation with a key is: what keeps it in hardware takes its time.
pub fn effort(key: &dyn Key, in_software: Effort) -> Effort {
    in_software.or_hardware(!matches!(&*key.about().provider, SOFTWARE | MEMORY))
}

/// The error of a key that was not opened for a use.
pub fn not_open_for(key: &dyn Key, wanted: Use, open: Uses) -> GuomiError {
    let name = &key.about().name;
    GuomiError::WrongUse(match open.is_empty() {
        true => format!("key `{name}` was opened for nothing, and cannot {wanted}"),
        false => format!("key `{name}` was opened to {open}, not to {wanted}"),
    })
}
