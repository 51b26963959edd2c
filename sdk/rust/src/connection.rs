//! Connections: doors to the outside that the host owns.

use crate::bindings::imports::weihe::connection::types as wit;
use crate::kernel::Place;
use crate::{Duration, Timestamp};
use std::fmt;

/// How a connection is asked, and what it says of itself.
///
/// ```
/// use weihe_sdk::{ByteOrder, LengthField, LinkState, Priority, ReplyRule};
///
/// // Two bytes from the fourth on say how much follows: Modbus TCP.
/// let rule = ReplyRule::LengthField(LengthField {
///     offset: 4,
///     size: 2,
///     order: ByteOrder::BigEndian,
///     adjust: 6,
/// });
/// assert_ne!(rule, ReplyRule::Delimiter(b"\r\n".to_vec()));
/// assert_ne!(Priority::Poll, Priority::Command);
/// assert_ne!(LinkState::Up, LinkState::Down);
/// ```
pub use wit::{ByteOrder, LengthField, LinkState, Priority, ReplyRule};

/// Names a submitted exchange of a device.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// /// A driver remembers what each request is for.
/// enum Purpose {
///     Temperature,
///     Humidity,
/// }
///
/// struct Driver {
///     under_way: Vec<(Ticket, Purpose)>,
/// }
/// ```
pub type Ticket = u64;
/// Names a peer that a listener accepted.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// struct Server {
///     logged_in: std::collections::BTreeSet<PeerId>,
/// }
/// ```
pub type PeerId = u64;

/// A peer of a listener.
///
/// ```
/// # use weihe_sdk::Peer;
/// let peer = Peer { id: 1, address: "192.0.2.7:40112" };
/// let host = peer.address.rsplit_once(':').map(|(host, _port)| host);
/// assert_eq!(host, Some("192.0.2.7"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer<'a> {
    /// Its id; never used twice in a run of the host.
    pub id: PeerId,
    /// Its address, `host:port`.
    pub address: &'a str,
}

/// What came back.
///
/// ```
/// # use weihe_sdk::{Duration, Reply, Timestamp};
/// let sent = Timestamp::from_nanos(1_700_000_000_000_000_000);
/// let reply = Reply {
///     bytes: b"21.5\n".to_vec(),
///     sent,
///     received: sent + Duration::from_millis(12),
/// };
/// // How long the other side took.
/// assert_eq!(reply.received.since(reply.sent), Duration::from_millis(12));
/// ```
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
///
/// ```
/// # use weihe_sdk::{DEFAULT_TIMEOUT, Request};
/// assert_eq!(Request::new("T?\n").timeout, DEFAULT_TIMEOUT);
/// ```
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long an exchange may take in all, its turn included, unless the request says otherwise.
///
/// ```
/// # use weihe_sdk::{DEFAULT_DEADLINE, Request};
/// assert_eq!(Request::new("T?\n").deadline, DEFAULT_DEADLINE);
/// ```
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
    ///
    /// ```
    /// # use weihe_sdk::{ReplyRule, Request};
    /// let broadcast = Request::new([0x00, 0x05, 0x00, 0x01, 0xff, 0x00]);
    /// assert_eq!(broadcast.reply, ReplyRule::None);
    /// ```
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
    ///
    /// ```
    /// # use weihe_sdk::{ReplyRule, Request};
    /// let request = Request::new("T?\n").reply(ReplyRule::Delimiter(b"\n".to_vec()));
    /// # assert_ne!(request.reply, ReplyRule::None);
    /// ```
    pub fn reply(mut self, rule: ReplyRule) -> Self {
        self.reply = rule;
        self
    }

    /// Says who goes first.
    ///
    /// ```
    /// # use weihe_sdk::{Priority, Request};
    /// // Goes before all polls that wait for the line.
    /// let request = Request::new("OPEN\n").priority(Priority::Command);
    /// # assert_eq!(request.priority, Priority::Command);
    /// ```
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Says how long to wait for the reply.
    ///
    /// ```
    /// # use weihe_sdk::{Duration, Request};
    /// let slow = Request::new("CAL\n").timeout(Duration::from_secs(8));
    /// # assert_eq!(slow.timeout, Duration::from_secs(8));
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Says how long the whole exchange may take.
    ///
    /// ```
    /// # use weihe_sdk::{Duration, Request};
    /// // A poll that has waited longer is worth nothing.
    /// let request = Request::new("T?\n").deadline(Duration::from_secs(2));
    /// # assert_eq!(request.deadline, Duration::from_secs(2));
    /// ```
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Says how long the line keeps silent when there is no reply.
    ///
    /// ```
    /// # use weihe_sdk::{Duration, Request};
    /// // Modbus over Serial Line, 2.4.1: 100 to 200 ms after a broadcast.
    /// let broadcast = Request::new([0x00, 0x06]).turnaround(Duration::from_millis(150));
    /// # assert!(!broadcast.turnaround.is_zero());
    /// ```
    pub fn turnaround(mut self, silence: Duration) -> Self {
        self.turnaround = silence;
        self
    }

    /// Names the peer of a listener.
    ///
    /// ```
    /// # use weihe_sdk::{PeerId, Request};
    /// fn ask(peer: PeerId) -> Request {
    ///     Request::new("WHO?\n").peer(peer)
    /// }
    /// # assert_eq!(ask(3).peer, Some(3));
    /// ```
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
    ///
    /// ```
    /// # use weihe_sdk::FailSafeFrame;
    /// let off = FailSafeFrame::new("pump off", "PUMP 0\n");
    /// assert_eq!(off.label, "pump off");
    /// ```
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
    ///
    /// ```
    /// # use weihe_sdk::{FailSafeFrame, ReplyRule};
    /// let line = ReplyRule::Delimiter(b"\n".to_vec());
    /// let off = FailSafeFrame::new("pump off", "PUMP 0\n").reply(line);
    /// # assert_ne!(off.reply, ReplyRule::None);
    /// ```
    pub fn reply(mut self, rule: ReplyRule) -> Self {
        self.reply = rule;
        self
    }

    /// Says what a reply begins with that agrees. Name every byte that is certain: when the host has
    /// died, the reply is known by them alone.
    ///
    /// ```
    /// # use weihe_sdk::{FailSafeFrame, ReplyRule};
    /// let off = FailSafeFrame::new("pump off", "PUMP 0\n")
    ///     .reply(ReplyRule::Delimiter(b"\n".to_vec()))
    ///     .expects("OK PUMP 0");
    /// # assert_eq!(off.expects, b"OK PUMP 0");
    /// ```
    pub fn expects(mut self, beginning: impl Into<Vec<u8>>) -> Self {
        self.expects = beginning.into();
        self
    }

    /// Says how long to wait for the reply.
    ///
    /// ```
    /// # use weihe_sdk::{Duration, FailSafeFrame};
    /// let off = FailSafeFrame::new("pump off", "PUMP 0\n").timeout(Duration::from_millis(300));
    /// # assert_eq!(off.timeout, Duration::from_millis(300));
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Says how long the line keeps silent when there is no reply.
    ///
    /// ```
    /// # use weihe_sdk::{Duration, FailSafeFrame};
    /// let off = FailSafeFrame::new("all off", [0x00, 0x0f]).turnaround(Duration::from_millis(150));
    /// # assert!(!off.turnaround.is_zero());
    /// ```
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
///
/// ```
/// # use weihe_sdk::{Error, Failure};
/// let failure = Failure::Timeout(b"21.".to_vec());
/// assert_eq!(failure.to_string(), "no complete reply in time, only 3 bytes");
/// // What may pass is tried again where it becomes a handler's error.
/// assert!(matches!(Error::from(failure), Error::Retry(_)));
/// ```
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
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// let line = ctx.connection()?;
/// let reply = line.transact(Request::new("T?\n").reply(ReplyRule::Delimiter(b"\n".to_vec())))?;
/// weihe_sdk::log::info!("{} bytes from {}", reply.bytes.len(), line.name());
/// # Ok(())
/// # }
/// ```
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
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let line = ctx.connection()?;
    /// weihe_sdk::log::info!("on {}", line.name());
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends a request and waits for its reply. The device handles nothing else meanwhile: prefer
    /// [`Connection::submit`] where that matters. Takes effect at once, and once more if the handler
    /// is retried.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let rule = ReplyRule::Length(7);
    /// let reply = ctx.connection()?.transact(Request::new([1, 3, 0, 0, 0, 1]).reply(rule))?;
    /// let register = u16::from_be_bytes([reply.bytes[3], reply.bytes[4]]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn transact(&self, request: Request) -> Result<Reply, Failure> {
        self.place.transact(request)
    }

    /// Queues a request when the handler returns; `on_reply` is called with the ticket and the reply
    /// or its failure.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let line = ctx.connection()?;
    /// let ticket = line.submit(Request::new("T?\n").reply(ReplyRule::Delimiter(b"\n".to_vec())))?;
    /// // `on_reply` will be called with this ticket.
    /// # Ok(())
    /// # }
    /// ```
    pub fn submit(&self, request: Request) -> Result<Ticket, Failure> {
        self.place.submit(request)
    }

    /// Sends bytes without awaiting a reply, when the handler returns: to the peer of a listener
    /// (`None`: to all of them), or down the line.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let server = ctx.open("listener")?;
    /// server.send(None, b"shutting down\n")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn send(&self, peer: Option<PeerId>, bytes: &[u8]) -> Result<(), Failure> {
        self.place.send(peer, bytes)
    }

    /// Withdraws a submitted request that has not been sent; `on_reply` is called with
    /// [`Failure::Cancelled`].
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let line = ctx.connection()?;
    /// let ticket = line.submit(Request::new("LONG?\n"))?;
    /// line.cancel(ticket);
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancel(&self, ticket: Ticket) {
        self.place.cancel(ticket);
    }

    /// Closes a peer of a listener, when the handler returns.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// fn refuse(listener: &Connection, peer: PeerId) -> Result<(), Failure> {
    ///     listener.send(Some(peer), b"no such user\n")?;
    ///     listener.disconnect(peer);
    ///     Ok(())
    /// }
    /// ```
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
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let line = ctx.connection()?;
    /// line.set_fail_safe([
    ///     FailSafeFrame::new("heater off", "HEAT 0\n"),
    ///     FailSafeFrame::new("fan on", "FAN 1\n"),
    /// ])?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_fail_safe(
        &self,
        frames: impl IntoIterator<Item = FailSafeFrame>,
    ) -> Result<(), Failure> {
        self.place.set_fail_safe(frames.into_iter().collect())
    }

    /// Whether anything can be said now.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// if ctx.connection()?.state() == LinkState::Down {
    ///     weihe_sdk::log::warn!("the cable is out");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn state(&self) -> LinkState {
        self.place.state()
    }
}
