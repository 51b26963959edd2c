//! The configuration.

use serde::Deserialize;
use weihe_sdk::Duration;

/// Beyond what the eye, and most cameras, see.
const FREQUENCY: f64 = 1_000.0;
/// That of most screens.
const GAMMA: f64 = 2.2;

/// Which level lights a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Active {
    /// The higher: a common cathode.
    #[default]
    High,
    /// The lower: a common anode.
    Low,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Written {
    active: Active,
    frequency: f64,
    gamma: f64,
    white: [f64; 3],
    follow: Option<String>,
    topic: Option<String>,
}

impl Default for Written {
    fn default() -> Self {
        Written {
            active: Active::High,
            frequency: FREQUENCY,
            gamma: GAMMA,
            white: [1.0; 3],
            follow: None,
            topic: None,
        }
    }
}

/// The configuration, checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Config {
    active: Active,
    /// From the beginning of a pulse to the next.
    pub period: Duration,
    gamma: f64,
    white: [f64; 3],
    /// A topic with colours.
    pub follow: Option<String>,
    /// Where to publish instead of `plugin/<device>`.
    pub topic: Option<String>,
}

impl TryFrom<Written> for Config {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        if !(0.1..=10.0).contains(&written.gamma) {
            return Err(format!("`gamma`: {} is not from 0.1 to 10", written.gamma));
        }
        if written
            .white
            .iter()
            .any(|share| !(0.0..=1.0).contains(share))
        {
            return Err("`white`: shares are from 0 to 1".into());
        }
        Ok(Config {
            active: written.active,
            period: weihe_plugin_kit::period("frequency", written.frequency)?,
            gamma: written.gamma,
            white: written.white,
            follow: written.follow,
            topic: written.topic,
        })
    }
}

impl Config {
    /// The widths of the pulses for the brightness (0 to 255) of the three colours.
    pub fn widths(&self, color: [f64; 3]) -> [Duration; 3] {
        let mut at = 0;
        color.map(|value| {
            let share = (value / 255.0).clamp(0.0, 1.0).powf(self.gamma) * self.white[at];
            at += 1;
            let share = match self.active {
                Active::High => share,
                Active::Low => 1.0 - share,
            };
            weihe_plugin_kit::share_of(self.period, share)
        })
    }
}
