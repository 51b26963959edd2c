//! The store as a capability of the kernel, and as the keeper of devices' checkpoints.

use std::sync::Arc;

use async_trait::async_trait;
use wasmtime::component::{Linker, ResourceTable};
use weihe_kernel::capability::{Attachment, Capability, CommitError, GrantError, Granted};
use weihe_kernel::device::{Checkpoint, Checkpoints, Loading, Saving, SettingAside};
use weihe_kernel::runtime::GuestState;

use crate::grant::{Grant, InvalidGrant};
use crate::guest::{self, Guest};
use crate::session::Session;
use crate::state::SavedState;
use crate::store::Store;

/// The capability `store`.
///
/// A handler call's rows and keys are one transaction: the kernel commits it when the handler has
/// returned, before what the handler published is delivered.
pub struct StoreCapability {
    store: Arc<Store>,
}

impl StoreCapability {
    /// Offers a store to plugins.
    pub fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

impl Capability for StoreCapability {
    fn name(&self) -> &'static str {
        "store"
    }

    fn interfaces(&self) -> &'static [&'static str] {
        &guest::INTERFACES
    }

    fn link(&self, linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
        guest::add_to_linker(linker)
    }

    fn configure(
        &self,
        _device: &str,
        grant: &toml::Table,
    ) -> Result<Box<dyn Granted>, GrantError> {
        Ok(Box::new(GrantedStore {
            store: self.store.clone(),
            grant: Arc::new(Grant::from_table(grant)?),
        }))
    }
}

impl From<InvalidGrant> for GrantError {
    fn from(invalid: InvalidGrant) -> Self {
        Self {
            key: Some(invalid.key),
            message: invalid.message,
            help: invalid.help,
        }
    }
}

/// The checked grant of one device.
struct GrantedStore {
    store: Arc<Store>,
    grant: Arc<Grant>,
}

impl Granted for GrantedStore {
    fn attach(&self, device: &str) -> Box<dyn Attachment> {
        Box::new(self.store.session(device, self.grant.clone()))
    }
}

#[async_trait]
impl Attachment for Session {
    fn is_dirty(&self) -> bool {
        Self::is_dirty(self)
    }

    async fn commit(&mut self) -> Result<(), CommitError> {
        Self::commit(self).await.map_err(CommitError)
    }

    async fn rollback(&mut self) {
        Self::rollback(self).await;
    }
}

impl Guest for GuestState {
    fn split(&mut self) -> wasmtime::Result<(&mut Session, &mut ResourceTable)> {
        Self::split(self)
    }

    fn denied(&self, what: &str, reason: &str) {
        Self::denied(self, "store", what, reason);
    }
}

impl Checkpoints for Store {
    fn load(&self, device: &str) -> Loading {
        let loaded = self.load_state(device);
        Box::pin(async move {
            let saved = loaded.await?;
            Ok(saved.map(|SavedState { version, bytes }| Checkpoint { version, bytes }))
        })
    }

    fn save(&self, device: &str, checkpoint: Checkpoint) -> Saving {
        Box::pin(self.save_state(device, checkpoint.into()))
    }

    fn set_aside(&self, device: &str, checkpoint: Checkpoint) -> SettingAside {
        Box::pin(self.set_state_aside(device, checkpoint.into()))
    }
}

impl From<Checkpoint> for SavedState {
    fn from(Checkpoint { version, bytes }: Checkpoint) -> Self {
        Self { version, bytes }
    }
}
