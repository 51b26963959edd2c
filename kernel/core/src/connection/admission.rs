//! Which requests are accepted: those that are in order themselves, whose link can take them, and for
//! which there is room.

use super::hub::{Hub, SeatState, State};
use super::limits::{OUTSTANDING, QUEUED_BYTES};
use super::queue::SeatId;
use super::types::{Failure, Request};
use super::wire::{LINE, WireId};

impl State {
    /// Whether requests are accepted at all.
    fn check_link(&self) -> Result<(), Failure> {
        if self.closed {
            return Err(Failure::LinkDown("the connection is closed".into()));
        }
        match &self.refusing {
            Some(reason) => Err(Failure::LinkDown(reason.to_string())),
            None => Ok(()),
        }
    }
}

impl Hub {
    pub(super) fn check(&self, id: SeatId, request: &Request) -> Result<(), Failure> {
        self.admit(&self.lock(), id, request).map(|_| ())
    }

    /// Whether a request can be accepted for whichever peers there are.
    pub(super) fn check_all(&self, id: SeatId, request: &Request) -> Result<(), Failure> {
        let state = self.lock();
        self.check_place(&state, id, request)?;
        state.check_link()
    }

    /// Whether a request is in order itself.
    pub(super) fn check_request(&self, id: SeatId, request: &Request) -> Result<(), Failure> {
        self.check_place(&self.lock(), id, request).map(|_| ())
    }

    /// The place of a request's device, when the request itself is in order.
    fn check_place<'a>(
        &self,
        state: &'a State,
        id: SeatId,
        request: &Request,
    ) -> Result<&'a SeatState, Failure> {
        let seat = state.seats.get(&id).ok_or(Failure::Cancelled)?;
        request.check(self.settings.max_reply, seat.framer.is_some())?;
        Ok(seat)
    }

    /// Which wire a request goes to, when it can.
    pub(super) fn admit(
        &self,
        state: &State,
        id: SeatId,
        request: &Request,
    ) -> Result<WireId, Failure> {
        let seat = self.check_place(state, id, request)?;
        let wire_id = match (self.is_listener(), request.peer) {
            (false, None) => LINE,
            (true, Some(peer)) => peer,
            (true, None) => {
                return Err(Failure::Invalid(format!(
                    "peer: connection `{}` is a listener, so a request has to name one",
                    self.name
                )));
            }
            (false, Some(peer)) => {
                return Err(Failure::Invalid(format!(
                    "peer: {peer}; connection `{}` is a line and has none",
                    self.name
                )));
            }
        };
        state.check_link()?;
        let wire = state.wires.get(&wire_id).filter(|wire| !wire.ending);
        let Some(wire) = wire else {
            return Err(Failure::LinkDown(format!("peer {wire_id} is gone")));
        };
        let rank = request.priority.rank();
        let limit = OUTSTANDING.get(rank).copied().unwrap_or_default();
        if wire.queue.count(id) + seat.outlet.replies() >= limit
            || (rank > 0 && wire.queue.bytes() + request.bytes.len() > QUEUED_BYTES)
        {
            return Err(Failure::QueueFull);
        }
        Ok(wire_id)
    }
}
