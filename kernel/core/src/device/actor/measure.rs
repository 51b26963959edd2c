//! What is measured, once a call into the plugin: the clock is read when it returns, and one lock is taken.

use std::sync::{MutexGuard, PoisonError};

use crate::device::gauges::{Gauges, Handled};
use crate::device::guest::{Guest, GuestFactory};
use crate::device::status::DeviceCounters;
use crate::device::witness::Seen;

use super::Actor;

impl<F: GuestFactory> Actor<F> {
    /// A call into the plugin that began at `began` has returned. `batch` are the events that it was given and
    /// their bytes, `since` when the one that waited longest was published.
    pub(super) fn returned(
        &mut self,
        began: u64,
        batch: Option<(usize, usize)>,
        since: Option<u64>,
    ) {
        self.device.show(Seen::Returned);
        let now = self.now();
        self.pace.returned = now;
        let took = now.saturating_sub(began);
        DeviceCounters::add(&self.device.live.counters.busy, took);
        let Some(guest) = self.guest.as_mut() else {
            return;
        };
        let used = guest.used();
        let outbox = guest.outbox();
        let handled = Handled {
            took,
            batch: batch.map(|(events, bytes)| (events as u64, bytes as u64)),
            since,
            published: (outbox.events.len() as u64, outbox.payload as u64),
            effects: outbox.effects.len() as u64,
        };
        let counts = self.device.counts();
        let mut gauges = self.gauges();
        gauges.note(now, &handled, &used, counts);
        gauges.timers.set(self.timers.len() as u64);
        if gauges.charges.len() != self.restarts.charges().len() {
            gauges.charges = self.restarts.charges().collect();
        }
    }

    pub(super) fn gauges(&self) -> MutexGuard<'_, Gauges> {
        let gauges = &self.device.live.gauges;
        gauges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what the restart budget has been charged.
    pub(super) fn show_charges(&self) {
        self.gauges().charges = self.restarts.charges().collect();
    }
}
