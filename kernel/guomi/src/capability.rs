//! Keys and what is computed with them, as a capability of the kernel.

use std::sync::Arc;

use async_trait::async_trait;
use wasmtime::component::Linker;
use weihe_kernel::GuestState;
use weihe_kernel::capability::{Attachment, Capability, CommitError, GrantError, Granted};

use crate::grant::Grant;
use crate::guest;
use crate::keys::{About, Key, KeyError, KeyStore, Uses};
use crate::session::Session;
use crate::worker::Workers;

/// What the capability is called.
pub const GUOMI: &str = "guomi";

/// Where the capability finds keys: the host's key store, which says in the audit trail who opened what.
pub trait Keyring: Send + Sync + 'static {
    /// All versions of all keys.
    ///
    /// # Errors
    /// What stands in the way of looking.
    fn list(&self) -> Result<Vec<About>, KeyError>;

    /// Opens a version of a key, the current one where none is named, for a device, which wants to do this with it. Waits
    /// for hardware.
    ///
    /// # Errors
    /// [`KeyError::Unknown`], [`KeyError::UnknownVersion`], [`KeyError::Use`], and what is wrong with it.
    fn open(
        &self,
        device: &str,
        name: &str,
        version: Option<u32>,
        wanted: Uses,
    ) -> Result<Arc<dyn Key>, KeyError>;
}

impl Keyring for KeyStore {
    fn list(&self) -> Result<Vec<About>, KeyError> {
        Ok(Self::list(self)?.keys)
    }

    fn open(
        &self,
        device: &str,
        name: &str,
        version: Option<u32>,
        wanted: Uses,
    ) -> Result<Arc<dyn Key>, KeyError> {
        self.open_for(device, name, version, wanted)
    }
}

/// The capability `guomi`.
///
/// Nothing of what a plugin does with keys changes anything, so nothing of it has to be undone after a trap.
pub struct GuomiCapability {
    shared: Arc<Shared>,
}

/// What all devices share.
pub struct Shared {
    pub(crate) keys: Arc<dyn Keyring>,
    pub(crate) workers: Workers,
}

impl GuomiCapability {
    /// Offers the keys of a key ring to plugins. Long work is done on threads of its own.
    pub fn new(keys: Arc<dyn Keyring>) -> Self {
        Self::with(keys, Workers::new())
    }

    /// The same, for a kernel on one thread: all is done where it is asked for.
    pub fn on_one_thread(keys: Arc<dyn Keyring>) -> Self {
        Self::with(keys, Workers::none())
    }

    fn with(keys: Arc<dyn Keyring>, workers: Workers) -> Self {
        Self {
            shared: Arc::new(Shared { keys, workers }),
        }
    }
}

impl Capability for GuomiCapability {
    fn name(&self) -> &'static str {
        GUOMI
    }

    fn interfaces(&self) -> &'static [&'static str] {
        &guest::INTERFACES
    }

    fn link(&self, linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
        guest::add_to_linker(linker)
    }

    fn configure(&self, device: &str, grant: &toml::Table) -> Result<Box<dyn Granted>, GrantError> {
        let grant = Grant::from_table(grant)?;
        if grant.aliases().next().is_some() {
            let known = self.shared.keys.list().map_err(|error| GrantError {
                key: None,
                message: format!("the key store cannot be read: {error}"),
                help: None,
            })?;
            grant.check(&known)?;
        }
        Ok(Box::new(GrantedKeys {
            shared: self.shared.clone(),
            device: device.into(),
            grant: Arc::new(grant),
        }))
    }
}

/// The checked grant of one device.
struct GrantedKeys {
    shared: Arc<Shared>,
    device: Arc<str>,
    grant: Arc<Grant>,
}

impl Granted for GrantedKeys {
    fn attach(&self, _device: &str) -> Box<dyn Attachment> {
        Box::new(Session::new(
            self.shared.clone(),
            &self.device,
            self.grant.clone(),
        ))
    }
}

#[async_trait]
impl Attachment for Session {
    fn is_dirty(&self) -> bool {
        false
    }

    async fn commit(&mut self) -> Result<(), CommitError> {
        Ok(())
    }

    async fn rollback(&mut self) {}
}
