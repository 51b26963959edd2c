//! The engine's side of what a connection shares: one wire (a line's channel, or a listener's
//! peer), the exchange on it, and the link.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::sync::Notify;

use super::framing::SharedFramer;
use super::hub::{Hub, State};
use super::observer::Notice;
use super::outlet::Outlet;
use super::queue::{Entry, Queue, SeatId};
use super::stats::{ConnectionStats, DeviceStats, PeerStats};
use super::tap::Frame;
use super::types::{Failure, LinkState, PeerId, Reply, Request};

/// Names a wire of a connection: a peer's id, or [`LINE`].
pub(super) type WireId = u64;

/// The only wire of a line.
pub(super) const LINE: WireId = 0;

/// Peers are numbered through all connections of the host.
static NEXT_PEER: AtomicU64 = AtomicU64::new(LINE + 1);

/// One stream of bytes and who waits for it.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) queue: Queue,
    pub(super) in_flight: Option<Entry>,
    /// Told when something was queued or the wire is to end.
    pub(super) wake: Arc<Notify>,
    /// Told when the wire is to end at once.
    pub(super) stop: Arc<Notify>,
    /// Ends when the queue is empty.
    pub(super) ending: bool,
    pub(super) peer: Option<PeerInfo>,
}

pub(super) struct PeerInfo {
    pub(super) address: Arc<str>,
    pub(super) since: u64,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
}

/// An exchange whose turn has come.
pub(super) struct Turn {
    pub(super) device: SeatId,
    pub(super) request: Arc<Request>,
    pub(super) framer: Option<SharedFramer>,
    /// Monotonic, nanoseconds.
    pub(super) expires: u64,
}

/// What an exchange measured: monotonic times in nanoseconds, and bytes that belonged to no reply.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) sent: Option<u64>,
    pub(super) received: Option<u64>,
    pub(super) skipped: usize,
}

/// What a wire has to do.
pub(super) struct Pending {
    pub(super) queued: bool,
    pub(super) ending: bool,
}

impl Hub {
    /// Tells everyone of the link. Requests are refused from now on when an attempt to open
    /// `failed`, and fail when they wait.
    pub(super) fn set_link(&self, link: LinkState, reason: &str, failed: bool) {
        let reason: Arc<str> = Arc::from(reason);
        let mut guard = self.lock();
        let state = &mut *guard;
        state.link = link;
        state.reason = Arc::clone(&reason);
        state.since = self.clock.now();
        match link {
            LinkState::Up => state.opened += 1,
            LinkState::Down if !state.closed => state.failures += 1,
            LinkState::Down | LinkState::Connecting => {}
        }
        if link != LinkState::Connecting {
            state.refusing = failed.then(|| Arc::clone(&reason));
        }
        for seat in state.seats.values() {
            seat.outlet.post(Notice::Link {
                state: link,
                reason: Arc::clone(&reason),
            });
        }
        if failed {
            let waiting = state
                .wires
                .values_mut()
                .flat_map(|wire| wire.queue.take(|_| true));
            let waiting: Vec<Entry> = waiting.collect();
            state.resolve_all(waiting, &Failure::LinkDown(reason.to_string()));
        }
        let (closed, ending) = (state.closed, state.ending);
        drop(guard);
        self.progress.notify_waiters();
        match link {
            LinkState::Down if closed => tracing::info!(connection = %self.name, "closed"),
            LinkState::Down if ending => {
                tracing::info!(connection = %self.name, "link down: {reason}");
            }
            LinkState::Down => tracing::warn!(connection = %self.name, "link down: {reason}"),
            LinkState::Up => tracing::info!(connection = %self.name, "link up"),
            LinkState::Connecting => tracing::debug!(connection = %self.name, "connecting"),
        }
        (self.events)(link, &reason);
    }

    /// Ends requests whose deadline passes before their turn comes.
    pub(super) async fn expire(&self) -> Infallible {
        loop {
            let next = {
                let mut guard = self.lock();
                let now = self.clock.monotonic();
                let wires = guard.wires.values_mut();
                let expired: Vec<Entry> = wires
                    .flat_map(|wire| wire.queue.take_expired(now))
                    .collect();
                guard.resolve_all(expired, &Failure::Expired);
                guard
                    .wires
                    .values()
                    .filter_map(|wire| wire.queue.next_expiry())
                    .min()
            };
            tokio::select! {
                () = self.expiry.notified() => {}
                () = self.clock.sleep_until(next.unwrap_or(u64::MAX)), if next.is_some() => {}
            }
        }
    }

    pub(super) fn pending(&self, id: WireId) -> Pending {
        let state = self.lock();
        let wire = state.wires.get(&id);
        Pending {
            queued: wire.is_some_and(|wire| !wire.queue.is_empty()),
            ending: wire.is_none_or(|wire| wire.ending),
        }
    }

    /// Takes the request whose turn it is. [`Hub::finish`] must follow.
    pub(super) fn begin(&self, id: WireId) -> Option<Turn> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let now = self.clock.monotonic();
        let wire = state.wires.get_mut(&id)?;
        let expired = wire.queue.take_expired(now);
        let entry = wire.queue.pop();
        let turn = entry.map(|entry| {
            let seat = state.seats.get(&entry.seat);
            let turn = Turn {
                device: entry.seat,
                request: Arc::clone(&entry.request),
                framer: seat.and_then(|seat| seat.framer.clone()),
                expires: entry.expires,
            };
            wire.in_flight = Some(entry);
            turn
        });
        state.resolve_all(expired, &Failure::Expired);
        turn
    }

    /// Ends the exchange that is under way.
    pub(super) fn finish(&self, id: WireId, outcome: Result<Reply, Failure>, measured: &Measured) {
        let tap = self.tap.get().filter(|tap| tap.is_wanted());
        let mut guard = self.lock();
        let state = &mut *guard;
        let in_flight = state
            .wires
            .get_mut(&id)
            .and_then(|wire| wire.in_flight.take());
        let Some(entry) = in_flight else {
            return;
        };
        let seat = state.seats.get_mut(&entry.seat).map(|seat| &mut seat.tally);
        for tally in seat.into_iter().chain([&mut state.tally]) {
            tally.counters.skipped_bytes += measured.skipped as u64;
            if let Some(sent) = measured.sent {
                tally.wait.record(sent.saturating_sub(entry.submitted));
                if let Some(received) = measured.received {
                    tally.round_trip.record(received.saturating_sub(sent));
                }
            }
        }
        let tapped = tap.map(|tap| (tap, Arc::clone(&entry.request), outcome.clone()));
        state.resolve(entry, outcome);
        drop(guard);
        if let Some((tap, request, outcome)) = tapped {
            tap.passed(Frame::Exchange {
                peer: (id != LINE).then_some(id),
                request: &request.bytes,
                outcome: &outcome,
            });
        }
    }

    pub(super) fn count_in(&self, id: WireId, bytes: usize) {
        let mut state = self.lock();
        state.bytes_in += bytes as u64;
        if let Some(peer) = peer_of(&mut state, id) {
            peer.bytes_in += bytes as u64;
        }
    }

    pub(super) fn count_out(&self, id: WireId, bytes: usize) {
        let mut state = self.lock();
        state.bytes_out += bytes as u64;
        if let Some(peer) = peer_of(&mut state, id) {
            peer.bytes_out += bytes as u64;
        }
    }

    /// Hands bytes that no exchange waited for to every device, or to the listener's.
    pub(super) fn unasked(&self, id: WireId, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len() as u64;
        let time = self.clock.now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let peer = (id != LINE).then_some(id);
        state.tally.counters.unasked_bytes += length;
        let mut dropped = state.seats.is_empty();
        for seat in state.seats.values_mut() {
            seat.tally.counters.unasked_bytes += length;
            let notice = Notice::Received {
                peer,
                bytes: bytes.clone(),
                time,
            };
            if peer.is_some() {
                // The peer is not read again before the device has caught up.
                seat.outlet.post(notice);
            } else if !seat.outlet.post_unasked(notice) {
                seat.tally.counters.dropped_bytes += length;
                dropped = true;
            }
        }
        if dropped {
            state.tally.counters.dropped_bytes += length;
        }
        drop(guard);
        if let Some(tap) = self.tap.get().filter(|tap| tap.is_wanted()) {
            let bytes = &bytes;
            tap.passed(Frame::Received { peer, bytes });
        }
    }

    /// What the wire's task waits on.
    pub(super) fn wake_of(&self, id: WireId) -> Arc<Notify> {
        let state = self.lock();
        state
            .wires
            .get(&id)
            .map(|wire| Arc::clone(&wire.wake))
            .unwrap_or_default()
    }

    /// The way to the listener's device.
    pub(super) fn holder(&self) -> Option<Arc<Outlet>> {
        let state = self.lock();
        state.holder().map(|(_, seat)| Arc::clone(&seat.outlet))
    }

    /// Takes a peer in; none when its device has just left. The result also tells when to stop.
    pub(super) fn admit_peer(&self, address: &str) -> Option<(PeerId, Arc<Outlet>, Arc<Notify>)> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let outlet = Arc::clone(&state.holder()?.1.outlet);
        let peer = NEXT_PEER.fetch_add(1, Ordering::Relaxed);
        let address: Arc<str> = Arc::from(address);
        let info = PeerInfo {
            address: Arc::clone(&address),
            since: self.clock.now(),
            bytes_in: 0,
            bytes_out: 0,
        };
        let wire = Wire {
            peer: Some(info),
            ..Wire::default()
        };
        let stop = Arc::clone(&wire.stop);
        state.wires.insert(peer, wire);
        outlet.post(Notice::Peer {
            peer,
            address,
            connected: true,
        });
        Some((peer, outlet, stop))
    }

    pub(super) fn refuse_peer(&self) {
        self.lock().refused_peers += 1;
    }

    /// A peer is gone: what waited for it fails.
    pub(super) fn remove_peer(&self, peer: PeerId, reason: &str) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some(mut wire) = state.wires.remove(&peer) else {
            return;
        };
        let failure = Failure::LinkDown(reason.to_owned());
        let mut waiting = wire.queue.take(|_| true);
        waiting.extend(wire.in_flight.take());
        state.resolve_all(waiting, &failure);
        if let (Some((_, seat)), Some(info)) = (state.holder(), wire.peer) {
            seat.outlet.post(Notice::Peer {
                peer,
                address: info.address,
                connected: false,
            });
        }
        self.progress.notify_waiters();
    }

    /// The connection ends: nothing is accepted any more, and everything outstanding fails.
    pub(super) fn end(&self) {
        let reason = "the connection is closed";
        let peers: Vec<PeerId> = {
            let mut guard = self.lock();
            let state = &mut *guard;
            state.closed = true;
            let wires = state.wires.values_mut();
            let waiting = wires.flat_map(|wire| {
                let mut all = wire.queue.take(|_| true);
                all.extend(wire.in_flight.take());
                all
            });
            let waiting: Vec<Entry> = waiting.collect();
            state.resolve_all(waiting, &Failure::LinkDown(reason.into()));
            state
                .wires
                .keys()
                .copied()
                .filter(|id| *id != LINE)
                .collect()
        };
        for peer in peers {
            self.remove_peer(peer, reason);
        }
        self.set_descriptor(None);
        self.set_link(LinkState::Down, reason, true);
    }

    pub(super) fn stats(&self) -> ConnectionStats {
        let state = self.lock();
        let devices = state.seats.iter().map(|(id, seat)| DeviceStats {
            device: seat.device.to_string(),
            counters: seat.tally.counters,
            queued: state.wires.values().map(|wire| wire.queue.count(*id)).sum(),
            undelivered: seat.outlet.waiting(),
            wait: seat.tally.wait.snapshot(),
            round_trip: seat.tally.round_trip.snapshot(),
        });
        let peers = state.wires.iter().filter_map(|(peer, wire)| {
            wire.peer.as_ref().map(|info| PeerStats {
                peer: *peer,
                address: info.address.to_string(),
                since: info.since,
                bytes_in: info.bytes_in,
                bytes_out: info.bytes_out,
            })
        });
        ConnectionStats {
            connection: self.name.to_string(),
            endpoint: state.endpoint.clone(),
            state: state.link,
            reason: state.reason.to_string(),
            since: state.since,
            counters: state.tally.counters,
            queued: state.wires.values().map(|wire| wire.queue.len()).sum(),
            bytes_in: state.bytes_in,
            bytes_out: state.bytes_out,
            opened: state.opened,
            failures: state.failures,
            refused_peers: state.refused_peers,
            wait: state.tally.wait.snapshot(),
            round_trip: state.tally.round_trip.snapshot(),
            devices: devices.collect(),
            peers: peers.collect(),
        }
    }
}

fn peer_of(state: &mut State, id: WireId) -> Option<&mut PeerInfo> {
    state.wires.get_mut(&id).and_then(|wire| wire.peer.as_mut())
}
