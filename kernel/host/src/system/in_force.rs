//! What was tried last, and what became of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use weihe_kernel::{DeviceSpec, PluginStatus};

use super::plan::Plan;

/// What was last decided on, part by part; none of it is tried again until something about it
/// changes.
#[derive(Debug, Default, Clone)]
pub(super) struct InForce {
    pub(super) connections: BTreeMap<String, toml::Table>,
    pub(super) plugins: BTreeMap<String, Taken>,
    pub(super) devices: BTreeMap<String, Attempt>,
}

impl InForce {
    /// What runs and is wanted counts as tried, also when an operator brought it about: it ends when
    /// it is no longer wanted, and what was there before is another thing.
    pub(super) fn take_over(&mut self, plan: &Plan, running: &Running) {
        for (name, chosen) in &plan.chosen {
            let sha256 = &chosen.status.sha256;
            let runs = running.plugins.get(name);
            if runs.is_some_and(|runs| runs.sha256 == *sha256) {
                let taken = Taken {
                    sha256: sha256.clone(),
                    refused: None,
                };
                self.plugins.insert(name.clone(), taken);
            }
        }
        for name in plan.specs.keys() {
            if let Some(device) = running.devices.get(name) {
                let attempt = || Attempt {
                    spec: device.spec.clone(),
                    sha256: running.sha256(&device.spec.plugin),
                };
                self.devices.entry(name.clone()).or_insert_with(attempt);
            }
        }
    }
}

/// A version of a plugin that was loaded or swapped in, or refused.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) sha256: String,
    /// Why the devices did not take it.
    pub(super) refused: Option<String>,
}

/// A device as it was last started, or tried to.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) spec: DeviceSpec,
    /// The version of its plugin; empty when it was not there.
    pub(super) sha256: String,
}

/// What runs.
#[derive(Debug, Default)]
pub(super) struct Running {
    pub(super) devices: BTreeMap<String, RunningDevice>,
    pub(super) plugins: BTreeMap<String, Arc<PluginStatus>>,
}

impl Running {
    /// The version of a plugin; empty when it is not there.
    pub(super) fn sha256(&self, plugin: &str) -> String {
        let runs = self.plugins.get(plugin);
        runs.map(|status| status.sha256.clone()).unwrap_or_default()
    }
}

/// A device that runs.
#[derive(Debug)]
pub(super) struct RunningDevice {
    pub(super) spec: DeviceSpec,
    pub(super) failed: bool,
    /// Counts starts: what started later is stopped earlier.
    pub(super) order: usize,
}
