//! Parameters of the methods for dead letters.

use serde::{Deserialize, Serialize};

/// Parameters of `dead-list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadListParams {
    /// Only letters of this device.
    #[serde(default)]
    pub device: Option<String>,
}

/// Parameters of `dead-retry` and `dead-drop`: either `ids` or `all`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadParams {
    /// Whose letters.
    pub device: String,
    /// Which of them.
    #[serde(default)]
    pub ids: Vec<u64>,
    /// All of them.
    #[serde(default)]
    pub all: bool,
}
