//! What a host offers over the control protocol, apart from how it is said.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::protocol::{ErrorBody, Request};
use super::role::Role;

/// What a request leads to.
pub enum Answer {
    /// One reply.
    Once(Value),
    /// A stream of items.
    Stream(Box<dyn Source>),
}

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// At the socket, as the operating system knows it (`SO_PEERCRED`).
    Local {
        /// The user.
        uid: u32,
        /// The process; it may have handed the connection on, or have ended.
        pid: Option<i32>,
    },
    /// At the door on the network, as its certificate says.
    Remote(Remote),
}

/// Somebody who has shown a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// The common name in the certificate; its fingerprint where it has none.
    pub name: String,
    /// SHA-256 of the certificate, in hexadecimal digits.
    pub fingerprint: String,
    /// Where from.
    pub address: SocketAddr,
    /// What may be asked; none: nothing.
    pub role: Option<Role>,
}

/// A host, as clients see it.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// Carries out a request. Dropped when its client leaves or cancels it.
    async fn answer(&self, request: Request) -> Result<Answer, ErrorBody>;

    /// Whether this client may come in at all.
    async fn admit(&self) -> Result<(), ErrorBody> {
        Ok(())
    }

    /// The host as one client sees it: for services that want to know who asks.
    fn for_peer(self: Arc<Self>, peer: Peer) -> Arc<dyn Service>;
}

/// Part of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// An item.
    Item(Value),
    /// So many items were dropped here.
    Dropped(u64),
}

/// Where the items of a stream come from. It bounds what it keeps for a client that does not read,
/// and counts what it drops.
#[async_trait]
pub trait Source: Send {
    /// Waits for items and adds them; returns whether there can be more.
    async fn next(&mut self, pieces: &mut Vec<Piece>) -> bool;
}
