//! The queue of one subscription: bounded, with a declared policy for overflow, every drop counted.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::event::{Event, TopicId};

use super::filter::Filter;

/// What happens when a subscription's queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overflow {
    /// The oldest event is dropped and counted.
    #[default]
    DropOldest,
    /// Only the newest event of each topic is kept; what it replaces is counted.
    LatestOnly,
    /// The publisher waits; see [`super::Blocked`].
    Block,
}

/// Wakes whoever reads one or more queues. One flag and one notification serve them all.
#[derive(Debug, Default)]
pub struct Wake {
    pending: AtomicBool,
    notify: Notify,
}

impl Wake {
    /// Wakes the reader, once for any number of calls until it looks.
    pub fn wake(&self) {
        if !self.pending.swap(true, Ordering::AcqRel) {
            self.notify.notify_one();
        }
    }

    /// Waits until [`Wake::wake`] was called since the last return.
    pub async fn woken(&self) {
        while !self.pending.swap(false, Ordering::AcqRel) {
            self.notify.notified().await;
        }
    }

    /// Takes a pending wake-up without waiting.
    pub fn take(&self) -> bool {
        self.pending.swap(false, Ordering::AcqRel)
    }
}

/// The queue of one subscription.
#[derive(Debug)]
pub struct Queue {
    /// Who subscribed: a device, or a client of the control socket.
    pub(super) owner: Arc<str>,
    pub(super) filter: Filter,
    ring: Mutex<Ring>,
    wake: Arc<Wake>,
    /// Publishers that wait for room, with the policy `block`.
    room: Notify,
    delivered: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Ring {
    overflow: Overflow,
    capacity: usize,
    events: VecDeque<Event>,
    /// With `latest-only`: where the event of a topic stands, counted from the first event ever.
    places: HashMap<TopicId, u64>,
    /// How many events have left at the front.
    left: u64,
    closed: bool,
}

impl Queue {
    pub(super) fn new(
        owner: Arc<str>,
        filter: Filter,
        overflow: Overflow,
        capacity: usize,
        wake: Arc<Wake>,
    ) -> Self {
        Self {
            owner,
            filter,
            ring: Mutex::new(Ring {
                overflow,
                capacity: capacity.max(1),
                events: VecDeque::new(),
                places: HashMap::new(),
                left: 0,
                closed: false,
            }),
            wake,
            room: Notify::new(),
            delivered: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a run of events in; one lock and one wake-up for all. Returns how many were taken:
    /// fewer than given only with the policy `block`.
    pub(super) fn push(&self, run: &[Event]) -> usize {
        let mut ring = self.lock();
        if ring.closed {
            return run.len();
        }
        let (taken, dropped) = ring.push(run);
        drop(ring);
        self.count_dropped(dropped);
        if taken > 0 {
            self.wake.wake();
        }
        taken
    }

    /// Changes policy and bound. What waits stays, as far as the new bound allows.
    pub(super) fn reconfigure(&self, overflow: Overflow, capacity: usize) {
        let mut ring = self.lock();
        if ring.closed || (ring.overflow, ring.capacity) == (overflow, capacity.max(1)) {
            return;
        }
        let waiting: Vec<Event> = ring.events.drain(..).collect();
        ring.places.clear();
        (ring.overflow, ring.capacity) = (overflow, capacity.max(1));
        let (taken, dropped) = ring.push(&waiting);
        drop(ring);
        self.count_dropped(dropped + waiting.len() - taken);
        // Publishers that wait look at the new bound.
        self.room.notify_waiters();
    }

    /// As [`Queue::push`], but leaves out events whose topic has one waiting: that is the same
    /// event, or a newer one.
    pub(super) fn push_absent(&self, mut run: Vec<Event>) {
        let ring = self.lock();
        let queued: HashSet<TopicId> = ring.events.iter().map(|event| event.topic).collect();
        drop(ring);
        run.retain(|event| !queued.contains(&event.topic));
        let taken = self.push(&run);
        self.count_dropped(run.len() - taken);
    }

    /// Moves up to `max` events to the end of `into`; returns how many.
    pub(crate) fn take(&self, into: &mut Vec<Event>, max: usize) -> usize {
        let mut ring = self.lock();
        let count = ring.events.len().min(max);
        if count == 0 {
            return 0;
        }
        if ring.overflow == Overflow::LatestOnly {
            for _ in 0..count {
                into.extend(ring.pop_front());
            }
        } else {
            into.extend(ring.events.drain(..count));
        }
        let block = ring.overflow == Overflow::Block;
        drop(ring);
        self.delivered.fetch_add(count as u64, Ordering::Relaxed);
        if block {
            self.room.notify_waiters();
        }
        count
    }

    /// Waits until there may be room.
    pub(super) async fn wait_for_room(&self) {
        let notified = self.room.notified();
        tokio::pin!(notified);
        notified.as_mut().enable();
        {
            let ring = self.lock();
            if ring.closed || ring.events.len() < ring.capacity {
                return;
            }
        }
        notified.await;
    }

    pub(super) fn count_dropped(&self, count: usize) {
        if count > 0 {
            self.dropped.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    /// Ends the queue: what is in it is dropped, and waiting publishers go on.
    pub(super) fn close(&self) {
        let mut ring = self.lock();
        ring.closed = true;
        ring.events.clear();
        ring.places.clear();
        drop(ring);
        self.room.notify_waiters();
    }

    /// What it subscribes to.
    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The state for people.
    pub fn status(&self) -> SubscriptionStatus {
        let ring = self.lock();
        let (overflow, capacity, queued) = (ring.overflow, ring.capacity, ring.events.len());
        drop(ring);
        SubscriptionStatus {
            owner: self.owner.to_string(),
            filter: self.filter.to_string(),
            overflow,
            capacity,
            queued,
            delivered: self.delivered.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }

    /// Events dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Ring {
    /// Takes a run in; returns how many were taken, and how many were dropped for their sake.
    fn push(&mut self, run: &[Event]) -> (usize, usize) {
        match self.overflow {
            Overflow::DropOldest => (run.len(), self.push_dropping(run)),
            Overflow::LatestOnly => (run.len(), self.push_latest(run)),
            Overflow::Block => {
                let room = self.capacity.saturating_sub(self.events.len());
                let room = room.min(run.len());
                self.events.extend(run[..room].iter().cloned());
                (room, 0)
            }
        }
    }

    fn push_dropping(&mut self, run: &[Event]) -> usize {
        // Of a run longer than the queue only its end can stay.
        let kept = &run[run.len().saturating_sub(self.capacity)..];
        let excess = (self.events.len() + kept.len()).saturating_sub(self.capacity);
        self.events.drain(..excess);
        self.events.extend(kept.iter().cloned());
        excess + (run.len() - kept.len())
    }

    fn push_latest(&mut self, run: &[Event]) -> usize {
        let mut dropped = 0;
        for event in run {
            let place = self.places.get(&event.topic).copied();
            if let Some(at) = place.and_then(|place| usize::try_from(place - self.left).ok()) {
                self.events[at] = event.clone();
                dropped += 1;
                continue;
            }
            if self.events.len() >= self.capacity {
                self.pop_front();
                dropped += 1;
            }
            let place = self.left + self.events.len() as u64;
            self.places.insert(event.topic, place);
            self.events.push_back(event.clone());
        }
        dropped
    }

    fn pop_front(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        if self.places.get(&event.topic) == Some(&self.left) {
            self.places.remove(&event.topic);
        }
        self.left += 1;
        Some(event)
    }
}

/// What `ps` shows of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionStatus {
    /// The device, or the client of the control socket.
    pub owner: String,
    /// What it subscribes to.
    pub filter: String,
    /// Its policy.
    pub overflow: Overflow,
    /// Its bound, in events.
    pub capacity: usize,
    /// Events that wait now.
    pub queued: usize,
    /// Events taken so far.
    pub delivered: u64,
    /// Events dropped so far.
    pub dropped: u64,
}
