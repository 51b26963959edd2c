//! After a change of versions: confirmed by healthy time, or taken back when the new one traps.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::device::call::CallError;
use crate::device::guest::{Checkpoint, GuestFactory, Trap};
use crate::device::status::DeviceState;
use crate::device::supervision::Restarts;
use crate::schedule::{Now, TimerOrder};

use super::Actor;

/// A change of versions, from the trial of the new one to its confirmation.
pub(super) struct Change<F> {
    /// Until when what the version before had is kept; none when nothing is under way.
    until: Option<u64>,
    /// The version that comes back when the one that runs traps.
    before: Option<Before<F>>,
    /// The state at the last swap: what the version before can read in any case. It is kept beyond
    /// the probation, for the operator who goes back later.
    pub boundary: Option<Checkpoint>,
    /// Timers from before the change that the new version has not ordered again.
    stale_timers: HashSet<Arc<str>>,
    /// Timers made since the change.
    fresh_timers: HashSet<Arc<str>>,
    /// The version before is coming back, and has not started yet.
    pub returning: bool,
    /// How the timers that are ordered are meant.
    pub orders: OrderedBy,
}

/// Whose orders for timers are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum OrderedBy {
    /// The instance that runs.
    #[default]
    Running,
    /// One that takes over: timers that beat as it wants keep their beat.
    Next,
    /// One that leaves: the timers are its own no more.
    Leaving,
}

struct Before<F> {
    factory: F,
    restarts: Restarts,
}

impl<F> Default for Change<F> {
    fn default() -> Self {
        Self {
            until: None,
            before: None,
            boundary: None,
            stale_timers: HashSet::new(),
            fresh_timers: HashSet::new(),
            returning: false,
            orders: OrderedBy::default(),
        }
    }
}

impl<F> Change<F> {
    /// When it will be confirmed.
    pub(super) fn until(&self) -> Option<u64> {
        self.until
    }

    /// Forgets the change: nothing of the device is left that it could be about.
    pub(super) fn forget(&mut self) {
        self.until = None;
        self.before = None;
        self.returning = false;
        self.stale_timers.clear();
        self.fresh_timers.clear();
    }
}

impl<F: GuestFactory> Actor<F> {
    /// A version has taken over. `before` comes back when it traps.
    pub(super) fn begin_probation(&mut self, before: Option<(F, Restarts)>) {
        let span = self.device.spec.limits.probation.nanoseconds();
        self.change.until = Some(self.now().saturating_add(span));
        self.change.before = before.map(|(factory, restarts)| Before { factory, restarts });
        let on_probation = self.change.before.is_some();
        let live = &self.device.live;
        live.probation.store(on_probation, Ordering::Relaxed);
    }

    /// The timers that there are belong to the version before. When that is on probation and the
    /// one before it comes back (`returning`), only those that it made.
    pub(super) fn begin_timers(&mut self, returning: bool) {
        let fresh = std::mem::take(&mut self.change.fresh_timers);
        self.change.stale_timers = if returning {
            fresh
        } else {
            self.timers.names().cloned().collect()
        };
    }

    /// Confirms the version that runs when its time has come.
    pub(super) fn confirm_when_due(&mut self) {
        if self.change.until.is_some_and(|until| until <= self.now()) {
            self.confirm();
        }
    }

    /// Confirms the version that runs: what it has not renewed ends, and the version before goes.
    fn confirm(&mut self) {
        if self.change.until.is_some() {
            // First, so that whoever is told of the confirmation finds them ended.
            self.device.mailbox.confirm();
            self.factory.keep(&[self.factory.version()]);
            self.confirm_version();
        }
    }

    /// Has capabilities let go of what only versions had opened that run here no more.
    pub(super) fn keep_leases(&self) {
        let before = self.change.before.as_ref();
        let before = before.map(|before| before.factory.version());
        let versions = std::iter::once(self.factory.version()).chain(before);
        self.factory.keep(&versions.collect::<Vec<_>>());
    }

    /// Confirms the version that runs, all but its subscriptions: those are the mailbox's.
    pub(super) fn confirm_version(&mut self) {
        if self.change.until.take().is_none() {
            return;
        }
        let was_on_trial = self.change.before.take().is_some();
        for name in self.change.stale_timers.drain() {
            self.timers.remove(&name);
        }
        self.change.fresh_timers.clear();
        self.device.live.probation.store(false, Ordering::Relaxed);
        if was_on_trial {
            let surroundings = &self.device.surroundings;
            surroundings.confirmed(&self.device, self.factory.version());
        }
    }

    /// Whether a trap now brings the version before back.
    pub(super) fn is_on_probation(&self) -> bool {
        self.change.before.is_some()
    }

    /// The version on probation trapped: the one before comes back, with the newest state that it
    /// can read. Returns whether there is one.
    pub(super) fn take_back(&mut self, trap: &Trap) -> bool {
        let Some(Before { factory, restarts }) = self.change.before.take() else {
            return false;
        };
        let taken_back = std::mem::replace(&mut self.factory, factory);
        self.restarts = restarts;
        self.return_version();
        let text = format!("the new version trapped on probation: {}", trap.message);
        let fault = format!("{text}; the version before comes back");
        self.device.fault(&fault, &trap.backtrace);
        self.end_open_calls(&CallError::Failed(text.clone()));
        let surroundings = self.device.surroundings.clone();
        surroundings.taken_back(&self.device, taken_back.version(), &text);
        true
    }

    /// The version that the factory makes now ran here before: it starts at once.
    pub(super) fn return_version(&mut self) {
        self.change.until = None;
        self.change.before = None;
        self.change.returning = true;
        self.change.stale_timers.clear();
        self.device.live.probation.store(false, Ordering::Relaxed);
        self.device.mailbox.begin_return();
        self.has_state = self.factory.has_state();
        if self.has_state && self.checkpoint.is_none() {
            self.checkpoint = self.change.boundary.take();
        }
        self.begin_at = self.now();
        // Nobody minds the outputs that only the other one had, however long this one takes to start.
        self.keep_leases();
        self.device.live.set(DeviceState::Restarting);
    }

    /// The version that came back has started: what only the other one had ends.
    pub(super) fn end_return(&mut self) {
        if !std::mem::take(&mut self.change.returning) {
            return;
        }
        self.device.mailbox.end_return();
        for name in self.change.fresh_timers.drain() {
            self.timers.remove(&name);
        }
    }

    /// Carries out an order for a timer that is within the limit.
    pub(super) fn carry_out_timer(&mut self, order: TimerOrder) {
        let now = Now::of(&*self.device.clock);
        let change = &mut self.change;
        let name = order.name();
        if change.until.is_some() || change.returning || change.orders == OrderedBy::Next {
            change.stale_timers.remove(name);
            if change.returning {
                change.fresh_timers.remove(name);
            } else if !self.timers.contains(name) {
                change.fresh_timers.insert(name.clone());
            }
        }
        match change.orders {
            OrderedBy::Running => self.timers.order(order, now),
            OrderedBy::Next => self.timers.take_over(order, now),
            OrderedBy::Leaving => {}
        }
    }

    /// How many timers count against the limit: not those that only wait for the end of a
    /// probation.
    pub(super) fn counted_timers(&self) -> usize {
        let stale = &self.change.stale_timers;
        let waiting = stale.iter().filter(|name| self.timers.contains(name));
        self.timers.len().saturating_sub(waiting.count())
    }
}
