//! What waits for a device: calls, notices of connections, events addressed to it alone, and its
//! subscriptions.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::bus::{Bound, Bus, Filter, Overflow, Room, Subscription, Wake};
use crate::connection::{Notice, Observer};
use crate::event::{Event, SourceId, TopicId};

use super::call::{Call, CallError};
use super::guest::StopReason;

/// The most calls that wait. A device that does not answer must not collect them.
pub const MAX_CALLS: usize = 64;

/// The most notices that wait; a connection keeps the rest, and stops reading its peers.
pub const MAX_NOTICES: usize = 256;

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
    /// Submissions that were refused, in the order of submission.
    refused: VecDeque<(Arc<str>, Notice)>,
    direct: VecDeque<Event>,
    subscriptions: BTreeMap<u32, Subscription>,
    next_subscription: u32,
    /// Where the next batch begins, so that a busy subscription does not starve the others.
    turn: u32,
    /// Events that the device keeps to handle them again.
    kept: HashSet<Identity>,
    /// The last event of each topic that went to the dead letters.
    buried: HashMap<TopicId, Identity>,
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
        }
        drop(waiting);
        self.wake.wake();
        receiver
    }

    /// Takes a request to end.
    pub fn take_stop(&self) -> Option<Stop> {
        self.lock().stop.take()
    }

    /// Whether a request to end waits.
    pub fn is_stopping(&self) -> bool {
        self.lock().stop.is_some()
    }

    /// Takes the first call.
    pub fn take_call(&self) -> Option<Call> {
        self.lock().calls.pop_front()
    }

    /// Takes the first notice.
    pub fn take_notice(&self) -> Option<(Arc<str>, Notice)> {
        let mut waiting = self.lock();
        if let Some(refused) = waiting.refused.pop_front() {
            return Some(refused);
        }
        let was_full = waiting.notices.len() >= MAX_NOTICES;
        let notice = waiting.notices.pop_front();
        drop(waiting);
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
            drop(waiting);
            self.wake.wake();
        }
    }

    /// Adds events to the end of `batch` while there is room: those for this device alone first,
    /// then from its subscriptions in turn.
    pub fn take_events(&self, batch: &mut Vec<Event>, room: &mut Room) {
        let mut waiting = self.lock();
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
    }

    /// Subscribes; returns the subscription's id. The subscription that has the filter already goes
    /// on with the new options: its id stays, and so does what waits in it. With `retained`, the
    /// last values come (again), but for those that wait anyway, that the device keeps to handle
    /// them again, or that went to its dead letters.
    pub fn subscribe(
        &self,
        bus: &Arc<Bus>,
        owner: &str,
        filter: Filter,
        overflow: Overflow,
        bound: Bound,
        retained: bool,
    ) -> u32 {
        let mut waiting = self.lock();
        let Waiting {
            subscriptions,
            kept,
            buried,
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
            let retained = retained.then_some(&wanted as &dyn Fn(&Event) -> bool);
            subscription.renew(overflow, bound, retained);
            return *id;
        }
        let wake = self.wake.clone();
        let subscription = bus.subscribe(owner, filter, overflow, bound, false, wake);
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
        }
        id
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
        let ended = self.lock().subscriptions.remove(&id);
        drop(ended);
    }

    /// Ends all subscriptions, and drops what waits for this device alone.
    pub(super) fn drop_events(&self) {
        let mut waiting = self.lock();
        let ended = std::mem::take(&mut waiting.subscriptions);
        let direct = std::mem::take(&mut waiting.direct);
        drop(waiting);
        drop(ended);
        self.count_dropped(direct.len());
    }

    fn count_dropped(&self, events: usize) {
        self.wake.drops().fetch_add(events as u64, Relaxed);
    }

    /// How many subscriptions there are.
    pub fn subscription_count(&self) -> usize {
        self.lock().subscriptions.len()
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
