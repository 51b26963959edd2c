//! Connections: doors to the outside that the host owns.
//!
//! A connection is a **line** (one stream of bytes that several devices share: a serial port, a TCP
//! client) or a **listener** (one door, many peers, one device). A *kind* of connection lives in a
//! crate of its own and brings little: it checks its table ([`ConnectionKind`]) and opens streams
//! ([`Opener`]) or doors ([`Binder`]). The engine here does the rest, for every kind alike:
//!
//! - **Turns.** One exchange at a time on a stream. Urgent requests go before commands, commands
//!   before polls; within a priority the devices take turns, each in the order it submitted.
//! - **Silence.** The inter-frame gap before each request, the turn-around delay after one that
//!   brought no reply: what comes late must not answer the next. Late replies, and bytes that nobody
//!   asked for, are taken off the stream first.
//! - **Replies.** Complete by length, delimiter, length field or silence, or when the device's
//!   [`Framer`] says so; never longer than `max-reply`.
//! - **Time.** A time-out for each reply, a deadline for each request, which also passes while
//!   another exchange is under way. All time is read from a [`Clock`], so tests run in virtual time.
//! - **The link.** Opened at once, watched, opened again with growing, jittered pauses. What was
//!   under way when it breaks fails; what waits goes on waiting until an attempt to open fails. A
//!   link on which nobody gets replies any more is opened anew; one dead unit is not the link.
//! - **Numbers.** [`ConnectionStats`].
//!
//! A device takes a place with [`Connection::attach`] and talks through its [`Seat`]; what the
//! connection has to say goes to its [`Observer`]. Each accepted ticket gets exactly one outcome.
//! A device that does not take its notices holds up nobody else: they wait in its outlet, bounded,
//! and the peers of a listener are not read until it has caught up.
//!
//! Everything runs on the runtime that [`Connection::spawn`] is given: one task a line, and one
//! more for each peer of a listener. No lock is held across an await.
//!
//! [`Clock`]: crate::clock::Clock

mod admission;
mod backoff;
mod conversation;
mod engine;
mod framer;
mod framing;
mod handle;
mod hub;
mod kind;
mod leaving;
pub mod limits;
mod liveness;
mod observer;
mod outlet;
mod overdue;
mod queue;
mod seat;
mod stats;
mod succession;
mod table;
mod tap;
mod transport;
mod types;
mod wire;

#[cfg(test)]
mod tests;

pub use framer::{Framer, Scan};
pub use handle::Connection;
pub use kind::{ConfigError, ConnectionKind, Kinds, UnknownKey};
pub use observer::{Notice, Observer};
pub use seat::Seat;
pub(crate) use stats::Histogram;
pub use stats::{ConnectionStats, Counters, DeviceStats, Latency, PeerStats};
pub use table::TableReader;
pub use tap::{Frame, Tap};
pub use transport::{
    Accepted, Acceptor, Binder, Channel, Claim, Conflict, Endpoint, Line, Listener, NotAccepted,
    Opened, Opener, Settings, conflicts,
};
pub use types::{
    ByteOrder, Failure, LengthField, LinkState, OpenError, PeerId, Priority, Reply, ReplyRule,
    Request, Ticket,
};
