//! The configuration.

use serde::Deserialize;
use weihe_sdk::Duration;

/// What analogue servos take: a pulse every 20 ms.
const FREQUENCY: f64 = 50.0;
/// The widths that most servos with 180 degrees take.
const MIN_PULSE: Duration = Duration::from_nanos(500_000);
const MAX_PULSE: Duration = Duration::from_nanos(2_500_000);

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Written {
    channel: String,
    frequency: f64,
    min_pulse: Duration,
    max_pulse: Duration,
    range: f64,
    min_angle: Option<f64>,
    max_angle: Option<f64>,
    speed: f64,
    start: Option<f64>,
    release: Option<Duration>,
    follow: Option<String>,
    topic: Option<String>,
}

impl Default for Written {
    fn default() -> Self {
        Written {
            channel: "servo".to_owned(),
            frequency: FREQUENCY,
            min_pulse: MIN_PULSE,
            max_pulse: MAX_PULSE,
            range: 180.0,
            min_angle: None,
            max_angle: None,
            speed: 0.0,
            start: None,
            release: None,
            follow: None,
            topic: None,
        }
    }
}

/// The configuration, checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Config {
    /// The name of the PWM channel.
    pub channel: String,
    /// From the beginning of a pulse to the next.
    pub period: Duration,
    min_pulse: Duration,
    max_pulse: Duration,
    range: f64,
    /// The angles that it may have.
    pub angles: (f64, f64),
    /// Degrees a second; 0: as fast as it can.
    pub speed: f64,
    /// The angle at the very first start.
    pub start: Option<f64>,
    /// No pulses any more, so long after it has arrived.
    pub release: Option<Duration>,
    /// A topic with angles.
    pub follow: Option<String>,
    /// Where to publish instead of `plugin/<device>`.
    pub topic: Option<String>,
}

impl TryFrom<Written> for Config {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let period = weihe_plugin_kit::period("frequency", written.frequency)?;
        if written.min_pulse >= written.max_pulse || written.max_pulse > period {
            return Err(
                "`min-pulse` must be less than `max-pulse`, and that no more than a period".into(),
            );
        }
        if !(written.range > 0.0 && written.range <= 3_600.0) {
            return Err(format!(
                "`range`: {} is not from 0 to 3600 degrees",
                written.range
            ));
        }
        let least = written.min_angle.unwrap_or(0.0);
        let most = written.max_angle.unwrap_or(written.range);
        if !(0.0 <= least && least < most && most <= written.range) {
            return Err(format!(
                "`min-angle`, `max-angle`: {least} to {most} is not within 0 to `range`"
            ));
        }
        if !(written.speed >= 0.0 && written.speed.is_finite()) {
            return Err(format!("`speed`: {} is less than 0", written.speed));
        }
        let config = Config {
            channel: written.channel,
            period,
            min_pulse: written.min_pulse,
            max_pulse: written.max_pulse,
            range: written.range,
            angles: (least, most),
            speed: written.speed,
            start: written.start,
            release: written.release,
            follow: written.follow,
            topic: written.topic,
        };
        if let Some(start) = config.start {
            config.check("start", start)?;
        }
        Ok(config)
    }
}

impl Config {
    /// Checks that it may have an angle.
    pub fn check(&self, key: &str, angle: f64) -> Result<(), String> {
        let (least, most) = self.angles;
        match (least..=most).contains(&angle) {
            true => Ok(()),
            false => Err(format!(
                "`{key}`: {angle} is not from {least} to {most} degrees"
            )),
        }
    }

    /// The width of the pulses for an angle.
    pub fn width(&self, angle: f64) -> Duration {
        let span = self.max_pulse.saturating_sub(self.min_pulse);
        self.min_pulse + weihe_plugin_kit::share_of(span, angle / self.range)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_widths_within_their_limits() {
        let config: Config = serde_json::from_str(
            r#"{"min-pulse": "1 ms", "max-pulse": "2 ms", "range": 90, "max-angle": 60}"#,
        )
        .unwrap();
        let widths = [0.0, 45.0, 90.0].map(|angle| config.width(angle).as_nanos());
        assert_eq!(widths, [1_000_000, 1_500_000, 2_000_000]);
        assert!(config.check("angle", 60.0).is_ok());
        assert!(config.check("angle", 61.0).unwrap_err().contains("0 to 60"));
        assert!(config.check("angle", f64::NAN).is_err());
        for (wrong, key) in [
            (r#"{"min-pulse": "3 ms"}"#, "`min-pulse`"),
            (r#"{"range": 0}"#, "`range`"),
            (r#"{"max-angle": 200}"#, "`max-angle`"),
            (r#"{"start": 181}"#, "`start`"),
            (r#"{"speed": -1}"#, "`speed`"),
        ] {
            let error = serde_json::from_str::<Config>(wrong)
                .unwrap_err()
                .to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
