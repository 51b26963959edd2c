//! What a handler did, kept back until it returns.

use std::sync::Arc;

use bytes::Bytes;

use crate::connection::{PeerId, Request, Seat, Ticket};
use crate::event::{Cause, Event};
use crate::schedule::TimerOrder;

use super::call::{CallError, CallId};

/// Stands for "no event of the batch" as the cause of a publication.
pub const NO_CAUSE: u32 = u32::MAX;

/// Something that takes effect when the handler has returned.
#[derive(Clone)]
pub enum Effect {
    /// Sets or ends a timer.
    Timer(TimerOrder),
    /// Queues an exchange.
    Submit {
        /// Where.
        seat: Seat,
        /// The device's name for it.
        ticket: Ticket,
        /// What.
        request: Request,
    },
    /// Withdraws an exchange.
    Cancel {
        /// Where.
        seat: Seat,
        /// Which.
        ticket: Ticket,
    },
    /// Sends bytes without awaiting a reply.
    Send {
        /// Where.
        seat: Seat,
        /// To whom; none for the line, or for all peers.
        peer: Option<PeerId>,
        /// What.
        bytes: Bytes,
    },
    /// Closes a peer of a listener.
    Disconnect {
        /// Where.
        seat: Seat,
        /// Whom.
        peer: PeerId,
    },
    /// Answers a call.
    Reply {
        /// Which call.
        id: CallId,
        /// JSON, or why not.
        answer: Result<String, CallError>,
    },
    /// Calls a command of another device.
    Call {
        /// The call's id, already told to the caller.
        id: CallId,
        /// Whom.
        device: Arc<str>,
        /// Which command.
        command: String,
        /// A JSON object.
        arguments: String,
        /// Nanoseconds until the answer is given up.
        timeout: u64,
    },
}

/// What a handler did, kept back until it returns. Its vectors are reused from call to call.
#[derive(Default)]
pub struct Outbox {
    /// Publications, in order. Source and sequence are assigned when they leave.
    pub events: Vec<Event>,
    /// For each publication the index of the event that caused it, or [`NO_CAUSE`].
    pub causes: Vec<u32>,
    /// Payload bytes of the publications.
    pub payload: usize,
    /// Everything else, in order.
    pub effects: Vec<Effect>,
}

impl Outbox {
    /// Drops everything.
    pub fn clear(&mut self) {
        self.events.clear();
        self.causes.clear();
        self.payload = 0;
        self.effects.clear();
    }

    /// Whether nothing was done.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.effects.is_empty()
    }

    /// Adds a publication.
    pub fn publish(&mut self, event: Event, cause: u32) {
        self.payload += event.value.payload_len();
        self.events.push(event);
        self.causes.push(cause);
    }

    /// Gives each publication its cause among the events that were handled, and drops those whose
    /// cause is in `failed` (ascending).
    pub fn settle_causes(&mut self, handled: &[Event], failed: &[u32]) {
        let mut kept = 0;
        for index in 0..self.events.len() {
            let cause = self.causes.get(index).copied().unwrap_or(NO_CAUSE);
            if !failed.is_empty() && failed.binary_search(&cause).is_ok() {
                continue;
            }
            if let Some(event) = handled.get(cause as usize) {
                self.events[index].cause = Some(Cause {
                    source: event.source,
                    sequence: event.sequence,
                });
            }
            self.events.swap(kept, index);
            kept += 1;
        }
        self.events.truncate(kept);
        self.causes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Quality, SourceId, TopicId, Value};

    fn event(sequence: u64) -> Event {
        Event {
            topic: TopicId(0),
            source: SourceId(7),
            time: 0,
            sequence,
            cause: None,
            attempt: 1,
            quality: Quality::Good,
            value: Value::None,
        }
    }

    #[test]
    fn publications_of_a_failed_event_are_dropped_and_the_others_keep_their_order() {
        let mut outbox = Outbox::default();
        for (sequence, cause) in [(1, 0), (2, 1), (3, 1), (4, 2), (5, NO_CAUSE)] {
            outbox.publish(event(sequence), cause);
        }
        outbox.settle_causes(&[event(10), event(11), event(12)], &[1]);
        let left: Vec<_> = outbox
            .events
            .iter()
            .map(|event| (event.sequence, event.cause.map(|cause| cause.sequence)))
            .collect();
        assert_eq!(left, [(1, Some(10)), (4, Some(12)), (5, None)]);
    }
}
