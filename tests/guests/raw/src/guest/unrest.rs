//! What never rests: publishing at once again and again, and talking without end.

use super::bindings::exports::weihe::plugin::events::Error;
use super::bindings::weihe::plugin::bus::Value;
use super::bindings::weihe::plugin::schedule;
use super::{publish, say};

/// The topic of the timer with which it publishes again.
pub const TICK: &str = "$timer/storm";

/// The topic of the timer with which it only wants to be called again.
pub const TURN: &str = "$timer/turn";

/// Publishes as much as one call may, and wants to be called again at once.
pub fn blow() -> Result<(), Error> {
    for drop in 0..4_000 {
        publish("storm", Value::Integer(drop))
            .map_err(|error| Error::Fatal(format!("{error:?}")))?;
    }
    schedule::after("storm", 0).map_err(|error| Error::Fatal(format!("{error:?}")))
}

/// Wants to be called again at once, for nothing.
pub fn turn_over() -> Result<(), Error> {
    schedule::after("turn", 0).map_err(|error| Error::Fatal(format!("{error:?}")))
}

/// Sets as many of the fastest timers as it may, and misses no tick.
pub fn wind_up() -> Result<(), Error> {
    for timer in 0..256 {
        let options = schedule::EveryOptions {
            missed: schedule::Missed::CatchUp,
            jitter: 0,
            first: None,
        };
        schedule::every(&timer.to_string(), 1_000_000, options)
            .map_err(|error| Error::Fatal(format!("{error:?}")))?;
    }
    Ok(())
}

/// Prints ten thousand lines.
pub fn chatter() {
    for line in 0..10_000 {
        println!("line {line}");
    }
    say("chatter", Value::Integer(10_000));
}

/// Panics, in a function of its own that a backtrace can name.
#[inline(never)]
pub fn stumble(topic: &str) {
    panic!("told to panic at {topic}");
}
