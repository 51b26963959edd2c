//! What a host offers over the control protocol, apart from how it is said.

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

/// A host, as clients see it.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// Carries out a request. Dropped when its client leaves or cancels it.
    async fn answer(&self, request: Request) -> Result<Answer, ErrorBody>;
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
