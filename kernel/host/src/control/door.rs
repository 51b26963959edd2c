//! The door on the network: TLS with certificates on both sides, always.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use weihe_link::{Handshakes, Keepalive, Turn, network};

use super::paced::Paced;
use super::places::{Full, OF_EACH, Places};
use super::protocol::{ErrorBody, code};
use super::server::{ACCEPT_PAUSE, FAREWELL, Server, report};
use super::service::{Peer, Remote, Service};
use super::session;
use crate::config::ControlEntry;
use crate::tls::{self, TlsError};

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
            places: Places::default(),
            refusals: Paced::default(),
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
                        // Whoever gives way is gone before the next one is let in.
                        tokio::task::yield_now().await;
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
    places: Places,
    refusals: Paced,
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
        // Replies are small, and waited for; one whose cable was pulled does not keep its place for ever. Who reads logs
        // may pause.
        let _ = Keepalive::default().probe(&stream);
        let shaken = self.acceptor.accept(stream).into_fallible();
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(HANDSHAKE, shaken) => shaken,
            () = turn.over() => {
                return self.warn(address, "it gives way to others, who wait for a handshake");
            }
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        let stream = match shaken {
            Ok(Ok(stream)) => stream,
            Ok(Err((error, stream))) => {
                let reason = tls::reason(&error);
                self.warn(address, &reason);
                return turn.hang_up(stream).await;
            }
            Err(_) => {
                return self.warn(address, "the handshake takes too long");
            }
        };
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
        let (fingerprint, role) = (remote.fingerprint.clone(), remote.role);
        let name = remote.name.clone();
        let named = format!("certificate `{name}`");
        let service = Arc::clone(&self.service).for_peer(Peer::Remote(remote));
        // Whoever may ask nothing takes no place: the turn is held until it is gone.
        let admitted = service.admit().await;
        let place = match (admitted, role) {
            (Err(error), _) => Err(error),
            // A service that lets everybody in has looked at no role; the door does.
            (Ok(()), None) => Err(ErrorBody::new(
                code::FORBIDDEN,
                format!("certificate `{name}` has no role"),
            )),
            (Ok(()), Some(role)) => self.places.enter(&fingerprint, role).map_err(|full| {
                let error = too_many(full, &name);
                let message = format!(
                    "the control door turns {named} from {address} away: {}",
                    error.message
                );
                self.refusals.warn(&named, "too many clients", &message);
                error
            }),
        };
        let mut place = match place {
            Ok(place) => place,
            Err(error) => return turn_away(stream, error, turn).await,
        };
        drop(turn);
        let (give_way, gives_way) = watch::channel(false);
        let displaced = async {
            place.over().await;
            let message = format!(
                "the control door hangs up on {named} from {address}: it gives way to a higher role"
            );
            self.refusals
                .warn(&named, "it gives way to a higher role", &message);
            give_way.send_replace(true);
            // Whoever does not read, hears nothing of it.
            tokio::time::sleep(FAREWELL).await;
        };
        let session = session::run(stream, service, stopped, Some(IDLE), Some(gives_way));
        tokio::select! {
            () = session => {}
            () = displaced => {}
        }
    }

    /// Says why a stranger is turned away: once a minute for all of its network.
    fn warn(&self, address: SocketAddr, reason: &str) {
        let network = network(address.ip()).to_string();
        let message = format!("the control door turns {address} away: {reason}");
        self.refusals.warn(&network, reason, &message);
    }
}

/// Why one that may come in finds no place.
fn too_many(full: Full, name: &str) -> ErrorBody {
    match full {
        Full::Door => session::too_many(),
        Full::Certificate => {
            let message = format!("certificate `{name}` has {OF_EACH} clients here already");
            ErrorBody::new(code::BUSY, message).help(session::END_SOME)
        }
    }
}

/// Tells one who is not served why, and hangs up; all within its turn.
async fn turn_away(
    mut stream: tokio_rustls::server::TlsStream<TcpStream>,
    error: ErrorBody,
    mut turn: Turn,
) {
    tokio::select! {
        // It may be gone already, or not read.
        _ = tokio::time::timeout(FAREWELL, session::say(&mut stream, error)) => {}
        () = turn.over() => return,
    }
    turn.hang_up(stream).await;
}

/// The common name in a certificate, if it has exactly one, and SHA-256 of the certificate.
pub fn who(certificate: &CertificateDer<'_>) -> (Option<String>, String) {
    let fingerprint = weihe_kernel::event::hex(&Sha256::digest(certificate));
    (crate::tls::common_name(certificate), fingerprint)
}
