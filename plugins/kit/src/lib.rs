//! What the plugins for hardware share.
//!
//! - [`State`] and [`BackOff`]: what a device says of its hardware, once, and when what fails is tried again.
//! - For lines, PWM and converters of the board: [`Part`], hardware that may be absent for a while; contacts that bounce
//!   ([`Debounce`]), presses that mean something ([`Press`]), values that move ([`Ramp`], [`Blink`]).
//! - For chips: [`Sensor`] and [`Sampling`], a plugin that measures every now and then. A sensor says how one measurement
//!   goes, in steps between which a timer runs; everything else (period, retries by [`Contact`], quality, dead-bands,
//!   topics, commands) is here.
//! - [`Topics`]: where a device publishes; [`Waiting`]: calls that are answered later.

mod answer;
mod back_off;
mod blink;
mod channel;
mod contact;
mod debounce;
mod level;
mod pace;
mod part;
mod press;
mod pulses;
mod push;
mod ramp;
mod readings;
mod sampling;
mod schema;
mod sensor;
mod state;
mod topics;
mod waiting;
mod wiring;

pub use answer::answer;
pub use back_off::BackOff;
pub use blink::Blink;
pub use channel::{Channel, channels_key, check_names};
pub use contact::Contact;
pub use debounce::Debounce;
pub use level::Level;
pub use pace::Pace;
pub use part::{Part, RETRY};
pub use press::{Gesture, Press, Timing};
pub use pulses::{period, share_of};
pub use push::{Push, Said};
pub use ramp::Ramp;
pub use readings::{Reading, Readings};
pub use sampling::Sampling;
pub use schema::{chip_schema, dead_band, i2c_keys, sensor_schema};
pub use sensor::{Ask, Command, Fault, Next, Sensor};
pub use state::State;
pub use topics::{Topics, subscribe};
pub use waiting::Waiting;
pub use wiring::{ActiveLevel, Pull, Safe};

use weihe_sdk::{Context, Duration, log};

/// Sets a timer that ticks once, or cancels it.
pub fn wake(ctx: &mut Context, timer: &str, after: Option<Duration>) {
    match after.map(|span| ctx.after(timer, span)) {
        Some(Err(refused)) => log::error!("timer `{timer}`: {refused}"),
        Some(Ok(())) => {}
        None => ctx.cancel(timer),
    }
}

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
