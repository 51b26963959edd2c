//! What a handler did: committed, let out, or undone.

use crate::connection::Notice;
use crate::device::guest::{Guest, GuestFactory};
use crate::device::outbox::{Effect, Outbox};
use crate::device::shared::OutgoingCall;
use crate::device::status::DeviceCounters;
use crate::device::witness::Seen;
use crate::event::Event;
use crate::schedule::TimerOrder;

use super::Actor;

impl<F: GuestFactory> Actor<F> {
    /// Commits what a handler wrote, then lets out what it did. On an error nothing is let out.
    pub(super) async fn settle(&mut self, handled: &[Event], failed: &[u32]) -> Result<(), String> {
        let Some(guest) = self.guest.as_mut() else {
            return Ok(());
        };
        let was_dirty = guest.is_dirty();
        if was_dirty && let Err(message) = guest.commit().await {
            guest.rollback().await;
            guest.outbox().clear();
            return Err(message);
        }
        if was_dirty {
            // What it publishes leaves now.
            self.pace.returned = self.now();
        }
        let Some(guest) = self.guest.as_mut() else {
            return Ok(());
        };
        let outbox = guest.outbox();
        if outbox.is_empty() {
            return Ok(());
        }
        let mut outbox = std::mem::take(outbox);
        outbox.settle_causes(handled, failed);
        self.publish(&mut outbox).await;
        let ordered = !outbox.effects.is_empty();
        for effect in outbox.effects.drain(..) {
            self.carry_out(effect);
        }
        if ordered {
            self.gauges().timers.set(self.timers.len() as u64);
        }
        outbox.clear();
        // Its vectors serve again.
        if let Some(guest) = self.guest.as_mut() {
            *guest.outbox() = outbox;
        }
        Ok(())
    }

    async fn publish(&mut self, outbox: &mut Outbox) {
        if outbox.events.is_empty() {
            return;
        }
        let device = &self.device;
        let blocked = device
            .bus
            .publish_at(device.source, &mut outbox.events, self.pace.returned);
        let count = outbox.events.len() as u64;
        DeviceCounters::add(&device.live.counters.published, count);
        self.pace.published(count);
        if !blocked.is_empty() {
            let patience = device.clock.sleep(device.spec.limits.block.nanoseconds());
            tokio::select! {
                () = blocked.deliver() => {}
                () = patience => {}
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        self.device.show(Seen::Did(&effect));
        match effect {
            Effect::Timer(order) => self.order_timer(order),
            Effect::Submit {
                seat,
                ticket,
                request,
            } => {
                if let Err(failure) = seat.submit(ticket, request) {
                    let outcome = Err(failure);
                    let notice = Notice::Replied { ticket, outcome };
                    self.device
                        .mailbox
                        .refused(seat.connection().clone(), notice);
                }
            }
            Effect::Cancel { seat, ticket } => seat.cancel(ticket),
            Effect::Send { seat, peer, bytes } => {
                if let Err(failure) = seat.send(peer, bytes) {
                    tracing::warn!(device = %self.device.name, connection = %seat.connection(), "not sent: {failure}");
                }
            }
            Effect::Disconnect { seat, peer } => seat.disconnect(peer),
            Effect::SetFailSafe { seat, frames } => self.device.outputs.set_frames(&seat, frames),
            Effect::Reply { id, answer } => self.reply(id, answer),
            Effect::Call {
                id,
                device,
                command,
                arguments,
                timeout,
            } => {
                let call = OutgoingCall {
                    id,
                    device,
                    command,
                    arguments,
                    timeout,
                };
                self.device.send_call(call);
            }
        }
    }

    fn order_timer(&mut self, order: TimerOrder) {
        let limit = self.device.spec.limits.timers as usize;
        if let Some(name) = order.sets()
            && !self.timers.contains(name)
            && self.counted_timers() >= limit
        {
            let text =
                format!("timer `{name}` is not set: a device may have {limit} (limit `timers`)");
            self.device.fault(&text, "");
            return;
        }
        self.carry_out_timer(order);
    }

    /// Undoes what the last hook did: it returned an error, or may do nothing.
    pub(super) async fn discard(&mut self) {
        if let Some(guest) = self.guest.as_mut() {
            undo(guest).await;
        }
    }
}

/// Undoes what a hook did.
pub(super) async fn undo(guest: &mut impl Guest) {
    guest.outbox().clear();
    if guest.is_dirty() {
        guest.rollback().await;
    }
}
