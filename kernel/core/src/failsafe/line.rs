//! A line: an output whose safe value a capability declares when it hands it out.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;

/// The lease on one output of a capability (a GPIO line, say) as the fail-safe sees it. What it holds
/// is held until the capability releases it, or the safe value has been set and the device was removed.
pub trait SafeLine: Send + Sync {
    /// Names the line among those of its device: `gpiochip0/17`.
    fn name(&self) -> &str;

    /// What goes to what, in words for people: `pump = off`.
    fn describe(&self) -> String;

    /// Sets the safe value; what it says went wrong is shown to the operator. Called on a device's lane
    /// unless it [blocks](Self::blocks).
    fn apply(&self) -> Result<(), String>;

    /// Whether setting it may take long: it is then done on a thread of its own.
    fn blocks(&self) -> bool {
        false
    }

    /// Is another number whenever what [`guarded`](Self::guarded) gives may have become something else. Must not
    /// wait for the line.
    fn renewal(&self) -> u64 {
        0
    }

    /// How another process sets the safe value after this one died; none when it cannot be.
    fn guarded(&self) -> Option<GuardedLine>;
}

/// How a process that holds a line's descriptor sets its safe value. What the bytes mean is known to the
/// capability alone, which carries them out in that process; here they are passed on.
#[derive(Debug, Clone)]
pub struct GuardedLine {
    /// The line.
    pub descriptor: Arc<OwnedFd>,
    /// The capability that understands the order.
    pub by: &'static str,
    /// What it is to do with the descriptor.
    pub order: Bytes,
}
