//! Digital lines.

mod ask;
mod chip;
mod core;
mod edge;
mod line;
mod listen;
mod look;
mod refusal;
mod source;
mod sysfs;

pub use chip::CharacterDevices;
pub(super) use line::LinuxLine;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use self::core::Core;
use listen::Listener;
use look::Watchman;

/// The threads that bring edges: one that the kernel wakes, and one that looks.
#[derive(Default)]
pub(super) struct Threads {
    listener: Listener,
    watchman: Watchman,
    /// All lines, also those that have been closed.
    lines: Mutex<Vec<Weak<Core>>>,
    sweeping: AtomicBool,
}

impl Threads {
    fn lines(&self) -> MutexGuard<'_, Vec<Weak<Core>>> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|line| line.strong_count() > 0);
        lines
    }

    /// Lets go of all lines of a chip that has vanished: older kernels wake nobody who waits for edges then, and a descriptor
    /// that is kept keeps what the kernel knows of the chip.
    fn sweep(self: &Arc<Self>, chip: PathBuf) {
        if self.sweeping.swap(true, Ordering::Relaxed) {
            return;
        }
        let threads = Arc::downgrade(self);
        // Not here, where the caller holds one of them.
        let soon = self.watchman.soon(move || {
            if let Some(threads) = threads.upgrade() {
                let lines = threads.lines().clone();
                for line in lines.iter().filter_map(Weak::upgrade) {
                    line.check(&chip);
                }
                threads.sweeping.store(false, Ordering::Relaxed);
            }
        });
        if soon.is_err() {
            self.sweeping.store(false, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
