//! Why the kernel refuses.

use std::io;

use crate::bus::BusError;
use crate::capability::GrantError;
use crate::connection::{ConfigError, Conflict};
use crate::device::StartError;
use crate::runtime::Short;

/// Why the kernel does not start.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// The engine refuses its configuration.
    #[error("the WebAssembly engine cannot be set up: {0}")]
    Engine(String),
    /// A thread, a runtime or the cache directory cannot be made.
    #[error("{what}: {source}")]
    Io {
        /// What was being made.
        what: String,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Why a connection is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// Its table is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is one of this name.
    #[error("there are two connections `{0}`")]
    Duplicate(String),
    /// Another connection holds what it needs.
    #[error("{0}")]
    Held(Conflict),
    /// The bus has no room for its topic.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// Why a device is refused.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Its name is not valid.
    #[error(
        "device name `{0}`: lower-case letters, digits, `-` and `_`, a letter first; `operator` is taken"
    )]
    Name(String),
    /// There is one of this name.
    #[error("there are two devices `{0}`")]
    Duplicate(String),
    /// The host is stopping.
    #[error("device `{0}` is not started any more: the host stops")]
    Closing(String),
    /// There is no device of this name.
    #[error("there is no device `{name}`{help}")]
    Unknown {
        /// The name.
        name: String,
        /// A suggestion.
        help: String,
    },
    /// Its plugin is not loaded.
    #[error("device `{device}` needs plugin `{plugin}`, which is not loaded{help}")]
    NoPlugin {
        /// Which device.
        device: String,
        /// Which plugin.
        plugin: String,
        /// A suggestion.
        help: String,
    },
    /// Its connection is not configured.
    #[error("device `{device}` names connection `{connection}`, which does not exist{help}")]
    NoConnection {
        /// Which device.
        device: String,
        /// Which connection.
        connection: String,
        /// A suggestion.
        help: String,
    },
    /// Its plugin needs a connection.
    #[error("device `{device}` needs `connection = \"…\"`: plugin `{plugin}` talks over one")]
    NeedsConnection {
        /// Which device.
        device: String,
        /// Which plugin.
        plugin: String,
    },
    /// There is no memory for an instance of its plugin.
    #[error("device `{device}` cannot have an instance of plugin `{plugin}` now: {short}")]
    Memory {
        /// Which device.
        device: String,
        /// Which plugin.
        plugin: String,
        /// What is missing.
        short: Short,
    },
    /// Its plugin imports what it is not granted.
    #[error(
        "plugin `{plugin}` imports `{import}`, but device `{device}` has no grant for it; add `{grant}`"
    )]
    NotGranted {
        /// Which plugin.
        plugin: String,
        /// Which import.
        import: String,
        /// Which device.
        device: String,
        /// What to add to the configuration.
        grant: String,
    },
    /// A grant names a capability that the host does not have.
    #[error(
        "device `{device}` has grants for `{capability}`, which this host does not offer{help}"
    )]
    NoCapability {
        /// Which device.
        device: String,
        /// Which capability.
        capability: String,
        /// A suggestion.
        help: String,
    },
    /// A capability refuses the grant.
    #[error("device `{device}`, grants for `{capability}`: {source}")]
    Grant {
        /// Which device.
        device: String,
        /// Which capability.
        capability: String,
        /// Why.
        source: GrantError,
    },
    /// It did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The bus has no room for it.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// Its lane cannot be started.
    #[error("lane `{lane}` cannot be started: {source}")]
    Lane {
        /// Which lane.
        lane: String,
        /// What the operating system says.
        source: io::Error,
    },
}

/// `; did you mean …?` for the name that is nearest, or the names there are.
pub(super) fn suggest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(wanted, name), name))
        .min()
        .filter(|(distance, _)| *distance <= 1 + wanted.len() / 4);
    match nearest {
        Some((_, name)) => format!("; did you mean `{name}`?"),
        None if known.is_empty() => "; there are none".to_owned(),
        None => format!("; there are: {}", known.join(", ")),
    }
}
