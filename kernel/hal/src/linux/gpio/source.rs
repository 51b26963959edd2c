//! What the kernel tells of edges, line by line.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::event::epoll::EventFlags;

use super::core::{Core, wants_edges};
use super::edge::{Decoder, Now, Wall};
use super::listen::{Source, read};
use super::sysfs::read_value;
use crate::gpio::{Edge, Edges, LineConfig};

/// Edges of a character device.
pub(super) struct ChipSource {
    pub(super) core: Weak<Core>,
    pub(super) line: Arc<OwnedFd>,
    pub(super) decoder: Mutex<(Decoder, Wall)>,
}

impl Source for ChipSource {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.line.as_fd()
    }

    fn waits_for(&self) -> EventFlags {
        EventFlags::IN
    }

    fn ready(&self, state: EventFlags) -> bool {
        let Some(core) = self.core.upgrade() else {
            return false;
        };
        if state.contains(EventFlags::IN) {
            let mut buffer = [MaybeUninit::uninit(); Decoder::BYTES];
            match read(self.line.as_fd(), &mut buffer) {
                Ok(bytes) => {
                    let mut edges = Vec::with_capacity(16);
                    let mut state = self.decoder.lock().unwrap_or_else(PoisonError::into_inner);
                    let (decoder, wall) = &mut *state;
                    decoder.decode(bytes, wall, Now::read(), &mut edges);
                    drop(state);
                    (core.sink)(&edges);
                    return true;
                }
                Err(error) if is_passing(&error) => return true,
                Err(error) => {
                    core.vanished(&error);
                    return false;
                }
            }
        }
        // The chip is gone, and nothing is left to read.
        core.vanished(&rustix::io::Errno::NODEV.into());
        false
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// Edges of sysfs: the kernel says only that there was one.
pub(super) struct FileSource {
    pub(super) core: Weak<Core>,
    pub(super) value: Arc<File>,
    pub(super) config: LineConfig,
    /// What it was, and how many edges were missed since the last that was told of.
    pub(super) seen: Mutex<(bool, u64)>,
}

impl Source for FileSource {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.value.as_fd()
    }

    fn waits_for(&self) -> EventFlags {
        EventFlags::PRI
    }

    fn ready(&self, _: EventFlags) -> bool {
        let Some(core) = self.core.upgrade() else {
            return false;
        };
        let active = match read_value(&self.value, self.config.active_low) {
            Ok(active) => active,
            Err(error) => {
                core.vanished(&error);
                return false;
            }
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, missed) = &mut *seen;
        if *last == active {
            // There and back before it was looked at: of those edges that were asked for.
            *missed += match wants_edges(&self.config) {
                Edges::Both => 2,
                _ => 1,
            };
            return true;
        }
        *last = active;
        if wants_edges(&self.config).has(active) {
            let edge = Edge {
                time: Now::read().real,
                active,
                missed: std::mem::take(missed),
            };
            drop(seen);
            (core.sink)(&[edge]);
        }
        true
    }
}
