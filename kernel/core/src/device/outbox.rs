//! What a handler did, kept back until it returns.

use std::sync::Arc;

use bytes::Bytes;

use crate::connection::{PeerId, ReplyRule, Request, Seat, Ticket};
use crate::event::{Cause, Event};
use crate::failsafe::SafeFrame;
use crate::limits::Limits;
use crate::schedule::TimerOrder;
use crate::units::Size;

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
    /// Registers fail-safe frames, in place of those that the device had there.
    SetFailSafe {
        /// Where.
        seat: Seat,
        /// What the host sends without the plugin, in order.
        frames: Vec<SafeFrame>,
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

impl Effect {
    /// Bytes of the guest's that it keeps in the host's memory.
    fn bytes(&self) -> usize {
        match self {
            Self::Timer(order) => order.bytes(),
            Self::Submit { request, .. } => {
                let rule = match &request.reply {
                    ReplyRule::Delimiter(delimiter) => delimiter.len(),
                    ReplyRule::Codec(options) => options.len(),
                    _ => 0,
                };
                request.bytes.len() + rule
            }
            Self::Send { bytes, .. } => bytes.len(),
            Self::SetFailSafe { frames, .. } => frames.iter().map(SafeFrame::size).sum(),
            Self::Reply { answer, .. } => match answer {
                Ok(json) => json.len(),
                Err(error) => error.text().len(),
            },
            Self::Call {
                device,
                command,
                arguments,
                ..
            } => device.len() + command.len() + arguments.len(),
            Self::Cancel { .. } | Self::Disconnect { .. } => 0,
        }
    }
}

/// One handler call did more than it may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboxFull {
    /// Too many publications.
    #[error("one handler call may publish {0} events (limit `outbox-events`)")]
    Events(u32),
    /// Too many of everything else.
    #[error(
        "one handler call may order {0} timers, exchanges, sends, calls and answers (limit `outbox-effects`)"
    )]
    Effects(u32),
    /// Too much data.
    #[error("one handler call may hand over {0} (limit `outbox-bytes`)")]
    Bytes(Size),
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
    /// Bytes that the effects which came through [`Outbox::order`] hold.
    ordered: usize,
}

impl Outbox {
    /// Drops everything.
    pub fn clear(&mut self) {
        self.events.clear();
        self.causes.clear();
        self.payload = 0;
        self.effects.clear();
        self.ordered = 0;
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

    /// Whether so many more publications with so much payload are within the limits.
    pub fn room(&self, events: usize, payload: usize, limits: &Limits) -> Result<(), OutboxFull> {
        if self.events.len() + events > limits.outbox_events as usize {
            return Err(OutboxFull::Events(limits.outbox_events));
        }
        self.room_for_bytes(payload, limits)
    }

    /// Adds an effect, within the limits.
    pub fn order(&mut self, effect: Effect, limits: &Limits) -> Result<(), OutboxFull> {
        if self.effects.len() >= limits.outbox_effects as usize {
            return Err(OutboxFull::Effects(limits.outbox_effects));
        }
        let bytes = effect.bytes();
        self.room_for_bytes(bytes, limits)?;
        self.ordered += bytes;
        self.effects.push(effect);
        Ok(())
    }

    fn room_for_bytes(&self, bytes: usize, limits: &Limits) -> Result<(), OutboxFull> {
        let held = self.payload + self.ordered;
        if held.saturating_add(bytes) > limits.outbox_bytes.bytes() {
            return Err(OutboxFull::Bytes(limits.outbox_bytes));
        }
        Ok(())
    }

    /// Takes back the effects beyond the first `kept`.
    pub fn take_back(&mut self, kept: usize) {
        for effect in self.effects.drain(kept.min(self.effects.len())..) {
            self.ordered = self.ordered.saturating_sub(effect.bytes());
        }
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
#[allow(clippy::unwrap_used)]
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

    fn cancel(name: &str) -> Effect {
        Effect::Timer(TimerOrder::Cancel { name: name.into() })
    }

    #[test]
    fn effects_are_counted_and_their_bytes_share_the_publications_limit() {
        let limits = Limits {
            outbox_effects: 3,
            outbox_bytes: Size(10),
            ..Limits::default()
        };
        let mut outbox = Outbox::default();
        outbox.publish(
            Event {
                value: Value::Text("four".into()),
                ..event(1)
            },
            NO_CAUSE,
        );
        outbox.order(cancel("six666"), &limits).unwrap();
        assert_eq!(
            outbox.order(cancel("1"), &limits),
            Err(OutboxFull::Bytes(Size(10)))
        );
        assert_eq!(outbox.room(1, 1, &limits), Err(OutboxFull::Bytes(Size(10))));
        outbox.take_back(0);
        for name in ["1", "2", "3"] {
            outbox.order(cancel(name), &limits).unwrap();
        }
        assert_eq!(
            outbox.order(cancel(""), &limits),
            Err(OutboxFull::Effects(3))
        );
        outbox.clear();
        outbox.order(cancel("ten ten te"), &limits).unwrap();
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
