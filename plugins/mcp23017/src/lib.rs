#![doc = include_str!("../../../docs/plugins/mcp23017.md")]

mod config;
mod registers;

pub use config::Config;

use std::collections::BTreeMap;

use config::{ADDRESSES, Mode, Pin};
use registers::Chip;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use weihe_plugin_kit::{
    Ask, Fault, Next, Pace, Reading, Readings, Sampling, Sensor, Topics, i2c_keys, sensor_schema,
};
use weihe_sdk::log;
use weihe_sdk::prelude::*;

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Reads now.
    Read,
    /// How things are.
    Status,
    /// Switches an output.
    Set {
        /// Its name.
        pin: String,
        /// Whether it is on.
        on: bool,
    },
    /// Switches an output to what it is not.
    Toggle {
        /// Its name.
        pin: String,
    },
}

struct Place {
    name: String,
    pin: Pin,
    bit: u16,
    topic: Topic,
    shown: Option<Option<bool>>,
}

/// The chip with its pins.
pub struct Expander {
    chip: Chip,
    config: Config,
    places: Vec<Place>,
    outputs: u16,
    pull_ups: u16,
    /// The levels that outputs are to have.
    levels: u16,
}

impl Expander {
    fn set(&mut self, index: usize, on: bool) {
        if let Some(place) = self.places.get(index) {
            match place.pin.level(on) {
                true => self.levels |= place.bit,
                false => self.levels &= !place.bit,
            }
        }
    }

    fn is_on(&self, place: &Place, levels: u16) -> bool {
        place.pin.level(levels & place.bit != 0)
    }

    fn output(&self, name: &str) -> Result<usize, CallError> {
        let found = self.places.iter().position(|place| place.name == name);
        match found.and_then(|index| Some((index, self.places.get(index)?))) {
            Some((index, place)) if place.pin.mode == Mode::Output => Ok(index),
            Some(_) => Err(CallError::invalid_argument(format!(
                "`pin`: `{name}` is an input"
            ))),
            None => {
                let names: Vec<&str> = self.places.iter().map(|place| &*place.name).collect();
                let names = names.join(", ");
                let text = format!("`pin`: there is no `{name}`; there are {names}");
                Err(CallError::invalid_argument(text))
            }
        }
    }

    fn show(&mut self, ctx: &mut Context, levels: Option<u16>) {
        for place in &mut self.places {
            let on = levels.map(|levels| place.pin.level(levels & place.bit != 0));
            if place.shown != Some(on) {
                place.shown = Some(on);
                match on {
                    Some(on) => ctx.publish_on(place.topic, on),
                    None => {
                        ctx.publish_on(place.topic, Sample::new(Value::None).quality(Quality::Bad))
                    }
                }
            }
        }
    }

    fn drive(&mut self, ctx: &mut Context) -> Result<(), Fault> {
        self.chip.drive(self.levels)?;
        self.look(ctx)
    }

    fn look(&mut self, ctx: &mut Context) -> Result<(), Fault> {
        let levels = self.chip.levels()?;
        // What an output is to be, not what a short at it makes of it.
        let levels = levels & !self.outputs | self.levels & self.outputs;
        self.show(ctx, Some(levels));
        Ok(())
    }
}

impl Sensor for Expander {
    type Config = Config;
    type Command = Command;
    type State = BTreeMap<String, bool>;

    fn describe() -> Description {
        Description::new(
            "mcp23017",
            env!("CARGO_PKG_VERSION"),
            "Sixteen pins of a Microchip MCP23017",
        )
        .command(CommandInfo::new("set", "Switches an output").arguments(
            r#"{"type":"object","required":["pin","on"],"additionalProperties":false,"properties":{"pin":{"type":"string"},"on":{"type":"boolean"}}}"#,
        ))
        .command(CommandInfo::new("toggle", "Switches an output to what it is not").arguments(
            r#"{"type":"object","required":["pin"],"additionalProperties":false,"properties":{"pin":{"type":"string"}}}"#,
        ))
        .publishes("plugin/{device}/+", "each pin under its name: whether it is on (boolean)")
        .config_schema(&sensor_schema(
            r#""bus","pins""#,
            &[
                i2c_keys(*ADDRESSES.start(), *ADDRESSES.end()),
                r#""pins":{"type":"object","description":"pins by the names of their topics","additionalProperties":{"type":"object","required":["pin"],"additionalProperties":false,"properties":{"pin":{"type":"string","description":"A0 to A7, B0 to B7"},"mode":{"enum":["input","output"]},"active":{"enum":["high","low"],"description":"the level that is on"},"pull-up":{"type":"boolean"},"safe":{"type":"boolean","description":"what an output is at first, and when the device ends"},"input":{"type":"string","format":"weihe-subscribe","description":"a topic whose boolean an output follows"}}}}"#.to_owned(),
            ]
            .join(","),
        ))
    }

    fn pace(config: &Config) -> Pace {
        config.pace()
    }

    fn topic(config: &Config) -> Option<&str> {
        config.topic.as_deref()
    }

    fn readings(_: &Config) -> Vec<Reading> {
        Vec::new()
    }

    fn open(
        ctx: &mut Context,
        config: Config,
        restored: Option<BTreeMap<String, bool>>,
    ) -> Result<Self, Error> {
        config
            .check()
            .map_err(|text| Error::fatal(format!("config: {text}")))?;
        let chip = Chip::new(ctx.i2c(&config.bus)?, config.address);
        let topics = Topics::new(ctx, config.topic.as_deref());
        let mut expander = Expander {
            chip,
            places: Vec::new(),
            outputs: 0,
            pull_ups: 0,
            levels: 0,
            config,
        };
        let restored = restored.unwrap_or_default();
        for (name, pin) in expander.config.pins.clone() {
            let Some(bit) = pin.bit() else { continue };
            let topic = topics.get(ctx, &name)?;
            if pin.pull_up {
                expander.pull_ups |= bit;
            }
            let is_output = pin.mode == Mode::Output;
            if is_output {
                expander.outputs |= bit;
            }
            if let Some(input) = &pin.input {
                ctx.subscribe(input).map_err(|refused| {
                    Error::fatal(format!("config: `pins.{name}.input`: {refused}"))
                })?;
            }
            let on = restored.get(&name).copied().unwrap_or(pin.safe);
            expander.places.push(Place {
                name,
                pin,
                bit,
                topic,
                shown: None,
            });
            if is_output {
                expander.set(expander.places.len() - 1, on);
            }
        }
        Ok(expander)
    }

    fn what(&self) -> String {
        format!(
            "MCP23017 at {:#04x} on {}",
            self.config.address, self.config.bus
        )
    }

    fn prepare(&mut self) -> Result<(), Fault> {
        Ok(self.chip.set_up(self.outputs, self.levels, self.pull_ups)?)
    }

    fn step(&mut self, ctx: &mut Context, _: u32, _: &mut Readings) -> Result<Next, Fault> {
        if !self.chip.is_as(self.outputs, self.levels)? {
            return Err(Fault::new(format!(
                "{} is not as it was set: it was without power, or somebody else writes to it",
                self.what()
            )));
        }
        self.look(ctx)?;
        Ok(Next::Done)
    }

    fn failed(&mut self, ctx: &mut Context) {
        self.show(ctx, None);
    }

    fn ask(command: &Command) -> Ask {
        match command {
            Command::Read => Ask::Read,
            Command::Status => Ask::Status,
            _ => Ask::Own,
        }
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        _: CallId,
        command: Command,
    ) -> Result<Answer, CallError> {
        let (index, on) = match command {
            Command::Set { pin, on } => (self.output(&pin)?, on),
            Command::Toggle { pin } => {
                let index = self.output(&pin)?;
                let place = self.places.get(index);
                (
                    index,
                    !place.is_some_and(|place| self.is_on(place, self.levels)),
                )
            }
            Command::Read | Command::Status => return Ok(Answer::none()),
        };
        self.set(index, on);
        self.drive(ctx)?;
        Answer::json(&on)
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>, ready: bool) -> Result<(), Fault> {
        let Some(on) = event
            .value
            .as_bool()
            .filter(|_| event.quality != Quality::Bad)
        else {
            return Ok(());
        };
        let follows = |place: &Place| place.pin.input.as_deref() == Some(event.topic);
        let following: Vec<usize> = (0..self.places.len())
            .filter(|index| self.places.get(*index).is_some_and(follows))
            .collect();
        for index in following {
            self.set(index, on);
        }
        // A chip that is absent gets it when it is back.
        if ready { self.drive(ctx) } else { Ok(()) }
    }

    fn stop(&mut self, _: &mut Context, reason: StopReason) {
        if reason == StopReason::Swap {
            return;
        }
        for index in 0..self.places.len() {
            let safe = self.places.get(index).map(|place| place.pin.safe);
            self.set(index, safe.unwrap_or_default());
        }
        if let Err(error) = self.chip.drive(self.levels) {
            log::error!("{}: its safe values were not reached: {error}", self.what());
        }
    }

    fn export(&self) -> Option<BTreeMap<String, bool>> {
        let outputs = self
            .places
            .iter()
            .filter(|place| place.pin.mode == Mode::Output);
        let states = outputs.map(|place| (place.name.clone(), self.is_on(place, self.levels)));
        Some(states.collect())
    }

    fn more(&self) -> Map<String, Json> {
        let pins = self.places.iter().map(|place| {
            let on = place.shown.flatten();
            (place.name.clone(), on.map_or(Json::Null, Json::from))
        });
        let pins: Map<String, Json> = pins.collect();
        Map::from_iter([("pins".to_owned(), pins.into())])
    }
}

/// The plugin.
pub type Plugin = Sampling<Expander>;

weihe_sdk::plugin!(Plugin: events, commands, state);
