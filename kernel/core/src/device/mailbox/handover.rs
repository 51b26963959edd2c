//! What a change of versions does to a device's subscriptions. They belong to the device: a new
//! version renews those it wants, the others end after its probation, and a version that is refused
//! or taken back leaves none behind.

use std::collections::BTreeSet;

use crate::bus::{Bound, Overflow};
use crate::event::Event;

use super::Mailbox;

/// How subscribing is meant at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    /// By the instance that runs.
    #[default]
    Settled,
    /// By a version that is tried while the other one still has the device: nothing that is there
    /// may change.
    Trial,
    /// By the version that leaves: nothing of the device is its own any more.
    Leaving,
    /// By the version that comes back.
    Return,
}

/// A subscription that an instance asked for and that the device has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Renewal {
    pub id: u32,
    pub overflow: Overflow,
    pub bound: Bound,
    pub retained: bool,
}

/// The state of a change of versions.
#[derive(Debug, Default)]
pub(super) struct Handover {
    phase: Phase,
    /// Subscriptions from before the change that the new version has not renewed.
    stale: BTreeSet<u32>,
    /// Subscriptions made since the change.
    fresh: BTreeSet<u32>,
    /// Renewals that wait until the version is adopted.
    renewals: Vec<Renewal>,
    /// Subscriptions that the version on trial ended.
    ended: Vec<u32>,
    /// The state was handed over, and with it what the last values meant: they do not come again.
    quiet: bool,
    /// The change before, while a trial could end in its being the last.
    outer: Option<Box<Handover>>,
}

impl Handover {
    /// A subscription is asked for that is there; returns it when it is to be renewed now.
    pub(super) fn renews(&mut self, renewal: Renewal) -> Option<Renewal> {
        match self.phase {
            Phase::Settled => {
                self.stale.remove(&renewal.id);
                Some(renewal)
            }
            Phase::Return => {
                self.fresh.remove(&renewal.id);
                let retained = renewal.retained && !self.quiet;
                Some(Renewal {
                    retained,
                    ..renewal
                })
            }
            Phase::Trial => {
                self.stale.remove(&renewal.id);
                self.ended.retain(|id| *id != renewal.id);
                self.renewals.push(renewal);
                None
            }
            Phase::Leaving => None,
        }
    }

    /// A subscription was made.
    pub(super) fn added(&mut self, id: u32) {
        // Harmless where there is no change under way: nobody asks then.
        self.fresh.insert(id);
    }

    /// A subscription is to end; returns whether it does so now.
    pub(super) fn ends(&mut self, id: u32) -> bool {
        match self.phase {
            Phase::Leaving => false,
            Phase::Trial if !self.fresh.contains(&id) => {
                self.ended.push(id);
                false
            }
            _ => {
                self.stale.remove(&id);
                self.fresh.remove(&id);
                true
            }
        }
    }

    /// How many of `all` subscriptions count against the limit: not those that only wait for the
    /// end of a probation.
    pub(super) fn counted(&self, all: usize) -> usize {
        all.saturating_sub(self.stale.len())
    }
}

impl Mailbox {
    /// Another version is tried from now on. When it is the one before (`returning`), all that is
    /// from before the change is its own again, renewed or not.
    pub(in crate::device) fn begin_trial(&self, returning: bool) {
        let mut waiting = self.lock();
        let outer = std::mem::take(&mut waiting.handover);
        let stale = if returning {
            outer.fresh.clone()
        } else {
            waiting.subscriptions.keys().copied().collect()
        };
        waiting.handover = Handover {
            phase: Phase::Trial,
            stale,
            outer: Some(Box::new(outer)),
            ..Handover::default()
        };
    }

    /// Whether the version that starts has got the state of the one before.
    pub(in crate::device) fn restored(&self, restored: bool) {
        self.lock().handover.quiet = restored;
    }

    /// The version on trial is refused: what it subscribed to ends.
    pub(in crate::device) fn refuse_trial(&self) {
        self.end_fresh();
    }

    /// The version before says its last words.
    pub(in crate::device) fn begin_leave(&self) {
        self.lock().handover.phase = Phase::Leaving;
    }

    /// The version on trial takes over. Unless it is the one before (`returning`), that confirms the one that
    /// leaves: what neither has renewed ends.
    pub(in crate::device) fn adopt_trial(&self, returning: bool) {
        let mut guard = self.lock();
        let waiting = &mut *guard;
        let (handover, kept, buried) = (&mut waiting.handover, &waiting.kept, &waiting.buried);
        let wanted = |event: &Event| {
            let identity = (event.source, event.sequence);
            !kept.contains(&identity) && buried.get(&event.topic) != Some(&identity)
        };
        for renewal in handover.renewals.drain(..) {
            let retained = renewal.retained && !handover.quiet;
            let retained = retained.then_some(&wanted as &dyn Fn(&Event) -> bool);
            if let Some(subscription) = waiting.subscriptions.get(&renewal.id) {
                subscription.renew(renewal.overflow, renewal.bound, retained);
            }
        }
        handover.phase = Phase::Settled;
        let outer = handover.outer.take().filter(|_| !returning);
        let mut ended = Vec::new();
        for id in outer.into_iter().flat_map(|outer| outer.stale) {
            if handover.stale.remove(&id) {
                ended.extend(waiting.subscriptions.remove(&id));
            } else {
                // The one that leaves did without: it is the new one's alone.
                handover.fresh.insert(id);
            }
        }
        for id in std::mem::take(&mut handover.ended) {
            handover.stale.remove(&id);
            ended.extend(waiting.subscriptions.remove(&id));
        }
        drop(guard);
        drop(ended);
    }

    /// The version that runs is confirmed: what it did not renew ends.
    pub(in crate::device) fn confirm(&self) {
        let mut waiting = self.lock();
        let stale = std::mem::take(&mut waiting.handover).stale;
        let ended: Vec<_> = stale
            .into_iter()
            .filter_map(|id| waiting.subscriptions.remove(&id))
            .collect();
        drop(waiting);
        drop(ended);
    }

    /// The version before comes back: it has all its subscriptions.
    pub(in crate::device) fn begin_return(&self) {
        let mut waiting = self.lock();
        waiting.handover.phase = Phase::Return;
        waiting.handover.stale.clear();
    }

    /// The version before is back: what only the other one had subscribed to ends.
    pub(in crate::device) fn end_return(&self) {
        self.end_fresh();
    }

    fn end_fresh(&self) {
        let mut waiting = self.lock();
        let handover = std::mem::take(&mut waiting.handover);
        if let Some(outer) = handover.outer {
            waiting.handover = *outer;
        }
        let fresh = handover.fresh;
        let ended: Vec<_> = fresh
            .into_iter()
            .filter_map(|id| waiting.subscriptions.remove(&id))
            .collect();
        drop(waiting);
        drop(ended);
    }
}
