//! The configuration.

use serde::Deserialize;
use weihe_plugin_kit::ActiveLevel;

/// Where small piezo buzzers are loudest.
const FREQUENCY: f64 = 2_700.0;

/// How the buzzer is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drive {
    /// By a PWM channel: any tone.
    #[default]
    Pwm,
    /// By a line: a buzzer with a tone of its own.
    Line,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Written {
    drive: Drive,
    line: String,
    active: ActiveLevel,
    volume: f64,
    frequency: f64,
    follow: Option<String>,
    topic: Option<String>,
}

impl Default for Written {
    fn default() -> Self {
        Written {
            drive: Drive::Pwm,
            line: "buzzer".to_owned(),
            active: ActiveLevel::AsWired,
            volume: 100.0,
            frequency: FREQUENCY,
            follow: None,
            topic: None,
        }
    }
}

/// The configuration, checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Config {
    /// How the buzzer is driven.
    pub drive: Drive,
    /// The name of the channel or line.
    pub line: String,
    /// The level of the line while it sounds.
    pub active: ActiveLevel,
    /// The share of a period that pulses are wide, 0 to 0.5: half is loudest.
    pub share: f64,
    /// Of beeps, in hertz.
    pub frequency: f64,
    /// A topic that it sounds with.
    pub follow: Option<String>,
    /// Where to publish instead of `plugin/<device>`.
    pub topic: Option<String>,
}

impl TryFrom<Written> for Config {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        if !(0.0..=100.0).contains(&written.volume) {
            return Err(format!("`volume`: {} is not from 0 to 100", written.volume));
        }
        audible("frequency", written.frequency)?;
        Ok(Config {
            drive: written.drive,
            line: written.line,
            active: written.active,
            share: written.volume / 200.0,
            frequency: written.frequency,
            follow: written.follow,
            topic: written.topic,
        })
    }
}

/// Checks that somebody hears a frequency.
pub fn audible(key: &str, hertz: f64) -> Result<(), String> {
    match (20.0..=20_000.0).contains(&hertz) {
        true => Ok(()),
        false => Err(format!("`{key}`: {hertz} Hz is not from 20 Hz to 20 kHz")),
    }
}
