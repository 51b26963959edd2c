//! The queue of one subscription: bounded, with a declared policy for overflow, every drop counted.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::event::{Event, TopicId};

use super::bound::{Bound, Room};
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
    /// Events dropped from all queues of this reader, also from those that have ended.
    drops: Arc<AtomicU64>,
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

    /// Counts the events that were dropped from all queues of this reader, also from those that
    /// have ended.
    pub fn drops(&self) -> &Arc<AtomicU64> {
        &self.drops
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
    bound: Bound,
    events: VecDeque<Event>,
    /// Payload bytes of the events.
    bytes: usize,
    /// With `latest-only`: where the event of a topic stands, counted from the first event ever.
    places: HashMap<TopicId, u64>,
    /// How many events have left at the front.
    left: u64,
    closed: bool,
    /// One event whose wait is measured, at a time: how many wait before it, and when it was published.
    probe: Option<(usize, u64)>,
    /// The most events, and the most bytes, that have waited.
    peak: (usize, usize),
}

impl Queue {
    pub(super) fn new(
        owner: Arc<str>,
        filter: Filter,
        overflow: Overflow,
        bound: Bound,
        wake: Arc<Wake>,
    ) -> Self {
        Self {
            owner,
            filter,
            ring: Mutex::new(Ring {
                overflow,
                bound: bound.at_least_one(),
                events: VecDeque::new(),
                bytes: 0,
                places: HashMap::new(),
                left: 0,
                closed: false,
                probe: None,
                peak: (0, 0),
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
    /// fewer than given only with the policy `block`. `at` is the monotonic time of the publication, zero
    /// where that is not known.
    pub(super) fn push(&self, run: &[Event], at: u64) -> usize {
        let mut ring = self.lock();
        if ring.closed {
            drop(ring);
            self.count_dropped(run.len());
            return run.len();
        }
        let end = ring.left + ring.events.len() as u64;
        let (taken, dropped) = ring.push(run);
        let added = match ring.overflow {
            // Those that took the place of an earlier one are somewhere.
            Overflow::LatestOnly => (ring.left + ring.events.len() as u64 - end) as usize,
            Overflow::DropOldest | Overflow::Block => taken,
        };
        ring.pushed(added, at);
        drop(ring);
        self.count_dropped(dropped);
        if taken > 0 {
            self.wake.wake();
        }
        taken
    }

    /// Changes policy and bound. What waits stays, as far as the new bound allows.
    pub(super) fn reconfigure(&self, overflow: Overflow, bound: Bound) {
        let bound = bound.at_least_one();
        let mut ring = self.lock();
        if ring.closed || (ring.overflow, ring.bound) == (overflow, bound) {
            return;
        }
        let waiting: Vec<Event> = ring.events.drain(..).collect();
        ring.bytes = 0;
        ring.probe = None;
        ring.places.clear();
        (ring.overflow, ring.bound) = (overflow, bound);
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
        let taken = self.push(&run, 0);
        self.count_dropped(run.len() - taken);
    }

    /// Moves the events that there is room for to the end of `into`; returns how many.
    pub(crate) fn take(&self, into: &mut Vec<Event>, room: &mut Room) -> usize {
        let mut ring = self.lock();
        let count = ring.fit(room);
        if count == 0 {
            return 0;
        }
        if let Some(since) = ring.leave(count) {
            room.waited(since);
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
            if ring.closed || !ring.is_full() {
                return;
            }
        }
        notified.await;
    }

    pub(super) fn count_dropped(&self, count: usize) {
        if count > 0 {
            self.dropped.fetch_add(count as u64, Ordering::Relaxed);
            self.wake.drops.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    /// Ends the queue: what is in it is dropped and counted, and waiting publishers go on.
    pub(super) fn close(&self) {
        let mut ring = self.lock();
        ring.closed = true;
        let left = ring.events.len();
        ring.events.clear();
        ring.bytes = 0;
        ring.places.clear();
        drop(ring);
        self.count_dropped(left);
        self.room.notify_waiters();
    }

    /// What it subscribes to.
    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The state for people.
    pub fn status(&self) -> SubscriptionStatus {
        let ring = self.lock();
        let (overflow, bound, queued) = (ring.overflow, ring.bound, ring.events.len());
        let (bytes, (peak, peak_bytes)) = (ring.bytes, ring.peak);
        drop(ring);
        SubscriptionStatus {
            owner: self.owner.to_string(),
            filter: self.filter.to_string(),
            overflow,
            capacity: bound.events,
            queued,
            peak,
            bytes,
            peak_bytes,
            byte_capacity: bound.bytes,
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
    /// Whether the policy `block` lets nothing more in. The event that reaches the bound in bytes
    /// is still taken, so that one that is larger can pass.
    fn is_full(&self) -> bool {
        self.events.len() >= self.bound.events || self.bytes >= self.bound.bytes
    }

    /// How many events at the front there is room for; takes that room, and takes their payloads
    /// off the ring's.
    fn fit(&mut self, room: &mut Room) -> usize {
        let most = self.events.len().min(room.events());
        if self.bytes == 0 {
            room.take_scalars(most);
            return most;
        }
        let mut count = 0;
        for event in self.events.iter().take(most) {
            let payload = event.value.payload_len();
            if !room.take(payload) {
                break;
            }
            self.bytes -= payload;
            count += 1;
        }
        count
    }

    /// Events leave at the front; returns when the measured one was published, if it is among them.
    fn leave(&mut self, count: usize) -> Option<u64> {
        let (ahead, at) = self.probe.as_mut()?;
        if let Some(left) = ahead.checked_sub(count) {
            *ahead = left;
            return None;
        }
        let at = *at;
        self.probe = None;
        Some(at)
    }

    /// So many at the end were taken in now: the first of them is measured when no other is.
    fn pushed(&mut self, added: usize, at: u64) {
        self.peak.0 = self.peak.0.max(self.events.len());
        self.peak.1 = self.peak.1.max(self.bytes);
        if self.probe.is_none() && added > 0 && at > 0 {
            self.probe = Some((self.events.len().saturating_sub(added), at));
        }
    }

    /// Takes a run in; returns how many were taken, and how many were dropped for their sake.
    fn push(&mut self, run: &[Event]) -> (usize, usize) {
        match self.overflow {
            Overflow::DropOldest => (run.len(), self.push_dropping(run)),
            Overflow::LatestOnly => (run.len(), self.push_latest(run)),
            Overflow::Block => {
                let before = self.events.len();
                for event in run {
                    if self.is_full() {
                        break;
                    }
                    self.push_back(event);
                }
                (self.events.len() - before, 0)
            }
        }
    }

    fn push_dropping(&mut self, run: &[Event]) -> usize {
        // Of a run longer than the queue only its end can stay.
        let kept = &run[run.len().saturating_sub(self.bound.events)..];
        let excess = (self.events.len() + kept.len()).saturating_sub(self.bound.events);
        if self.bytes > 0 {
            self.bytes -= payload(self.events.iter().take(excess));
        }
        self.events.drain(..excess);
        self.leave(excess);
        self.events.extend(kept.iter().cloned());
        self.bytes += payload(kept);
        excess + (run.len() - kept.len()) + self.drop_excess_bytes()
    }

    fn push_latest(&mut self, run: &[Event]) -> usize {
        let mut dropped = 0;
        for event in run {
            let place = self.places.get(&event.topic).copied();
            if let Some(at) = place.and_then(|place| usize::try_from(place - self.left).ok()) {
                let replaced = std::mem::replace(&mut self.events[at], event.clone());
                self.bytes += event.value.payload_len();
                self.bytes -= replaced.value.payload_len();
                dropped += 1 + self.drop_excess_bytes();
                continue;
            }
            if self.events.len() >= self.bound.events {
                self.drop_front();
                dropped += 1;
            }
            let place = self.left + self.events.len() as u64;
            self.places.insert(event.topic, place);
            self.push_back(event);
            dropped += self.drop_excess_bytes();
        }
        dropped
    }

    fn push_back(&mut self, event: &Event) {
        self.bytes += event.value.payload_len();
        self.events.push_back(event.clone());
    }

    /// Drops the oldest until the payloads are within the bound, but for the last event.
    fn drop_excess_bytes(&mut self) -> usize {
        let mut dropped = 0;
        while self.bytes > self.bound.bytes && self.events.len() > 1 {
            self.drop_front();
            dropped += 1;
        }
        dropped
    }

    fn drop_front(&mut self) {
        self.leave(1);
        if let Some(event) = self.pop_front() {
            self.bytes -= event.value.payload_len();
        }
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

/// Payload bytes of events.
fn payload<'a>(events: impl IntoIterator<Item = &'a Event>) -> usize {
    let payload = |event: &Event| event.value.payload_len();
    events.into_iter().map(payload).sum()
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
    /// The most events that have waited.
    #[serde(default)]
    pub peak: usize,
    /// Bytes of the events that wait now.
    #[serde(default)]
    pub bytes: usize,
    /// The most bytes that have waited.
    #[serde(default)]
    pub peak_bytes: usize,
    /// Its bound, in bytes.
    #[serde(default)]
    pub byte_capacity: usize,
    /// Events taken so far.
    pub delivered: u64,
    /// Events dropped so far.
    pub dropped: u64,
}
