//! What becomes of a component that was put where the host looks for it.

use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use weihe_kernel::VersionChange;

use crate::system::{FailedPart, Part, System};

/// How often the host is looked at: it has noticed the file within milliseconds, and compiles then.
const LOOK: Duration = Duration::from_millis(20);

/// How long it is looked at: as long as the largest components take to compile on small machines.
const PATIENCE: Duration = Duration::from_secs(120);

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its devices run it.
    Swapped,
    /// The plugin was not there before.
    Loaded,
    /// It was not taken, for this reason. What ran goes on running.
    Refused(String),
    /// Nothing yet.
    Unknown,
}

/// How a plugin stood before its component was exchanged.
pub(super) struct Before {
    plugin: String,
    known: bool,
    /// When the latest entry of its history was made.
    latest: Option<u64>,
    failed: Vec<FailedPart>,
}

impl Before {
    pub(super) fn note(system: &System, plugin: &str) -> Self {
        let status = system.kernel().status();
        let found = status.plugins.iter().find(|found| found.name == plugin);
        Self {
            plugin: plugin.to_owned(),
            known: found.is_some(),
            latest: found.and_then(|found| Some(found.history.last()?.time)),
            failed: failed(system, plugin),
        }
    }

    /// Waits until it is decided what becomes of the component.
    pub(super) async fn fate(&self, system: &System, component: &Path) -> Fate {
        let Ok(bytes) = std::fs::read(component) else {
            return Fate::Unknown;
        };
        let hash = Sha256::digest(&bytes);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let decided = async {
            loop {
                if let Some(fate) = self.look(system, &hash) {
                    return fate;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(PATIENCE, decided)
            .await
            .unwrap_or(Fate::Unknown)
    }

    fn look(&self, system: &System, hash: &str) -> Option<Fate> {
        let status = system.kernel().status();
        let found = status
            .plugins
            .iter()
            .find(|found| found.name == self.plugin);
        if let Some(found) = found {
            let refused = found.history.iter().rev().find(|record| {
                Some(record.time) > self.latest
                    && record.sha256 == hash
                    && record.change == VersionChange::Refused
            });
            if let Some(refused) = refused {
                return Some(Fate::Refused(refused.reason.clone()));
            }
            if found.sha256 == hash {
                return Some(if self.known {
                    Fate::Swapped
                } else {
                    Fate::Loaded
                });
            }
        }
        let failed = failed(system, &self.plugin);
        let new = failed.iter().find(|failed| !self.failed.contains(failed));
        new.map(|failed| Fate::Refused(failed.message.clone()))
    }
}

fn failed(system: &System, plugin: &str) -> Vec<FailedPart> {
    let mut failed = system.failed();
    failed.retain(|failed| failed.part == Part::Plugin && failed.name == plugin);
    failed
}
