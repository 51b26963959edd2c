//! What the plugins for lines and PWM share: hardware that may be absent for a while, contacts that bounce, presses that
//! mean something, values that move, and the topics of a device.

mod answer;
mod blink;
mod debounce;
mod level;
mod part;
mod press;
mod pulses;
mod push;
mod ramp;
mod topics;
mod wiring;

pub use answer::answer;
pub use blink::Blink;
pub use debounce::Debounce;
pub use level::Level;
pub use part::{Part, RETRY};
pub use press::{Gesture, Press, Timing};
pub use pulses::{period, share_of};
pub use push::{Push, Said};
pub use ramp::Ramp;
pub use topics::{Topics, subscribe};
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
