//! What plugins of chips share.
//!
//! - [`Contact`]: whether the chip answers. It counts failures, says when to try again, publishes the
//!   device's topic `state`, and logs once what stays wrong for days.
//! - [`Sensor`] and [`Sampling`]: a plugin that measures every now and then. A sensor says how one measurement
//!   goes, in steps between which a timer runs; everything else (period, retries, quality, dead-bands, topics,
//!   commands) is here.
//! - [`Waiting`]: calls that are answered later.

mod channel;
mod contact;
mod pace;
mod readings;
mod sampling;
mod schema;
mod sensor;
mod waiting;

pub use channel::{Channel, channels_key, check_names};
pub use contact::Contact;
pub use pace::Pace;
pub use readings::{Reading, Readings, topic};
pub use sampling::Sampling;
pub use schema::{chip_schema, dead_band, i2c_keys, sensor_schema};
pub use sensor::{Ask, Command, Fault, Next, Sensor};
pub use waiting::Waiting;

/// An address on an I2C bus that is one of a chip's; for configurations, so that a wrong one is told before
/// anything is spoken to.
pub fn address(key: u8, of: std::ops::RangeInclusive<u8>, chip: &str) -> Result<u8, String> {
    if of.contains(&key) {
        return Ok(key);
    }
    let (first, last) = of.into_inner();
    Err(format!(
        "`address`: {chip} has addresses from {first:#04x} to {last:#04x}, not {key:#04x}"
    ))
}

#[cfg(test)]
mod tests;
