//! What was tried last, and what became of it.

use std::collections::BTreeMap;

use weihe_kernel::DeviceSpec;

/// What was last decided on, part by part; none of it is tried again until something about it
/// changes.
#[derive(Debug, Default)]
pub(super) struct InForce {
    pub(super) connections: BTreeMap<String, toml::Table>,
    pub(super) plugins: BTreeMap<String, Taken>,
    pub(super) devices: BTreeMap<String, Attempt>,
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
    /// Devices: whether each has failed.
    pub(super) devices: BTreeMap<String, RunningDevice>,
    /// Plugins: the hash and the version of each.
    pub(super) plugins: BTreeMap<String, (String, String)>,
}

/// A device that runs.
#[derive(Debug)]
pub(super) struct RunningDevice {
    pub(super) plugin: String,
    pub(super) failed: bool,
    /// Counts starts: what started later is stopped earlier.
    pub(super) order: usize,
}
