//! What is asked on a connection.

use crate::bindings::imports::weihe::connection::types as wit;
use crate::{Duration, PeerId, Priority, ReplyRule};

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
