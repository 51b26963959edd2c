//! The host's handle of a connection.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::clock::Clock;

use super::engine;
use super::framer::Framer;
use super::hub::Hub;
use super::observer::Observer;
use super::seat::Seat;
use super::stats::ConnectionStats;
use super::tap::Tap;
use super::transport::Endpoint;
use super::types::{LinkState, OpenError};

/// A running connection. Clones name the same one; it is closed when the last is dropped, or with
/// [`Connection::close`]. A [`Seat`] does not keep it open.
#[derive(Clone)]
pub struct Connection {
    running: Arc<Running>,
}

struct Running {
    hub: Arc<Hub>,
    ended: watch::Receiver<bool>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.hub.closing.send_replace(true);
    }
}

impl Connection {
    /// Opens a connection on the runtime of `handle` and keeps it open. `events` is called on that
    /// runtime with every new state of the link and, when it is down, the reason; it must not
    /// block.
    pub fn spawn(
        name: &str,
        endpoint: Endpoint,
        clock: Arc<dyn Clock>,
        handle: Handle,
        events: impl Fn(LinkState, &str) + Send + Sync + 'static,
    ) -> Self {
        let (settings, listener) = match &endpoint {
            Endpoint::Line(line) => (line.settings.clone(), false),
            Endpoint::Listener(listener) => (listener.settings.clone(), true),
        };
        let hub = Arc::new(Hub::new(
            Arc::from(name),
            endpoint.describe(),
            settings,
            listener,
            clock,
            handle.clone(),
            Box::new(events),
        ));
        let (sender, ended) = watch::channel(false);
        let engine = engine::run(Arc::clone(&hub), endpoint);
        handle.spawn(async move {
            engine.await;
            sender.send_replace(true);
        });
        Self {
            running: Arc::new(Running { hub, ended }),
        }
    }

    /// Has somebody listen in from now on; the first who does stays.
    pub fn listen_in(&self, tap: Box<dyn Tap>) {
        // A second one is not heard of.
        let _ = self.running.hub.tap.set(tap);
    }

    /// Its name in `weihe.toml`.
    pub fn name(&self) -> &Arc<str> {
        &self.running.hub.name
    }

    /// Whether anything can be said now; when it is down, why.
    pub fn link(&self) -> (LinkState, Arc<str>) {
        self.running.hub.link()
    }

    /// Takes a place for a device. The device that has one already gets the same place, with its
    /// outstanding requests, and from now on `observer` and `framer` stand in for the former ones.
    ///
    /// The observer is told the state of the link, and the peers that are there.
    pub fn attach(
        &self,
        device: &str,
        observer: Arc<dyn Observer>,
        framer: Option<Box<dyn Framer>>,
    ) -> Result<Seat, OpenError> {
        let id = self.running.hub.attach(device, observer, framer)?;
        Ok(Seat {
            hub: Arc::clone(&self.running.hub),
            id,
        })
    }

    /// What it has done so far, and how it is now.
    pub fn stats(&self) -> ConnectionStats {
        self.running.hub.stats()
    }

    /// Says that it will be closed soon, because the host stops. A link that goes down from now on
    /// is logged as a matter of course, not as a warning: who was on the other side, maybe a device
    /// of this very host, may just have stopped earlier.
    pub fn expect_end(&self) {
        self.running.hub.expect_end();
    }

    /// Closes it: the channel and all peers, and what is outstanding fails with
    /// [`Failure::LinkDown`](super::Failure::LinkDown). Returns when its tasks have ended. Seats
    /// refuse everything from then on.
    pub async fn close(&self) {
        self.running.hub.closing.send_replace(true);
        let mut ended = self.running.ended.clone();
        // An error means that the runtime has gone, and the tasks with it.
        let _ = ended.wait_for(|ended| *ended).await;
    }
}
