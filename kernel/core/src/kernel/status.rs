//! What `ps` shows of a kernel.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::Kernel;
use super::quarantine::Quarantined;
use super::registry::Placed;
use crate::audit::AuditStatus;
use crate::bus::SubscriptionStatus;
use crate::connection::ConnectionStats;
use crate::device::DeviceStatus;
use crate::failsafe::FailSafeStatus;
use crate::runtime::{Description, MemoryStatus, Origin, Plugin};

/// What `ps` shows of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginStatus {
    /// Its name in `weihe.toml`.
    pub name: String,
    /// Its file.
    pub file: String,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// SHA-256 of what is compiled of it: of the whole file, or of the file without its signature.
    #[serde(default)]
    pub compiled: String,
    /// Size of the file in bytes.
    pub size: u64,
    /// The interfaces it imports.
    pub imports: Vec<String>,
    /// The hooks it exports.
    pub hooks: Vec<String>,
    /// What it says of itself.
    pub description: Description,
    /// Who made it, where that is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What became of its versions since the host started, the latest last.
    #[serde(default)]
    pub history: Vec<VersionRecord>,
}

/// What became of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VersionChange {
    /// It was loaded; devices added later run it.
    Loaded,
    /// It took the place of the one before.
    Swapped,
    /// It was to take the place of the one before, and was refused.
    Refused,
    /// It came back in place of the one after.
    Returned,
    /// It has proved itself in all devices of the plugin.
    Confirmed,
}

impl VersionChange {
    /// In one word, as `ps` prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Swapped => "swapped",
            Self::Refused => "refused",
            Self::Returned => "returned",
            Self::Confirmed => "confirmed",
        }
    }
}

/// One entry of a plugin's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRecord {
    /// When, in nanoseconds since 1970.
    pub time: u64,
    /// The version, as its description says.
    pub version: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// What became of it.
    pub change: VersionChange,
    /// Why; may be empty.
    pub reason: String,
}

impl From<&Plugin> for PluginStatus {
    fn from(plugin: &Plugin) -> Self {
        Self {
            name: plugin.name.clone(),
            file: plugin.file.display().to_string(),
            sha256: plugin.sha256.clone(),
            compiled: plugin.compiled.clone(),
            size: plugin.size,
            imports: plugin.imports.clone(),
            hooks: plugin.hooks.clone(),
            description: plugin.description.clone(),
            origin: plugin.origin.clone(),
            history: Vec::new(),
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
    /// Versions that were rolled back and are refused.
    #[serde(default)]
    pub quarantined: Vec<Quarantined>,
    /// Outputs with safe values, and the guard.
    #[serde(default)]
    pub fail_safe: FailSafeStatus,
    /// How much of the host's memory is used.
    #[serde(default)]
    pub memory: MemoryStatus,
    /// How the audit trail is.
    #[serde(default)]
    pub audit: Option<AuditStatus>,
}

impl Kernel {
    /// The state of everything.
    pub fn status(&self) -> Status {
        let subscriptions = self.bus.subscriptions();
        let mut own: HashMap<&str, Vec<&SubscriptionStatus>> = HashMap::new();
        for subscription in &subscriptions {
            own.entry(&subscription.owner)
                .or_default()
                .push(subscription);
        }
        let registry = self.registry();
        let mut placed: Vec<&Placed> = registry.devices.values().collect();
        placed.sort_by_key(|placed| placed.order);
        Status {
            uptime: self.clock.monotonic().saturating_sub(self.started),
            topics: self.bus.topic_count(),
            plugins: registry
                .plugins
                .values()
                .map(|plugin| PluginStatus {
                    history: match registry.histories.get(&plugin.name) {
                        Some(history) => history.records().cloned().collect(),
                        None => Vec::new(),
                    },
                    ..PluginStatus::from(&**plugin)
                })
                .collect(),
            quarantined: self.quarantine.all(),
            memory: self.memory.status(),
            audit: self.audit.status(),
            connections: registry
                .connections
                .values()
                .map(|open| open.connection.stats())
                .collect(),
            fail_safe: self.safe.status(),
            devices: placed
                .into_iter()
                .map(|placed| placed.status(own.get(&*placed.device.name)))
                .collect(),
            subscriptions,
        }
    }
}

impl Placed {
    fn status(&self, subscriptions: Option<&Vec<&SubscriptionStatus>>) -> DeviceStatus {
        let subscriptions = subscriptions.map(Vec::as_slice).unwrap_or_default();
        use std::sync::atomic::Ordering::Relaxed;
        let (state, last_error) = self.device.live.get();
        let counters = &self.device.live.counters;
        DeviceStatus {
            name: self.device.name.to_string(),
            plugin: self.device.spec.plugin.clone(),
            connection: self.device.spec.connection.clone(),
            lane: self.lane.clone(),
            state,
            version: self.plugin.description.version.clone(),
            probation: self.device.live.probation.load(Relaxed),
            commands: self
                .plugin
                .description
                .commands
                .iter()
                .map(|info| info.name.clone())
                .collect(),
            events: counters.events.load(Relaxed),
            batches: counters.batches.load(Relaxed),
            published: counters.published.load(Relaxed),
            calls: counters.commands.load(Relaxed),
            notices: counters.notices.load(Relaxed),
            traps: counters.traps.load(Relaxed),
            retries: counters.retries.load(Relaxed),
            dead: counters.dead.load(Relaxed),
            dead_lost: counters.dead_lost.load(Relaxed),
            busy: counters.busy.load(Relaxed),
            held: counters.held.load(Relaxed),
            logged: self.device.words.said(),
            log_left_out: self.device.words.left_out(),
            incarnations: counters.incarnations.load(Relaxed),
            trials: counters.trials.load(Relaxed),
            dropped: counters.dropped.load(Relaxed),
            usage: self.device.usage(subscriptions),
            last_error,
        }
    }
}
