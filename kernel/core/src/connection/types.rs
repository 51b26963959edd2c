//! The nouns of a connection, as in `weihe:connection/types`. Spans are nanoseconds, times are
//! nanoseconds since 1970 on the host's clock.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::limits::REQUEST_LIMIT;

/// Whether anything can be said over a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkState {
    /// Closed; the host waits before it tries again.
    Down,
    /// Being opened.
    Connecting,
    /// Open. A listener is up while it listens.
    Up,
}

impl LinkState {
    /// The state as the topic `$link/<connection>` tells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Connecting => "connecting",
            Self::Up => "up",
        }
    }
}

impl fmt::Display for LinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names a peer that a listener accepted; never used twice in a run of the host.
pub type PeerId = u64;

/// Names a submitted exchange of a device. The device's side chooses it; it must not be in use.
pub type Ticket = u64;

/// Byte order of a length field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// Most significant byte first.
    BigEndian,
    /// Least significant byte first.
    LittleEndian,
}

/// Where a frame states its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LengthField {
    /// Offset of the field's first byte.
    pub offset: u32,
    /// Its size: 1, 2 or 4 bytes.
    pub size: u32,
    /// Its byte order.
    pub order: ByteOrder,
    /// What to add to the stated number to get the length of the whole frame.
    pub adjust: i32,
}

/// When the reply to a request is complete.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReplyRule {
    /// No reply is awaited: done when the bytes are written.
    None,
    /// After so many bytes.
    Length(u32),
    /// With these bytes, which belong to it.
    Delimiter(Vec<u8>),
    /// By a length in its header.
    LengthField(LengthField),
    /// When the line has been silent for the connection's `silence`.
    Silence,
    /// When the device's [`Framer`](super::Framer) says so; the string is the `options` it is given.
    Codec(String),
}

/// Who goes first when the line is free. Within a priority the devices take turns, and each
/// device's requests go in order of submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Before all others: emergency stops.
    Urgent,
    /// Writes and commands.
    Command,
    /// Polls.
    Poll,
}

impl Priority {
    /// Every priority, the first to go first.
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Command, Self::Poll];

    /// Its index in [`Priority::ALL`].
    pub(super) fn rank(self) -> usize {
        match self {
            Self::Urgent => 0,
            Self::Command => 1,
            Self::Poll => 2,
        }
    }
}

/// One exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What to send.
    pub bytes: Bytes,
    /// When the reply is complete.
    pub reply: ReplyRule,
    /// Its place in the queue.
    pub priority: Priority,
    /// How long to wait for the complete reply, in nanoseconds from the last byte sent.
    pub timeout: u64,
    /// How long the whole exchange may take from submission, in nanoseconds, waiting for its turn
    /// included.
    pub deadline: u64,
    /// Silence to keep before the next exchange when it ends without a reply, in nanoseconds: the
    /// turn-around delay of a broadcast, or the time in which a late reply must not be taken for
    /// that of the next request. 0 where replies say what they answer.
    pub turnaround: u64,
    /// The peer of a listener to talk to; none on other connections.
    pub peer: Option<PeerId>,
}

impl Request {
    /// Whether the request can be carried out at all; the text names what is wrong.
    pub(super) fn check(&self, max_reply: usize, has_framer: bool) -> Result<(), Failure> {
        let invalid = |text: String| Err(Failure::Invalid(text));
        if self.bytes.len() > REQUEST_LIMIT {
            return invalid(format!(
                "bytes: {} are more than the {REQUEST_LIMIT} that one request may hold",
                self.bytes.len()
            ));
        }
        match &self.reply {
            ReplyRule::None if self.bytes.is_empty() => {
                invalid("bytes: nothing to send, and no reply to wait for".into())
            }
            ReplyRule::Length(0) => invalid("reply: a length of 0; use the rule `none`".into()),
            ReplyRule::Length(length) if *length as usize > max_reply => invalid(format!(
                "reply: a length of {length} is beyond the connection's max-reply = {max_reply}"
            )),
            ReplyRule::Delimiter(delimiter) if delimiter.is_empty() => {
                invalid("reply: the delimiter is empty".into())
            }
            ReplyRule::LengthField(field) if !matches!(field.size, 1 | 2 | 4) => invalid(format!(
                "reply: a length field of {} bytes; it can have 1, 2 or 4",
                field.size
            )),
            ReplyRule::LengthField(field) if field.offset as usize >= max_reply => {
                invalid(format!(
                    "reply: a length field at offset {} is beyond the connection's max-reply = {max_reply}",
                    field.offset
                ))
            }
            ReplyRule::Codec(_) if !has_framer => {
                invalid("reply: the rule `codec` needs a plugin that exports `codec`".into())
            }
            rule if self.timeout == 0 && *rule != ReplyRule::None => {
                invalid("timeout: 0 leaves no time for a reply".into())
            }
            _ if self.deadline == 0 => {
                invalid("deadline: 0 leaves no time for the exchange".into())
            }
            _ => Ok(()),
        }
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The frame; empty with the rule `none`.
    pub bytes: Bytes,
    /// When the last byte of the request was handed to the operating system.
    pub sent: u64,
    /// When the last byte of the reply arrived; `sent` with the rule `none`.
    pub received: u64,
}

/// Why an exchange failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No complete reply in time; the bytes that did come are here.
    #[error("no complete reply in time ({} bytes came)", .0.len())]
    Timeout(Bytes),
    /// The deadline passed before the line was free.
    #[error("the deadline passed before the line was free")]
    Expired,
    /// The connection is down or broke during the exchange; the text says why.
    #[error("the link is down: {0}")]
    LinkDown(String),
    /// The reply cannot be framed: too long, or the codec failed.
    #[error("the reply cannot be framed: {0}")]
    Framing(String),
    /// The connection's queue is full.
    #[error("the connection's queue is full")]
    QueueFull,
    /// Cancelled by the device, or the device ended.
    #[error("cancelled")]
    Cancelled,
    /// The request itself is wrong; the text names the culprit.
    #[error("the request is wrong: {0}")]
    Invalid(String),
}

/// Why a device gets no place at a connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A listener is held by one device only.
    #[error("connection `{connection}` is held by device `{holder}`")]
    Taken {
        /// The connection.
        connection: String,
        /// Who holds it.
        holder: String,
    },
    /// The connection has been closed.
    #[error("connection `{0}` is closed")]
    Closed(String),
}
