//! What `ps` and the topic `$safe/<device>` show of outputs.

use serde::{Deserialize, Serialize};

use super::guard::GuardStatus;

/// How it stands with an output, or with all of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SafeState {
    /// The device works; its safe value is at hand.
    Armed,
    /// The safe value was set.
    Applied,
    /// The safe value is being set.
    Applying,
    /// The safe value could not be set yet, and is tried again as long as the host runs.
    Pending,
    /// The safe value could not be set.
    Failed,
}

impl SafeState {
    /// In one word, as `ps` prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::Applied => "applied",
            Self::Applying => "applying",
            Self::Pending => "pending",
            Self::Failed => "failed",
        }
    }
}

/// One output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputStatus {
    /// What goes to what: `valve = false`.
    pub what: String,
    /// The connection that its frame goes over, or the line.
    pub on: String,
    /// How it stands.
    pub state: SafeState,
    /// Since when, in nanoseconds since 1970.
    pub since: u64,
    /// Why its safe value could not be set; empty otherwise.
    pub error: String,
    /// Whether it is a line that is still open: one of a device that has failed stays so, at its safe
    /// value, until the device is removed or started again.
    #[serde(default)]
    pub held: bool,
}

/// The outputs of one device, which may have ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SafeStatus {
    /// Who holds them.
    pub device: String,
    /// The worst of its outputs' states.
    pub state: SafeState,
    /// Why they went to their safe values; empty while they are armed.
    pub cause: String,
    /// Safe values that were set since the host started.
    pub applied: u64,
    /// Attempts to do so that failed.
    pub failures: u64,
    /// In the order in which they are set.
    pub outputs: Vec<OutputStatus>,
}

/// All outputs with safe values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailSafeStatus {
    /// The process that sets them when the host dies; none when it is turned off.
    pub guard: Option<GuardStatus>,
    /// By device.
    pub devices: Vec<SafeStatus>,
}
