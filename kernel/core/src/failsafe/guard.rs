//! The contract of the guard: what sets outputs to their safe values when the host itself is gone.
//! The host brings the process; here is what it is given.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Something that outlives the host.
pub trait Guard: Send + Sync {
    /// What changes in what it watches over, all at once. Must not block.
    fn watch(&self, changes: Vec<Change>);

    /// The host stops in order, and nothing is left to be done. Returns when it has been told.
    fn dismiss(&self);

    /// How it is.
    fn status(&self) -> GuardStatus;
}

/// A change of what is watched over.
#[derive(Debug, Clone)]
pub enum Change {
    /// A charge, in place of the one of this number, if there is one.
    Put(u64, Charge),
    /// The charge of this number is nobody's business any more.
    Drop(u64),
}

/// The outputs of one device that are reached through one descriptor.
#[derive(Debug, Clone)]
pub struct Charge {
    /// Who holds them.
    pub device: Arc<str>,
    /// The connection, or the line. Charges on the same one share its turns.
    pub on: Arc<str>,
    /// The open socket, terminal or line.
    pub descriptor: Arc<OwnedFd>,
    /// What to do with it.
    pub action: Action,
}

/// What is done with a descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Frames are sent, one after the other, each when the one before was answered.
    Exchange {
        /// How the line is treated.
        line: LineTiming,
        /// In order.
        frames: Vec<GuardedFrame>,
    },
    /// A capability knows what to do.
    Order {
        /// Its name.
        by: &'static str,
        /// What it is to do, in its own words.
        order: Bytes,
        /// What goes to what, in words for people.
        what: Arc<str>,
    },
}

/// Times of a line, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineTiming {
    /// Silence between exchanges.
    pub gap: u64,
    /// Silence that ends a frame whose length is unknown.
    pub silence: u64,
    /// Time that one byte takes on the wire.
    pub byte_time: u64,
}

/// A frame as a process needs it that has no codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardedFrame {
    /// What it does, for people.
    pub label: Arc<str>,
    /// What to send.
    pub bytes: Bytes,
    /// Whether a reply is awaited at all.
    pub awaits_reply: bool,
    /// What the reply begins with; empty when any reply will do.
    pub expects: Bytes,
    /// How long to wait for it, in nanoseconds.
    pub timeout: u64,
    /// Silence to keep when there is none, in nanoseconds.
    pub turnaround: u64,
}

/// Whether the guard is at its post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardState {
    /// There is nothing to watch over.
    Idle,
    /// It watches.
    Running,
    /// It cannot be started, or has ended, and is started again.
    Failed,
}

impl GuardState {
    /// In one word, as `ps` prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Failed => "failed",
        }
    }
}

/// What `ps` shows of the guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardStatus {
    /// Whether it is at its post.
    pub state: GuardState,
    /// Its process, while there is one.
    pub pid: Option<u32>,
    /// Devices' places and lines that it watches over.
    pub charges: usize,
    /// Why it failed; empty otherwise.
    pub error: String,
}
