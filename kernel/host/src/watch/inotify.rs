//! The kernel tells what happens in folders (inotify(7)).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{
    CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch,
};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;

/// Room for some hundred events; what does not fit stays in the kernel's queue.
const BUFFER: usize = 16 << 10;

/// File systems that others change without this kernel's knowledge: NFS, SMB and CIFS, 9P, FUSE,
/// Ceph, AFS, VirtualBox (statfs(2), and the kernel's `magic.h`).
const REMOTE: [u64; 9] = [
    0x6969,
    0x517b,
    0xfe53_4d42,
    0xff53_4d42,
    0x0102_1997,
    0x6573_5546,
    0x00c3_6400,
    0x5346_414f,
    0x786f_4256,
];

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// In a folder, a file of this name was closed after it was written, or moved in.
    Whole(PathBuf, PathBuf),
    /// In a folder, a file of this name was removed or moved away.
    Gone(PathBuf, PathBuf),
    /// A folder came, or one that is watched is gone.
    Folder,
    /// More happened than the kernel keeps.
    Overflow,
}

/// An inotify instance.
pub(super) struct Inotify {
    fd: AsyncFd<OwnedFd>,
    folders: BTreeMap<i32, PathBuf>,
    buffer: Vec<MaybeUninit<u8>>,
}

impl Inotify {
    pub(super) fn start() -> std::io::Result<Self> {
        let fd = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        // SAFETY: an `OwnedFd` is open and stays the same descriptor until it is dropped, and it
        // is owned by the `AsyncFd`, which hands out nothing but shared references.
        let fd = unsafe { AsyncFd::register(fd) }?;
        Ok(Self {
            fd,
            folders: BTreeMap::new(),
            buffer: vec![MaybeUninit::uninit(); BUFFER],
        })
    }

    /// Watches folders, and no others any more. Returns those about which the kernel tells all, each
    /// with a number that is another when another folder has taken its place.
    pub(super) fn place(&mut self, folders: &BTreeSet<PathBuf>) -> BTreeMap<PathBuf, i32> {
        let fd = self.fd.get_ref();
        let flags = WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::CREATE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        let local = folders.iter().filter(|folder| !is_remote(folder));
        // The same number for a folder that is watched already.
        let watched: BTreeMap<i32, PathBuf> = local
            .filter_map(|folder| Some((add_watch(fd, folder, flags).ok()?, folder.clone())))
            .collect();
        for watch in self.folders.keys() {
            if !watched.contains_key(watch) {
                // Gone by itself: fine.
                let _ = remove_watch(fd, *watch);
            }
        }
        self.folders = watched;
        let told = self.folders.iter();
        told.map(|(watch, folder)| (folder.clone(), *watch))
            .collect()
    }

    /// Waits until something happens.
    pub(super) async fn read(&mut self) -> Vec<Event> {
        loop {
            let Ok(mut ready) = self.fd.readable().await else {
                // The runtime ends.
                return std::future::pending().await;
            };
            let mut events = Vec::new();
            let mut reader = Reader::new(self.fd.get_ref(), &mut self.buffer);
            loop {
                match reader.next() {
                    Ok(event) => {
                        let name = event
                            .file_name()
                            .map(|name| Path::new(OsStr::from_bytes(name.to_bytes())));
                        let folder = self.folders.get(&event.wd());
                        events.extend(read(event.events(), folder, name));
                        if reader.is_buffer_empty() {
                            break;
                        }
                    }
                    Err(Errno::AGAIN) => {
                        ready.clear_ready();
                        break;
                    }
                    Err(Errno::INTR) => {}
                    Err(error) => {
                        tracing::error!("changes of files cannot be read: {error}");
                        ready.clear_ready();
                        break;
                    }
                }
            }
            if !events.is_empty() {
                return events;
            }
        }
    }
}

fn read(flags: ReadFlags, folder: Option<&PathBuf>, name: Option<&Path>) -> Option<Event> {
    if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
        return Some(Event::Overflow);
    }
    if flags.intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::IGNORED) {
        return Some(Event::Folder);
    }
    if flags.contains(ReadFlags::ISDIR) {
        return Some(Event::Folder);
    }
    let (folder, name) = (folder?.clone(), name?.to_path_buf());
    if flags.intersects(ReadFlags::CLOSE_WRITE | ReadFlags::MOVED_TO) {
        Some(Event::Whole(folder, name))
    } else if flags.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM) {
        Some(Event::Gone(folder, name))
    } else {
        // Links of both kinds come whole, and are not written.
        let file = std::fs::symlink_metadata(folder.join(&name));
        let is_link = file.is_ok_and(|file| file.is_symlink() || file.nlink() > 1);
        (flags.contains(ReadFlags::CREATE) && is_link).then_some(Event::Whole(folder, name))
    }
}

fn is_remote(folder: &Path) -> bool {
    rustix::fs::statfs(folder).is_ok_and(|folder| {
        let kind = u64::try_from(folder.f_type).unwrap_or_default() & 0xffff_ffff;
        REMOTE.contains(&kind)
    })
}
