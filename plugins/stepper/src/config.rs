//! The configuration.

use serde::Deserialize;
use weihe_plugin_kit::ActiveLevel;
use weihe_sdk::Duration;

/// Faster steps are beyond what can be timed from here: a handler would do nothing else.
const MOST_STEPS: f64 = 2_000.0;

/// How the motor is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drive {
    /// By a driver that takes steps and a direction.
    #[default]
    StepDir,
    /// Coil by coil.
    Coils,
}

/// Which coils are on, one step after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sequence {
    /// One at a time.
    Wave,
    /// Two at a time.
    #[default]
    Full,
    /// One and two in turn: steps of half the size.
    Half,
}

impl Sequence {
    /// The coils that are on in a place: a, b, c, d, where a and c are the ends of one winding.
    pub fn coils(self, position: i64) -> [bool; 4] {
        const HALF: [[bool; 4]; 8] = [
            [true, false, false, false],
            [true, true, false, false],
            [false, true, false, false],
            [false, true, true, false],
            [false, false, true, false],
            [false, false, true, true],
            [false, false, false, true],
            [true, false, false, true],
        ];
        let place = match self {
            Sequence::Wave => position.rem_euclid(4) * 2,
            Sequence::Full => position.rem_euclid(4) * 2 + 1,
            Sequence::Half => position.rem_euclid(8),
        };
        HALF[place as usize]
    }
}

/// For how long it is held after it has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(untagged)]
enum Hold {
    Always(bool),
    For(Duration),
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Written {
    drive: Drive,
    enable: bool,
    sequence: Sequence,
    active: ActiveLevel,
    steps_per_unit: f64,
    speed: f64,
    acceleration: f64,
    min: Option<f64>,
    max: Option<f64>,
    hold: Hold,
    topic: Option<String>,
}

impl Default for Written {
    fn default() -> Self {
        Written {
            drive: Drive::StepDir,
            enable: false,
            sequence: Sequence::Full,
            active: ActiveLevel::AsWired,
            steps_per_unit: 1.0,
            speed: 200.0,
            acceleration: 0.0,
            min: None,
            max: None,
            hold: Hold::For(Duration::from_secs(1)),
            topic: None,
        }
    }
}

/// The configuration, checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Config {
    /// How the motor is driven.
    pub drive: Drive,
    /// Whether there is a line that switches the driver on.
    pub enable: bool,
    /// Which coils are on.
    pub sequence: Sequence,
    /// The level of a line that is on.
    pub active: ActiveLevel,
    /// Steps for a unit.
    pub steps_per_unit: f64,
    /// Units a second.
    pub speed: f64,
    /// Units a second, a second.
    pub acceleration: f64,
    /// No further than this, in units.
    pub limits: (f64, f64),
    /// For how long it is held after it has arrived; `None`: for ever.
    pub hold: Option<Duration>,
    /// Where to publish instead of `plugin/<device>`.
    pub topic: Option<String>,
}

impl TryFrom<Written> for Config {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let per_unit = written.steps_per_unit;
        if !(per_unit.is_finite() && per_unit != 0.0) {
            return Err(format!("`steps-per-unit`: {per_unit} moves nothing"));
        }
        if written.enable && written.drive == Drive::Coils {
            return Err("`enable` belongs to `drive = \"step-dir\"`".into());
        }
        let limits = (
            written.min.unwrap_or(f64::NEG_INFINITY),
            written.max.unwrap_or(f64::INFINITY),
        );
        if limits.0.partial_cmp(&limits.1) != Some(std::cmp::Ordering::Less) {
            return Err("`min` must be less than `max`".into());
        }
        let config = Config {
            drive: written.drive,
            enable: written.enable,
            sequence: written.sequence,
            active: written.active,
            steps_per_unit: per_unit,
            speed: written.speed,
            acceleration: written.acceleration,
            limits,
            hold: match written.hold {
                Hold::Always(true) => None,
                Hold::Always(false) => Some(Duration::ZERO),
                Hold::For(span) => Some(span),
            },
            topic: written.topic,
        };
        config.check_speed("speed", config.speed)?;
        config.check_acceleration(config.acceleration)?;
        Ok(config)
    }
}

impl Config {
    /// Checks a speed in units a second.
    pub fn check_speed(&self, key: &str, speed: f64) -> Result<(), String> {
        let steps = speed.abs() * self.steps_per_unit.abs();
        match steps > 0.0 && steps <= MOST_STEPS {
            true => Ok(()),
            false => Err(format!(
                "`{key}`: {speed} is {steps} steps a second, not from more than 0 to {MOST_STEPS}"
            )),
        }
    }

    /// Checks an acceleration.
    pub fn check_acceleration(&self, acceleration: f64) -> Result<(), String> {
        match acceleration >= 0.0 && acceleration.is_finite() {
            true => Ok(()),
            false => Err(format!("`acceleration`: {acceleration} is less than 0")),
        }
    }

    /// Checks a position in units; in steps.
    pub fn steps(&self, key: &str, units: f64) -> Result<i64, String> {
        let (least, most) = self.limits;
        let steps = (units * self.steps_per_unit).round();
        // A float counts exactly up to here.
        let counted = 9e15;
        match (least..=most).contains(&units) && steps.abs() < counted {
            true => Ok(steps as i64),
            false => Err(format!("`{key}`: {units} is not from {least} to {most}")),
        }
    }

    /// A position in units.
    pub fn units(&self, steps: i64) -> f64 {
        steps as f64 / self.steps_per_unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coils_follow_one_another() {
        let word = |sequence: Sequence, position| {
            let coils = sequence
                .coils(position)
                .map(|on| if on { '1' } else { '0' });
            coils.iter().collect::<String>()
        };
        let wave = [0, 1, 2, 3, 4, -1].map(|at| word(Sequence::Wave, at));
        assert_eq!(wave, ["1000", "0100", "0010", "0001", "1000", "0001"]);
        let full = [0, 1, 2, 3].map(|at| word(Sequence::Full, at));
        assert_eq!(full, ["1100", "0110", "0011", "1001"]);
        assert_eq!([7, 8].map(|at| word(Sequence::Half, at)), ["1001", "1000"]);
    }
}
