//! The configuration.

use serde::Deserialize;
use weihe_plugin_kit::{ActiveLevel, Safe};
use weihe_sdk::Duration;

/// Beyond what the eye, and most cameras, see.
const FREQUENCY: f64 = 1_000.0;
/// That of most screens.
const GAMMA: f64 = 2.2;

/// How the lamp is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drive {
    /// By a line: on and off.
    #[default]
    Line,
    /// By a PWM channel: brightness, too.
    Pwm,
}

/// What it is at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// As before; off at the very first start.
    #[default]
    Restore,
    /// Off.
    Off,
    /// On.
    On,
}

/// The configuration as it is written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Written {
    drive: Drive,
    line: String,
    active: ActiveLevel,
    safe: Safe,
    frequency: f64,
    gamma: f64,
    start: Start,
    follow: Option<String>,
    toggle: Option<String>,
    topic: Option<String>,
}

impl Default for Written {
    fn default() -> Self {
        Written {
            drive: Drive::default(),
            line: "led".to_owned(),
            active: ActiveLevel::default(),
            safe: Safe::default(),
            frequency: FREQUENCY,
            gamma: GAMMA,
            start: Start::default(),
            follow: None,
            toggle: None,
            topic: None,
        }
    }
}

/// The configuration, checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Config {
    /// How the lamp is driven.
    pub drive: Drive,
    /// The name of the line or channel.
    pub line: String,
    /// The level while it is lit.
    pub active: ActiveLevel,
    /// What it becomes when nobody minds it.
    pub safe: Safe,
    /// From the beginning of a pulse to the next.
    pub period: Duration,
    /// How the eye sees brightness.
    pub gamma: f64,
    /// What it is at first.
    pub start: Start,
    /// A topic with what it is to be.
    pub follow: Option<String>,
    /// A topic each of whose events toggles it.
    pub toggle: Option<String>,
    /// Where to publish instead of `plugin/<device>`.
    pub topic: Option<String>,
}

impl TryFrom<Written> for Config {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let frequency = written.frequency;
        let period = weihe_plugin_kit::period("frequency", frequency)?;
        if !(0.1..=10.0).contains(&written.gamma) {
            return Err(format!("`gamma`: {} is not from 0.1 to 10", written.gamma));
        }
        Ok(Config {
            drive: written.drive,
            line: written.line,
            active: written.active,
            safe: written.safe,
            period,
            gamma: written.gamma,
            start: written.start,
            follow: written.follow,
            toggle: written.toggle,
            topic: written.topic,
        })
    }
}

impl Config {
    /// The width of the pulses for a brightness in per cent.
    pub fn width(&self, brightness: f64) -> Duration {
        let share = (brightness / 100.0).clamp(0.0, 1.0).powf(self.gamma);
        let share = match self.active {
            ActiveLevel::Low => 1.0 - share,
            _ => share,
        };
        weihe_plugin_kit::share_of(self.period, share)
    }
}
