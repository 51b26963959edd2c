//! More of everything than anybody can use, for ever.

use super::bindings::wasi::logging::logging::{self, Level};
use super::bindings::weihe::plugin::bus::Value;
use super::bindings::weihe::plugin::schedule::{self, EveryOptions, Missed};
use super::{say, trap};

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
