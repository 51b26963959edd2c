//! One record, and how it is chained to the one before.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use weihe_kernel::audit::{Actor, Entry, Outcome};

/// What the first record of a trail names as the hash before it.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The longest line that is read, in bytes. What is written is far shorter: see the limits below.
pub const LINE_LIMIT: usize = 64 << 10;

/// The longest target, in characters: a topic has at most a thousand.
const TARGET_LIMIT: usize = 1_024;

/// The longest reason, in characters: some sentences.
const REASON_LIMIT: usize = 2_048;

/// The most that details may take as JSON, in bytes; they are replaced by their size beyond it.
const DETAILS_LIMIT: usize = 16 << 10;

/// How the hash stands on a line; what is before it is what is hashed.
const HASH_FIELD: &str = ",\"hash\":\"";

/// How records are hashed. Named in each, so that a trail can go on with another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// SHA-256 (FIPS 180-4).
    #[default]
    #[serde(rename = "sha256")]
    Sha256,
}

impl Algorithm {
    /// The hash of some bytes, in lower-case hexadecimal digits.
    pub fn hash(self, bytes: &[u8]) -> String {
        match self {
            Self::Sha256 => weihe_kernel::event::hex(&Sha256::digest(bytes)),
        }
    }
}

/// A record as it stands on its line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Counts the records of a trail from 1, without a hole.
    pub sequence: u64,
    /// When, in nanoseconds since 1970.
    pub time: u64,
    /// How it is hashed.
    pub algorithm: Algorithm,
    /// The hash of the record before.
    pub previous: String,
    /// Who did it.
    pub actor: Actor,
    /// What.
    pub action: String,
    /// To what.
    pub target: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What else is worth knowing.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub details: Map<String, Value>,
    /// Its hash. Not part of what is hashed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
}

/// Why a line is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// It is none.
    #[error("it is no record: {0}")]
    Malformed(String),
    /// It is longer than a record can be.
    #[error("it has more than {LINE_LIMIT} bytes")]
    TooLong,
    /// It was altered.
    #[error("its contents do not have the hash that it states")]
    Hash {
        /// The number that it states.
        sequence: u64,
    },
}

impl BadRecord {
    /// The number that the record states, where it could be read.
    pub fn sequence(&self) -> Option<u64> {
        match self {
            Self::Hash { sequence } => Some(*sequence),
            Self::Malformed(_) | Self::TooLong => None,
        }
    }
}

impl Record {
    /// The record of an entry, as the next after `previous`.
    pub fn of(entry: Entry, time: u64, sequence: u64, previous: &str) -> Self {
        Self {
            sequence,
            time,
            algorithm: Algorithm::default(),
            previous: previous.to_owned(),
            actor: entry.actor,
            action: entry.action,
            target: entry.target,
            outcome: entry.outcome,
            details: entry.details,
            hash: String::new(),
        }
    }

    /// Its line, with a newline, and with the hash that the line now states.
    pub fn seal(&mut self) -> serde_json::Result<Vec<u8>> {
        self.hash = String::new();
        let mut line = serde_json::to_vec(self)?;
        // The hash takes the place of the closing brace.
        line.pop();
        self.hash = self.algorithm.hash(&line);
        line.extend_from_slice(HASH_FIELD.as_bytes());
        line.extend_from_slice(self.hash.as_bytes());
        line.extend_from_slice(b"\"}\n");
        Ok(line)
    }

    /// Reads a line without its newline, and compares its hash.
    pub fn parse(line: &[u8]) -> Result<Self, BadRecord> {
        if line.len() > LINE_LIMIT {
            return Err(BadRecord::TooLong);
        }
        let record: Self = serde_json::from_slice(line)
            .map_err(|error| BadRecord::Malformed(error.to_string()))?;
        // The last one: the text may also stand in details.
        let field = HASH_FIELD.as_bytes();
        let at = line
            .windows(field.len())
            .rposition(|window| window == field)
            .ok_or_else(|| BadRecord::Malformed("it does not end with its hash".to_owned()))?;
        let stated = &line[at + field.len()..];
        // Whatever stands behind the hash would not be hashed.
        let expected = record.algorithm.hash(&line[..at]);
        if stated == format!("{expected}\"}}").as_bytes() {
            Ok(record)
        } else {
            let sequence = record.sequence;
            Err(BadRecord::Hash { sequence })
        }
    }
}

/// The same entry, with nothing in it that is too long for a line.
pub fn clipped(mut entry: Entry) -> Entry {
    clip(&mut entry.target, TARGET_LIMIT);
    clip(&mut entry.action, TARGET_LIMIT);
    if let Actor::Remote {
        certificate: name, ..
    }
    | Actor::Device { name } = &mut entry.actor
    {
        clip(name, TARGET_LIMIT);
    }
    if let Outcome::Refused { reason } = &mut entry.outcome {
        clip(reason, REASON_LIMIT);
    }
    let size = serde_json::to_vec(&entry.details).map_or(usize::MAX, |text| text.len());
    if size > DETAILS_LIMIT {
        entry.details = Map::new();
        entry.details.insert("clipped".to_owned(), size.into());
    }
    entry
}

fn clip(text: &mut String, characters: usize) {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sealed(entry: Entry) -> (Record, Vec<u8>) {
        let mut record = Record::of(clipped(entry), 7, 3, GENESIS);
        let mut line = record.seal().unwrap();
        assert_eq!(line.pop(), Some(b'\n'));
        (record, line)
    }

    #[test]
    fn a_line_is_what_the_documentation_says() {
        let entry = Entry::new(
            Actor::Operator {
                uid: 1000,
                pid: Some(12),
            },
            "call",
            "device/soil",
        )
        .detail("command", "open")
        .refused("it is shut");
        let (record, line) = sealed(entry);
        let text = String::from_utf8(line).unwrap();
        let body = format!(
            r#"{{"sequence":3,"time":7,"algorithm":"sha256","previous":"{GENESIS}","actor":{{"kind":"operator","uid":1000,"pid":12}},"action":"call","target":"device/soil","outcome":"refused","reason":"it is shut","details":{{"command":"open"}}"#
        );
        let hash = weihe_kernel::event::hex(&Sha256::digest(body.as_bytes()));
        assert_eq!(text, format!(r#"{body},"hash":"{hash}"}}"#));
        assert_eq!(record.hash, hash);
    }

    #[test]
    fn what_stands_behind_the_hash_is_no_record() {
        let (_, line) = sealed(Entry::host("host-started", "host"));
        let text = String::from_utf8(line).unwrap();
        for bad in [format!("{text} "), text.replace("\"}", "\",\"x\":1}")] {
            assert!(Record::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_entry_is_too_long_for_a_line() {
        let huge = "\u{1}".repeat(1 << 20);
        let entry = Entry::device(&huge, &huge, huge.clone())
            .detail("x", huge.clone())
            .refused(&huge);
        let (record, line) = sealed(entry);
        assert!(line.len() < LINE_LIMIT, "{}", line.len());
        assert_eq!(Record::parse(&line).unwrap(), record);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            target in "\\PC{0,40}", action in "[a-z-]{1,12}", reason in "\\PC{0,40}", key in "\\PC{0,8}",
            value in "\\PC{0,40}",
        ) {
            let nested = serde_json::json!({ "a": 1, "hash": value });
            let entry = Entry::device("soil", &action, target).detail(&key, nested).refused(reason);
            let (record, line) = sealed(entry);
            prop_assert_eq!(Record::parse(&line).unwrap(), record);
        }

        #[test]
        fn an_altered_byte_is_noticed(at in 0_usize..1_000, to in 0_u8..=255) {
            let (_, mut line) = sealed(Entry::host("host-started", "host").detail("boot", 3));
            let at = at % line.len();
            prop_assume!(line[at] != to);
            line[at] = to;
            prop_assert!(Record::parse(&line).is_err());
        }

        #[test]
        fn no_line_upsets_the_parser(line in proptest::collection::vec(0_u8..=255, 0..300)) {
            let _ = Record::parse(&line);
        }
    }
}
