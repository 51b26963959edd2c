//! Start, configuration and end of a system in the audit trail.

use std::sync::Arc;

use weihe_kernel::audit::{Audit as _, Entry, action};

use super::start::System;
use crate::audit::LastEnd;
use crate::config::Config;

impl System {
    pub(super) fn record_start(&self) {
        let last_end = self.audit.last_end();
        if last_end == LastEnd::Cut {
            tracing::warn!(
                "the host before did not end in order: it was killed, or the power was cut"
            );
        }
        let entry = Entry::host(action::HOST_STARTED, "host")
            .detail("name", self.config().host.name.clone())
            .detail("version", env!("CARGO_PKG_VERSION"))
            .detail("boot", self.data().boot())
            .detail("pid", std::process::id())
            .detail("last-end", last_end.as_str());
        self.audit.record(entry);
        self.record_config(&self.config());
    }

    /// Records that a configuration is in force.
    pub(super) fn record_config(&self, config: &Config) {
        let file = config.directory.join(crate::config::FILE);
        let entry = Entry::host(action::CONFIG_LOADED, "host")
            .detail("file", file.display().to_string())
            .detail("sha256", config.sha256());
        self.audit.record(entry);
    }

    /// Stops everything in order, and says so in the audit trail.
    pub async fn stop(&self) {
        self.leave_changes();
        self.kernel.shutdown().await;
        let boot = self.data().boot();
        self.audit
            .record(Entry::host(action::HOST_STOPPED, "host").detail("boot", boot));
        let audit = Arc::clone(&self.audit);
        // Waits for the disk.
        let _ = tokio::task::spawn_blocking(move || audit.close()).await;
    }
}
