//! Where the state of devices outlives the host.

use std::collections::HashMap;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use super::guest::Checkpoint;

/// A load under way.
pub type Loading = Pin<Box<dyn Future<Output = Result<Option<Checkpoint>, String>> + Send>>;

/// A save under way.
pub type Saving = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// A checkpoint being set aside; it tells where it is kept.
pub type SettingAside = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

/// Keeps the last checkpoint of each device, and the last one that its plugin refused. The store
/// implements it; errors are in words for the operator. None of the calls blocks: actors wait for
/// what they return.
pub trait Checkpoints: Send + Sync {
    /// The last checkpoint of a device.
    fn load(&self, device: &str) -> Loading;

    /// Keeps a checkpoint in place of the one before.
    fn save(&self, device: &str, checkpoint: Checkpoint) -> Saving;

    /// Keeps a checkpoint that the plugin refused, in place of the one refused before, out of the
    /// reach of [`Checkpoints::save`]. Tells in words where to find it.
    fn set_aside(&self, device: &str, checkpoint: Checkpoint) -> SettingAside;
}

/// Checkpoints in memory: they survive a restart of the device, not of the host.
#[derive(Debug, Default)]
pub struct MemoryCheckpoints {
    saved: Mutex<HashMap<String, Checkpoint>>,
    refused: Mutex<HashMap<String, Checkpoint>>,
}

impl MemoryCheckpoints {
    /// The checkpoint of a device that was set aside last.
    pub fn refused(&self, device: &str) -> Option<Checkpoint> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get(device).cloned()
    }
}

impl Checkpoints for MemoryCheckpoints {
    fn load(&self, device: &str) -> Loading {
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(ready(Ok(saved.get(device).cloned())))
    }

    fn save(&self, device: &str, checkpoint: Checkpoint) -> Saving {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        saved.insert(device.to_owned(), checkpoint);
        Box::pin(ready(Ok(())))
    }

    fn set_aside(&self, device: &str, checkpoint: Checkpoint) -> SettingAside {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(device.to_owned(), checkpoint);
        Box::pin(ready(Ok("in memory, until the host ends".into())))
    }
}
