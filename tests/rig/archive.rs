//! An archive as the kernel unpacks it into its first file system: `cpio`, format `newc`. Written here, it may hold what
//! only root could unpack, as the console's node is.
//!
//! Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Type bits of a mode.
const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;
const CHARACTER_DEVICE: u32 = 0o020_000;

/// The archive, as far as it is written.
#[derive(Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    folders: BTreeSet<String>,
    entries: u32,
}

impl Archive {
    /// A file, and the folders above it. `path` begins without a slash.
    pub fn file(&mut self, path: &str, executable: bool, contents: &[u8]) {
        let mode = if executable { 0o755 } else { 0o644 };
        self.folders_above(path);
        self.entry(path, FILE | mode, (0, 0), contents);
    }

    /// A file of this machine.
    pub fn copy(&mut self, path: &str, executable: bool, from: &Path) {
        let contents = fs::read(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        self.file(path, executable, &contents);
    }

    /// A symbolic link.
    pub fn link(&mut self, path: &str, to: &str) {
        self.folders_above(path);
        self.entry(path, LINK | 0o777, (0, 0), to.as_bytes());
    }

    /// A folder, and those above it.
    pub fn folder(&mut self, path: &str) {
        self.folders_above(path);
        if self.folders.insert(path.to_owned()) {
            self.entry(path, FOLDER | 0o755, (0, 0), &[]);
        }
    }

    /// The node of a character device.
    pub fn character_device(&mut self, path: &str, major: u32, minor: u32) {
        self.folders_above(path);
        self.entry(path, CHARACTER_DEVICE | 0o600, (major, minor), &[]);
    }

    /// All of it.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }

    fn folders_above(&mut self, path: &str) {
        if let Some((above, _)) = path.rsplit_once('/') {
            self.folder(above);
        }
    }

    fn entry(&mut self, path: &str, mode: u32, device: (u32, u32), contents: &[u8]) {
        self.entries += 1;
        let length = u32::try_from(contents.len()).expect("less than 4 GiB");
        let name = u32::try_from(path.len() + 1).expect("a path");
        let links = if mode & FOLDER == FOLDER { 2 } else { 1 };
        self.bytes.extend(b"070701");
        // Number, mode, owner, group, links, time, length, device it is on, device it is, length of name, no checksum.
        for field in [
            self.entries,
            mode,
            0,
            0,
            links,
            0,
            length,
            0,
            0,
            device.0,
            device.1,
            name,
            0,
        ] {
            self.bytes.extend(format!("{field:08X}").bytes());
        }
        self.bytes.extend(path.bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend(contents);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}
