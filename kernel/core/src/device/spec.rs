//! What a device is configured as.

use crate::grant::Grants;
use crate::limits::Limits;

/// A device as `weihe.toml` describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    /// Its name: lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// The plugin that drives it.
    pub plugin: String,
    /// Its connection, if it has one. Naming it here grants it.
    pub connection: Option<String>,
    /// Its configuration, handed to the plugin as JSON.
    pub config: serde_json::Value,
    /// What it may touch: the plugin's grants and its own together.
    pub grants: Grants,
    /// What it may use.
    pub limits: Limits,
    /// The lane it lives on; devices without one share the lane `main`.
    pub lane: Option<String>,
    /// Whether its subscriptions may make publishers wait (overflow policy `block`): the operator
    /// vouches that no publisher waits for this device in a circle.
    pub acyclic: bool,
}

impl DeviceSpec {
    /// A device of a plugin, with nothing configured and nothing granted.
    pub fn new(name: &str, plugin: &str) -> Self {
        Self {
            name: name.to_owned(),
            plugin: plugin.to_owned(),
            connection: None,
            config: serde_json::json!({}),
            grants: Grants::default(),
            limits: Limits::default(),
            lane: None,
            acyclic: false,
        }
    }
}
