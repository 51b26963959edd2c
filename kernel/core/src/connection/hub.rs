//! What a connection's handles and its engine share: places, wires, counters, under one lock that
//! is never held across an await. This file is the devices' side; `wire.rs` is the engine's.

use std::collections::{BTreeMap, HashSet};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use crate::clock::Clock;

use super::framer::Framer;
use super::framing::SharedFramer;
use super::observer::{Notice, Observer};
use super::outlet::Outlet;
use super::queue::{Answer, Entry, SeatId};
use super::stats::Tally;
use super::tap::Tap;
use super::transport::Settings;
use super::types::{Failure, LinkState, OpenError, PeerId, Reply, Request, Ticket};
use super::wire::{LINE, Wire, WireId};

/// What is told to the host when the link changes.
pub(super) type Events = Box<dyn Fn(LinkState, &str) + Send + Sync>;

pub(super) struct Hub {
    pub(super) name: Arc<str>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: Settings,
    pub(super) closing: watch::Sender<bool>,
    /// Told when a request may expire earlier than all before it.
    pub(super) expiry: Notify,
    /// Told when a device came or left.
    pub(super) seats_changed: Notify,
    /// Told when a request ended, a peer is gone or the link changed.
    pub(super) progress: Arc<Notify>,
    handle: Handle,
    listener: bool,
    pub(super) events: Events,
    pub(super) tap: OnceLock<Box<dyn Tap>>,
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) endpoint: String,
    /// Of the open channel, where it has one.
    pub(super) descriptor: Option<Arc<OwnedFd>>,
    pub(super) link: LinkState,
    pub(super) reason: Arc<str>,
    pub(super) since: u64,
    /// Why requests are refused: the last attempt to open failed.
    pub(super) refusing: Option<Arc<str>>,
    pub(super) closed: bool,
    /// The host stops: a link that goes down is no surprise.
    pub(super) ending: bool,
    pub(super) seats: BTreeMap<SeatId, SeatState>,
    pub(super) wires: BTreeMap<WireId, Wire>,
    pub(super) next_id: u64,
    pub(super) tally: Tally,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    pub(super) opened: u64,
    pub(super) failures: u64,
    pub(super) refused_peers: u64,
    /// [`Hub::progress`].
    pub(super) progress: Arc<Notify>,
}

pub(super) struct SeatState {
    pub(super) device: Arc<str>,
    pub(super) outlet: Arc<Outlet>,
    pub(super) framer: Option<SharedFramer>,
    pub(super) tickets: HashSet<Ticket>,
    pub(super) tally: Tally,
}

impl State {
    /// Ends a request: counts it and tells who waits for it.
    pub(super) fn resolve(&mut self, entry: Entry, outcome: Result<Reply, Failure>) {
        self.progress.notify_waiters();
        if matches!(entry.answer, Answer::Withdrawn) {
            return;
        }
        self.tally.counters.count(&outcome);
        let Some(seat) = self.seats.get_mut(&entry.seat) else {
            return;
        };
        seat.tally.counters.count(&outcome);
        match entry.answer {
            Answer::Ticket(ticket) => {
                seat.tickets.remove(&ticket);
                seat.outlet.post(Notice::Replied { ticket, outcome });
            }
            // A receiver that is gone was dropped with its caller.
            Answer::Waiting(sender) => drop(sender.send(outcome)),
            Answer::Sent | Answer::Withdrawn => {}
        }
    }

    pub(super) fn resolve_all(&mut self, entries: Vec<Entry>, failure: &Failure) {
        for entry in entries {
            self.resolve(entry, Err(failure.clone()));
        }
    }

    /// The only device of a listener.
    pub(super) fn holder(&self) -> Option<(SeatId, &SeatState)> {
        self.seats.first_key_value().map(|(id, seat)| (*id, seat))
    }

    pub(super) fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

impl Hub {
    pub(super) fn new(
        name: Arc<str>,
        endpoint: String,
        settings: Settings,
        listener: bool,
        clock: Arc<dyn Clock>,
        handle: Handle,
        events: Events,
    ) -> Self {
        let progress = Arc::new(Notify::new());
        let mut wires = BTreeMap::new();
        if !listener {
            wires.insert(LINE, Wire::default());
        }
        Self {
            name,
            settings,
            closing: watch::Sender::new(false),
            expiry: Notify::new(),
            seats_changed: Notify::new(),
            progress: Arc::clone(&progress),
            handle,
            listener,
            events,
            tap: OnceLock::new(),
            state: Mutex::new(State {
                endpoint,
                descriptor: None,
                link: LinkState::Connecting,
                reason: Arc::from(""),
                since: clock.now(),
                refusing: None,
                closed: false,
                ending: false,
                seats: BTreeMap::new(),
                wires,
                next_id: 0,
                tally: Tally::default(),
                bytes_in: 0,
                bytes_out: 0,
                opened: 0,
                failures: 0,
                refused_peers: 0,
                progress,
            }),
            clock,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn expect_end(&self) {
        self.lock().ending = true;
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(super) fn is_listener(&self) -> bool {
        self.listener
    }

    pub(super) fn link(&self) -> (LinkState, Arc<str>) {
        let state = self.lock();
        (state.link, Arc::clone(&state.reason))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// All peers that are not being closed.
    pub(super) fn peers(&self) -> Vec<PeerId> {
        let state = self.lock();
        let staying = state.wires.iter().filter(|(_, wire)| !wire.ending);
        staying.map(|(id, _)| *id).collect()
    }

    pub(super) fn attach(
        &self,
        device: &str,
        observer: Arc<dyn Observer>,
        framer: Option<Box<dyn Framer>>,
    ) -> Result<SeatId, OpenError> {
        let framer: Option<SharedFramer> = framer.map(|framer| Arc::new(Mutex::new(framer)));
        let mut state = self.lock();
        if state.closed {
            return Err(OpenError::Closed(self.name.to_string()));
        }
        let known = state.seats.iter().find(|(_, seat)| *seat.device == *device);
        let id = match known.map(|(id, _)| *id) {
            Some(id) => {
                if let Some(seat) = state.seats.get_mut(&id) {
                    seat.outlet.exchange(observer);
                    seat.framer = framer;
                }
                id
            }
            None => {
                if let (true, Some((_, holder))) = (self.listener, state.holder()) {
                    return Err(OpenError::Taken {
                        connection: self.name.to_string(),
                        holder: holder.device.to_string(),
                    });
                }
                let id = state.id();
                let seat = SeatState {
                    device: Arc::from(device),
                    outlet: Outlet::new(Arc::clone(&self.name), observer, self.handle.clone()),
                    framer,
                    tickets: HashSet::new(),
                    tally: Tally::default(),
                };
                state.seats.insert(id, seat);
                id
            }
        };
        if let Some(seat) = state.seats.get(&id) {
            seat.outlet.post(Notice::Link {
                state: state.link,
                reason: Arc::clone(&state.reason),
            });
            for (peer, wire) in &state.wires {
                if let Some(info) = &wire.peer {
                    seat.outlet.post(Notice::Peer {
                        peer: *peer,
                        address: Arc::clone(&info.address),
                        connected: true,
                    });
                }
            }
        }
        drop(state);
        self.seats_changed.notify_one();
        Ok(id)
    }

    pub(super) fn detach(&self, id: SeatId) {
        let mut state = self.lock();
        let mut withdrawn = Vec::new();
        for wire in state.wires.values_mut() {
            withdrawn.extend(wire.queue.take(|entry| entry.seat == id));
            let in_flight = wire.in_flight.as_mut().filter(|entry| entry.seat == id);
            if let Some(entry) = in_flight {
                // The exchange goes on, so that its reply does not meet the next request.
                let answer = std::mem::replace(&mut entry.answer, Answer::Withdrawn);
                withdrawn.push(Entry {
                    request: Arc::clone(&entry.request),
                    answer,
                    ..*entry
                });
            }
            if wire.peer.is_some() {
                wire.stop.notify_one();
            }
        }
        state.resolve_all(withdrawn, &Failure::Cancelled);
        if let Some(seat) = state.seats.remove(&id) {
            seat.outlet.close();
        }
        drop(state);
        self.seats_changed.notify_one();
    }

    pub(super) fn submit(
        &self,
        id: SeatId,
        request: Request,
        answer: Answer,
    ) -> Result<u64, Failure> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let admitted = self
            .admit(state, id, &request)
            .and_then(|wire| match &answer {
                Answer::Ticket(ticket)
                    if state
                        .seats
                        .get(&id)
                        .is_some_and(|seat| seat.tickets.contains(ticket)) =>
                {
                    Err(Failure::Invalid(format!("ticket: {ticket} is in use")))
                }
                _ => Ok(wire),
            });
        let entry_id = state.id();
        let Some(seat) = state.seats.get_mut(&id) else {
            return Err(Failure::Cancelled);
        };
        let wire_id = match admitted {
            Ok(wire_id) => wire_id,
            Err(failure) => {
                let outcome = Err(failure.clone());
                seat.tally.counters.count(&outcome);
                state.tally.counters.count(&outcome);
                return Err(failure);
            }
        };
        if let Answer::Ticket(ticket) = &answer {
            seat.tickets.insert(*ticket);
        }
        seat.tally.counters.requests += 1;
        state.tally.counters.requests += 1;
        let now = self.clock.monotonic();
        let expires = now.saturating_add(request.deadline);
        if let Some(wire) = state.wires.get_mut(&wire_id) {
            let earliest = wire.queue.next_expiry().is_none_or(|at| expires < at);
            wire.queue.push(Entry {
                id: entry_id,
                seat: id,
                request: Arc::new(request),
                answer,
                submitted: now,
                expires,
            });
            wire.wake.notify_one();
            if earliest {
                self.expiry.notify_one();
            }
        }
        Ok(entry_id)
    }

    pub(super) fn open_tickets(&self, id: SeatId) -> usize {
        let state = self.lock();
        state.seats.get(&id).map_or(0, |seat| seat.tickets.len())
    }

    pub(super) fn cancel(&self, id: SeatId, wanted: impl Fn(&Answer) -> bool) {
        self.remove(|entry| entry.seat == id && wanted(&entry.answer));
    }

    /// Takes back a request whose caller is gone.
    pub(super) fn withdraw(&self, id: SeatId, entry_id: u64) {
        self.remove(|entry| entry.seat == id && entry.id == entry_id);
    }

    fn remove(&self, wanted: impl Fn(&Entry) -> bool) {
        let mut state = self.lock();
        let mut removed = Vec::new();
        for wire in state.wires.values_mut() {
            removed.extend(wire.queue.take(&wanted));
        }
        state.resolve_all(removed, &Failure::Cancelled);
    }

    pub(super) fn disconnect(&self, id: SeatId, peer: PeerId) {
        let mut state = self.lock();
        let attached = state.seats.contains_key(&id);
        let wire = state
            .wires
            .get_mut(&peer)
            .filter(|wire| wire.peer.is_some());
        if let (true, Some(wire)) = (attached, wire) {
            wire.ending = true;
            wire.wake.notify_one();
        }
    }
}
