//! A reply that is late. The line is held until it can no longer come; once it has come whole, there is
//! nothing more to wait for.

use std::sync::Arc;

use super::framing::{Look, Search, SharedFramer};
use super::types::{Failure, Reply, ReplyRule, Request};
use super::wire::Turn;

/// The reply that a request without one may still get.
pub(super) struct Overdue {
    request: Arc<Request>,
    framer: Option<SharedFramer>,
    max_reply: usize,
    /// What has arrived of it.
    bytes: Vec<u8>,
}

impl Overdue {
    /// What is overdue after an exchange; none when its reply came, none is awaited, or only a codec
    /// could tell it from noise.
    pub(super) fn after(
        turn: &Turn,
        outcome: &Result<Reply, Failure>,
        max_reply: usize,
    ) -> Option<Self> {
        let (ReplyRule::Codec(_), Err(Failure::Timeout(bytes))) = (&turn.request.reply, outcome)
        else {
            return None;
        };
        Some(Self {
            request: Arc::clone(&turn.request),
            framer: turn.framer.clone(),
            max_reply,
            bytes: bytes.to_vec(),
        })
    }

    /// Whether the reply is complete with these bytes.
    pub(super) fn ends_with(&mut self, bytes: &[u8]) -> bool {
        self.bytes.extend_from_slice(bytes);
        let request = &*self.request;
        let mut search = Search::new(
            &request.reply,
            &request.bytes,
            self.framer.clone(),
            self.max_reply,
        );
        match search.look(&mut self.bytes, false, &mut 0) {
            Ok(Look::Complete(_)) => true,
            Ok(Look::Incomplete) => false,
            Err(_) => {
                self.bytes.clear();
                false
            }
        }
    }
}
