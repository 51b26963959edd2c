//! Test doubles: scripted instances, and the world around a device.

mod double;
mod field;
mod script;
mod world;

pub use double::Factory;
pub use field::{Field, Manners};
pub use script::{Script, Stage};
pub use world::{Answer, Running, World, play};

use crate::bus::{Bus, Subscription};
use crate::device::{GuestError, Hooked, Trap};
use crate::event::{Event, Quality, SourceId, Value};

pub const MS: u64 = 1_000_000;
pub const SECOND: u64 = 1_000 * MS;
/// When virtual time begins, so that times of day and spans cannot be confused.
pub const EPOCH: u64 = 1_700_000_000 * SECOND;

/// A trap with these words.
pub fn trap(message: &str) -> Trap {
    Trap {
        message: message.into(),
        backtrace: "at plugin::handle".into(),
        no_memory: false,
    }
}

pub fn rejected<T>(text: &str) -> Hooked<T> {
    Ok(Err(GuestError::Rejected(text.into())))
}

pub fn retry<T>(text: &str) -> Hooked<T> {
    Ok(Err(GuestError::Retry(text.into())))
}

pub fn number(event: &Event) -> i64 {
    match event.value {
        Value::Integer(value) => value,
        _ => panic!("not a number: {event:?}"),
    }
}

/// A sample that nobody has published yet.
pub fn sample(bus: &Bus, topic: &str, value: i64) -> Event {
    Event {
        topic: bus.topic(topic).unwrap(),
        source: SourceId(0),
        time: 0,
        sequence: 0,
        cause: None,
        attempt: 1,
        quality: Quality::Good,
        value: Value::Integer(value),
    }
}

/// The values that have arrived.
pub fn values(watch: &Subscription) -> Vec<i64> {
    taken(watch).iter().map(number).collect()
}

pub fn taken(watch: &Subscription) -> Vec<Event> {
    let mut events = Vec::new();
    watch.try_take(&mut events, usize::MAX);
    events
}

/// The dead letters that have arrived: the value of the input, or the letter's whole input, and
/// the error.
pub fn letters(watch: &Subscription) -> Vec<(serde_json::Value, String)> {
    let letter = |event: Event| {
        let letter = event.value.to_json();
        let error = letter["error"].as_str().unwrap().to_owned();
        let input = &letter["input"];
        let input = if input["value"].is_null() {
            input.clone()
        } else {
            input["value"].clone()
        };
        (input, error)
    };
    taken(watch).into_iter().map(letter).collect()
}

/// The values of the dead letters that have arrived.
pub fn dead(watch: &Subscription) -> Vec<i64> {
    letters(watch)
        .into_iter()
        .map(|(input, _)| input.as_i64().unwrap())
        .collect()
}
