//! The queue of one subscription: bounded, with a declared policy for overflow, every drop counted.

use std::collections::{HashMap, VecDeque};
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
    overflow: Overflow,
    capacity: usize,
    ring: Mutex<Ring>,
    wake: Arc<Wake>,
    /// Publishers that wait for room, with the policy `block`.
    room: Notify,
    delivered: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Ring {
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
            overflow,
            capacity: capacity.max(1),
            ring: Mutex::default(),
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
        let taken = match self.overflow {
            Overflow::DropOldest => self.push_dropping(&mut ring, run),
            Overflow::LatestOnly => self.push_latest(&mut ring, run),
            Overflow::Block => {
                let room = self
                    .capacity
                    .saturating_sub(ring.events.len())
                    .min(run.len());
                ring.events.extend(run[..room].iter().cloned());
                room
            }
        };
        drop(ring);
        if taken > 0 {
            self.wake.wake();
        }
        taken
    }

    fn push_dropping(&self, ring: &mut Ring, run: &[Event]) -> usize {
        // Of a run longer than the queue only its end can stay.
        let kept = &run[run.len().saturating_sub(self.capacity)..];
        let excess = (ring.events.len() + kept.len()).saturating_sub(self.capacity);
        ring.events.drain(..excess);
        ring.events.extend(kept.iter().cloned());
        let dropped = excess + (run.len() - kept.len());
        if dropped > 0 {
            self.dropped.fetch_add(dropped as u64, Ordering::Relaxed);
        }
        run.len()
    }

    fn push_latest(&self, ring: &mut Ring, run: &[Event]) -> usize {
        for event in run {
            let place = ring.places.get(&event.topic).copied();
            if let Some(at) = place.and_then(|place| usize::try_from(place - ring.left).ok()) {
                ring.events[at] = event.clone();
                self.dropped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            if ring.events.len() >= self.capacity {
                ring.pop_front();
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
            let place = ring.left + ring.events.len() as u64;
            ring.places.insert(event.topic, place);
            ring.events.push_back(event.clone());
        }
        run.len()
    }

    /// Moves up to `max` events to the end of `into`; returns how many.
    pub(crate) fn take(&self, into: &mut Vec<Event>, max: usize) -> usize {
        let mut ring = self.lock();
        let count = ring.events.len().min(max);
        if count == 0 {
            return 0;
        }
        if self.overflow == Overflow::LatestOnly {
            for _ in 0..count {
                into.extend(ring.pop_front());
            }
        } else {
            into.extend(ring.events.drain(..count));
        }
        drop(ring);
        self.delivered.fetch_add(count as u64, Ordering::Relaxed);
        if self.overflow == Overflow::Block {
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
            if ring.closed || ring.events.len() < self.capacity {
                return;
            }
        }
        notified.await;
    }

    pub(super) fn count_dropped(&self, count: usize) {
        self.dropped.fetch_add(count as u64, Ordering::Relaxed);
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

    /// The state for people.
    pub fn status(&self) -> SubscriptionStatus {
        SubscriptionStatus {
            owner: self.owner.to_string(),
            filter: self.filter.to_string(),
            overflow: self.overflow,
            capacity: self.capacity,
            queued: self.lock().events.len(),
            delivered: self.delivered.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }

    /// Events dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Whether an event waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().events.is_empty()
    }
}

impl Ring {
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
