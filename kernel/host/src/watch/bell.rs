//! Tells that something happened in folders, and not what: for who looks at them anyway.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::inotify::Inotify;
use super::{LOOK, told, until};

/// Rings when something happened in one of its folders.
pub(crate) struct Bell {
    inotify: Option<Inotify>,
}

impl Bell {
    /// One without folders.
    pub(crate) fn new() -> Self {
        Self {
            inotify: Inotify::start()
                .map_err(|error| {
                    tracing::warn!("changes of files are looked for once a second: {error}");
                })
                .ok(),
        }
    }

    /// Listens to these folders, and no others any more. Call it again when it has rung: a folder may
    /// have taken the place of another.
    pub(crate) fn place(&mut self, folders: &BTreeSet<PathBuf>) {
        if let Some(inotify) = &mut self.inotify {
            inotify.place(folders);
        }
    }

    /// Waits until something happened. Once a second it rings by itself, for what the kernel tells
    /// nothing about: network file systems, and folders above those that are listened to.
    pub(crate) async fn rung(&mut self) {
        let look = std::time::Instant::now() + LOOK;
        tokio::select! {
            _ = told(&mut self.inotify) => {}
            () = until(Some(look)) => {}
        }
    }
}
