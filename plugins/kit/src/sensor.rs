//! What a sensor is.

use std::fmt::{self, Debug};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use weihe_sdk::prelude::*;

use crate::{Pace, Reading, Readings};

/// Why a chip was not heard. The text is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// With these words.
    pub fn new(text: impl Into<String>) -> Self {
        Fault(text.into())
    }

    /// From the error of a driver, most of which have but a `Debug` form. Of its cases that of the bus is of no
    /// interest: it wraps the kernel's words.
    pub fn of(error: &impl Debug) -> Self {
        let text = format!("{error:?}");
        let inner = ["I2c(I2c(", "I2C(", "I2c(", "Spi(", "Bus(", "SPI("]
            .into_iter()
            .find_map(|case| text.strip_prefix(case))
            .map(|rest| rest.trim_end_matches(')'));
        Fault(inner.map_or(text.clone(), str::to_owned))
    }

    /// The words.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl From<weihe_sdk::hal::HalError> for Fault {
    fn from(error: weihe_sdk::hal::HalError) -> Self {
        Fault(error.text().to_owned())
    }
}

impl From<weihe_sdk::hal::I2cError> for Fault {
    fn from(error: weihe_sdk::hal::I2cError) -> Self {
        Fault(error.text().to_owned())
    }
}

impl From<Fault> for CallError {
    fn from(fault: Fault) -> Self {
        CallError::unavailable(fault.0)
    }
}

/// How a measurement goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// With the next step, after this time.
    After(Duration),
    /// Not at all: everything has been put.
    Done,
}

/// What a command asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// A measurement now.
    Read,
    /// How things are.
    Status,
    /// Something of the sensor's own.
    Own,
}

/// The commands of a sensor that has no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Measures now, and answers with the readings.
    Read,
    /// Says whether the chip answers, and what was measured last.
    Status,
}

impl From<&Command> for Ask {
    fn from(command: &Command) -> Self {
        match command {
            Command::Read => Ask::Read,
            Command::Status => Ask::Status,
        }
    }
}

/// A sensor: a chip that is asked every now and then. One that acts or shows is one as well: it is asked whether it
/// still is as it was set.
#[allow(unused_variables)]
pub trait Sensor: Sized + 'static {
    /// Its configuration.
    type Config: DeserializeOwned;
    /// Its commands; [`Command`] where there are no others.
    type Command: DeserializeOwned;
    /// What survives a restart and a swap; `NoState` for none.
    type State: Serialize + DeserializeOwned;

    /// What it is: name, topics, its own commands, the schema. `read`, `status` and the topic `state` are added.
    fn describe() -> Description;

    /// How often it is asked.
    fn pace(config: &Self::Config) -> Pace;

    /// Below which topic the readings and the state are; the device's own, unless the configuration says another.
    fn topic(config: &Self::Config) -> Option<&str>;

    /// What it measures, in the order of [`Readings::put`].
    fn readings(config: &Self::Config) -> Vec<Reading>;

    /// Opens the bus. Nothing is said on it yet.
    fn open(
        ctx: &mut Context,
        config: Self::Config,
        restored: Option<Self::State>,
    ) -> Result<Self, Error>;

    /// What people are told of: `SHT4x at 0x44 on i2c/1`.
    fn what(&self) -> String;

    /// Makes the chip ready: before the first measurement and after each failure, since it may have been without
    /// power.
    fn prepare(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    /// A step of a measurement, the first being 0. A chip that needs more than some milliseconds between two steps
    /// has them apart, by [`Next::After`].
    fn step(
        &mut self,
        ctx: &mut Context,
        step: u32,
        readings: &mut Readings,
    ) -> Result<Next, Fault>;

    /// The chip does not answer, for what has no [`Readings`].
    fn failed(&mut self, ctx: &mut Context) {}

    /// What a command asks for.
    fn ask(command: &Self::Command) -> Ask;

    /// A command of its own, to a chip that is ready. Not called during a measurement. `unavailable` counts as a
    /// failure of the chip; so does a [`Fault`] with `?`.
    fn on_command(
        &mut self,
        ctx: &mut Context,
        id: CallId,
        command: Self::Command,
    ) -> Result<Answer, CallError> {
        Ok(Answer::none())
    }

    /// An event of what it subscribed to. What it is to do is remembered by it when the chip is not ready.
    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>, ready: bool) -> Result<(), Fault> {
        Ok(())
    }

    /// A timer of its own.
    fn on_timer(&mut self, ctx: &mut Context, timer: &str) -> Result<(), Fault> {
        Ok(())
    }

    /// The end of the instance.
    fn stop(&mut self, ctx: &mut Context, reason: StopReason) {}

    /// What the next instance begins with.
    fn export(&self) -> Option<Self::State> {
        None
    }

    /// What `status` says besides.
    fn more(&self) -> Map<String, Json> {
        Map::new()
    }
}
