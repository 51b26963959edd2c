//! What the kernel has to say to the audit trail.

use std::path::Path;
use std::sync::Arc;

use super::status::VersionChange;
use super::{DeviceError, Kernel};
use crate::audit::{Audit, Entry, action};
use crate::device::DeviceSpec;
use crate::runtime::{LoadError, Origin, Plugin};

impl Kernel {
    /// Where it is recorded who did what.
    pub fn audit(&self) -> &Arc<dyn Audit> {
        &self.audit
    }

    pub(super) fn audit_version(&self, plugin: &Plugin, change: VersionChange, reason: &str) {
        let what = match change {
            VersionChange::Loaded => action::PLUGIN_LOADED,
            VersionChange::Swapped => action::PLUGIN_SWAPPED,
            VersionChange::Refused => action::PLUGIN_REFUSED,
            VersionChange::Returned => action::PLUGIN_RETURNED,
            VersionChange::Confirmed => action::PLUGIN_CONFIRMED,
        };
        let entry = Entry::host(what, format!("plugin/{}", plugin.name))
            .detail("version", plugin.description.version.clone())
            .detail("sha256", plugin.sha256.clone())
            .detail("file", plugin.file.display().to_string());
        let entry = match &plugin.origin {
            Some(Origin {
                signer: Some(signer),
                ..
            }) => entry.detail("signer", signer.clone()),
            Some(Origin {
                warning: Some(warning),
                ..
            }) => entry.detail("warning", warning.clone()),
            _ => entry,
        };
        self.audit.record(match (change, reason) {
            (VersionChange::Refused, reason) => entry.refused(reason),
            (_, "") => entry,
            (_, reason) => entry.detail("reason", reason),
        });
    }

    pub(super) fn audit_load_refused(&self, name: &str, file: &Path, error: &LoadError) {
        let entry = Entry::host(action::PLUGIN_REFUSED, format!("plugin/{name}"))
            .detail("file", file.display().to_string())
            .refused(error);
        self.audit.record(match error {
            LoadError::Quarantined { sha256, .. } => entry.detail("sha256", sha256.clone()),
            _ => entry,
        });
    }

    /// A device has started, with all that it may touch; or not, and why.
    pub(super) fn audit_start(
        &self,
        spec: &DeviceSpec,
        plugin: Option<&Plugin>,
        result: &Result<(), DeviceError>,
    ) {
        let target = format!("device/{}", spec.name);
        let entry = match result {
            Ok(()) => Entry::host(action::DEVICE_STARTED, target)
                .detail(
                    "grants",
                    serde_json::to_value(&spec.grants).unwrap_or_default(),
                )
                .detail("connection", spec.connection.clone()),
            Err(error) => Entry::host(action::DEVICE_REFUSED, target).refused(error),
        };
        let entry = entry.detail("plugin", spec.plugin.clone());
        self.audit.record(match plugin {
            Some(plugin) => entry
                .detail("version", plugin.description.version.clone())
                .detail("sha256", plugin.sha256.clone()),
            None => entry,
        });
    }

    pub(super) fn audit_stop(&self, device: &str, reason: &str) {
        let entry = Entry::host(action::DEVICE_STOPPED, format!("device/{device}"));
        self.audit.record(entry.detail("reason", reason));
    }
}
