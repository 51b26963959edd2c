//! Connections: doors to the outside that the host owns.

use crate::bindings::imports::weihe::connection::types as wit;
use crate::kernel::Place;
use crate::{Duration, Timestamp};
use std::fmt;

pub use wit::{ByteOrder, LengthField, LinkState, Priority, ReplyRule};

/// Names a submitted exchange of a device.
pub type Ticket = u64;
/// Names a peer that a listener accepted.
pub type PeerId = u64;

/// A peer of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer<'a> {
    /// Its id; never used twice in a run of the host.
    pub id: PeerId,
    /// Its address, `host:port`.
    pub address: &'a str,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The frame; empty with [`ReplyRule::None`].
    pub bytes: Vec<u8>,
    /// When the last byte of the request was handed to the operating system.
    pub sent: Timestamp,
    /// When the last byte of the reply arrived; `sent` with [`ReplyRule::None`].
    pub received: Timestamp,
}

impl From<wit::Reply> for Reply {
    fn from(reply: wit::Reply) -> Self {
        Reply {
            bytes: reply.bytes,
            sent: Timestamp::from_nanos(reply.sent),
            received: Timestamp::from_nanos(reply.received),
        }
    }
}

/// How long a reply is awaited unless the request says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long an exchange may take in all, its turn included, unless the request says otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// One exchange: what to send, and when its reply is complete.
///
/// ```
/// use weihe_sdk::{Duration, Priority, ReplyRule, Request};
///
/// let request = Request::new([0x01, 0x03, 0x00, 0x00, 0x00, 0x01, 0x84, 0x0a])
///     .reply(ReplyRule::Length(7))
///     .priority(Priority::Poll)
///     .timeout(Duration::from_millis(300));
/// assert_eq!(request.bytes.len(), 8);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What to send.
    pub bytes: Vec<u8>,
    /// When the reply is complete. Without a call of [`Request::reply`] none is awaited.
    pub reply: ReplyRule,
    /// Its place in the queue; polls are the default.
    pub priority: Priority,
    /// How long to wait for the complete reply, from the last byte sent.
    pub timeout: Duration,
    /// How long the whole exchange may take from submission, waiting for its turn included.
    pub deadline: Duration,
    /// Silence to keep before the next exchange, whoever's it is, when this one ends without a reply:
    /// the turn-around delay of a broadcast, or the time in which a late reply must not be taken for
    /// that of the next request. Zero where replies say what they answer.
    pub turnaround: Duration,
    /// The peer of a listener to talk to; none on other connections.
    pub peer: Option<PeerId>,
}

impl Request {
    /// A poll that awaits no reply.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Request {
            bytes: bytes.into(),
            reply: ReplyRule::None,
            priority: Priority::Poll,
            timeout: DEFAULT_TIMEOUT,
            deadline: DEFAULT_DEADLINE,
            turnaround: Duration::ZERO,
            peer: None,
        }
    }

    /// Says when the reply is complete.
    pub fn reply(mut self, rule: ReplyRule) -> Self {
        self.reply = rule;
        self
    }

    /// Says who goes first.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Says how long to wait for the reply.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Says how long the whole exchange may take.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Says how long the line keeps silent when there is no reply.
    pub fn turnaround(mut self, silence: Duration) -> Self {
        self.turnaround = silence;
        self
    }

    /// Names the peer of a listener.
    pub fn peer(mut self, peer: PeerId) -> Self {
        self.peer = Some(peer);
        self
    }
}

impl From<Request> for wit::Request {
    fn from(request: Request) -> Self {
        wit::Request {
            bytes: request.bytes,
            reply: request.reply,
            priority: request.priority,
            timeout: request.timeout.as_nanos(),
            deadline: request.deadline.as_nanos(),
            turnaround: request.turnaround.as_nanos(),
            peer: request.peer,
        }
    }
}

/// A message that sets outputs to their safe values, which the host sends when the device cannot any
/// more.
///
/// ```
/// use weihe_sdk::{FailSafeFrame, ReplyRule};
///
/// // A coil is switched off; the unit repeats the request.
/// let off = [0x01, 0x05, 0x00, 0x00, 0x00, 0x00, 0xcd, 0xca];
/// let frame = FailSafeFrame::new("valve = false", off)
///     .reply(ReplyRule::Length(8))
///     .expects(off);
/// assert_eq!(frame.bytes, frame.expects);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FailSafeFrame {
    /// What it does, in words for people.
    pub label: String,
    /// What to send.
    pub bytes: Vec<u8>,
    /// When the reply is complete. Without a call of [`FailSafeFrame::reply`] none is awaited.
    pub reply: ReplyRule,
    /// What the reply begins with when the other side agrees; empty when any reply will do.
    pub expects: Vec<u8>,
    /// How long to wait for the complete reply, from the last byte sent.
    pub timeout: Duration,
    /// Silence to keep when it ends without a reply.
    pub turnaround: Duration,
}

impl FailSafeFrame {
    /// A frame that awaits no reply.
    pub fn new(label: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        FailSafeFrame {
            label: label.into(),
            bytes: bytes.into(),
            reply: ReplyRule::None,
            expects: Vec::new(),
            timeout: DEFAULT_TIMEOUT,
            turnaround: Duration::ZERO,
        }
    }

    /// Says when the reply is complete.
    pub fn reply(mut self, rule: ReplyRule) -> Self {
        self.reply = rule;
        self
    }

    /// Says what a reply begins with that agrees. Name every byte that is certain: when the host has
    /// died, the reply is known by them alone.
    pub fn expects(mut self, beginning: impl Into<Vec<u8>>) -> Self {
        self.expects = beginning.into();
        self
    }

    /// Says how long to wait for the reply.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Says how long the line keeps silent when there is no reply.
    pub fn turnaround(mut self, silence: Duration) -> Self {
        self.turnaround = silence;
        self
    }
}

impl From<FailSafeFrame> for wit::FailSafeFrame {
    fn from(frame: FailSafeFrame) -> Self {
        wit::FailSafeFrame {
            label: frame.label,
            bytes: frame.bytes,
            reply: frame.reply,
            expects: frame.expects,
            timeout: frame.timeout.as_nanos(),
            turnaround: frame.turnaround.as_nanos(),
        }
    }
}

/// Why an exchange failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No complete reply in time; the bytes that did come are here.
    Timeout(Vec<u8>),
    /// The deadline passed before the line was free.
    Expired,
    /// The connection is down or broke during the exchange.
    LinkDown(String),
    /// The reply cannot be framed: too long, or the codec failed.
    Framing(String),
    /// The connection's queue is full.
    QueueFull,
    /// Cancelled by the device, or the device ended.
    Cancelled,
    /// The request itself is wrong.
    Invalid(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Timeout(bytes) if bytes.is_empty() => write!(f, "no reply in time"),
            Failure::Timeout(bytes) => {
                write!(f, "no complete reply in time, only {} bytes", bytes.len())
            }
            Failure::Expired => write!(f, "the line was not free before the deadline"),
            Failure::LinkDown(text) => write!(f, "the link is down: {text}"),
            Failure::Framing(text) => write!(f, "the reply is no frame: {text}"),
            Failure::QueueFull => write!(f, "the connection's queue is full"),
            Failure::Cancelled => write!(f, "cancelled"),
            Failure::Invalid(text) => write!(f, "the request is wrong: {text}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<wit::Failure> for Failure {
    fn from(failure: wit::Failure) -> Self {
        match failure {
            wit::Failure::Timeout(bytes) => Failure::Timeout(bytes),
            wit::Failure::Expired => Failure::Expired,
            wit::Failure::LinkDown(text) => Failure::LinkDown(text),
            wit::Failure::Framing(text) => Failure::Framing(text),
            wit::Failure::QueueFull => Failure::QueueFull,
            wit::Failure::Cancelled => Failure::Cancelled,
            wit::Failure::Invalid(text) => Failure::Invalid(text),
        }
    }
}

/// A wrong request is rejected, all else may pass.
impl From<Failure> for crate::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Invalid(_) | Failure::Framing(_) => {
                crate::Error::Rejected(failure.to_string())
            }
            _ => crate::Error::Retry(failure.to_string()),
        }
    }
}

impl From<Failure> for crate::CallError {
    fn from(failure: Failure) -> Self {
        use crate::CallError;
        let text = failure.to_string();
        match failure {
            Failure::Timeout(_) | Failure::Expired => CallError::Timeout(text),
            Failure::LinkDown(_) | Failure::QueueFull => CallError::Unavailable(text),
            _ => CallError::Failed(text),
        }
    }
}

/// A device's place at a connection.
#[derive(Debug)]
pub struct Connection {
    name: String,
    place: Place,
}

impl Connection {
    pub(crate) fn new(name: &str, place: Place) -> Self {
        Connection {
            name: name.to_owned(),
            place,
        }
    }

    /// Its name in `weihe.toml`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends a request and waits for its reply. The device handles nothing else meanwhile: prefer
    /// [`Connection::submit`] where that matters. Takes effect at once, and once more if the handler
    /// is retried.
    pub fn transact(&self, request: Request) -> Result<Reply, Failure> {
        self.place.transact(request)
    }

    /// Queues a request when the handler returns; `on_reply` is called with the ticket and the reply
    /// or its failure.
    pub fn submit(&self, request: Request) -> Result<Ticket, Failure> {
        self.place.submit(request)
    }

    /// Sends bytes without awaiting a reply, when the handler returns: to the peer of a listener
    /// (`None`: to all of them), or down the line.
    pub fn send(&self, peer: Option<PeerId>, bytes: &[u8]) -> Result<(), Failure> {
        self.place.send(peer, bytes)
    }

    /// Withdraws a submitted request that has not been sent; `on_reply` is called with
    /// [`Failure::Cancelled`].
    pub fn cancel(&self, ticket: Ticket) {
        self.place.cancel(ticket);
    }

    /// Closes a peer of a listener, when the handler returns.
    pub fn disconnect(&self, peer: PeerId) {
        self.place.disconnect(peer);
    }

    /// Registers the frames that set the device's outputs behind this connection to their safe values,
    /// in the order in which they are sent, when the handler returns. They replace all that the device
    /// registered here before; none withdraws them.
    ///
    /// They belong to the device and survive traps, restarts and changes of versions; none of these
    /// sends them. They are sent when the device has failed for good, is stopped or unloaded, when the
    /// host stops, and when it dies; possibly several times, so they must set, never toggle.
    pub fn set_fail_safe(
        &self,
        frames: impl IntoIterator<Item = FailSafeFrame>,
    ) -> Result<(), Failure> {
        self.place.set_fail_safe(frames.into_iter().collect())
    }

    /// Whether anything can be said now.
    pub fn state(&self) -> LinkState {
        self.place.state()
    }
}
