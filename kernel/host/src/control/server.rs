//! Listens for clients and gives each a session of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, JoinHandle, JoinSet};

use super::service::{Peer, Service};
use super::session;

/// Clients at a time. A person has a few; a script that leaks them must not use up the host's
/// file descriptors.
pub const CLIENTS: usize = 64;

/// The pause after a failed accept (no file descriptor left), so that it does not spin.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long the last replies may take when the host stops.
pub(super) const FAREWELL: Duration = Duration::from_millis(500);

/// A running server.
#[derive(Debug)]
pub struct Server {
    pub(super) stop: watch::Sender<bool>,
    pub(super) task: JoinHandle<()>,
}

impl Server {
    /// Takes no more clients, tells those that are there that the host stops, and waits until
    /// they are told.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // Only fails when the task was cancelled with its runtime.
        let _ = self.task.await;
    }
}

/// Serves clients until [`Server::stop`].
pub fn serve(listener: UnixListener, service: Arc<dyn Service>) -> Server {
    let (stop, mut stopped) = watch::channel(false);
    let places = Arc::new(Semaphore::new(CLIENTS));
    let task = tokio::spawn(async move {
        let mut sessions = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => break,
                accepted = listener.accept() => accepted,
            };
            while let Some(ended) = sessions.try_join_next() {
                report(ended);
            }
            match accepted {
                Ok((stream, _)) => match Arc::clone(&places).try_acquire_owned() {
                    Ok(place) => {
                        let Some(peer) = peer(&stream) else { continue };
                        let service = Arc::clone(&service).for_peer(peer);
                        let session = session::run(stream, service, stopped.clone(), None, None);
                        sessions.spawn(async move {
                            session.await;
                            drop(place);
                        });
                    }
                    Err(_) => {
                        sessions.spawn(session::refuse(stream));
                    }
                },
                Err(error) => {
                    tracing::warn!("the control socket cannot accept a client: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        let all = async {
            while let Some(ended) = sessions.join_next().await {
                report(ended);
            }
        };
        if tokio::time::timeout(FAREWELL, all).await.is_err() {
            sessions.shutdown().await;
        }
    });
    Server { stop, task }
}

/// Who is at the other end. Nobody acts without a name: a client whose name cannot be read is not served.
fn peer(stream: &UnixStream) -> Option<Peer> {
    match stream.peer_cred() {
        Ok(credentials) => Some(Peer::Local {
            uid: credentials.uid(),
            pid: credentials.pid(),
        }),
        Err(error) => {
            tracing::warn!("a client of the control socket cannot be told: {error}");
            None
        }
    }
}

/// A host bug in one session is shown, and takes nobody else down.
pub(super) fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!("a client's session ended unexpectedly: {error}");
    }
}

#[cfg(test)]
mod tests;
