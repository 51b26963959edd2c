//! Where the state of devices outlives the host.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use super::guest::Checkpoint;

/// A save under way.
pub type Saving = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Keeps the last checkpoint of each device. The store implements it; errors are in words for the
/// operator.
pub trait Checkpoints: Send + Sync {
    /// The last checkpoint of a device.
    fn load(&self, device: &str) -> Result<Option<Checkpoint>, String>;

    /// Keeps a checkpoint in place of the one before.
    fn save(&self, device: &str, checkpoint: Checkpoint) -> Saving;
}

/// Checkpoints in memory: they survive a restart of the device, not of the host.
#[derive(Debug, Default)]
pub struct MemoryCheckpoints(Mutex<HashMap<String, Checkpoint>>);

impl Checkpoints for MemoryCheckpoints {
    fn load(&self, device: &str) -> Result<Option<Checkpoint>, String> {
        Ok(self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(device)
            .cloned())
    }

    fn save(&self, device: &str, checkpoint: Checkpoint) -> Saving {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(device.to_owned(), checkpoint);
        Box::pin(async { Ok(()) })
    }
}
