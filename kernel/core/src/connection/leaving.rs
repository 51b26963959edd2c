//! Leaving in order: what a device has sent is written, and the peers that it closed are gone, before
//! it gives its place up.

use std::pin::pin;

use super::conversation::until;
use super::hub::Hub;
use super::queue::{Answer, Entry, SeatId};
use super::types::LinkState;

impl Hub {
    /// Waits until nothing that a device sent without awaiting a reply has still to be written, and
    /// the peers that it closed are gone; until `at` (monotonic) at the latest. While a line is down
    /// there is nothing to wait for.
    pub(super) async fn written(&self, device: SeatId, at: u64) {
        let written = async {
            loop {
                let mut progress = pin!(self.progress.notified());
                progress.as_mut().enable();
                if !self.has_to_write(device) {
                    return;
                }
                progress.await;
            }
        };
        // What is not written by then is lost, as anything that is sent can be.
        let _ = until(&*self.clock, at, written).await;
    }

    fn has_to_write(&self, device: SeatId) -> bool {
        let state = self.lock();
        if !state.seats.contains_key(&device)
            || (!self.is_listener() && state.link != LinkState::Up)
        {
            return false;
        }
        let sent = |entry: &Entry| entry.seat == device && matches!(entry.answer, Answer::Sent);
        let has = |wire: &super::wire::Wire| {
            wire.ending || wire.in_flight.as_ref().is_some_and(sent) || wire.queue.any(sent)
        };
        state.wires.values().any(has)
    }
}
