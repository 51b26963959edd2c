//! What passes on a connection, for whoever listens in: recordings that tests replay.

use super::types::{Failure, PeerId, Reply};

/// Something that has passed.
#[derive(Debug, Clone, Copy)]
pub enum Frame<'a> {
    /// A request, and what became of it.
    Exchange {
        /// The peer of a listener; none on a line.
        peer: Option<PeerId>,
        /// What was sent.
        request: &'a [u8],
        /// What came back.
        outcome: &'a Result<Reply, Failure>,
    },
    /// Bytes that no exchange was waiting for.
    Received {
        /// The peer of a listener; none on a line.
        peer: Option<PeerId>,
        /// What arrived.
        bytes: &'a [u8],
    },
}

/// Listens in. It is called without a lock of the connection's, and must not block.
pub trait Tap: Send + Sync {
    /// Whether anybody wants to know what passes now: where nobody does, nothing is kept for it.
    fn is_wanted(&self) -> bool;

    /// Something has passed.
    fn passed(&self, frame: Frame<'_>);
}
