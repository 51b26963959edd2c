//! What other devices ask for.

use weihe_sdk::{Error, Event, Quality};

/// What an event on a topic that is followed asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Level {
    /// On or off.
    Switch(bool),
    /// A number.
    Number(f64),
}

impl Level {
    /// That of an event. `None` for what is of bad quality, which asks for nothing; an error for what is no value to
    /// follow.
    pub fn of(event: &Event<'_>) -> Result<Option<Level>, Error> {
        if event.quality == Quality::Bad {
            return Ok(None);
        }
        if let Some(on) = event.value.as_bool() {
            return Ok(Some(Level::Switch(on)));
        }
        match event.value.as_f64() {
            Some(number) if number.is_finite() => Ok(Some(Level::Number(number))),
            _ => Err(Error::rejected(format!(
                "`{}`: expected true, false or a number, found {}",
                event.topic, event.value
            ))),
        }
    }

    /// Whether it means on: true, or a number other than 0.
    pub fn is_on(self) -> bool {
        match self {
            Level::Switch(on) => on,
            Level::Number(number) => number != 0.0,
        }
    }
}
