//! The configuration.

use serde::Deserialize;
use weihe_plugin_kit::{ActiveLevel, Pull, Timing};
use weihe_sdk::Duration;

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Written {
    push: bool,
    pull: Pull,
    active: ActiveLevel,
    quarters: i64,
    inverted: bool,
    step: f64,
    min: Option<f64>,
    max: Option<f64>,
    wrap: bool,
    start: Option<f64>,
    acceleration: f64,
    debounce: Duration,
    long: Duration,
    double: Duration,
    topic: Option<String>,
}

impl Default for Written {
    fn default() -> Self {
        Written {
            push: false,
            // Their contacts connect to ground.
            pull: Pull::Up,
            active: ActiveLevel::Low,
            quarters: 4,
            inverted: false,
            step: 1.0,
            min: None,
            max: None,
            wrap: false,
            start: None,
            acceleration: 1.0,
            debounce: Duration::from_millis(10),
            long: Duration::from_millis(800),
            double: Duration::from_millis(300),
            topic: None,
        }
    }
}

/// The configuration, checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Config {
    /// Whether there is a push button.
    pub push: bool,
    /// The resistors at the lines.
    pub pull: Pull,
    /// The level of a closed contact.
    pub active: ActiveLevel,
    /// Changes of the contacts for a step.
    pub quarters: i64,
    /// Clockwise counts down.
    pub inverted: bool,
    /// How steps change the value.
    pub scale: Scale,
    /// The value at the very first start.
    pub start: f64,
    /// Of the push button.
    pub timing: Timing,
    /// Where to publish instead of `plugin/<device>`.
    pub topic: Option<String>,
}

/// How steps change the value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// By a step.
    pub step: f64,
    /// The least value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// Beyond an end it begins anew.
    pub wrap: bool,
    /// Most that a step counts for.
    pub acceleration: f64,
}

/// So many steps a second and fewer are slow: each counts for one.
const SLOW: f64 = 10.0;
/// So many a second and more are fast: each counts for most.
const FAST: f64 = 50.0;

impl Scale {
    /// What a step counts for, so long after the one before.
    pub fn factor(&self, since: Duration) -> f64 {
        let rate = 1.0 / since.as_secs_f64().max(1e-6);
        let share = ((rate - SLOW) / (FAST - SLOW)).clamp(0.0, 1.0);
        1.0 + (self.acceleration - 1.0) * share
    }

    /// The value after a number of steps.
    pub fn turn(&self, value: f64, steps: f64) -> f64 {
        let turned = value + steps * self.step;
        if self.wrap {
            // The ends are neighbours: from `max` it is one step to `min`.
            let round = self.max - self.min + self.step.abs();
            self.min + (turned - self.min).rem_euclid(round)
        } else {
            turned.clamp(self.min, self.max)
        }
    }
}

impl TryFrom<Written> for Config {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        if ![1, 2, 4].contains(&written.quarters) {
            return Err(format!("`quarters`: {} is not 1, 2 or 4", written.quarters));
        }
        let finite = |value: f64| value.is_finite();
        if !finite(written.step) || written.step == 0.0 {
            return Err(format!("`step`: {} turns nothing", written.step));
        }
        let min = written.min.unwrap_or(f64::MIN);
        let max = written.max.unwrap_or(f64::MAX);
        if !(finite(min) && finite(max) && min < max) {
            return Err("`min` must be less than `max`".into());
        }
        if written.wrap && (written.min.is_none() || written.max.is_none()) {
            return Err("`wrap` needs `min` and `max`".into());
        }
        if !(1.0..=1_000.0).contains(&written.acceleration) {
            return Err(format!(
                "`acceleration`: {} is not from 1 to 1000",
                written.acceleration
            ));
        }
        let start = written.start.unwrap_or(0.0_f64.clamp(min, max));
        if !(min..=max).contains(&start) {
            return Err(format!("`start`: {start} is not from `min` to `max`"));
        }
        Ok(Config {
            push: written.push,
            pull: written.pull,
            active: written.active,
            quarters: written.quarters,
            inverted: written.inverted,
            scale: Scale {
                step: written.step,
                min,
                max,
                wrap: written.wrap,
                acceleration: written.acceleration,
            },
            start,
            timing: Timing {
                debounce: written.debounce,
                long: written.long,
                double: written.double,
            },
            topic: written.topic,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stop_at_the_ends_or_begin_anew() {
        let scale = Scale {
            step: 5.0,
            min: 0.0,
            max: 20.0,
            wrap: false,
            acceleration: 1.0,
        };
        assert_eq!((scale.turn(15.0, 3.0), scale.turn(5.0, -3.0)), (20.0, 0.0));
        let round = Scale {
            wrap: true,
            ..scale
        };
        assert_eq!((round.turn(20.0, 1.0), round.turn(0.0, -1.0)), (0.0, 20.0));
    }

    #[test]
    fn fast_steps_count_for_more() {
        let scale = Scale {
            step: 1.0,
            min: 0.0,
            max: 1e9,
            wrap: false,
            acceleration: 10.0,
        };
        let after = |ms| scale.factor(Duration::from_millis(ms));
        assert_eq!(
            (after(1_000), after(100), after(20), after(1)),
            (1.0, 1.0, 10.0, 10.0)
        );
        assert!(after(50) > 1.0 && after(50) < 10.0);
    }
}
