//! Numbers of PWM.

use weihe_sdk::Duration;

/// Slower than this nothing is modulated any more.
const LEAST_HERTZ: f64 = 0.01;
/// Faster than the clocks behind PWM channels can divide.
const MOST_HERTZ: f64 = 100_000_000.0;

/// The period of a frequency in hertz, or what is wrong with the key that says it.
pub fn period(key: &str, hertz: f64) -> Result<Duration, String> {
    match (LEAST_HERTZ..=MOST_HERTZ).contains(&hertz) {
        true => Ok(Duration::from_nanos((1e9 / hertz).round() as u64)),
        false => Err(format!(
            "`{key}`: {hertz} Hz is not from {LEAST_HERTZ} Hz to 100 MHz"
        )),
    }
}

/// A share (0 to 1) of a span.
pub fn share_of(span: Duration, share: f64) -> Duration {
    let nanos = span.as_nanos() as f64 * share.clamp(0.0, 1.0);
    Duration::from_nanos((nanos.round() as u64).min(span.as_nanos()))
}
