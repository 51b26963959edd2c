//! What waits for a device: calls, notices of connections, events addressed to it alone, and its
//! subscriptions.

mod handover;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::bus::{Bound, Filter, Overflow, Room, Subscription, Wake};
use crate::connection::{Notice, Observer};
use crate::event::{Event, SourceId, TopicId};

use super::call::{Call, CallError};
use super::guest::StopReason;
use super::shared::Device;

use handover::{Handover, Renewal};

/// The most calls that wait. A device that does not answer must not collect them.
pub const MAX_CALLS: usize = 64;

/// The most notices that wait; a connection keeps the rest, and stops reading its peers.
pub const MAX_NOTICES: usize = 256;

/// A device has as many subscriptions as it may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("device `{device}` may have {limit} subscriptions (limit `subscriptions`)")]
pub struct TooManySubscriptions {
    /// Which device.
    pub device: String,
    /// How many it may have.
    pub limit: u32,
}

/// A request to end a device, and who waits for the end.
#[derive(Debug)]
pub struct Stop {
    /// Why.
    pub reason: StopReason,
    /// Told when the device has ended: everyone who asked for it.
    pub ended: Vec<oneshot::Sender<()>>,
}

/// What waits for a device.
#[derive(Debug, Default)]
pub struct Mailbox {
    shared: Mutex<Waiting>,
    /// Whether anything but events may wait. Changed under the lock, read without it, so that a
    /// device that only handles events does not lock for what is not there; whoever sets it wakes
    /// the device afterwards.
    urgent: AtomicBool,
    wake: Arc<Wake>,
    room: Notify,
}

/// Source and sequence of an event.
type Identity = (SourceId, u64);

#[derive(Debug, Default)]
struct Waiting {
    closed: bool,
    stop: Option<Stop>,
    calls: VecDeque<Call>,
    notices: VecDeque<(Arc<str>, Notice)>,
    /// Submissions that were refused, in the order of submission. Bounded by the limit `tickets`,
    /// which counts them until they are taken.
    refused: VecDeque<(Arc<str>, Notice)>,
    /// Answers to calls. Bounded by the limit `calls`, which counts them until they are taken.
    direct: VecDeque<Event>,
    /// A dead letter that is delivered again, behind what waits in the subscriptions, and who waits
    /// for the device to take it.
    again: Option<(Event, oneshot::Sender<()>)>,
    /// The last batch had no room for it: it goes first in the next, so that it is not kept waiting
    /// for ever.
    again_waited: bool,
    subscriptions: BTreeMap<u32, Subscription>,
    next_subscription: u32,
    /// Where the next batch begins, so that a busy subscription does not starve the others.
    turn: u32,
    /// Events that the device keeps to handle them again.
    kept: HashSet<Identity>,
    /// The last event of each topic that went to the dead letters.
    buried: HashMap<TopicId, Identity>,
    /// What a change of versions does to the subscriptions.
    handover: Handover,
}

impl Waiting {
    fn is_urgent(&self) -> bool {
        self.stop.is_some()
            || !self.calls.is_empty()
            || !self.notices.is_empty()
            || !self.refused.is_empty()
    }

    fn take_again(&mut self, batch: &mut Vec<Event>, room: &mut Room) {
        let fits = |(event, _): &mut (Event, _)| room.take(event.value.payload_len());
        if let Some((event, taken)) = self.again.take_if(fits) {
            batch.push(event);
            // Whoever waited may have gone.
            let _ = taken.send(());
        }
        self.again_waited = self.again.is_some();
    }
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What wakes the device.
    pub fn wake(&self) -> &Arc<Wake> {
        &self.wake
    }

    /// Queues a call, unless the device cannot take it.
    pub fn call(&self, call: Call) -> Result<(), CallError> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(CallError::Unavailable("the device has ended".into()));
        }
        if waiting.calls.len() >= MAX_CALLS {
            // Callers that have given up make room.
            waiting.calls.retain(|call| !call.answer.is_closed());
        }
        if waiting.calls.len() >= MAX_CALLS {
            let busy = format!("{MAX_CALLS} calls are waiting already");
            return Err(CallError::Unavailable(busy));
        }
        waiting.calls.push_back(call);
        self.urgent.store(true, Ordering::Release);
        drop(waiting);
        self.wake.wake();
        Ok(())
    }

    /// Queues an event for this device alone.
    pub fn direct(&self, event: Event) {
        let mut waiting = self.lock();
        if !waiting.closed {
            waiting.direct.push_back(event);
            drop(waiting);
            self.wake.wake();
        }
    }

    /// Queues an event that went to the dead letters; what is returned is resolved when the device
    /// takes it, with an error when it ends first. One at a time: none when there is one, or when the
    /// device has ended.
    pub fn again(&self, event: Event) -> Option<oneshot::Receiver<()>> {
        let mut waiting = self.lock();
        if waiting.closed || waiting.again.is_some() {
            return None;
        }
        let (taken, receiver) = oneshot::channel();
        waiting.again = Some((event, taken));
        drop(waiting);
        self.wake.wake();
        Some(receiver)
    }

    /// Takes back what [`Mailbox::again`] queued; false when the device has it already.
    pub fn withdraw(&self) -> bool {
        self.lock().again.take().is_some()
    }

    /// How many subscriptions the device has.
    pub(super) fn subscription_count(&self) -> usize {
        self.lock().subscriptions.len()
    }

    /// How many events for this device alone wait.
    pub(super) fn answers(&self) -> usize {
        self.lock().direct.len()
    }

    /// How many refused submissions wait to be told.
    pub(super) fn refusals(&self) -> usize {
        self.lock().refused.len()
    }

    /// Asks the device to end; what is returned is resolved when it has, also with an error. All
    /// who ask wait for the same end, for the first one's reason.
    pub fn stop(&self, reason: StopReason) -> oneshot::Receiver<()> {
        let (ended, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        if !waiting.closed {
            let stop = waiting.stop.get_or_insert_with(|| Stop {
                reason,
                ended: Vec::new(),
            });
            stop.ended.push(ended);
            self.urgent.store(true, Ordering::Release);
        }
        drop(waiting);
        self.wake.wake();
        receiver
    }

    /// Takes something that is no event.
    fn take<T>(&self, from: impl FnOnce(&mut Waiting) -> Option<T>) -> Option<T> {
        if !self.urgent.load(Ordering::Acquire) {
            return None;
        }
        let mut waiting = self.lock();
        let taken = from(&mut waiting);
        self.urgent.store(waiting.is_urgent(), Ordering::Release);
        taken
    }

    /// Takes a request to end.
    pub fn take_stop(&self) -> Option<Stop> {
        self.take(|waiting| waiting.stop.take())
    }

    /// Whether a request to end waits.
    pub fn is_stopping(&self) -> bool {
        self.lock().stop.is_some()
    }

    /// Takes the first call.
    pub fn take_call(&self) -> Option<Call> {
        self.take(|waiting| waiting.calls.pop_front())
    }

    /// Takes the first notice.
    pub fn take_notice(&self) -> Option<(Arc<str>, Notice)> {
        let mut was_full = false;
        let notice = self.take(|waiting| {
            waiting.refused.pop_front().or_else(|| {
                was_full = waiting.notices.len() >= MAX_NOTICES;
                waiting.notices.pop_front()
            })
        });
        if was_full {
            self.room.notify_waiters();
        }
        notice
    }

    /// Queues a notice of the device's own making (a submission that was refused), before those of
    /// connections.
    pub fn refused(&self, connection: Arc<str>, notice: Notice) {
        let mut waiting = self.lock();
        if !waiting.closed {
            waiting.refused.push_back((connection, notice));
            self.urgent.store(true, Ordering::Release);
            drop(waiting);
            self.wake.wake();
        }
    }

    /// Drops what a connection told that the device has left.
    pub(super) fn forget_notices(&self, connection: &str) {
        let mut waiting = self.lock();
        waiting.notices.retain(|(from, _)| **from != *connection);
        drop(waiting);
        self.room.notify_waiters();
    }

    /// Adds events to the end of `batch` while there is room: those for this device alone first,
    /// then from its subscriptions in turn.
    pub fn take_events(&self, batch: &mut Vec<Event>, room: &mut Room) {
        let mut waiting = self.lock();
        if waiting.again_waited {
            waiting.take_again(batch, room);
        }
        while let Some(event) = waiting.direct.front()
            && room.take(event.value.payload_len())
        {
            batch.extend(waiting.direct.pop_front());
        }
        let turn = waiting.turn;
        let mut last = None;
        let (first, second) = (
            waiting.subscriptions.range(turn..),
            waiting.subscriptions.range(..turn),
        );
        for (id, subscription) in first.chain(second) {
            if room.events() == 0 {
                break;
            }
            if subscription.take_within(batch, room) > 0 {
                last = Some(*id);
            }
        }
        if let Some(last) = last {
            waiting.turn = last.wrapping_add(1);
        }
        waiting.take_again(batch, room);
    }

    /// Subscribes; returns the subscription's id. The subscription that has the filter already goes
    /// on with the new options: its id stays, and so does what waits in it. Only another filter
    /// makes one more, up to the device's limit. With `retained`, the last values come (again), but for those
    /// that wait anyway, that the device keeps to handle them again, or that went to its dead
    /// letters.
    pub(super) fn subscribe(
        &self,
        device: &Device,
        filter: Filter,
        overflow: Overflow,
        bound: Bound,
        retained: bool,
    ) -> Result<u32, TooManySubscriptions> {
        let mut waiting = self.lock();
        let Waiting {
            subscriptions,
            kept,
            buried,
            handover,
            ..
        } = &mut *waiting;
        let wanted = |event: &Event| {
            let identity = (event.source, event.sequence);
            !kept.contains(&identity) && buried.get(&event.topic) != Some(&identity)
        };
        let known = subscriptions
            .iter()
            .find(|(_, subscription)| *subscription.queue().filter() == filter);
        if let Some((id, subscription)) = known {
            let renewal = Renewal {
                id: *id,
                overflow,
                bound,
                retained,
            };
            if let Some(renewal) = handover.renews(renewal) {
                let retained = renewal
                    .retained
                    .then_some(&wanted as &dyn Fn(&Event) -> bool);
                subscription.renew(overflow, bound, retained);
            }
            return Ok(*id);
        }
        let (owner, limit) = (&device.name, device.spec.limits.subscriptions);
        if handover.counted(subscriptions.len()) >= limit as usize {
            let device = owner.to_string();
            return Err(TooManySubscriptions { device, limit });
        }
        let bus = &device.bus;
        let subscription = bus.subscribe(owner, filter, overflow, bound, false, self.wake.clone());
        if retained {
            subscription.renew(overflow, bound, Some(&wanted));
        }
        waiting.next_subscription += 1;
        let id = waiting.next_subscription;
        if waiting.closed {
            // A device that has ended gets none; it is ended outside the lock.
            drop(waiting);
            drop(subscription);
        } else {
            waiting.subscriptions.insert(id, subscription);
            waiting.handover.added(id);
        }
        Ok(id)
    }

    /// Notes which events the device keeps to handle them again.
    pub(super) fn keeps<'a>(&self, events: impl Iterator<Item = &'a Event>) {
        let mut waiting = self.lock();
        waiting.kept.clear();
        waiting
            .kept
            .extend(events.map(|event| (event.source, event.sequence)));
    }

    /// Notes that an event went to the dead letters.
    pub(super) fn buried(&self, event: &Event) {
        self.lock()
            .buried
            .insert(event.topic, (event.source, event.sequence));
    }

    /// Ends a subscription.
    pub fn unsubscribe(&self, id: u32) {
        let mut waiting = self.lock();
        let ends = waiting.handover.ends(id);
        let ended = if ends {
            waiting.subscriptions.remove(&id)
        } else {
            None
        };
        drop(waiting);
        drop(ended);
    }

    /// Ends all subscriptions, and drops what waits for this device alone.
    pub(super) fn drop_events(&self) {
        let mut waiting = self.lock();
        let ended = std::mem::take(&mut waiting.subscriptions);
        let direct = std::mem::take(&mut waiting.direct);
        waiting.handover = Handover::default();
        // It is still among the letters.
        waiting.again = None;
        drop(waiting);
        drop(ended);
        self.count_dropped(direct.len());
    }

    fn count_dropped(&self, events: usize) {
        self.wake
            .drops()
            .fetch_add(events as u64, Ordering::Relaxed);
    }

    /// Ends everything: subscriptions, calls (which are answered), notices. Nothing is taken in any
    /// more.
    pub fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        let ended = std::mem::take(&mut *waiting);
        waiting.closed = true;
        drop(waiting);
        for call in ended.calls {
            let _ = call
                .answer
                .send(Err(CallError::Unavailable("the device has ended".into())));
        }
        drop(ended.subscriptions);
        self.count_dropped(ended.direct.len());
        self.room.notify_waiters();
    }
}

impl Observer for Mailbox {
    fn notify(&self, connection: &Arc<str>, notice: Notice) -> Result<(), Notice> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Ok(());
        }
        if waiting.notices.len() >= MAX_NOTICES {
            return Err(notice);
        }
        waiting.notices.push_back((connection.clone(), notice));
        self.urgent.store(true, Ordering::Release);
        drop(waiting);
        self.wake.wake();
        Ok(())
    }

    fn room(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            let notified = self.room.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            {
                let waiting = self.lock();
                if waiting.closed || waiting.notices.len() < MAX_NOTICES {
                    return;
                }
            }
            notified.await;
        })
    }
}
