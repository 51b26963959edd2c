//! How lines are wired, as a configuration says it.

use serde::Deserialize;
use weihe_sdk::hal::{Active, Bias, SafeValue};

/// The resistor at an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pull {
    /// As it is.
    #[default]
    AsIs,
    /// None.
    None,
    /// To the supply.
    Up,
    /// To ground.
    Down,
}

impl From<Pull> for Bias {
    fn from(pull: Pull) -> Bias {
        match pull {
            Pull::AsIs => Bias::AsIs,
            Pull::None => Bias::Disabled,
            Pull::Up => Bias::PullUp,
            Pull::Down => Bias::PullDown,
        }
    }
}

/// Which level is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActiveLevel {
    /// As the grant or the board says; high when neither does.
    #[default]
    AsWired,
    /// The higher voltage.
    High,
    /// The lower voltage.
    Low,
}

impl From<ActiveLevel> for Active {
    fn from(level: ActiveLevel) -> Active {
        match level {
            ActiveLevel::AsWired => Active::AsWired,
            ActiveLevel::High => Active::High,
            ActiveLevel::Low => Active::Low,
        }
    }
}

/// What an output becomes when nobody minds it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Safe {
    /// Inactive.
    #[default]
    Off,
    /// Active.
    On,
    /// What it is.
    Keep,
}

impl From<Safe> for SafeValue {
    fn from(safe: Safe) -> SafeValue {
        match safe {
            Safe::Off => SafeValue::Inactive,
            Safe::On => SafeValue::Active,
            Safe::Keep => SafeValue::Keep,
        }
    }
}
