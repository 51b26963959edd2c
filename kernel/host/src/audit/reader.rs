//! The lines of a file, read one by one.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};

use super::folder::TrailFile;
use super::record::{BadRecord, LINE_LIMIT, Record};

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: u64,
    /// Where it begins, in bytes.
    pub start: u64,
    /// Where the next one begins.
    pub end: u64,
    /// Whether it ends with a newline: only the last one of a file may not.
    pub whole: bool,
    /// What it is.
    pub record: Result<Record, BadRecord>,
}

/// Reads the lines of a file, never more than one at a time, and never more of it than a record may have.
#[derive(Debug)]
pub struct Lines {
    reader: BufReader<File>,
    number: u64,
    at: u64,
}

impl Lines {
    /// From the beginning of a file.
    pub fn open(file: &TrailFile) -> io::Result<Self> {
        Ok(Self {
            reader: BufReader::new(File::open(&file.path)?),
            number: 0,
            at: 0,
        })
    }

    /// The next line; none at the end of the file as it is now. A line that is not whole yet is read
    /// again by [`Lines::wait_for_rest`].
    pub fn read(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let (mut length, mut whole) = (0_u64, false);
        while !whole {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            let part = &buffer[..newline.unwrap_or(buffer.len())];
            let room = (LINE_LIMIT + 1).saturating_sub(bytes.len());
            bytes.extend_from_slice(&part[..part.len().min(room)]);
            whole = newline.is_some();
            let used = part.len() + usize::from(whole);
            length += used as u64;
            self.reader.consume(used);
        }
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        let start = self.at;
        self.at += length;
        Ok(Some(Line {
            number: self.number,
            start,
            end: self.at,
            whole,
            record: Record::parse(&bytes),
        }))
    }

    /// Goes back before a line that was not whole, to read it again when there is more of it.
    pub fn wait_for_rest(&mut self, line: &Line) -> io::Result<()> {
        self.reader.seek(SeekFrom::Start(line.start))?;
        self.at = line.start;
        self.number = line.number - 1;
        Ok(())
    }
}
