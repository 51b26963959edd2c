//! Where a trail ended the last time, and how.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;
use weihe_kernel::audit::action;

use super::folder::{TrailFile, files};
use super::own;
use super::reader::Lines;
use super::record::{GENESIS, Record};

/// How the last host of a data directory ended, as far as the trail knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastEnd {
    /// There was none.
    None,
    /// In order.
    Orderly,
    /// It was killed, or the power was cut.
    Cut,
}

impl LastEnd {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Orderly => "orderly",
            Self::Cut => "cut",
        }
    }
}

/// Where a trail goes on.
#[derive(Debug)]
pub struct End {
    /// The file.
    pub file: TrailFile,
    /// How much of it is whole records.
    pub length: u64,
    /// What is behind them, in bytes: a record that was not finished.
    pub torn: u64,
    /// The number of the last record.
    pub sequence: u64,
    /// Its hash.
    pub head: String,
    /// How the last host ended.
    pub last_end: LastEnd,
}

/// Looks for the end of a trail. Reads only.
pub fn end_of(folder: &Path) -> io::Result<End> {
    let files = files(folder)?;
    let Some(file) = files.last().cloned() else {
        return Ok(End {
            file: TrailFile::new(folder, 1),
            length: 0,
            torn: 0,
            sequence: 0,
            head: GENESIS.to_owned(),
            last_end: LastEnd::None,
        });
    };
    let size = fs::metadata(&file.path)?.len();
    let tail = Tail::of(&file)?;
    let length = tail.length;
    let (mut sequence, mut head) = (0, GENESIS.to_owned());
    let mut last_action = None;
    // A file that was only just begun holds nothing; one before it does.
    let earlier = files.iter().rev().skip(1).map(Tail::of);
    for tail in std::iter::once(Ok(tail)).chain(earlier) {
        let tail = tail?;
        if let (0, Some(last)) = (sequence, tail.last) {
            (sequence, head) = (last.sequence, last.hash);
        }
        last_action = last_action.or(tail.last_action);
        if sequence > 0 && last_action.is_some() {
            break;
        }
    }
    Ok(End {
        file,
        length,
        torn: size.saturating_sub(length),
        sequence,
        head,
        last_end: match last_action.as_deref() {
            None => LastEnd::None,
            Some(action::HOST_STOPPED) => LastEnd::Orderly,
            Some(_) => LastEnd::Cut,
        },
    })
}

/// The last whole records of one file.
struct Tail {
    length: u64,
    last: Option<Record>,
    /// The last action that is not the trail's own.
    last_action: Option<String>,
}

impl Tail {
    fn of(file: &TrailFile) -> io::Result<Self> {
        let mut tail = Self {
            length: 0,
            last: None,
            last_action: None,
        };
        let mut lines = Lines::open(file)?;
        while let Some(line) = lines.read()? {
            let Ok(record) = line.record else { continue };
            if !line.whole {
                continue;
            }
            tail.length = line.end;
            if ![own::GAP, own::TORN, own::PRUNED].contains(&record.action.as_str()) {
                tail.last_action = Some(record.action.clone());
            }
            tail.last = Some(record);
        }
        Ok(tail)
    }
}

/// What a file holds, for the record of its removal: the numbers of its first and last record, and the
/// hash of the last.
pub fn contents(file: &TrailFile) -> io::Result<Option<(u64, u64, String)>> {
    let mut found: Option<(u64, u64, String)> = None;
    let mut lines = Lines::open(file)?;
    while let Some(line) = lines.read()? {
        if let Ok(record) = line.record {
            let first = found.map_or(record.sequence, |(first, ..)| first);
            found = Some((first, record.sequence, record.hash));
        }
    }
    Ok(found)
}

/// The head that a record of a removal names.
pub fn removed_head(record: &Record) -> Option<&str> {
    if record.action == own::PRUNED {
        record.details.get("head").and_then(Value::as_str)
    } else {
        None
    }
}
