//! More of everything than anybody can use, for ever.

use super::bindings::exports::weihe::plugin::events::Error;
use super::bindings::wasi::logging::logging::{self, Level};
use super::bindings::weihe::plugin::bus::Value;
use super::bindings::weihe::plugin::schedule::{self, EveryOptions, Missed};
use super::{publish, say, trap};

/// Publications of one round of a storm.
const PUBLICATIONS: i64 = 4_000;

/// Timers of a storm, as many as a device may have without its own tick.
const TIMERS: usize = 255;

/// The shortest period that a timer may have, in nanoseconds.
const PERIOD: u64 = 1_000_000;

/// Makes a storm. One of publications goes on when its device hears its own topic `again`, and one of
/// timers by itself; one of log lines does not end.
pub fn storm_of(what: &str) {
    match what {
        "log lines" => loop {
            logging::log(Level::Info, "storm", "nobody wants to know");
        },
        "publications" => {
            for number in 0..PUBLICATIONS {
                say("flood", Value::Integer(number));
            }
            say("again", Value::Text("storm of publications".into()));
        }
        "timers" => {
            for number in 0..TIMERS {
                let options = EveryOptions {
                    missed: Missed::CatchUp,
                    jitter: 0,
                    first: None,
                };
                if let Err(error) = schedule::every(&format!("storm-{number}"), PERIOD, options) {
                    trap(&format!("{error:?}"));
                }
            }
        }
        other => trap(&format!("it knows no storm of {other}")),
    }
}

/// The topic of its timer.
pub const TICK: &str = "$timer/storm";

/// Publishes as much as one call may, and wants to be called again at once.
pub fn blow() -> Result<(), Error> {
    for drop in 0..4_000 {
        publish("storm", Value::Integer(drop))
            .map_err(|error| Error::Fatal(format!("{error:?}")))?;
    }
    schedule::after("storm", 0).map_err(|error| Error::Fatal(format!("{error:?}")))
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
