//! Options of a connected socket that make a dead peer show.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use weihe_kernel::connection::{ConfigError, TableReader};

/// Silence after which a peer is probed; key `keepalive`. Cheaper than one poll, and four of them
/// (30 s in all) find a cable that was pulled where the operating system's own default takes two
/// hours.
const KEEPALIVE: u64 = 15_000_000_000;

/// Probes without an answer until the peer counts as gone: one may get lost, three hardly.
const PROBES: u32 = 3;

/// Longest keepalive that Linux takes (`MAX_TCP_KEEPIDLE`), in seconds.
const KEEPALIVE_LONGEST: u64 = 32_767;

/// When a silent peer is probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive(Option<Duration>);

impl Default for Keepalive {
    fn default() -> Self {
        Self(Some(Duration::from_nanos(KEEPALIVE)))
    }
}

impl Keepalive {
    /// Reads `keepalive`; 0 turns it off.
    pub(crate) fn read(table: &mut TableReader<'_>) -> Result<Self, ConfigError> {
        let span = Duration::from_nanos(table.span("keepalive")?.unwrap_or(KEEPALIVE));
        if span.is_zero() {
            return Ok(Self(None));
        }
        // The operating system counts in seconds.
        if !(1..=KEEPALIVE_LONGEST).contains(&span.as_secs()) {
            let help = Some("write \"0s\" to do without".into());
            return Err(table.error("keepalive", "must be 1 s to 9 h, or 0", help));
        }
        Ok(Self(Some(span)))
    }

    /// How long a dead peer can go unnoticed.
    fn patience(span: Duration) -> Duration {
        span + Self::interval(span) * PROBES
    }

    fn interval(span: Duration) -> Duration {
        (span / PROBES).max(Duration::from_secs(1))
    }

    /// Sets the options of a fresh connection.
    pub fn apply(self, stream: &TcpStream) -> io::Result<()> {
        self.probe(stream)?;
        let Some(span) = self.0 else {
            return Ok(());
        };
        // Probes are only sent while nothing waits to be acknowledged; this covers the other case
        // (tcp(7), TCP_USER_TIMEOUT; RFC 5482).
        SockRef::from(stream).set_tcp_user_timeout(Some(Self::patience(span)))
    }

    /// Sets them for a peer that may stop reading for as long as it likes: its kernel acknowledges probes then, and
    /// the user timeout would end it all the same.
    pub fn probe(self, stream: &TcpStream) -> io::Result<()> {
        // A request is one small packet that must not wait for the acknowledgement of the last.
        stream.set_nodelay(true)?;
        let Some(span) = self.0 else {
            return Ok(());
        };
        let socket = SockRef::from(stream);
        let keepalive = TcpKeepalive::new()
            .with_time(span)
            .with_interval(Self::interval(span))
            .with_retries(PROBES);
        socket.set_tcp_keepalive(&keepalive)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn read(text: &str) -> Result<Keepalive, ConfigError> {
        let table = text.parse().unwrap();
        Keepalive::read(&mut TableReader::new("field", &table))
    }

    #[tokio::test]
    async fn a_connected_socket_probes_a_silent_peer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        read("keepalive = \"6s\"").unwrap().apply(&stream).unwrap();
        let socket = SockRef::from(&stream);
        assert!(stream.nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(6));
        assert_eq!(
            socket.tcp_keepalive_interval().unwrap(),
            Duration::from_secs(2)
        );
        assert_eq!(
            socket.tcp_user_timeout().unwrap(),
            Some(Duration::from_secs(12))
        );
    }

    #[test]
    fn it_can_be_off_and_is_within_what_the_system_takes() {
        assert_eq!(read("keepalive = \"0s\""), Ok(Keepalive(None)));
        assert_eq!(read("").unwrap().0, Some(Duration::from_nanos(KEEPALIVE)));
        assert!(
            read("keepalive = \"20ms\"")
                .unwrap_err()
                .message
                .contains("1 s to 9 h")
        );
        assert!(read("keepalive = \"10h\"").is_err());
    }
}
