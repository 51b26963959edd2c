//! What the sequence is told.

use serde::Deserialize;
use serde_json::{Map, Value};
use weihe_sdk::prelude::*;

/// `[device.NAME.config]` in weihe.toml.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// In the order of the start; the stop goes backwards.
    pub(crate) steps: Vec<Step>,
    /// Topics that must be true while it runs.
    #[serde(default)]
    pub(crate) interlocks: Vec<String>,
}

/// A command of another device, with the arguments that switch it on and off.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Step {
    pub(crate) device: String,
    #[serde(default = "write")]
    pub(crate) command: String,
    pub(crate) on: Map<String, Value>,
    pub(crate) off: Map<String, Value>,
    #[serde(default = "five_seconds")]
    pub(crate) timeout: Duration,
    /// Before the next step of a start.
    #[serde(default)]
    pub(crate) pause: Duration,
}

fn write() -> String {
    "write".to_owned()
}

fn five_seconds() -> Duration {
    Duration::from_secs(5)
}

impl Config {
    /// What serde does not see.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.steps.is_empty() {
            return Err(Error::fatal("config: `steps` is empty"));
        }
        if let Some(index) = self.steps.iter().position(|step| step.timeout.is_zero()) {
            return Err(Error::fatal(format!(
                "config: `steps[{index}].timeout`: 0 s is too short"
            )));
        }
        if let Some(index) = self
            .interlocks
            .iter()
            .position(|topic| topic.contains(['+', '#']))
        {
            return Err(Error::fatal(format!(
                "config: `interlocks[{index}]`: {:?} has wildcards; name each topic",
                self.interlocks[index]
            )));
        }
        Ok(())
    }
}

/// What an operator can ask.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Starts the pump.
    Start,
    /// Stops it.
    Stop,
}
