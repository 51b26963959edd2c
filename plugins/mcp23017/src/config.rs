//! The configuration.

use std::collections::BTreeMap;

use serde::Deserialize;
use weihe_plugin_kit::{Pace, address, check_names};
use weihe_sdk::Duration;

/// Where the chip is, by the pins A0 to A2 (data sheet DS20001952, figure 3-2).
pub const ADDRESSES: std::ops::RangeInclusive<u8> = 0x20..=0x27;

/// Contacts that people operate are noticed, and a bus at 100 kHz is busy for two per cent of its time.
const PERIOD: Duration = Duration::from_millis(50);

/// The configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    pub(crate) bus: String,
    #[serde(default = "usual")]
    pub(crate) address: u8,
    pub(crate) pins: BTreeMap<String, Pin>,
    pub(crate) topic: Option<String>,
    period: Option<Duration>,
    #[serde(flatten)]
    pace: Pace,
}

fn usual() -> u8 {
    *ADDRESSES.start()
}

/// How a pin is used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pin {
    pin: String,
    #[serde(default)]
    pub(crate) mode: Mode,
    #[serde(default)]
    pub(crate) active: Level,
    #[serde(default)]
    pub(crate) pull_up: bool,
    /// What an output is at first, and when the device ends.
    #[serde(default)]
    pub(crate) safe: bool,
    /// A topic whose boolean an output follows.
    pub(crate) input: Option<String>,
}

/// The direction of a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    #[default]
    Input,
    Output,
}

/// The level that is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    #[default]
    High,
    Low,
}

impl Pin {
    /// Its bit: A0 is the lowest, B7 the highest.
    pub fn bit(&self) -> Option<u16> {
        let (port, number) = self.pin.split_at_checked(1)?;
        let number: u32 = number.parse().ok().filter(|number| *number < 8)?;
        match port {
            "A" => Some(1 << number),
            "B" => Some(0x100 << number),
            _ => None,
        }
    }

    /// The level of something that is on or off.
    pub fn level(&self, on: bool) -> bool {
        on == (self.active == Level::High)
    }
}

impl Config {
    /// How often the pins are read.
    pub fn pace(&self) -> Pace {
        Pace {
            period: self.period.unwrap_or(PERIOD),
            ..self.pace.clone()
        }
    }

    /// Whether it makes sense.
    pub fn check(&self) -> Result<(), String> {
        address(self.address, ADDRESSES, "an MCP23017")?;
        check_names("pins", self.pins.keys().map(String::as_str))?;
        let mut taken = 0;
        for (name, pin) in &self.pins {
            let key = format!("pins.{name}");
            let Some(bit) = pin.bit() else {
                let text = &pin.pin;
                return Err(format!(
                    "`{key}.pin`: the chip has A0 to A7 and B0 to B7, not `{text}`"
                ));
            };
            if taken & bit != 0 {
                return Err(format!("`{key}.pin`: another one is {} already", pin.pin));
            }
            taken |= bit;
            let is_output = pin.mode == Mode::Output;
            if is_output && pin.pull_up {
                return Err(format!("`{key}.pull-up` is for inputs"));
            }
            if !is_output && (pin.safe || pin.input.is_some()) {
                return Err(format!("`{key}`: `safe` and `input` are for outputs"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(pins: serde_json::Value) -> Result<(), String> {
        let config = json!({"bus": "i2c/1", "pins": pins});
        serde_json::from_value::<Config>(config).unwrap().check()
    }

    #[test]
    fn pins_are_those_of_the_chip_and_have_one_name() {
        let valve = json!({"pin": "A7", "mode": "output"});
        check(json!({"valve": valve, "door": {"pin": "B0", "pull-up": true}})).unwrap();
        let twice = check(json!({"valve": valve, "lamp": {"pin": "A7"}})).unwrap_err();
        assert!(twice.contains("A7"), "{twice}");
        for pin in ["A8", "C0", "", "7", "Ä1", "A-1"] {
            let wrong = check(json!({"valve": {"pin": pin}})).unwrap_err();
            assert!(wrong.contains("pins.valve.pin"), "{wrong}");
        }
        assert!(check(json!({})).unwrap_err().contains("`pins` is empty"));
        let wrong = check(json!({"door": {"pin": "B0", "safe": true}})).unwrap_err();
        assert!(wrong.contains("for outputs"), "{wrong}");
    }
}
