//! Puts records into files. Nothing is taken for written before it is whole.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use weihe_kernel::audit::Entry;

use super::folder::{self, TrailFile, files};
use super::own;
use super::record::Record;
use super::recover::{End, contents};

/// An entry and its time.
pub type Timed = (u64, Entry);

/// How large files grow, and how many are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The size at which the next file is begun, in bytes.
    pub file_size: u64,
    /// How many files are kept; all when none is named.
    pub keep: Option<u32>,
}

/// What records are written to: a file, or in tests a disk without room.
pub trait Medium: Write + Send {
    /// Cuts it to a length.
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// Waits until all is where a power cut does not reach it.
    fn sync(&mut self) -> io::Result<()>;
}

impl Medium for File {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Opens a file of the trail to add to it.
pub type Open = Box<dyn Fn(&TrailFile) -> io::Result<Box<dyn Medium>> + Send>;

/// Writes a trail.
pub struct Writer {
    folder: PathBuf,
    rotation: Rotation,
    open: Open,
    file: TrailFile,
    medium: Option<Box<dyn Medium>>,
    length: u64,
    torn: u64,
    /// What was put aside and is not on the record yet.
    aside: Option<Entry>,
    sequence: u64,
    head: String,
    /// Whether something was written that may not be on the disk.
    unsynced: bool,
}

impl Writer {
    /// Goes on at the end of a trail. Touches nothing before the first record.
    pub fn new(folder: PathBuf, end: End, rotation: Rotation, open: Open) -> Self {
        Self {
            folder,
            rotation,
            open,
            file: end.file,
            medium: None,
            length: end.length,
            torn: end.torn,
            aside: None,
            sequence: end.sequence,
            head: end.head,
            unsynced: false,
        }
    }

    /// The number of the last record, and its hash.
    pub fn head(&self) -> (u64, &str) {
        (self.sequence, &self.head)
    }

    /// Whether something was written that may not be on the disk.
    pub fn is_unsynced(&self) -> bool {
        self.unsynced
    }

    /// Writes entries in their order and takes those that are written; what the trail has to say about
    /// itself goes before them. After an error the rest can be tried again.
    pub fn write(
        &mut self,
        entries: &mut VecDeque<Timed>,
        written: &mut Vec<Record>,
    ) -> io::Result<()> {
        while let Some((time, entry)) = entries.front() {
            let time = *time;
            self.prepare(time, written)?;
            let entry = entry.clone();
            self.add(time, entry, written)?;
            entries.pop_front();
        }
        Ok(())
    }

    /// Waits until what was written is on the disk.
    pub fn sync(&mut self) -> io::Result<()> {
        if let Some(medium) = self.medium.as_mut().filter(|_| self.unsynced) {
            medium.sync()?;
            self.unsynced = false;
        }
        Ok(())
    }

    /// Sees to it that there is a file with room for a record.
    fn prepare(&mut self, time: u64, written: &mut Vec<Record>) -> io::Result<()> {
        if self.medium.is_none() {
            self.put_aside()?;
            self.begin()?;
            if let Some(aside) = self.aside.clone() {
                self.add(time, aside, written)?;
                self.aside = None;
            }
            return self.prune(time, written);
        }
        if self.length < self.rotation.file_size {
            return Ok(());
        }
        self.sync()?;
        let next = self.file.number.checked_add(1);
        let next = next.ok_or_else(|| io::Error::other("the trail has too many files"))?;
        let before = std::mem::replace(&mut self.file, TrailFile::new(&self.folder, next));
        let length = std::mem::take(&mut self.length);
        if let Err(error) = self.begin() {
            (self.file, self.length) = (before, length);
            return Err(error);
        }
        self.prune(time, written)
    }

    fn begin(&mut self) -> io::Result<()> {
        let mut medium = (self.open)(&self.file)?;
        // What an error left behind of a record, if it could not be cut off then.
        medium.cut(self.length)?;
        folder::sync(&self.folder)?;
        self.medium = Some(medium);
        Ok(())
    }

    /// Moves what a power cut left of a record into a file beside the trail.
    fn put_aside(&mut self) -> io::Result<()> {
        if self.torn == 0 {
            return Ok(());
        }
        let mut file = File::options()
            .read(true)
            .write(true)
            .open(&self.file.path)?;
        file.seek(SeekFrom::Start(self.length))?;
        let mut rest = Vec::new();
        file.take(self.torn).read_to_end(&mut rest)?;
        let aside = self.file.torn();
        let mut kept = File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&aside)?;
        kept.write_all(&rest)?;
        kept.sync_all()?;
        let entry = Entry::host(own::TORN, "audit")
            .detail("file", self.file.name())
            .detail("bytes", rest.len())
            .detail(
                "kept",
                aside.file_name().unwrap_or_default().to_string_lossy(),
            );
        self.torn = 0;
        self.aside = Some(entry);
        Ok(())
    }

    fn add(&mut self, time: u64, entry: Entry, written: &mut Vec<Record>) -> io::Result<()> {
        let Some(medium) = &mut self.medium else {
            return Err(io::Error::other("no file is open"));
        };
        let mut record = Record::of(entry, time, self.sequence + 1, &self.head);
        let line = record.seal()?;
        self.unsynced = true;
        if let Err(error) = medium.write_all(&line) {
            // Part of it may be there. If it cannot be cut off now, it is when the file is opened again.
            let _ = medium.cut(self.length);
            self.medium = None;
            return Err(error);
        }
        self.length += line.len() as u64;
        self.sequence = record.sequence;
        self.head.clone_from(&record.hash);
        written.push(record);
        Ok(())
    }

    /// Removes the oldest files beyond those that are kept, each after the record that says so is on the
    /// disk.
    fn prune(&mut self, time: u64, written: &mut Vec<Record>) -> io::Result<()> {
        let Some(keep) = self.rotation.keep else {
            return Ok(());
        };
        let files = files(&self.folder)?;
        let surplus = files.len().saturating_sub(keep.max(1) as usize);
        for file in &files[..surplus] {
            let mut entry = Entry::host(own::PRUNED, "audit").detail("file", file.name());
            if let Some((first, last, head)) = contents(file)? {
                entry = entry
                    .detail("first", first)
                    .detail("last", last)
                    .detail("head", head);
            }
            self.add(time, entry, written)?;
            self.sync()?;
            fs::remove_file(&file.path)?;
        }
        Ok(())
    }
}
