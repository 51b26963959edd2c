//! Commands that talk to a running host.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Global, directory};
use crate::config::{Config, FILE};
use crate::control::{Client, ClientError, RemoteHost, SOCKET, SocketError};
use crate::language::{Text, say};
use crate::output::Failure;
use crate::tls::{self, Suites};

/// A host elsewhere, in place of the one of a directory.
#[derive(Debug, Clone, Default, Args)]
pub struct Elsewhere {
    /// Talk to the host at this address over TLS, in place of the one of a directory here
    #[arg(
        id = "remote-host",
        long = "connect",
        global = true,
        value_name = "HOST:PORT",
        env = "WEIHE_CONNECT",
        hide_env = true
    )]
    connect: Option<String>,
    /// With --connect: your certificate (PEM)
    #[arg(
        id = "remote-certificate",
        long = "client-certificate",
        global = true,
        value_name = "FILE",
        env = "WEIHE_CLIENT_CERTIFICATE",
        hide_env = true,
        hide_short_help = true
    )]
    certificate: Option<PathBuf>,
    /// With --connect: the key of your certificate (PEM)
    #[arg(
        id = "remote-key",
        long = "client-key",
        global = true,
        value_name = "FILE",
        env = "WEIHE_CLIENT_KEY",
        hide_env = true,
        hide_short_help = true
    )]
    key: Option<PathBuf>,
    /// With --connect: the certificates of the authorities that the host may come from (PEM)
    #[arg(
        id = "remote-trust",
        long = "server-ca",
        global = true,
        value_name = "FILE",
        env = "WEIHE_SERVER_CA",
        hide_env = true,
        hide_short_help = true
    )]
    trust: Option<PathBuf>,
    /// With --connect: the name in the host's certificate [default: that of the address]
    #[arg(
        id = "remote-name",
        long = "server-name",
        global = true,
        value_name = "NAME",
        env = "WEIHE_SERVER_NAME",
        hide_env = true,
        hide_short_help = true
    )]
    server_name: Option<String>,
    /// With --connect: the algorithms, guomi or standard
    #[arg(
        id = "remote-suites",
        long = "suites",
        global = true,
        value_name = "SUITES",
        env = "WEIHE_SUITES",
        hide_env = true,
        hide_short_help = true,
        default_value = "guomi",
        hide_default_value = true
    )]
    suites: Suites,
}

impl Elsewhere {
    /// The host elsewhere, where one is named.
    fn host(&self) -> Result<Option<RemoteHost>, Failure> {
        let Some(address) = self.connect.clone() else {
            return Ok(None);
        };
        let (Some(certificate), Some(key), Some(trust)) =
            (&self.certificate, &self.key, &self.trust)
        else {
            return Err(Failure::usage(
                say::remote_incomplete(address),
                say::remote_incomplete_help(),
            ));
        };
        Ok(Some(RemoteHost {
            address,
            server_name: self.server_name.clone(),
            tls: tls::Client {
                suites: self.suites,
                cipher_suites: Vec::new(),
                trust: trust.clone(),
                identity: Some((certificate.clone(), key.clone())),
            },
        }))
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let mut failure = Self::plain(error.to_string());
        failure.help = error.help().map(Text::from);
        failure
    }
}

impl From<SocketError> for Failure {
    fn from(error: SocketError) -> Self {
        ClientError::from(error).into()
    }
}

/// Runs a command's conversation on a runtime of its own.
pub(super) fn converse<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::plain(say::no_runtime(Text::told(error))))?;
    runtime.block_on(work)
}

/// Connects to the host elsewhere, or to that of the system at hand.
pub(super) async fn client(global: &Global) -> Result<Client, Failure> {
    if let Some(host) = global.remote.host()? {
        return Ok(Client::connect_to(&host).await?);
    }
    let directory = directory::find(None, global)?;
    let data = data_directory(&directory)?;
    match Client::connect(&data).await {
        Ok(client) => Ok(client),
        Err(ClientError::Socket(SocketError::NotRunning(_))) => Err(Failure::new(
            say::no_host_runs(directory.display()),
            say::no_host_runs_help(directory.display()),
        )),
        Err(error) => Err(error.into()),
    }
}

/// Where the host of a system has its socket. A file that is being edited does not hide a running
/// host whose data directory is in its usual place.
pub(super) fn data_directory(directory: &Path) -> Result<PathBuf, Failure> {
    match Config::load(directory) {
        Ok(config) => Ok(config.host.data),
        Err(error) => {
            let usual = directory.join("data");
            if directory.join(FILE).exists() && usual.join(SOCKET).exists() {
                Ok(usual)
            } else {
                Err(error.into())
            }
        }
    }
}
