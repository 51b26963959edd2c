//! Commands that talk to a running host.

use std::path::{Path, PathBuf};

use super::{Global, directory};
use crate::config::{Config, FILE};
use crate::control::{Client, ClientError, SOCKET, SocketError};
use crate::language::{Text, say};
use crate::output::Failure;

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

/// Connects to the host of the system at hand.
pub(super) async fn client(global: &Global) -> Result<Client, Failure> {
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
