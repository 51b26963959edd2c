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

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use self::core::Core;
use listen::Listener;
use look::Watchman;

/// What brings edges: a thread that the kernel wakes, and one that looks. All chips that answer at once share one
/// pair; a chip behind a slow bus has one of its own, so that nobody's edges wait for it.
#[derive(Default)]
pub(super) struct Eyes {
    listener: Listener,
    watchman: Watchman,
    sweeping: AtomicBool,
}

/// The threads for all lines.
#[derive(Default)]
pub(super) struct Threads {
    quick: Arc<Eyes>,
    slow: Mutex<HashMap<PathBuf, Weak<Eyes>>>,
    /// Looks for lines that have vanished: that takes a look at the whole board.
    search: Watchman,
    /// All lines, also those that have been closed.
    lines: Mutex<Vec<Weak<Core>>>,
}

impl Threads {
    /// Those for the lines of a chip.
    fn eyes(&self, chip: &Path, slow: bool) -> Arc<Eyes> {
        if !slow {
            return self.quick.clone();
        }
        let mut all = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(eyes) = all.get(chip).and_then(Weak::upgrade) {
            return eyes;
        }
        all.retain(|_, eyes| eyes.strong_count() > 0);
        let eyes = Arc::<Eyes>::default();
        all.insert(chip.to_owned(), Arc::downgrade(&eyes));
        eyes
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Weak<Core>>> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|line| line.strong_count() > 0);
        lines
    }

    /// Lets go of all lines of a chip that has vanished: older kernels wake nobody who waits for edges then, and a descriptor
    /// that is kept keeps what the kernel knows of the chip.
    fn sweep(self: &Arc<Self>, eyes: &Arc<Eyes>, chip: PathBuf) {
        if eyes.sweeping.swap(true, Ordering::Relaxed) {
            return;
        }
        let (threads, of_chip) = (Arc::downgrade(self), Arc::downgrade(eyes));
        // Not here, where the caller holds one of them.
        let soon = eyes.watchman.soon(move || {
            if let (Some(threads), Some(eyes)) = (threads.upgrade(), of_chip.upgrade()) {
                let lines = threads.lines().clone();
                let lines = lines.iter().filter_map(Weak::upgrade);
                for line in lines.filter(|line| Arc::ptr_eq(&line.eyes, &eyes)) {
                    line.check(&chip);
                }
                eyes.sweeping.store(false, Ordering::Relaxed);
            }
        });
        if soon.is_err() {
            eyes.sweeping.store(false, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
