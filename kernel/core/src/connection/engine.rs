//! The tasks of a connection: one for a line; for a listener one at the door and one for each peer.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::backoff::{Backoff, seed};
use super::conversation::{Conversation, until};
use super::hub::Hub;
use super::limits::{ACCEPT_PAUSE, SHUTDOWN_TIMEOUT, STABLE_AFTER};
use super::outlet::Outlet;
use super::transport::{Accepted, Acceptor, Endpoint, Line, Listener, NotAccepted, Opened};
use super::types::{LinkState, PeerId};
use super::wire::LINE;

/// Runs a connection until it is closed. Nothing it started is left when this returns, except that
/// a device which has no room for its last outcomes is still given them.
pub(super) async fn run(hub: Arc<Hub>, endpoint: Endpoint) {
    // Ends it in any case, also when this task panics or its runtime goes.
    let _ending = Ending(Arc::clone(&hub));
    let mut peers = JoinSet::new();
    let mut closing = hub.closing.subscribe();
    let engine = async {
        match &endpoint {
            Endpoint::Line(line) => run_line(&hub, line).await,
            Endpoint::Listener(listener) => run_listener(&hub, listener, &mut peers).await,
        }
    };
    tokio::select! {
        biased;
        _ = closing.wait_for(|closing| *closing) => {}
        never = hub.expire() => match never {},
        () = engine => {}
    }
    peers.shutdown().await;
}

struct Ending(Arc<Hub>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn backoff(hub: &Hub) -> Backoff {
    let settings = &hub.settings;
    Backoff::new(
        settings.reconnect_min,
        settings.reconnect_max,
        seed(&hub.name),
    )
}

async fn run_line(hub: &Arc<Hub>, line: &Line) {
    let mut backoff = backoff(hub);
    // A reply can be late beyond the channel that it was awaited on: the unit at the far end of a
    // serial line does not know that the port was opened anew.
    let mut held_until = 0;
    loop {
        hub.set_link(LinkState::Connecting, "", false);
        let span = hub.settings.connect_timeout;
        let give_up = hub.clock.monotonic().saturating_add(span);
        let opened = until(&*hub.clock, give_up, line.opener.open()).await;
        let opened = opened.unwrap_or_else(|| {
            Err(format!(
                "{}: no connection within {} ms",
                line.opener.describe(),
                span / 1_000_000
            ))
        });
        match opened {
            Ok(Opened {
                channel,
                descriptor,
            }) => {
                hub.set_descriptor(descriptor);
                let up_at = hub.clock.monotonic();
                hub.set_link(LinkState::Up, "", false);
                let mut conversation =
                    Conversation::new(Arc::clone(hub), LINE, channel).held_until(held_until);
                let reason = conversation.run().await;
                held_until = conversation.hold();
                let was_up = hub.clock.monotonic().saturating_sub(up_at);
                if conversation.was_sound() || was_up >= STABLE_AFTER {
                    backoff.reset();
                }
                hub.set_descriptor(None);
                drop(conversation);
                hub.set_link(LinkState::Down, &reason, false);
            }
            Err(reason) => hub.set_link(LinkState::Down, &reason, true),
        }
        hub.clock.sleep(backoff.pause()).await;
    }
}

async fn run_listener(hub: &Arc<Hub>, listener: &Listener, peers: &mut JoinSet<()>) {
    let mut backoff = backoff(hub);
    loop {
        hub.set_link(LinkState::Connecting, "", false);
        match listener.binder.bind().await {
            Ok(mut acceptor) => {
                hub.lock().endpoint = acceptor.local();
                let up_at = hub.clock.monotonic();
                hub.set_link(LinkState::Up, "", false);
                let reason = accept(hub, listener, &mut *acceptor, peers).await;
                if hub.clock.monotonic().saturating_sub(up_at) >= STABLE_AFTER {
                    backoff.reset();
                }
                hub.set_link(LinkState::Down, &reason, false);
            }
            Err(reason) => hub.set_link(LinkState::Down, &reason, true),
        }
        hub.clock.sleep(backoff.pause()).await;
    }
}

/// Takes peers in, as long as a device is there and keeps up, until the door is closed. Returns why it is.
async fn accept(
    hub: &Arc<Hub>,
    listener: &Listener,
    acceptor: &mut dyn Acceptor,
    peers: &mut JoinSet<()>,
) -> String {
    loop {
        while peers.try_join_next().is_some() {}
        let Some(reader) = hub.holder() else {
            hub.seats_changed.notified().await;
            continue;
        };
        // Who comes and goes while the device does not look would pile up.
        let accepted = async {
            reader.cleared().await;
            acceptor.accept().await
        };
        let accepted = tokio::select! {
            biased;
            () = hub.seats_changed.notified() => continue,
            accepted = accepted => accepted,
        };
        // Those that left meanwhile make room.
        while peers.try_join_next().is_some() {}
        match accepted {
            Ok(accepted) if peers.len() >= listener.max_peers => {
                tracing::warn!(connection = %hub.name, peer = accepted.address, limit = listener.max_peers, "too many peers, turned away");
                hub.refuse_peer();
            }
            Ok(accepted) => {
                if let Some((peer, reader, stop)) = hub.admit_peer(&accepted.address) {
                    let idle = listener.idle_timeout;
                    peers.spawn(attend(Arc::clone(hub), peer, accepted, reader, stop, idle));
                }
            }
            Err(NotAccepted::Closed(reason)) => return reason,
            Err(NotAccepted::TurnedAway(reason)) => {
                tracing::warn!(connection = %hub.name, reason, "a peer was turned away");
            }
            Err(NotAccepted::Peer(reason)) => {
                tracing::warn!(connection = %hub.name, reason, "a peer could not be accepted");
                hub.clock.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Talks with one peer until one side ends it.
async fn attend(
    hub: Arc<Hub>,
    peer: PeerId,
    accepted: Accepted,
    reader: Arc<Outlet>,
    stop: Arc<Notify>,
    idle_timeout: Option<u64>,
) {
    let mut leaving = Leaving {
        hub: Arc::clone(&hub),
        peer,
        reason: "the connection is closed".into(),
    };
    let mut conversation =
        Conversation::new(Arc::clone(&hub), peer, accepted.channel).with_peer(reader, idle_timeout);
    leaving.reason = tokio::select! {
        biased;
        () = stop.notified() => "the device left".to_owned(),
        reason = conversation.run() => reason,
    };
    tracing::debug!(connection = %hub.name, peer, address = accepted.address, reason = leaving.reason, "peer gone");
    drop(leaving);
    conversation.shut_down(SHUTDOWN_TIMEOUT).await;
}

/// Takes the peer out in any case, also when its task panics or is dropped.
struct Leaving {
    hub: Arc<Hub>,
    peer: PeerId,
    reason: String,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.hub.remove_peer(self.peer, &self.reason);
    }
}
