//! A host elsewhere, behind its door on the network.

use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use super::client::Channel;
use crate::tls::{self, TlsError};

/// How long each attempt to connect, and the handshake, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A host elsewhere, and how one shows who one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Host and port.
    pub address: String,
    /// The host that its certificate is to name; that of the address where none is given.
    pub server_name: Option<String>,
    /// What is spoken.
    pub tls: tls::Client,
}

/// Why a host elsewhere cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address is none.
    #[error("`{0}` is no host and port")]
    Address(String),
    /// The name of the server is none.
    #[error("`{0}` is no name of a host")]
    Name(String),
    /// Files, or what is in them.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Nobody is there.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// Where to.
        address: String,
        /// Why not.
        reason: String,
    },
    /// Somebody is there, but not as expected.
    #[error("no connection to {address} that could be trusted: {reason}")]
    Handshake {
        /// Where to.
        address: String,
        /// Why not.
        reason: String,
    },
}

impl RemoteError {
    /// What to do.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Address(_) => "write host:port, like `--connect gateway.plant:7443`".to_owned(),
            Self::Name(_) => "write the name or address in the host's certificate".to_owned(),
            Self::Connect { .. } => {
                "is the host running, and does [control] in its weihe.toml listen there?".to_owned()
            }
            Self::Tls(_) | Self::Handshake { .. } => return None,
        })
    }
}

impl Remote {
    /// Connects; whoever answers has shown a certificate that is trusted.
    pub(super) async fn connect(&self) -> Result<Box<dyn Channel>, RemoteError> {
        let bad = || RemoteError::Address(self.address.clone());
        let (host, port) = self.address.rsplit_once(':').ok_or_else(bad)?;
        let port: u16 = port.parse().map_err(|_| bad())?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = self.server_name.as_deref().unwrap_or(host);
        let server = ServerName::try_from(name.to_owned())
            .map_err(|_| RemoteError::Name(name.to_owned()))?;
        let config = self.tls.read()?;
        let unreached = |reason: String| RemoteError::Connect {
            address: self.address.clone(),
            reason,
        };
        let mut last = "the name has no address".to_owned();
        let addresses = lookup_host((host, port))
            .await
            .map_err(|error| unreached(error.to_string()))?;
        let mut stream = None;
        for address in addresses {
            match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
                Ok(Ok(connected)) => {
                    stream = Some(connected);
                    break;
                }
                Ok(Err(error)) => last = error.to_string(),
                Err(_) => last = "it does not answer".to_owned(),
            }
        }
        let stream = stream.ok_or_else(|| unreached(last))?;
        // A request is one small packet.
        stream
            .set_nodelay(true)
            .map_err(|error| unreached(error.to_string()))?;
        let refused = |reason: String| RemoteError::Handshake {
            address: self.address.clone(),
            reason,
        };
        let shaken = TlsConnector::from(config).connect(server, stream);
        match tokio::time::timeout(PATIENCE, shaken).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(refused(tls::reason(&error))),
            Err(_) => Err(refused("the handshake takes too long".to_owned())),
        }
    }
}
