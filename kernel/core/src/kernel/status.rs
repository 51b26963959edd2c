//! What `ps` shows of a kernel.

use serde::{Deserialize, Serialize};

use crate::bus::SubscriptionStatus;
use crate::connection::ConnectionStats;
use crate::device::DeviceStatus;
use crate::runtime::{Description, Plugin};

/// What `ps` shows of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginStatus {
    /// Its name in `weihe.toml`.
    pub name: String,
    /// Its file.
    pub file: String,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// Size of the file in bytes.
    pub size: u64,
    /// The interfaces it imports.
    pub imports: Vec<String>,
    /// The hooks it exports.
    pub hooks: Vec<String>,
    /// What it says of itself.
    pub description: Description,
}

impl From<&Plugin> for PluginStatus {
    fn from(plugin: &Plugin) -> Self {
        Self {
            name: plugin.name.clone(),
            file: plugin.file.display().to_string(),
            sha256: plugin.sha256.clone(),
            size: plugin.size,
            imports: plugin.imports.clone(),
            hooks: plugin.hooks.clone(),
            description: plugin.description.clone(),
        }
    }
}

/// Everything that `ps` shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Nanoseconds since the kernel started.
    pub uptime: u64,
    /// Topics on the bus.
    pub topics: usize,
    /// Plugins by name.
    pub plugins: Vec<PluginStatus>,
    /// Connections by name.
    pub connections: Vec<ConnectionStats>,
    /// Devices in the order of their start.
    pub devices: Vec<DeviceStatus>,
    /// Subscriptions of devices and clients.
    pub subscriptions: Vec<SubscriptionStatus>,
}
