//! The kind `tcp-listen`: a door for many clients, held by one device.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use weihe_kernel::connection::{
    Accepted, Acceptor, Binder, Claim, ConfigError, ConnectionKind, Endpoint, Listener,
    NotAccepted, Settings, TableReader, limits,
};

use crate::handshakes::{Handshakes, Turn};
use crate::socket::Keepalive;
use crate::tls::{self, HANDSHAKE, HANDSHAKES, ServerTls, Tls};

/// Connections that the operating system completes before they are accepted. More than `max-peers`
/// would only wait to be turned away.
const BACKLOG: u32 = 128;

/// Largest `max-peers`: with a descriptor each, well below the usual limit of 1,024 of a process.
const MAX_PEERS_CEILING: i64 = 512;

/// The kind `tcp-listen`.
///
/// Whoever reaches the address can talk to the device. An address like `0.0.0.0:port` or
/// `[::]:port` is reached from every network that the board is in: name the address of one network
/// where that is too much, and `127.0.0.1:port` for programs on the same board only.
///
/// ```toml
/// [connection.station]
/// type = "tcp-listen"
/// address = "0.0.0.0:2404"   # IP address and port; port 0 lets the system choose
/// max-peers = 64             # who comes when so many are there is turned away
/// idle-timeout = "10m"       # closes a peer after so long without a byte; default: never
/// keepalive = "15s"          # silence after which a peer is probed; "0s": never
/// reconnect-min = "250ms"    # first pause before trying to listen again, doubled up to
/// reconnect-max = "30s"
/// ```
#[derive(Clone, Default)]
pub struct TcpListener {
    tls: Option<Arc<dyn Tls>>,
}

impl TcpListener {
    /// The same, with what makes TLS of the key `tls`.
    pub fn with_tls(tls: Arc<dyn Tls>) -> Self {
        Self { tls: Some(tls) }
    }
}

impl ConnectionKind for TcpListener {
    fn name(&self) -> &'static str {
        "tcp-listen"
    }

    fn configure(&self, name: &str, table: &toml::Table) -> Result<Endpoint, ConfigError> {
        let mut table = TableReader::new(name, table);
        let example = "0.0.0.0:2404";
        let text = table.required("address", example)?;
        let address = text.parse().map_err(|_| {
            let help = format!("write an IP address of this machine, like address = \"{example}\"");
            let message = format!("is \"{text}\", not an IP address and a port");
            table.error("address", message, Some(help))
        })?;
        let keepalive = Keepalive::read(&mut table)?;
        let max_peers = table.integer("max-peers", 1..=MAX_PEERS_CEILING)?;
        let max_peers = max_peers.and_then(|count| usize::try_from(count).ok());
        let idle_timeout = table.span("idle-timeout")?.filter(|span| *span > 0);
        let tls = tls::read(self.tls.as_ref(), &mut table, |tls, table| {
            tls.server(table)
        })?;
        let settings = table.settings(Settings::default())?;
        table.finish()?;
        Ok(Endpoint::Listener(Listener {
            binder: Box::new(Door {
                address,
                keepalive,
                tls,
            }),
            settings,
            max_peers: max_peers.unwrap_or(limits::MAX_PEERS),
            idle_timeout,
        }))
    }
}

struct Door {
    address: SocketAddr,
    keepalive: Keepalive,
    tls: Option<Arc<dyn ServerTls>>,
}

#[async_trait]
impl Binder for Door {
    async fn bind(&self) -> Result<Box<dyn Acceptor>, String> {
        if let Some(tls) = &self.tls {
            // A door that could let nobody in is none.
            tls.config()?;
        }
        let listen = || {
            let socket = match self.address {
                SocketAddr::V4(_) => TcpSocket::new_v4(),
                SocketAddr::V6(_) => TcpSocket::new_v6(),
            }?;
            // After a restart the port is still marked by the connections of before.
            socket.set_reuseaddr(true)?;
            socket.bind(self.address)?;
            let listener = socket.listen(BACKLOG)?;
            let local = listener.local_addr()?;
            Ok((listener, local))
        };
        let (listener, local) = listen().map_err(|error| refusal(self.address, &error))?;
        Ok(Box::new(OpenDoor {
            listener,
            local,
            keepalive: self.keepalive,
            tls: self.tls.clone(),
            handshakes: Handshakes::new(HANDSHAKES),
            shaking: JoinSet::new(),
        }))
    }

    fn describe(&self) -> String {
        self.address.to_string()
    }

    fn claims(&self) -> Vec<Claim> {
        vec![Claim::Address(self.address)]
    }
}

/// Why nothing can be listened on, with how to find out who is in the way.
fn refusal(address: SocketAddr, error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::AddrInUse {
        return format!(
            "{address} is in use: another program, or another connection of this host, listens there \
             (`ss -ltnp` shows who)"
        );
    }
    format!("{address} cannot be listened on: {error}")
}

struct OpenDoor {
    listener: tokio::net::TcpListener,
    local: SocketAddr,
    keepalive: Keepalive,
    tls: Option<Arc<dyn ServerTls>>,
    /// Handshakes under way: a slow one holds nobody up.
    handshakes: Handshakes,
    shaking: JoinSet<Result<Accepted, String>>,
}

#[async_trait]
impl Acceptor for OpenDoor {
    async fn accept(&mut self) -> Result<Accepted, NotAccepted> {
        loop {
            let accepted = tokio::select! {
                Some(shaken) = self.shaking.join_next() => {
                    let shaken = shaken.unwrap_or_else(|error| Err(error.to_string()));
                    return shaken.map_err(|reason| {
                        NotAccepted::TurnedAway(format!("{}: {reason}", self.local))
                    });
                }
                accepted = self.listener.accept() => accepted,
            };
            let accepted = match accepted {
                Ok((stream, peer)) => self.keepalive.apply(&stream).map(|()| (stream, peer)),
                Err(error) => Err(error),
            };
            let (stream, peer) =
                accepted.map_err(|error| NotAccepted::Peer(format!("{}: {error}", self.local)))?;
            match &self.tls {
                Some(tls) => {
                    let turn = self.handshakes.enter(peer.ip());
                    self.shaking
                        .spawn(shake(Arc::clone(tls), stream, peer, turn));
                    // Whoever gives way is gone before the next one is let in.
                    tokio::task::yield_now().await;
                }
                None => {
                    return Ok(Accepted {
                        channel: Box::new(stream),
                        address: peer.to_string(),
                    });
                }
            }
        }
    }

    fn local(&self) -> String {
        self.local.to_string()
    }
}

/// Lets a peer in that shakes hands in time, unless it has to give way to others.
async fn shake(
    tls: Arc<dyn ServerTls>,
    stream: TcpStream,
    peer: SocketAddr,
    mut turn: Turn,
) -> Result<Accepted, String> {
    let config = tls.config()?;
    let shaken = TlsAcceptor::from(config).accept(stream).into_fallible();
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(HANDSHAKE, shaken) => shaken,
        () = turn.over() => return Err(format!("{peer}: gives way to others, who wait for a handshake")),
    };
    match shaken {
        Ok(Ok(stream)) => Ok(Accepted {
            channel: Box::new(stream),
            address: peer.to_string(),
        }),
        Ok(Err((error, stream))) => {
            // Nobody waits for it; it ends with its place, or with the door.
            tokio::spawn(turn.hang_up(stream));
            Err(format!("{peer}: {}", tls.reason(&error)))
        }
        Err(_) => Err(format!("{peer}: the handshake takes too long")),
    }
}
