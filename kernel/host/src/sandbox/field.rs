//! Connections that lead to the test: the kind `scripted`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;
use weihe_kernel::connection::{
    Accepted, Acceptor, Binder, ConfigError, ConnectionKind, Endpoint, Line, Listener, NotAccepted,
    Opened, Opener, Settings,
};

use super::seen::Seen;
use super::wire::FarEnd;

/// The kind, as `type` names it.
pub(super) const KIND: &str = "scripted";

/// The pause before a link is tried again, in nanoseconds. It is the same each time, so that a test knows when
/// a link comes back; short, since the test's time passes with it; not too short, since each try is work.
pub(super) const RECONNECT: u64 = 100_000_000;

/// Silence that ends a reply, in nanoseconds. The test says a reply at once; the least span does.
pub(super) const SILENCE: u64 = 1_000;

/// Peers of one listener; more than a test lets in.
const MAX_PEERS: usize = 1_024;

/// The number by which a test knows a peer.
pub(super) type TestPeer = u64;

/// One connection as the test plays it.
#[derive(Debug, Default)]
struct Door {
    /// Why it is closed; none: it is open.
    closed: Option<String>,
    /// The stream of a line.
    line: Option<FarEnd>,
    /// Streams of a listener's peers.
    peers: BTreeMap<TestPeer, FarEnd>,
    /// Peers that wait to be let in.
    arriving: VecDeque<(TestPeer, String)>,
    changed: Arc<Notify>,
}

/// All connections of a sandbox.
#[derive(Debug, Clone)]
pub(super) struct Field {
    doors: Arc<Mutex<BTreeMap<String, Door>>>,
    seen: Arc<Seen>,
}

impl Field {
    pub(super) fn new(seen: Arc<Seen>) -> Self {
        Self {
            doors: Arc::default(),
            seen,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Door>> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn door<R>(&self, name: &str, act: impl FnOnce(&mut Door) -> R) -> Result<R, String> {
        match self.lock().get_mut(name) {
            Some(door) => Ok(act(door)),
            None => Err(format!("there is no connection `{name}`")),
        }
    }

    /// Says something on a connection, as the far end or as one of its peers.
    pub(super) fn say(
        &self,
        name: &str,
        peer: Option<TestPeer>,
        bytes: &[u8],
    ) -> Result<(), String> {
        let end = self.door(name, |door| match peer {
            None => door.line.clone(),
            Some(peer) => door.peers.get(&peer).cloned(),
        })?;
        let nobody = || match peer {
            None => format!("connection `{name}` is not up: nothing can be said on it"),
            Some(peer) => format!("connection `{name}` has no peer {peer}"),
        };
        end.ok_or_else(nobody)?.say(bytes);
        Ok(())
    }

    /// Opens a connection, or closes it with a reason.
    pub(super) fn set_link(&self, name: &str, closed: Option<String>) -> Result<(), String> {
        self.door(name, |door| {
            if let Some(reason) = &closed {
                let peers = std::mem::take(&mut door.peers);
                door.arriving.clear();
                for end in door.line.take().into_iter().chain(peers.into_values()) {
                    end.hang_up(reason);
                }
            }
            door.closed = closed;
            door.changed.notify_waiters();
        })
    }

    /// Lets a peer knock at a listener.
    pub(super) fn arrive(&self, name: &str, peer: TestPeer, address: &str) -> Result<(), String> {
        self.door(name, |door| {
            if let Some(reason) = &door.closed {
                return Err(format!(
                    "connection `{name}` is down ({reason}): no peer can come to it"
                ));
            }
            door.arriving.push_back((peer, address.to_owned()));
            door.changed.notify_waiters();
            Ok(())
        })?
    }

    /// Has a peer hang up.
    pub(super) fn leave(&self, name: &str, peer: TestPeer) -> Result<(), String> {
        let end = self.door(name, |door| door.peers.remove(&peer))?;
        let end = end.ok_or_else(|| format!("connection `{name}` has no peer {peer}"))?;
        end.hang_up("");
        Ok(())
    }
}

impl ConnectionKind for Field {
    fn name(&self) -> &'static str {
        KIND
    }

    fn configure(&self, name: &str, table: &toml::Table) -> Result<Endpoint, ConfigError> {
        self.lock().insert(name.to_owned(), Door::default());
        let settings = Settings {
            silence: SILENCE,
            reconnect_min: RECONNECT,
            reconnect_max: RECONNECT,
            ..Settings::default()
        };
        let way = Way {
            field: self.clone(),
            name: name.to_owned(),
        };
        let listens = table.get("listener").and_then(toml::Value::as_bool);
        Ok(if listens == Some(true) {
            Endpoint::Listener(Listener {
                binder: Box::new(way),
                settings,
                max_peers: MAX_PEERS,
                idle_timeout: None,
            })
        } else {
            Endpoint::Line(Line {
                opener: Box::new(way),
                settings,
            })
        })
    }
}

/// The host's way to one connection.
#[derive(Clone)]
struct Way {
    field: Field,
    name: String,
}

impl Way {
    /// A new stream to the test.
    fn stream(&self, peer: Option<TestPeer>) -> (FarEnd, super::wire::NearEnd) {
        let far = FarEnd::default();
        let (seen, connection) = (self.field.seen.clone(), self.name.clone());
        let near = far.near(Box::new(move |bytes| {
            seen.wrote(&connection, peer, &bytes);
        }));
        (far, near)
    }

    /// Why it is closed, if it is.
    fn closed(&self) -> Option<String> {
        match self.field.door(&self.name, |door| door.closed.clone()) {
            Ok(closed) => closed,
            Err(unknown) => Some(unknown),
        }
    }
}

#[async_trait]
impl Opener for Way {
    async fn open(&self) -> Result<Opened, String> {
        if let Some(reason) = self.closed() {
            return Err(reason);
        }
        let (far, near) = self.stream(None);
        self.field.door(&self.name, |door| door.line = Some(far))?;
        Ok(Opened::new(near))
    }

    fn describe(&self) -> String {
        format!("the test, as `{}`", self.name)
    }
}

#[async_trait]
impl Binder for Way {
    async fn bind(&self) -> Result<Box<dyn Acceptor>, String> {
        match self.closed() {
            Some(reason) => Err(reason),
            None => Ok(Box::new(self.clone())),
        }
    }

    fn describe(&self) -> String {
        Opener::describe(self)
    }
}

#[async_trait]
impl Acceptor for Way {
    async fn accept(&mut self) -> Result<Accepted, NotAccepted> {
        loop {
            let look = |door: &mut Door| (door.changed.clone(), door.closed.clone());
            let looked = self.field.door(&self.name, look);
            let (changed, closed) = looked.map_err(NotAccepted::Closed)?;
            let changed = changed.notified();
            if let Some(reason) = closed {
                return Err(NotAccepted::Closed(reason));
            }
            let arrived = self
                .field
                .door(&self.name, |door| door.arriving.pop_front())
                .map_err(NotAccepted::Closed)?;
            if let Some((peer, address)) = arrived {
                let (far, near) = self.stream(Some(peer));
                self.field
                    .door(&self.name, |door| door.peers.insert(peer, far))
                    .map_err(NotAccepted::Closed)?;
                return Ok(Accepted {
                    channel: Box::new(near),
                    address,
                });
            }
            changed.await;
        }
    }

    fn local(&self) -> String {
        Opener::describe(self)
    }
}
