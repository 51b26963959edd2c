//! The configuration.

use std::collections::BTreeMap;

use serde::Deserialize;
use weihe_plugin_kit::{Pace, check_names};
use weihe_sdk::Duration;

/// Where the chip is, by the pins A0 to A5 (data sheet PCA9685, 7.1).
pub const ADDRESSES: std::ops::RangeInclusive<u8> = 0x40..=0x7f;

/// Hertz of the chip's own oscillator (7.3.5). It is exact to some per cent.
pub const CLOCK: f64 = 25_000_000.0;

/// Steps of a period.
pub const STEPS: u16 = 4_096;

/// How often it is looked whether the chip still has its settings.
const PERIOD: Duration = Duration::from_secs(1);

/// The configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    pub(crate) bus: String,
    #[serde(default = "usual")]
    pub(crate) address: u8,
    #[serde(default = "frequency")]
    frequency: f64,
    pub(crate) outputs: BTreeMap<String, Output>,
    pub(crate) topic: Option<String>,
    period: Option<Duration>,
    #[serde(flatten)]
    pace: Pace,
}

fn usual() -> u8 {
    *ADDRESSES.start()
}

/// What servos want.
fn frequency() -> f64 {
    50.0
}

/// An output.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Output {
    pub(crate) channel: u8,
    #[serde(default)]
    pub(crate) safe: f64,
    pub(crate) input: Option<String>,
}

impl Config {
    /// How often it is looked at.
    pub fn pace(&self) -> Pace {
        Pace {
            period: self.period.unwrap_or(PERIOD),
            ..self.pace.clone()
        }
    }

    /// What the oscillator is divided by (7.3.5, equation 1).
    pub fn prescale(&self) -> u8 {
        let by = CLOCK / (f64::from(STEPS) * self.frequency);
        (by.round() - 1.0).clamp(3.0, 255.0) as u8
    }

    /// The frequency that this makes, as far as the oscillator is exact.
    pub fn actual_frequency(&self) -> f64 {
        CLOCK / (f64::from(STEPS) * (f64::from(self.prescale()) + 1.0))
    }

    /// Whether it makes sense.
    pub fn check(&self) -> Result<(), String> {
        check_names("outputs", self.outputs.keys().map(String::as_str))?;
        let mut taken = 0_u16;
        for (name, output) in &self.outputs {
            if output.channel > 15 {
                return Err(format!("`outputs.{name}.channel`: the chip has 0 to 15"));
            }
            let bit = 1 << output.channel;
            if taken & bit != 0 {
                return Err(format!(
                    "`outputs.{name}.channel`: another one is {} already",
                    output.channel
                ));
            }
            taken |= bit;
            if !(0.0..=1.0).contains(&output.safe) {
                return Err(format!("`outputs.{name}.safe` must be from 0 to 1"));
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

    #[test]
    fn the_frequency_is_what_the_data_sheet_computes() {
        let config = json!({"bus": "i2c/1", "frequency": 200, "outputs": {"fan": {"channel": 0}}});
        let config: Config = serde_json::from_value(config).unwrap();
        // 7.3.5 has this example: 200 Hz is 0x1e.
        assert_eq!(config.prescale(), 0x1e);
        config.check().unwrap();
    }
}
