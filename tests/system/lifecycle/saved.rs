//! What is kept of the devices' states, and how far their counters had come in it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use weihe_kernel::device::{
    Checkpoint, Checkpoints, Loading, MemoryCheckpoints, Saving, SettingAside,
};

/// Checkpoints in memory, with the counter of each.
#[derive(Default)]
pub struct Saved {
    checkpoints: MemoryCheckpoints,
    counts: Mutex<HashMap<String, u64>>,
}

impl Saved {
    /// The counter in a device's last checkpoint.
    pub fn count(&self, device: &str) -> u64 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(device).copied().unwrap_or(0)
    }

    /// Whether a device's plugin has ever refused its state.
    pub fn is_refused(&self, device: &str) -> bool {
        self.checkpoints.refused(device).is_some()
    }
}

impl Checkpoints for Saved {
    fn load(&self, device: &str) -> Loading {
        self.checkpoints.load(device)
    }

    fn save(&self, device: &str, checkpoint: Checkpoint) -> Saving {
        if let Ok(bytes) = <[u8; 8]>::try_from(checkpoint.bytes.as_slice()) {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            counts.insert(device.to_owned(), u64::from_le_bytes(bytes));
        }
        self.checkpoints.save(device, checkpoint)
    }

    fn set_aside(&self, device: &str, checkpoint: Checkpoint) -> SettingAside {
        self.checkpoints.set_aside(device, checkpoint)
    }
}
