//! The configuration.

use serde::Deserialize;
use weihe_plugin_kit::ActiveLevel;
use weihe_sdk::Duration;

/// Beyond what people hear, and slow enough for the bridges of hobby boards.
const FREQUENCY: f64 = 20_000.0;
/// Long enough for a bridge's transistors and for the current of a small motor to die away.
const DEAD_TIME: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Written {
    pwm: bool,
    frequency: f64,
    active: ActiveLevel,
    min_speed: f64,
    acceleration: f64,
    dead_time: Duration,
    watchdog: Option<Duration>,
    inverted: bool,
    follow: Option<String>,
    topic: Option<String>,
}

impl Default for Written {
    fn default() -> Self {
        Written {
            pwm: true,
            frequency: FREQUENCY,
            active: ActiveLevel::AsWired,
            min_speed: 0.0,
            acceleration: 0.0,
            dead_time: DEAD_TIME,
            watchdog: None,
            inverted: false,
            follow: None,
            topic: None,
        }
    }
}

/// The configuration, checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Config {
    /// Whether there is a PWM channel.
    pub pwm: bool,
    /// From the beginning of a pulse to the next.
    pub period: Duration,
    /// The level of a line that is on.
    pub active: ActiveLevel,
    min_speed: f64,
    /// Per cent a second; 0: at once.
    pub acceleration: f64,
    /// It coasts so long before it turns the other way.
    pub dead_time: Duration,
    /// It coasts when nobody has asked for anything for so long.
    pub watchdog: Option<Duration>,
    /// Forward is backward.
    pub inverted: bool,
    /// A topic with speeds.
    pub follow: Option<String>,
    /// Where to publish instead of `plugin/<device>`.
    pub topic: Option<String>,
}

impl TryFrom<Written> for Config {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        if !(0.0..100.0).contains(&written.min_speed) {
            return Err(format!(
                "`min-speed`: {} is not from 0 to 100",
                written.min_speed
            ));
        }
        if !(written.acceleration >= 0.0 && written.acceleration.is_finite()) {
            return Err(format!(
                "`acceleration`: {} is less than 0",
                written.acceleration
            ));
        }
        if !written.pwm && written.acceleration > 0.0 {
            return Err("`acceleration` needs `pwm = true`".into());
        }
        if written.watchdog.is_some_and(Duration::is_zero) {
            return Err("`watchdog`: 0 s is too short; leave it out for none".into());
        }
        Ok(Config {
            pwm: written.pwm,
            period: weihe_plugin_kit::period("frequency", written.frequency)?,
            active: written.active,
            min_speed: written.min_speed,
            acceleration: written.acceleration,
            dead_time: written.dead_time,
            watchdog: written.watchdog,
            inverted: written.inverted,
            follow: written.follow,
            topic: written.topic,
        })
    }
}

impl Config {
    /// The width of the pulses for a speed in per cent, 0 to 100.
    pub fn width(&self, speed: f64) -> Duration {
        let share = match speed > 0.0 {
            true => self.min_speed + (100.0 - self.min_speed) * speed / 100.0,
            false => 0.0,
        };
        weihe_plugin_kit::share_of(self.period, share / 100.0)
    }
}
