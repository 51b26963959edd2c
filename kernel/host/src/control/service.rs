//! What a host offers over the control protocol, apart from how it is said.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::protocol::{ErrorBody, Request};

/// What a request leads to.
pub enum Answer {
    /// One reply.
    Once(Value),
    /// A stream of items.
    Stream(Box<dyn Source>),
}

/// Who is at the other end, as the operating system knows it (`SO_PEERCRED`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The user.
    pub uid: u32,
    /// The process; it may have handed the connection on, or have ended.
    pub pid: Option<i32>,
}

/// A host, as clients see it.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// Carries out a request. Dropped when its client leaves or cancels it.
    async fn answer(&self, request: Request) -> Result<Answer, ErrorBody>;

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
