//! The door on the network: TLS with certificates on both sides, always.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use weihe_link::{Handshakes, Turn};

use super::server::{ACCEPT_PAUSE, FAREWELL, Server, report};
use super::service::{Peer, Remote, Service};
use super::session;
use crate::config::ControlEntry;
use crate::tls::{self, TlsError};

/// Operators at a time.
pub const OPERATORS: usize = 16;

/// Handshakes at a time: strangers do not take the places of operators. One gives way to who comes then.
const HANDSHAKES: usize = 32;

/// How long a handshake may take.
pub const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long an operator may be silent while nothing is under way, or take for a line.
pub const IDLE: Duration = Duration::from_secs(300);

/// Why the door is shut.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// Its files, or what is in them.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the operating system says.
        source: std::io::Error,
    },
}

/// What a door is opened with.
pub struct Door {
    listener: TcpListener,
    config: Arc<ServerConfig>,
    entry: ControlEntry,
}

impl Door {
    /// Reads the files and listens.
    pub async fn bind(entry: &ControlEntry) -> Result<Self, DoorError> {
        let config = entry.tls.read()?;
        let address = entry.listen;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| DoorError::Listen { address, source })?;
        Ok(Self {
            listener,
            config,
            entry: entry.clone(),
        })
    }

    /// Where it is.
    pub fn local(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(self.entry.listen)
    }

    /// Serves operators until [`Server::stop`].
    pub fn serve(self, service: Arc<dyn Service>) -> Server {
        let (stop, mut stopped) = watch::channel(false);
        let door = Arc::new(Opened {
            acceptor: TlsAcceptor::from(self.config),
            entry: self.entry,
            operators: Arc::new(Semaphore::new(OPERATORS)),
            service,
        });
        let mut handshakes = Handshakes::new(HANDSHAKES);
        let listener = self.listener;
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
                    Ok((stream, address)) => {
                        let turn = handshakes.enter(address.ip());
                        let door = Arc::clone(&door);
                        let stopped = stopped.clone();
                        sessions.spawn(door.attend(stream, address, turn, stopped));
                    }
                    Err(error) => {
                        tracing::warn!("the control door cannot accept a client: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
            drop(listener);
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
}

/// An open door.
struct Opened {
    acceptor: TlsAcceptor,
    entry: ControlEntry,
    operators: Arc<Semaphore>,
    service: Arc<dyn Service>,
}

impl Opened {
    async fn attend(
        self: Arc<Self>,
        stream: TcpStream,
        address: SocketAddr,
        mut turn: Turn,
        mut stopped: watch::Receiver<bool>,
    ) {
        // Replies are small, and waited for.
        let _ = stream.set_nodelay(true);
        let shaken = self.acceptor.accept(stream).into_fallible();
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(HANDSHAKE, shaken) => shaken,
            () = turn.over() => {
                return tracing::warn!(
                    "the control door turns {address} away: it gives way to others, who wait for a handshake"
                );
            }
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        let stream = match shaken {
            Ok(Ok(stream)) => stream,
            Ok(Err((error, stream))) => {
                let reason = tls::reason(&error);
                tracing::warn!("the control door turns {address} away: {reason}");
                return turn.hang_up(stream).await;
            }
            Err(_) => {
                tracing::warn!(
                    "the control door turns {address} away: the handshake takes too long"
                );
                return;
            }
        };
        drop(turn);
        let shown = stream.get_ref().1.peer_certificates();
        // The verifier lets nobody in without; were it otherwise, nobody is served without a name.
        let Some(certificate) = shown.and_then(|chain| chain.first()) else {
            return;
        };
        let (name, fingerprint) = who(certificate);
        let remote = Remote {
            role: self.entry.role(&name, certificate),
            name: name.unwrap_or_else(|| fingerprint.clone()),
            fingerprint,
            address,
        };
        let Ok(_place) = Arc::clone(&self.operators).try_acquire_owned() else {
            return session::refuse(stream).await;
        };
        let service = Arc::clone(&self.service).for_peer(Peer::Remote(remote));
        session::run(stream, service, stopped, Some(IDLE)).await;
    }
}

/// The common name in a certificate, if it has exactly one, and SHA-256 of the certificate.
pub fn who(certificate: &CertificateDer<'_>) -> (Option<String>, String) {
    let fingerprint = weihe_kernel::event::hex(&Sha256::digest(certificate));
    (crate::tls::common_name(certificate), fingerprint)
}
