//! The contract of an observer: what a device's mailbox does for the connections it has a place at.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use super::types::{Failure, LinkState, PeerId, Reply, Ticket};

/// What a connection tells a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A submitted request is finished.
    Replied {
        /// Which one.
        ticket: Ticket,
        /// What became of it.
        outcome: Result<Reply, Failure>,
    },
    /// Bytes arrived that no exchange was waiting for.
    Received {
        /// The peer of a listener; none on a line.
        peer: Option<PeerId>,
        /// What arrived, in pieces of any size.
        bytes: Bytes,
        /// When, in nanoseconds since 1970.
        time: u64,
    },
    /// The link changed. Also told once on each attachment.
    Link {
        /// The state now.
        state: LinkState,
        /// Why it is down; empty otherwise.
        reason: Arc<str>,
    },
    /// A peer was accepted, or is gone. Peers that are there already are told on each attachment.
    Peer {
        /// Its id.
        peer: PeerId,
        /// Its address, `host:port`.
        address: Arc<str>,
        /// Accepted, or gone.
        connected: bool,
    },
}

/// Takes notices for one device. Implemented by the device's mailbox.
pub trait Observer: Send + Sync {
    /// Takes a notice, or gives it back when there is no room. It never blocks and never calls back
    /// into the connection, which may hold a lock. An observer whose device has ended takes
    /// everything and drops it.
    ///
    /// The connection keeps a notice that was given back and offers it again after
    /// [`Observer::room`]; those that follow wait behind it, so the order stays.
    fn notify(&self, connection: &Arc<str>, notice: Notice) -> Result<(), Notice>;

    /// Ends when there is room for a notice, or at once when there is now.
    fn room(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}
