//! Connections: doors to the outside that the host owns.

mod fail_safe;
mod failure;
mod request;

use crate::Timestamp;
use crate::bindings::imports::weihe::connection::types as wit;
use crate::kernel::Place;

pub use fail_safe::FailSafeFrame;
pub use failure::Failure;
pub use request::{DEFAULT_DEADLINE, DEFAULT_TIMEOUT, Request};

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
    /// or its failure. Refused with [`Failure::LinkDown`] while the link cannot be opened: with `?` in a
    /// handler of events the kernel would deliver a tick again and again; a poll rather waits for the next one.
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
