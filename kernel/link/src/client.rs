//! The kind `tcp`: a client that stays connected to one server.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use weihe_kernel::connection::{
    ConfigError, ConnectionKind, Endpoint, Line, Opened, Opener, Settings, TableReader,
};

use crate::address::Address;
use crate::socket::Keepalive;
use crate::tls::{self, ClientTls, Tls};
use crate::worded::Worded;

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
#[derive(Clone, Default)]
pub struct TcpClient {
    tls: Option<Arc<dyn Tls>>,
}

impl TcpClient {
    /// The same, with what makes TLS of the key `tls`.
    pub fn with_tls(tls: Arc<dyn Tls>) -> Self {
        Self { tls: Some(tls) }
    }
}

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
        let tls = tls::read(self.tls.as_ref(), &mut table, |tls, table| {
            tls.client(table)
        })?;
        let settings = table.settings(Settings {
            max_timeouts: Some(MAX_TIMEOUTS),
            ..Settings::default()
        })?;
        table.finish()?;
        let opener = Client {
            address,
            keepalive,
            tls,
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
    tls: Option<Arc<dyn ClientTls>>,
    /// Which of the name's addresses is tried first: one that swallows packets uses up the time of
    /// an attempt, and must not do so every time.
    attempts: AtomicUsize,
}

impl Client {
    /// The handshake, within the time of the attempt. Nobody else can speak on what comes of it: the guard process has
    /// no keys.
    async fn shake(&self, tls: &Arc<dyn ClientTls>, stream: TcpStream) -> Result<Opened, String> {
        let config = tls.config()?;
        let name = tls.server_name().unwrap_or(&self.address.host).to_owned();
        let server = ServerName::try_from(name)
            .map_err(|error| format!("the server's name is none of a host: {error}"))?;
        let stream = TlsConnector::from(config)
            .connect(server, stream)
            .await
            .map_err(|error| tls.reason(&error))?;
        Ok(Opened::new(Worded::new(stream, Arc::clone(tls))))
    }
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
                Ok(stream) => self.keepalive.apply(&stream).map(|()| stream),
                Err(error) => Err(error),
            };
            let opened = match (connected, &self.tls) {
                (Err(error), _) => Err(error.to_string()),
                (Ok(stream), Some(tls)) => self.shake(tls, stream).await,
                (Ok(stream), None) => {
                    let descriptor = stream.as_fd().try_clone_to_owned();
                    descriptor
                        .map(|descriptor| Opened::with_descriptor(stream, descriptor))
                        .map_err(|error| error.to_string())
                }
            };
            match opened {
                Ok(opened) => return Ok(opened),
                Err(reason) => reasons.push(format!("{address}: {reason}")),
            }
        }
        Err(reasons.join("; "))
    }

    fn describe(&self) -> String {
        self.address.to_string()
    }
}
