//! Ticks and events: batches of new ones, and one by one those that are delivered again.

use crate::bus::Room;
use crate::device::guest::{Guest, GuestError, GuestFactory, Trap};
use crate::device::letter::Letter;
use crate::device::status::{DeviceCounters, DeviceState};
use crate::device::supervision::{Blame, Origin};
use crate::device::witness::Seen;
use crate::event::{Event, Value};
use crate::schedule::Now;

use super::Actor;
use super::kept::Past;
use super::pace::Next;

impl<F: GuestFactory> Actor<F> {
    /// Handles one kept run of events, or when there are none a batch of new ones.
    pub(super) async fn take_events(&mut self) -> bool {
        if self.guest.is_none() || self.is_held(Next::Input) {
            return false;
        }
        if self.kept_events.is_empty() {
            let some = self.take_batch();
            if some {
                let mut batch = std::mem::take(&mut self.batch);
                self.handle(&mut batch, Past::default()).await;
                batch.clear();
                self.batch = batch;
            }
            return some;
        }
        // Order: nothing new before what is kept.
        let Some((mut run, past)) = self.kept_events.take_due(&*self.device.clock) else {
            return false;
        };
        self.handle(&mut run, past).await;
        self.running_again();
        true
    }

    /// Collects due ticks and waiting events; returns whether there are any.
    fn take_batch(&mut self) -> bool {
        self.batch.clear();
        let limits = &self.device.spec.limits;
        let mut room = Room::new(limits.batch.max(1) as usize, limits.batch_bytes.bytes());
        let events_first = std::mem::take(&mut self.ticks_filled);
        if !events_first {
            self.take_ticks(&mut room);
            self.ticks_filled = room.events() == 0;
        }
        self.device.mailbox.take_events(&mut self.batch, &mut room);
        if events_first {
            self.take_ticks(&mut room);
        }
        self.batch_room = (room.taken(), room.since());
        !self.batch.is_empty()
    }

    /// Adds due ticks to the batch while there is room.
    fn take_ticks(&mut self, room: &mut Room) {
        if self.timers.is_empty() || room.events() == 0 {
            return;
        }
        self.ticks.clear();
        let now = Now::of(&*self.device.clock);
        self.timers.take_due(now, &mut self.ticks, room.events());
        for tick in &self.ticks {
            let count = i64::try_from(tick.count).unwrap_or(i64::MAX);
            match self.device.timer_topic(&tick.name) {
                Ok(topic) => {
                    let event = self.device.kernel_event(topic, Value::Integer(count));
                    room.take(event.value.payload_len());
                    self.batch.push(event);
                }
                Err(error) => self
                    .device
                    .fault(&format!("timer `{}`: {error}", tick.name), ""),
            }
        }
    }

    /// Hands a run of events to the instance and deals with what comes of it.
    async fn handle(&mut self, batch: &mut Vec<Event>, past: Past) {
        let Some(guest) = self.guest.as_mut() else {
            return;
        };
        let began = self.device.clock.monotonic();
        self.errors.clear();
        self.device.show(Seen::Enters);
        let result = guest.events(batch, &mut self.errors).await;
        let (bytes, since) = std::mem::take(&mut self.batch_room);
        self.returned(began, Some((batch.len(), bytes)), since);
        DeviceCounters::add(&self.device.live.counters.batches, 1);
        let mut errors = std::mem::take(&mut self.errors);
        self.check_errors(&mut errors, batch.len());
        if result.is_ok() {
            let (events, errors) = (&batch[..], &errors[..]);
            self.device.show(Seen::Handled { events, errors });
        }
        let fatal = errors.iter().find_map(|(_, error)| match error {
            GuestError::Fatal(text) => Some(Trap::fatal(text)),
            _ => None,
        });
        match (result, fatal) {
            (Err(trap), _) | (Ok(()), Some(trap)) => self.events_trapped(batch, past, &trap),
            (Ok(()), None) => self.events_returned(batch, past, &errors).await,
        }
        errors.clear();
        self.errors = errors;
    }

    /// Errors come from the plugin: each event has at most one, and no other index counts.
    fn check_errors(&self, errors: &mut Vec<(u32, GuestError)>, count: usize) {
        if errors.is_empty() {
            return;
        }
        errors.retain(|(index, error)| {
            let known = (*index as usize) < count;
            if !known {
                let text =
                    format!("the plugin returned an error for event {index} of {count}: {error}");
                self.device.fault(&text, "");
            }
            known
        });
        errors.sort_by_key(|(index, _)| *index);
        errors.dedup_by_key(|(index, _)| *index);
    }

    fn events_trapped(&mut self, batch: &mut Vec<Event>, past: Past, trap: &Trap) {
        // A version on probation proves nothing against an input: the one before gets it.
        let past = if self.is_on_probation() {
            past
        } else {
            past.trapped()
        };
        // Of several it is not known which one it was: each gets a delivery of its own.
        if let [event] = &batch[..]
            && !self.is_on_probation()
            && past.traps >= self.device.spec.limits.attempts
        {
            self.bury_event(event, &trap.message);
            let poison = Blame::Poison(Origin::Topic(event.topic));
            return self.trapped(trap, poison);
        }
        // The next instance takes them at once.
        self.keep_events(batch.drain(..).map(|event| vec![event]), past, 0);
        self.trapped(trap, Blame::Search);
    }

    async fn events_returned(
        &mut self,
        batch: &mut Vec<Event>,
        past: Past,
        errors: &[(u32, GuestError)],
    ) {
        let failed: Vec<u32> = errors.iter().map(|(index, _)| *index).collect();
        let undone = match failed.len() {
            0 => false,
            all if all == batch.len() => true,
            _ => self.is_entangled(),
        };
        if undone {
            self.discard().await;
        } else if let Err(message) = self.settle(batch, &failed).await {
            self.postpone_events(batch.drain(..), past, &message);
            return;
        } else {
            self.events_handled(batch, &failed);
        }
        self.take_out_failed(batch, past, errors);
        if undone {
            let left = |index: u32| failed.binary_search(&index).is_err();
            let rest: Vec<Event> = (0..)
                .zip(batch.drain(..))
                .filter_map(|(index, event)| left(index).then_some(event))
                .collect();
            if !rest.is_empty() {
                // At once: nothing speaks against these.
                self.keep_events(std::iter::once(rest), past, 0);
            }
        }
        self.touched();
    }

    /// Whether the last handler did something of which nobody can tell which event it belongs to:
    /// a part of it cannot be undone alone.
    fn is_entangled(&mut self) -> bool {
        let guest = self.guest.as_mut();
        guest.is_some_and(|guest| guest.is_dirty() || !guest.outbox().effects.is_empty())
    }

    /// Notes that events were handled, all but those in `failed` (ascending).
    fn events_handled(&mut self, batch: &[Event], failed: &[u32]) {
        let handled = (batch.len() - failed.len()) as u64;
        DeviceCounters::add(&self.device.live.counters.events, handled);
        if self.restarts.found_poison() {
            for (index, event) in (0..).zip(batch) {
                if failed.binary_search(&index).is_err() {
                    self.restarts.handled(Origin::Topic(event.topic));
                }
            }
        }
    }

    /// Buries or puts off the events that the plugin names.
    fn take_out_failed(&mut self, batch: &[Event], past: Past, errors: &[(u32, GuestError)]) {
        let mut later = Vec::new();
        let mut reason = "";
        for (index, error) in errors {
            let Some(event) = batch.get(*index as usize) else {
                continue;
            };
            match error {
                GuestError::Retry(text) => {
                    later.push(event.clone());
                    reason = text;
                }
                error => self.bury_event(event, &error.to_string()),
            }
        }
        if !later.is_empty() {
            self.postpone_events(later.into_iter(), past, reason);
        }
    }

    /// Keeps events for later: a commit failed, or the plugin asked for it.
    fn postpone_events(
        &mut self,
        events: impl DoubleEndedIterator<Item = Event>,
        past: Past,
        reason: &str,
    ) {
        let past = past.postponed();
        let at = self.now().saturating_add(past.pause());
        self.keep_events(events.map(|event| vec![event]), past, at);
        self.postponed(reason);
    }

    /// Keeps runs of events to deliver them again, before those that are kept already.
    fn keep_events(
        &mut self,
        runs: impl DoubleEndedIterator<Item = Vec<Event>>,
        past: Past,
        at: u64,
    ) {
        let mut again = 0;
        let runs = runs.map(|mut run| {
            again += run.len() as u64;
            for event in &mut run {
                event.attempt = event.attempt.saturating_add(1);
            }
            run
        });
        self.kept_events.put_back(runs, past, at);
        DeviceCounters::add(&self.device.live.counters.retries, again);
        self.device.mailbox.keeps(self.kept_events.iter().flatten());
    }

    /// Shows that inputs wait, and why.
    pub(super) fn postponed(&self, reason: &str) {
        // The reason first, so that whoever sees the state finds it.
        self.device
            .fault(&format!("input is kept and tried again: {reason}"), "");
        self.device.live.set(DeviceState::Waiting);
    }

    /// Shows that nothing is kept any more, when that is so.
    pub(super) fn running_again(&mut self) {
        if self.guest.is_some() && self.kept_events.is_empty() && self.kept_notices.is_empty() {
            self.restarts.searched();
            self.device.live.set(DeviceState::Running);
        }
    }

    pub(super) fn bury_event(&self, event: &Event, reason: &str) {
        let device = &self.device;
        DeviceCounters::add(&device.live.counters.dead, 1);
        device.mailbox.buried(event);
        let named = device.bus.named(event);
        if named.topic.starts_with("$dead/") {
            // Or letters about letters would go round for ever.
            device.fault(
                &format!("an event of `{}` is dropped: {reason}", named.topic),
                "",
            );
            return;
        }
        device.fault(
            &format!("an event went to $dead/{}: {reason}", device.name),
            "",
        );
        let letter = Letter::of_event(&device.bus, event, reason, device.clock.now());
        let input = serde_json::to_value(named).unwrap_or_default();
        device.bury(&input, reason, letter);
    }
}
