//! The configuration.

use serde::Deserialize;
use weihe_plugin_kit::{ActiveLevel, Pull, Timing};
use weihe_sdk::Duration;

/// Contacts of buttons bounce for some milliseconds.
const DEBOUNCE: Duration = Duration::from_millis(10);
/// What people take for a long press.
const LONG: Duration = Duration::from_millis(800);
/// What people take for two clicks in a row.
const DOUBLE: Duration = Duration::from_millis(300);

/// The configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// The name of the line.
    pub line: String,
    /// The resistor at the line.
    pub pull: Pull,
    /// The level of the line while the button is pressed.
    pub active: ActiveLevel,
    /// An edge counts when the contact has been steady for so long.
    pub debounce: Duration,
    /// A press that lasts so long is a long one.
    pub long: Duration,
    /// Clicks with less than this between them belong together.
    pub double: Duration,
    /// Where to publish instead of `plugin/<device>`.
    pub topic: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            line: "button".to_owned(),
            pull: Pull::default(),
            active: ActiveLevel::default(),
            debounce: DEBOUNCE,
            long: LONG,
            double: DOUBLE,
            topic: None,
        }
    }
}

impl Config {
    /// How long what lasts.
    pub fn timing(&self) -> Timing {
        Timing {
            debounce: self.debounce,
            long: self.long,
            double: self.double,
        }
    }
}
