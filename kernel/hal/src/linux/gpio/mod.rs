//! Digital lines.

mod chip;
mod edge;
mod line;
mod listen;
mod look;
mod refusal;
mod sysfs;

pub use chip::CharacterDevices;
pub(super) use line::LinuxLine;

use listen::Listener;
use look::Watchman;

/// The threads that bring edges: one that the kernel wakes, and one that looks.
#[derive(Default)]
pub(super) struct Threads {
    listener: Listener,
    watchman: Watchman,
}

#[cfg(test)]
mod tests;
