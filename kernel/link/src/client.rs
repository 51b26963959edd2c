//! The kind `tcp`: a client that stays connected to one server.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::net::{TcpStream, lookup_host};
use weihe_kernel::connection::{
    ConfigError, ConnectionKind, Endpoint, Line, Opened, Opener, Settings, TableReader,
};

use crate::address::Address;
use crate::socket::Keepalive;

/// Requests in a row without a reply after which the connection is opened anew, unless another
/// device on it got one within the last minute; key `max-timeouts`.
/// A gateway that has lost its memory of the connection often answers on a new one.
const MAX_TIMEOUTS: u32 = 5;

/// The kind `tcp`.
///
/// ```toml
/// [connection.gateway]
/// type = "tcp"
/// address = "gateway.local:502"   # host:port; the name is resolved at each attempt
/// keepalive = "15s"               # silence after which the server is probed; "0s": never
/// connect-timeout = "5s"          # name resolution included
/// reconnect-min = "250ms"         # first pause before connecting again, doubled up to
/// reconnect-max = "30s"
/// max-timeouts = 5                # connect anew after so many time-outs in a row; 0: never
/// gap = "0s"                      # silence between exchanges
/// silence = "50ms"                # silence that ends a reply with the rule `silence`
/// max-reply = "64 KiB"
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpClient;

impl ConnectionKind for TcpClient {
    fn name(&self) -> &'static str {
        "tcp"
    }

    fn configure(&self, name: &str, table: &toml::Table) -> Result<Endpoint, ConfigError> {
        let mut table = TableReader::new(name, table);
        let example = "192.168.1.10:502";
        let address = table.required("address", example)?;
        let address = address.parse().map_err(|reason: String| {
            let help = Some(format!("write host:port, like address = \"{example}\""));
            table.error("address", format!("is refused: {reason}"), help)
        })?;
        let keepalive = Keepalive::read(&mut table)?;
        let settings = table.settings(Settings {
            max_timeouts: Some(MAX_TIMEOUTS),
            ..Settings::default()
        })?;
        table.finish()?;
        let opener = Client {
            address,
            keepalive,
            attempts: AtomicUsize::new(0),
        };
        Ok(Endpoint::Line(Line {
            opener: Box::new(opener),
            settings,
        }))
    }
}

struct Client {
    address: Address,
    keepalive: Keepalive,
    /// Which of the name's addresses is tried first: one that swallows packets uses up the time of
    /// an attempt, and must not do so every time.
    attempts: AtomicUsize,
}

#[async_trait]
impl Opener for Client {
    async fn open(&self) -> Result<Opened, String> {
        let Address { host, port } = &self.address;
        let mut found: Vec<_> = lookup_host((host.as_str(), *port))
            .await
            .map_err(|error| format!("{}: the name cannot be resolved: {error}", self.address))?
            .collect();
        if found.is_empty() {
            return Err(format!("{}: the name has no address", self.address));
        }
        let first = self.attempts.fetch_add(1, Ordering::Relaxed) % found.len();
        found.rotate_left(first);
        let mut reasons = Vec::new();
        for address in found {
            let connected = match TcpStream::connect(address).await {
                Ok(stream) => self.keepalive.apply(&stream).and_then(|()| {
                    let descriptor = stream.as_fd().try_clone_to_owned()?;
                    Ok(Opened::with_descriptor(stream, descriptor))
                }),
                Err(error) => Err(error),
            };
            match connected {
                Ok(opened) => return Ok(opened),
                Err(error) => reasons.push(format!("{address}: {error}")),
            }
        }
        Err(reasons.join("; "))
    }

    fn describe(&self) -> String {
        self.address.to_string()
    }
}
