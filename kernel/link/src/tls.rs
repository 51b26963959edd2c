//! TLS as a property of a connection. Which algorithms there are, and what is in files, is the host's business: here
//! ready configurations are taken.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::{ClientConfig, ServerConfig};
use weihe_kernel::connection::{ConfigError, TableReader};

/// How long a peer at a door may take for its handshake.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(10);

/// Handshakes at a time at one door; one gives way to who comes then.
pub(crate) const HANDSHAKES: usize = 32;

/// What is wrong with a table `tls`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFault {
    /// What, as it goes on behind "`tls`".
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// A client's side.
pub trait ClientTls: Send + Sync {
    /// The configuration of the next attempt; the error says why there is none.
    fn config(&self) -> Result<Arc<ClientConfig>, String>;

    /// The name in the server's certificate, where it is not that of the address.
    fn server_name(&self) -> Option<&str>;

    /// What a handshake failed of.
    fn reason(&self, error: &io::Error) -> String;
}

/// A door's side.
pub trait ServerTls: Send + Sync {
    /// The configuration for the next peer; the error says why there is none.
    fn config(&self) -> Result<Arc<ServerConfig>, String>;

    /// What a handshake failed of.
    fn reason(&self, error: &io::Error) -> String;
}

/// What makes TLS of the table `tls` of a connection.
pub trait Tls: Send + Sync {
    /// For who connects.
    fn client(&self, table: &toml::Table) -> Result<Arc<dyn ClientTls>, TlsFault>;

    /// For who is connected to.
    fn server(&self, table: &toml::Table) -> Result<Arc<dyn ServerTls>, TlsFault>;
}

/// Reads the table `tls`, where there is one.
pub(crate) fn read<T>(
    tls: Option<&Arc<dyn Tls>>,
    table: &mut TableReader<'_>,
    make: impl FnOnce(&dyn Tls, &toml::Table) -> Result<T, TlsFault>,
) -> Result<Option<T>, ConfigError> {
    let Some(given) = table.table("tls")? else {
        return Ok(None);
    };
    let Some(tls) = tls else {
        return Err(table.error("tls", "cannot be had here: this program has no TLS", None));
    };
    let made = make(&**tls, given);
    made.map(Some)
        .map_err(|fault| table.error("tls", fault.message, fault.help))
}
