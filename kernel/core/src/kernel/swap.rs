//! Versions of plugins, exchanged while their devices run. All devices of a plugin run one version.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use serde::{Deserialize, Serialize};

use super::error::{DeviceError, suggest};
use super::quarantine::Quarantined;
use super::status::{PluginStatus, VersionChange, VersionRecord};
use super::{Kernel, Registry};
use crate::audit::{Entry, action};
use crate::device::{Device, Manner, Orders, SwapRefused};
use crate::runtime::{ConnectionNeed, LoadError, Plugin, WasmFactory};

/// Entries that a plugin's history keeps: years of orderly updates, or the last ones of a bad day.
const HISTORY: usize = 32;

/// Why the version of a plugin was not exchanged. What ran before runs on.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// There is no plugin of this name.
    #[error("there is no plugin `{name}`{help}")]
    Unknown {
        /// The name.
        name: String,
        /// A suggestion.
        help: String,
    },
    /// The file is not in order.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It is the version that runs.
    #[error("plugin `{plugin}` runs this version already ({version}, {sha256})")]
    Same {
        /// Which plugin.
        plugin: String,
        /// Its version.
        version: String,
        /// Its hash.
        sha256: String,
    },
    /// It is another plugin, not another version of this one.
    #[error("`{file}` is plugin `{other}`, and no version of `{plugin}`")]
    Other {
        /// Which plugin.
        plugin: String,
        /// The file.
        file: String,
        /// What its description calls it.
        other: String,
    },
    /// A device's configuration does not allow the new version.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A device refused it; those that had taken it went back.
    #[error("device `{device}` goes on with the version before: {reason}")]
    Refused {
        /// Which device.
        device: String,
        /// Why.
        reason: SwapRefused,
        /// Devices that had taken it, and what became of them.
        returned: Vec<Swapped>,
    },
    /// There is no version to go back to.
    #[error("plugin `{0}` has no version before this one since the host started")]
    NoVersionBefore(String),
}

/// What became of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swapped {
    /// Which device.
    pub device: String,
    /// The version that it runs now, as its description says.
    pub version: String,
    /// What went wrong, if anything did.
    pub problem: Option<String>,
}

/// What became of the versions of a plugin.
#[derive(Default)]
pub(super) struct History {
    records: VecDeque<VersionRecord>,
    /// The version before the one that runs.
    before: Option<Arc<Plugin>>,
}

impl History {
    pub(super) fn records(&self) -> impl Iterator<Item = &VersionRecord> {
        self.records.iter()
    }

    pub(super) fn note(&mut self, time: u64, plugin: &Plugin, change: VersionChange, reason: &str) {
        if self.records.len() >= HISTORY {
            self.records.pop_front();
        }
        self.records.push_back(VersionRecord {
            time,
            version: plugin.description.version.clone(),
            sha256: plugin.sha256.clone(),
            change,
            reason: reason.to_owned(),
        });
    }

    /// Whether it is noted already that the version which runs has proved itself.
    fn is_confirmed(&self, sha256: &str) -> bool {
        let of_it = |record: &&VersionRecord| {
            record.sha256 == sha256 && record.change != VersionChange::Refused
        };
        let last = self.records.iter().rfind(of_it);
        last.is_some_and(|record| record.change == VersionChange::Confirmed)
    }
}

/// A device that is to run another version.
struct Move {
    device: Arc<Device>,
    orders: Arc<Orders<WasmFactory>>,
    /// Makes instances of that version.
    factory: WasmFactory,
}

impl Kernel {
    /// Exchanges the version of a plugin for the one in a file, in all its devices one after the
    /// other. When one refuses, those that had taken it go back.
    pub async fn swap_plugin(&self, name: &str, file: &Path) -> Result<Vec<Swapped>, SwapError> {
        // Compiling takes long, and changes nothing.
        let next = self.load_checked(name, file).await?;
        let _alone = self.changes.write().await;
        let current = self.current(name)?;
        if current.sha256 == next.sha256 {
            return Err(SwapError::Same {
                plugin: name.to_owned(),
                version: next.description.version.clone(),
                sha256: next.sha256.clone(),
            });
        }
        if current.description.name != next.description.name {
            let error = SwapError::Other {
                plugin: current.description.name.clone(),
                file: file.display().to_string(),
                other: next.description.name.clone(),
            };
            self.note(&next, VersionChange::Refused, &error.to_string());
            return Err(error);
        }
        let moves = match self.moves(&next) {
            Ok(moves) => moves,
            Err(error) => {
                self.note(&next, VersionChange::Refused, &error.to_string());
                return Err(error.into());
            }
        };
        let mut taken: Vec<Arc<Device>> = Vec::new();
        for Move {
            device,
            orders,
            factory,
        } in moves
        {
            let done = orders.give(factory, Manner::Trial);
            match done.await.unwrap_or(Err(SwapRefused::Ended)) {
                Ok(()) => taken.push(device),
                // It is being removed: no reason for the others.
                Err(SwapRefused::Ended) => {}
                Err(reason) => {
                    let device = device.name.to_string();
                    let text = format!("device `{device}`: {reason}");
                    self.note(&next, VersionChange::Refused, &text);
                    let returned = self.go_back(&current, &taken).await;
                    return Err(SwapError::Refused {
                        device,
                        reason,
                        returned,
                    });
                }
            }
        }
        let mut registry = self.registry();
        let history = registry.histories.entry(name.to_owned()).or_default();
        history.before = Some(current);
        history.note(self.clock.now(), &next, VersionChange::Swapped, "");
        set_version(&mut registry, &next);
        drop(registry);
        self.note_origin(&next);
        self.audit_version(&next, VersionChange::Swapped, "");
        let version = &next.description.version;
        tracing::info!("plugin {name} runs version {version} now");
        Ok(taken
            .iter()
            .map(|device| swapped(device, &next, None))
            .collect())
    }

    /// Brings back the version before in all devices of a plugin, and puts the one that runs into
    /// quarantine.
    pub async fn rollback_plugin(
        &self,
        name: &str,
        reason: &str,
    ) -> Result<Vec<Swapped>, SwapError> {
        let _alone = self.changes.write().await;
        let current = self.current(name)?;
        let before = self.before(name);
        let before = before.ok_or_else(|| SwapError::NoVersionBefore(name.to_owned()))?;
        if let (Some(admission), Some(origin)) = (self.admission.clone(), before.origin.clone()) {
            let said = before.description.clone();
            // It is written, and a slow disk must not hold up connections. Without it the version goes back all the same.
            let returns = move || admission.returns(&said, &origin);
            let _ = tokio::task::spawn_blocking(returns).await;
        }
        Ok(self.roll_back(&current, &before, reason).await)
    }

    pub(super) fn check_quarantine(&self, plugin: &Plugin) -> Result<(), LoadError> {
        match self.quarantine.find(&plugin.sha256, &plugin.compiled) {
            Some(entry) => Err(LoadError::Quarantined {
                file: plugin.file.clone(),
                sha256: entry.sha256,
                reason: entry.reason,
            }),
            None => Ok(()),
        }
    }

    /// Waits until a version was taken back, since it was waited for before.
    pub async fn returned(&self) {
        self.returned.notified().await;
    }

    /// Why a version is refused, if it is.
    pub fn quarantined(&self, version: &PluginStatus) -> Option<Quarantined> {
        self.quarantine.find(&version.sha256, &version.compiled)
    }

    /// Whether the version of a file is refused; one of the same code in another file is not found by this.
    pub fn is_quarantined(&self, sha256: &str) -> bool {
        self.quarantine.find(sha256, "").is_some()
    }

    /// Refuses a version no longer. Returns whether it was in quarantine.
    pub fn lift_quarantine(&self, sha256: &str) -> std::io::Result<bool> {
        let lifted = self.quarantine.lift(sha256)?;
        if lifted {
            let entry = Entry::host(action::QUARANTINE_LIFTED, format!("version/{sha256}"));
            self.audit.record(entry);
        }
        Ok(lifted)
    }

    /// A device has run a version through its probation: noted when it is the last one.
    pub(super) fn confirm(&self, plugin: &str, sha256: &str) {
        let mut registry = self.registry();
        let Some(current) = registry.plugins.get(plugin).cloned() else {
            return;
        };
        let mut devices = registry.devices.values();
        let on_probation = devices.any(|placed| {
            placed.device.spec.plugin == plugin && placed.device.live.probation.load(Relaxed)
        });
        if current.sha256 == sha256 && !on_probation {
            let history = registry.histories.entry(plugin.to_owned()).or_default();
            if history.is_confirmed(sha256) {
                // Devices on two lanes came to the end of their probations at once.
                return;
            }
            history.note(self.clock.now(), &current, VersionChange::Confirmed, "");
            drop(registry);
            self.runs(&current);
            self.audit_version(&current, VersionChange::Confirmed, "");
        }
    }

    /// A device went back by itself: the others of its plugin follow.
    pub(super) async fn follow_back(&self, device: &Device, version: &str, reason: &str) {
        let _alone = self.changes.write().await;
        let name = &device.spec.plugin;
        let (Ok(current), Some(before)) = (self.current(name), self.before(name)) else {
            return;
        };
        // Not when the plugin went back meanwhile, because of another device or of an operator.
        if current.sha256 == version {
            self.roll_back(&current, &before, reason).await;
        }
    }

    async fn roll_back(
        &self,
        current: &Arc<Plugin>,
        before: &Arc<Plugin>,
        reason: &str,
    ) -> Vec<Swapped> {
        let name = &current.name;
        // First, so that devices that are told of later find it.
        {
            let mut registry = self.registry();
            let history = registry.histories.entry(name.clone()).or_default();
            history.before = None;
            history.note(self.clock.now(), before, VersionChange::Returned, reason);
            set_version(&mut registry, before);
        }
        self.audit_version(before, VersionChange::Returned, reason);
        let entry = Quarantined {
            sha256: current.sha256.clone(),
            // Signed anew it is what goes on, and only the file is refused.
            compiled: match current.compiled == before.compiled {
                true => String::new(),
                false => current.compiled.clone(),
            },
            plugin: name.clone(),
            version: current.description.version.clone(),
            time: self.clock.now(),
            reason: reason.to_owned(),
        };
        let quarantine = self.quarantine.clone();
        // A slow disk must not hold up connections, whose thread this may be.
        let written = tokio::task::spawn_blocking(move || quarantine.add(entry)).await;
        if let Err(error) = written.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            tracing::error!(
                "plugin {name}: the quarantine cannot be written, and holds until the host ends: {error}"
            );
        }
        let (bad, version) = (&current.description.version, &before.description.version);
        tracing::warn!("plugin {name} goes back from version {bad} to {version}: {reason}");
        let devices = self.devices_of(name);
        let devices: Vec<_> = devices.into_iter().map(|(device, _)| device).collect();
        let went_back = self.go_back(before, &devices).await;
        self.returned.notify_one();
        went_back
    }

    /// Has devices run a version that they ran before, whatever comes.
    async fn go_back(&self, plugin: &Arc<Plugin>, devices: &[Arc<Device>]) -> Vec<Swapped> {
        let mut swapped_back = Vec::new();
        for (device, orders) in self.devices_of(&plugin.name) {
            if !devices.iter().any(|other| Arc::ptr_eq(other, &device)) {
                continue;
            }
            let problem = match self.factory(plugin, &device) {
                Ok(factory) => {
                    let done = orders.give(factory, Manner::ForcedReturn);
                    match done.await.unwrap_or(Err(SwapRefused::Ended)) {
                        Ok(()) => None,
                        Err(reason) => Some(reason.to_string()),
                    }
                }
                Err(error) => Some(error.to_string()),
            };
            if let Some(problem) = &problem {
                tracing::error!(device = %device.name, "it does not go back: {problem}");
            }
            swapped_back.push(swapped(&device, plugin, problem));
        }
        swapped_back
    }

    pub(super) fn current(&self, name: &str) -> Result<Arc<Plugin>, SwapError> {
        let registry = self.registry();
        registry.plugins.get(name).cloned().ok_or_else(|| {
            let known = registry.plugins.keys().map(String::as_str);
            SwapError::Unknown {
                name: name.to_owned(),
                help: suggest(name, known),
            }
        })
    }

    fn before(&self, name: &str) -> Option<Arc<Plugin>> {
        let registry = self.registry();
        registry.histories.get(name)?.before.clone()
    }

    fn note(&self, plugin: &Plugin, change: VersionChange, reason: &str) {
        let now = self.clock.now();
        let mut registry = self.registry();
        let history = registry.histories.entry(plugin.name.clone()).or_default();
        history.note(now, plugin, change, reason);
        drop(registry);
        self.audit_version(plugin, change, reason);
    }

    /// The devices of a plugin in the order of their start, and where they take orders.
    pub(super) fn devices_of(&self, plugin: &str) -> Vec<(Arc<Device>, Arc<Orders<WasmFactory>>)> {
        let registry = self.registry();
        let placed = registry.devices.values();
        let mut placed: Vec<_> = placed
            .filter(|placed| placed.device.spec.plugin == plugin)
            .collect();
        placed.sort_by_key(|placed| placed.order);
        placed
            .into_iter()
            .map(|placed| (placed.device.clone(), placed.orders.clone()))
            .collect()
    }

    /// Everything that is needed to have all devices of a plugin run a version of it; an error when
    /// the grants or the connection of one do not allow that.
    fn moves(&self, plugin: &Arc<Plugin>) -> Result<Vec<Move>, DeviceError> {
        let devices = self.devices_of(&plugin.name);
        let each = devices.into_iter().map(|(device, orders)| {
            // Beside the one that runs, which stays until this one has started.
            self.check_memory(&device.spec, plugin)?;
            let factory = self.factory(plugin, &device)?;
            Ok(Move {
                device,
                orders,
                factory,
            })
        });
        each.collect()
    }

    fn factory(
        &self,
        plugin: &Arc<Plugin>,
        device: &Arc<Device>,
    ) -> Result<WasmFactory, DeviceError> {
        let spec = &device.spec;
        let need = plugin.description.connection;
        if need == ConnectionNeed::Required && spec.connection.is_none() {
            return Err(DeviceError::NeedsConnection {
                device: spec.name.clone(),
                plugin: plugin.name.clone(),
            });
        }
        Ok(WasmFactory {
            plugin: plugin.clone(),
            device: device.clone(),
            granted: self.check_grants(spec, &PluginStatus::from(&**plugin))?,
            ticker: self.ticker.clone(),
        })
    }
}

fn set_version(registry: &mut Registry, plugin: &Arc<Plugin>) {
    for placed in registry.devices.values_mut() {
        if placed.device.spec.plugin == plugin.name {
            placed.plugin = plugin.clone();
        }
    }
    registry.plugins.insert(plugin.name.clone(), plugin.clone());
}

fn swapped(device: &Device, plugin: &Plugin, problem: Option<String>) -> Swapped {
    Swapped {
        device: device.name.to_string(),
        version: plugin.description.version.clone(),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_proves_itself_once_each_time_that_it_comes() {
        let mut history = History::default();
        let mut note = |sha256: &str, change| {
            history.records.push_back(VersionRecord {
                time: 0,
                version: "1.0.0".to_owned(),
                sha256: sha256.to_owned(),
                change,
                reason: String::new(),
            });
            history.is_confirmed("a")
        };
        assert!(!note("a", VersionChange::Swapped));
        assert!(note("a", VersionChange::Confirmed));
        assert!(note("b", VersionChange::Refused));
        assert!(note("b", VersionChange::Swapped));
        assert!(!note("a", VersionChange::Swapped), "it came again");
    }
}
