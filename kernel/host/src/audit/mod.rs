//! The audit trail on disk: files to which records are only ever added, each record chained to the one
//! before by a hash.
//!
//! `audit-000001.jsonl` and so on lie in a folder of their own. A line is a record, a JSON object; its
//! last field `hash` is over all bytes of the line before it, which hold the hash of the record before
//! (`record.rs`). So a record that is altered, removed or put in between breaks the chain at its place.
//! Whoever may write the files can write the whole chain anew, though: that shows only against a hash
//! that was noted elsewhere. docs/decisions/0030 says what this proves and what not.

mod filter;
mod folder;
mod queue;
mod reader;
mod record;
mod recover;
mod sparing;
mod trail;
mod verify;
mod writer;

pub use filter::Filter;
pub use folder::{AUDIT, TrailFile, files};
pub use reader::{Line, Lines};
pub use record::{Algorithm, BadRecord, GENESIS, LINE_LIMIT, Record};
pub use recover::LastEnd;
pub use trail::{Trail, TrailError, TrailOptions};
pub use verify::{Broken, Verified, verify};

/// Actions of the trail about itself.
pub mod own {
    /// Entries were lost, because there was no room for them.
    pub const GAP: &str = "audit-gap";
    /// What a power cut left of a record was put aside.
    pub const TORN: &str = "audit-torn";
    /// The oldest file was removed, as `[host.audit] keep` says.
    pub const PRUNED: &str = "audit-pruned";
}

#[cfg(test)]
mod tests;
