//! Whether the chain of a trail is whole.

use std::io;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::folder::files;
use super::own;
use super::reader::{Line, Lines};
use super::record::{GENESIS, Record};
use super::recover::removed_head;

/// Where a chain is broken first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The file.
    pub file: String,
    /// The line in it, from 1.
    pub line: u64,
    /// The number of the record that is expected there.
    pub sequence: u64,
    /// What is wrong.
    pub reason: String,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Files.
    pub files: usize,
    /// Records that are in order, up to the first that is not.
    pub records: u64,
    /// The number of the first; more than 1 when files were removed, as the trail says.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// The hash of the last.
    pub head: String,
    /// Entries that were lost, as the trail says.
    pub lost: u64,
    /// Times that a torn record was put aside, as the trail says.
    pub torn: u64,
    /// Whether the last line is not finished: a host is writing it, or the power was cut.
    pub unfinished: bool,
    /// Where it is broken.
    pub broken: Option<Broken>,
    /// Whether the hash that was asked for is that of a record in the chain.
    pub noted: Option<bool>,
}

/// Checks the chain over all files, and whether a hash that was noted earlier is in it.
pub fn verify(folder: &Path, noted: Option<&str>) -> io::Result<Verified> {
    let mut verified = Verified {
        noted: noted.map(|_| false),
        ..Verified::default()
    };
    // What the first record has to follow on, when it is not number 1.
    let mut begins_after: Option<(Broken, String)> = None;
    let mut removed = Vec::new();
    let files = files(folder)?;
    verified.files = files.len();
    'files: for (index, file) in files.iter().enumerate() {
        let mut lines = Lines::open(file)?;
        while let Some(line) = lines.read()? {
            let is_first = verified.records == 0;
            if !line.whole && index + 1 == files.len() {
                verified.unfinished = true;
                break 'files;
            }
            let broken = |reason: String| Broken {
                file: file.name(),
                line: line.number,
                sequence: verified.last + 1,
                reason,
            };
            let record = match check(&line, &verified) {
                Ok(record) => record,
                Err(reason) => {
                    verified.broken = Some(broken(reason));
                    break 'files;
                }
            };
            if is_first {
                verified.first = record.sequence;
                if record.sequence > 1 {
                    let reason = format!(
                        "the {} records before it are missing, and no record says that they were removed",
                        record.sequence - 1
                    );
                    let at = Broken {
                        sequence: record.sequence,
                        ..broken(reason)
                    };
                    begins_after = Some((at, record.previous.clone()));
                }
            }
            if let Some(head) = removed_head(record) {
                // Noted when that file was still there.
                if noted.is_some_and(|noted| noted.eq_ignore_ascii_case(head)) {
                    verified.noted = Some(true);
                }
                removed.push(head.to_owned());
            }
            verified.take(record, noted);
        }
    }
    // A broken chain may lack the record that says so; then that is the first that is wrong.
    if let Some((broken, previous)) = begins_after
        && verified.broken.is_none()
        && !removed.contains(&previous)
    {
        verified.broken = Some(broken);
    }
    Ok(verified)
}

/// A line as the next record of the chain.
fn check<'l>(line: &'l Line, before: &Verified) -> Result<&'l Record, String> {
    let record = line.record.as_ref().map_err(ToString::to_string)?;
    if !line.whole {
        return Err("it is not finished, and more files follow".to_owned());
    }
    let (last, head) = match before.records {
        0 if record.sequence > 1 => return Ok(record),
        0 => (0, GENESIS),
        _ => (before.last, before.head.as_str()),
    };
    if record.sequence != last + 1 {
        return Err(format!(
            "it has number {}, but {} is next",
            record.sequence,
            last + 1
        ));
    }
    if record.previous != head {
        return Err("it does not follow on the record before".to_owned());
    }
    Ok(record)
}

impl Verified {
    fn take(&mut self, record: &Record, noted: Option<&str>) {
        self.records += 1;
        self.last = record.sequence;
        self.head.clone_from(&record.hash);
        match record.action.as_str() {
            own::GAP => {
                let lost = record.details.get("lost").and_then(Value::as_u64);
                self.lost = self.lost.saturating_add(lost.unwrap_or(0));
            }
            own::TORN => self.torn += 1,
            _ => {}
        }
        let is_noted = |noted: &str| noted.eq_ignore_ascii_case(&record.hash);
        if noted.is_some_and(is_noted) {
            self.noted = Some(true);
        }
    }
}
