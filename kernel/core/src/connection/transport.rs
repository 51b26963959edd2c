//! The contract of a transport: what a kind of connection has to bring. The engine does the rest:
//! it watches, reconnects, takes turns, frames and counts.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

use super::limits;

/// An open stream of bytes. A read of zero bytes means that the other side is gone.
///
/// A request counts as sent when `flush` returns: bytes are then with the operating system. `flush`
/// must not wait until they are on the wire; [`Settings::byte_time`] accounts for that.
pub trait Channel: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Channel for T {}

/// What an opener brings.
pub struct Opened {
    /// The stream.
    pub channel: Box<dyn Channel>,
    /// A duplicate of its descriptor, for the guard process that speaks on it when the host has died;
    /// none where there is no such thing.
    pub descriptor: Option<OwnedFd>,
}

impl Opened {
    /// A stream that is the host's alone.
    pub fn new(channel: impl Channel + 'static) -> Self {
        Self {
            channel: Box::new(channel),
            descriptor: None,
        }
    }

    /// A stream that another process can speak on, too.
    pub fn with_descriptor(channel: impl Channel + 'static, descriptor: OwnedFd) -> Self {
        Self {
            channel: Box::new(channel),
            descriptor: Some(descriptor),
        }
    }
}

/// Opens the channel of a line: a TCP client, a serial port.
#[async_trait]
pub trait Opener: Send + Sync {
    /// Opens the channel. Dropping the future gives the attempt up; the engine does so after
    /// [`Settings::connect_timeout`]. The error names the culprit and becomes the reason of the
    /// link state.
    async fn open(&self) -> Result<Opened, String>;

    /// What is opened, in a few words: `127.0.0.1:502`, `/dev/ttyS1 9600 8N1`.
    fn describe(&self) -> String;

    /// What it holds alone.
    fn claims(&self) -> Vec<Claim> {
        Vec::new()
    }
}

/// Binds the door of a listener.
#[async_trait]
pub trait Binder: Send + Sync {
    /// Starts to listen. The error names the culprit and becomes the reason of the link state.
    async fn bind(&self) -> Result<Box<dyn Acceptor>, String>;

    /// What is listened on, in a few words.
    fn describe(&self) -> String;

    /// What it holds alone.
    fn claims(&self) -> Vec<Claim> {
        Vec::new()
    }
}

/// A door that is listened on.
#[async_trait]
pub trait Acceptor: Send {
    /// Waits for the next peer. Dropping the future loses no peer.
    async fn accept(&mut self) -> Result<Accepted, NotAccepted>;

    /// Where it listens, when the operating system has chosen: `127.0.0.1:40123`.
    fn local(&self) -> String;
}

/// Why no peer came through the door. Each names the culprit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// This peer, or none for a while: the door is tried again.
    #[error("{0}")]
    Peer(String),
    /// This peer only, which was found unfit: the next one is not kept waiting.
    #[error("{0}")]
    TurnedAway(String),
    /// None any more: the door is closed, which is the reason of the link state. It is opened again.
    #[error("{0}")]
    Closed(String),
}

/// A peer that came through the door.
pub struct Accepted {
    /// Its stream.
    pub channel: Box<dyn Channel>,
    /// Its address, `host:port`.
    pub address: String,
}

/// A thing that only one connection can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// A device file, symbolic links resolved.
    Port(PathBuf),
    /// An address that is listened on.
    Address(SocketAddr),
}

impl Claim {
    /// Whether both cannot be held at once.
    pub fn conflicts(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Port(one), Self::Port(two)) => one == two,
            // Port 0 lets the operating system choose a free one.
            (Self::Address(one), Self::Address(two)) => {
                one.port() != 0
                    && one.port() == two.port()
                    && (one.ip() == two.ip()
                        || one.ip().is_unspecified()
                        || two.ip().is_unspecified())
            }
            _ => false,
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(path) => write!(f, "port {}", path.display()),
            Self::Address(address) => write!(f, "address {address}"),
        }
    }
}

/// How the engine treats a channel. Spans are nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Silence to keep between exchanges.
    pub gap: u64,
    /// Silence that ends a reply with the rule `silence`, and after which a framer is told `idle`.
    pub silence: u64,
    /// Time that one byte takes on the wire; 0 where the operating system buffers without end.
    pub byte_time: u64,
    /// Bytes that a reply may have.
    pub max_reply: usize,
    /// How long an attempt to open may take.
    pub connect_timeout: u64,
    /// First pause before opening again.
    pub reconnect_min: u64,
    /// Longest pause before opening again.
    pub reconnect_max: u64,
    /// Opens anew after so many requests in a row without a reply, unless a device that did not
    /// send them got one lately ([`limits::NEIGHBOUR_SILENCE`]); none never does.
    pub max_timeouts: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            gap: 0,
            silence: limits::SILENCE,
            byte_time: 0,
            max_reply: limits::MAX_REPLY,
            connect_timeout: limits::CONNECT_TIMEOUT,
            reconnect_min: limits::RECONNECT_MIN,
            reconnect_max: limits::RECONNECT_MAX,
            max_timeouts: None,
        }
    }
}

/// A line: one channel that the devices take turns on.
pub struct Line {
    /// Opens the channel.
    pub opener: Box<dyn Opener>,
    /// How it is treated.
    pub settings: Settings,
}

/// A listener: one door, many peers, one device.
pub struct Listener {
    /// Opens the door.
    pub binder: Box<dyn Binder>,
    /// How each peer's channel is treated.
    pub settings: Settings,
    /// Peers at one time; who comes then is closed at once and counted.
    pub max_peers: usize,
    /// Closes a peer after so long without a byte either way, in nanoseconds; none never does.
    pub idle_timeout: Option<u64>,
}

/// A configured connection that has not been spawned.
pub enum Endpoint {
    /// One channel.
    Line(Line),
    /// Many peers.
    Listener(Listener),
}

impl Endpoint {
    /// What it leads to, in a few words.
    pub fn describe(&self) -> String {
        match self {
            Self::Line(line) => line.opener.describe(),
            Self::Listener(listener) => listener.binder.describe(),
        }
    }

    /// What it holds alone. Asked anew each time, because a link to a port can change.
    pub fn claims(&self) -> Vec<Claim> {
        match self {
            Self::Line(line) => line.opener.claims(),
            Self::Listener(listener) => listener.binder.claims(),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.describe()).finish()
    }
}

/// Two connections that claim one thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("connections `{first}` and `{second}` both hold {claim}")]
pub struct Conflict {
    /// The first holder.
    pub first: String,
    /// The second.
    pub second: String,
    /// What both hold.
    pub claim: Claim,
}

/// The pairs of connections that claim one thing, each once.
pub fn conflicts<'a>(
    endpoints: impl IntoIterator<Item = (&'a str, &'a Endpoint)>,
) -> Vec<Conflict> {
    let mut held: Vec<(&str, Claim)> = Vec::new();
    let mut found = Vec::new();
    for (name, endpoint) in endpoints {
        for claim in endpoint.claims() {
            if let Some((first, _)) = held
                .iter()
                .find(|(holder, other)| *holder != name && other.conflicts(&claim))
            {
                found.push(Conflict {
                    first: (*first).to_owned(),
                    second: name.to_owned(),
                    claim: claim.clone(),
                });
            }
            held.push((name, claim));
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn address(text: &str) -> Claim {
        Claim::Address(text.parse().unwrap())
    }

    #[test]
    fn one_port_and_overlapping_addresses_conflict() {
        let port = Claim::Port("/dev/ttyS1".into());
        assert!(port.conflicts(&port.clone()));
        assert!(!port.conflicts(&Claim::Port("/dev/ttyS2".into())));
        assert!(!port.conflicts(&address("127.0.0.1:502")));
        assert!(address("127.0.0.1:502").conflicts(&address("0.0.0.0:502")));
        assert!(!address("127.0.0.1:502").conflicts(&address("127.0.0.2:502")));
        assert!(!address("127.0.0.1:0").conflicts(&address("127.0.0.1:0")));
    }
}
