//! What waits for a device: calls, notices of connections, events addressed to it alone, and its
//! subscriptions.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::bus::{Subscription, Wake};
use crate::connection::{Notice, Observer};
use crate::event::Event;

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
    /// Told when the device has ended.
    pub ended: oneshot::Sender<()>,
}

/// What waits for a device.
#[derive(Debug, Default)]
pub struct Mailbox {
    shared: Mutex<Waiting>,
    wake: Arc<Wake>,
    room: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    closed: bool,
    stop: Option<Stop>,
    calls: VecDeque<Call>,
    notices: VecDeque<(Arc<str>, Notice)>,
    direct: VecDeque<Event>,
    subscriptions: BTreeMap<u32, Subscription>,
    next_subscription: u32,
    /// Where the next batch begins, so that a busy subscription does not starve the others.
    turn: u32,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What wakes the device.
    pub fn wake(&self) -> &Arc<Wake> {
        &self.wake
    }

    /// Queues a call; gives it back with an error when the device cannot take it.
    pub fn call(&self, call: Call) -> Result<(), (Call, CallError)> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err((call, CallError::Unavailable("the device has ended".into())));
        }
        if waiting.calls.len() >= MAX_CALLS {
            let busy = format!("{MAX_CALLS} calls are waiting already");
            return Err((call, CallError::Unavailable(busy)));
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

    /// Asks the device to end. A second request finds the first one's end.
    pub fn stop(&self, reason: StopReason) -> oneshot::Receiver<()> {
        let (ended, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        if !waiting.closed && waiting.stop.is_none() {
            waiting.stop = Some(Stop { reason, ended });
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
    pub fn notice_first(&self, connection: Arc<str>, notice: Notice) {
        let mut waiting = self.lock();
        if !waiting.closed {
            waiting.notices.push_front((connection, notice));
            drop(waiting);
            self.wake.wake();
        }
    }

    /// Moves up to `max` events to the end of `batch`: those for this device alone first, then from
    /// its subscriptions in turn.
    pub fn take_events(&self, batch: &mut Vec<Event>, max: usize) {
        let mut waiting = self.lock();
        let direct = waiting.direct.len().min(max);
        batch.extend(waiting.direct.drain(..direct));
        let turn = waiting.turn;
        let mut last = None;
        let (first, second) = (
            waiting.subscriptions.range(turn..),
            waiting.subscriptions.range(..turn),
        );
        for (id, subscription) in first.chain(second) {
            if batch.len() >= max {
                break;
            }
            if subscription.try_take(batch, max - batch.len()) > 0 {
                last = Some(*id);
            }
        }
        if let Some(last) = last {
            waiting.turn = last.wrapping_add(1);
        }
    }

    /// Whether an event waits.
    pub fn has_events(&self) -> bool {
        let waiting = self.lock();
        !waiting.direct.is_empty()
            || waiting
                .subscriptions
                .values()
                .any(|s| !s.queue().is_empty())
    }

    /// Keeps a subscription under its filter; returns its id. The subscription that had the filter
    /// before is replaced and keeps its id.
    pub fn keep(&self, subscription: Subscription) -> u32 {
        let mut waiting = self.lock();
        let filter = subscription.queue().status().filter;
        let id = waiting
            .subscriptions
            .iter()
            .find(|(_, other)| other.queue().status().filter == filter)
            .map(|(id, _)| *id);
        let id = id.unwrap_or_else(|| {
            waiting.next_subscription += 1;
            waiting.next_subscription
        });
        let replaced = waiting.subscriptions.insert(id, subscription);
        drop(waiting);
        // Ends outside the lock: it takes the bus's.
        drop(replaced);
        self.wake.wake();
        id
    }

    /// Ends a subscription.
    pub fn unsubscribe(&self, id: u32) {
        let ended = self.lock().subscriptions.remove(&id);
        drop(ended);
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
