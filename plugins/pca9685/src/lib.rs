#![doc = include_str!("../../../docs/plugins/pca9685.md")]

mod config;

pub use config::Config;

use std::collections::BTreeMap;

use config::{ADDRESSES, CLOCK, Output, STEPS};
use embedded_hal::i2c::I2c as _;
use pwm_pca9685::{Channel, Pca9685};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use weihe_plugin_kit::{
    Ask, Fault, Next, Pace, Reading, Readings, Sampling, Sensor, Topics, i2c_keys, sensor_schema,
};
use weihe_sdk::hal::{I2c, I2cError};
use weihe_sdk::log;
use weihe_sdk::prelude::*;

/// Registers (data sheet PCA9685, table 4).
const MODE1: u8 = 0x00;
const PRE_SCALE: u8 = 0xfe;
/// Of MODE1: the oscillator is off, as it is after power has come.
const SLEEP: u8 = 0x10;

/// The commands.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Looks now.
    Read,
    /// How things are.
    Status,
    /// Sets the share of the period for which an output is on.
    Set {
        /// Its name.
        output: String,
        /// From 0 to 1.
        duty: f64,
    },
    /// Sets the width of an output's pulses.
    Pulse {
        /// Its name.
        output: String,
        /// In microseconds.
        us: f64,
    },
    /// Switches all outputs off.
    Off,
}

struct Place {
    name: String,
    output: Output,
    topic: Topic,
    duty: f64,
    shown: Option<Option<f64>>,
}

/// The chip with its outputs.
pub struct Outputs {
    bus: I2c,
    chip: Pca9685<I2c>,
    config: Config,
    places: Vec<Place>,
}

fn fault(error: pwm_pca9685::Error<I2cError>) -> Fault {
    match error {
        pwm_pca9685::Error::I2C(error) => error.into(),
        pwm_pca9685::Error::InvalidInputData => Fault::new("a value that the chip does not have"),
    }
}

impl Outputs {
    fn register(&mut self, register: u8) -> Result<u8, Fault> {
        let mut byte = [0];
        self.bus
            .write_read(self.config.address, &[register], &mut byte)?;
        Ok(byte[0])
    }

    fn index(&self, name: &str) -> Result<usize, CallError> {
        let found = self.places.iter().position(|place| place.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.places.iter().map(|place| &*place.name).collect();
            let names = names.join(", ");
            CallError::invalid_argument(format!(
                "`output`: there is no `{name}`; there are {names}"
            ))
        })
    }

    /// Has the chip make what an output is to be.
    fn drive(&mut self, index: usize) -> Result<(), Fault> {
        let Some(place) = self.places.get(index) else {
            return Ok(());
        };
        let Ok(channel) = Channel::try_from(place.output.channel) else {
            return Ok(());
        };
        let steps = (place.duty * f64::from(STEPS)).round() as u16;
        let done = match steps {
            0 => self.chip.set_channel_full_off(channel),
            STEPS.. => self.chip.set_channel_full_on(channel, 0),
            steps => self.chip.set_channel_on_off(channel, 0, steps),
        };
        done.map_err(fault)
    }

    fn set(&mut self, ctx: &mut Context, index: usize, duty: f64) -> Result<(), Fault> {
        if let Some(place) = self.places.get_mut(index) {
            place.duty = duty;
        }
        self.drive(index)?;
        self.show(ctx, true);
        Ok(())
    }

    fn show(&mut self, ctx: &mut Context, known: bool) {
        for place in &mut self.places {
            let duty = known.then_some(place.duty);
            if place.shown != Some(duty) {
                place.shown = Some(duty);
                match duty {
                    Some(duty) => ctx.publish_on(place.topic, duty),
                    None => {
                        ctx.publish_on(place.topic, Sample::new(Value::None).quality(Quality::Bad))
                    }
                }
            }
        }
    }
}

impl Sensor for Outputs {
    type Config = Config;
    type Command = Command;
    type State = BTreeMap<String, f64>;

    fn describe() -> Description {
        Description::new(
            "pca9685",
            env!("CARGO_PKG_VERSION"),
            "Sixteen PWM outputs of an NXP PCA9685",
        )
        .command(CommandInfo::new("set", "Sets the share of the period for which an output is on").arguments(
            r#"{"type":"object","required":["output","duty"],"additionalProperties":false,"properties":{"output":{"type":"string"},"duty":{"type":"number","minimum":0,"maximum":1}}}"#,
        ))
        .command(CommandInfo::new("pulse", "Sets the width of an output's pulses").arguments(
            r#"{"type":"object","required":["output","us"],"additionalProperties":false,"properties":{"output":{"type":"string"},"us":{"type":"number","minimum":0,"description":"microseconds"}}}"#,
        ))
        .command(CommandInfo::new("off", "Switches all outputs off"))
        .publishes("plugin/{device}/+", "each output under its name: the share for which it is on, 0 to 1 (number)")
        .config_schema(&sensor_schema(
            r#""bus","outputs""#,
            &[
                i2c_keys(*ADDRESSES.start(), *ADDRESSES.end()),
                r#""frequency":{"type":"number","minimum":24,"maximum":1526,"description":"hertz"}"#.to_owned(),
                r#""outputs":{"type":"object","description":"outputs by the names of their topics","additionalProperties":{"type":"object","required":["channel"],"additionalProperties":false,"properties":{"channel":{"type":"integer","minimum":0,"maximum":15},"safe":{"type":"number","minimum":0,"maximum":1,"description":"what it is at first, and when the device ends"},"input":{"type":"string","format":"weihe-subscribe","description":"a topic whose number from 0 to 1, or boolean, the output follows"}}}}"#.to_owned(),
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
        restored: Option<BTreeMap<String, f64>>,
    ) -> Result<Self, Error> {
        let wrong = |text: String| Error::fatal(format!("config: {text}"));
        config.check().map_err(wrong)?;
        let bus = ctx.i2c(&config.bus)?;
        let chip = Pca9685::new(bus.clone(), config.address)
            .map_err(|_| wrong(format!("`address`: {:#04x} is reserved", config.address)))?;
        let restored = restored.unwrap_or_default();
        let topics = Topics::new(ctx, config.topic.as_deref());
        let mut places = Vec::new();
        for (name, output) in config.outputs.clone() {
            if let Some(input) = &output.input {
                ctx.subscribe(input).map_err(|refused| {
                    Error::fatal(format!("config: `outputs.{name}.input`: {refused}"))
                })?;
            }
            places.push(Place {
                topic: topics.get(ctx, &name)?,
                duty: restored.get(&name).copied().unwrap_or(output.safe),
                name,
                output,
                shown: None,
            });
        }
        Ok(Outputs {
            bus,
            chip,
            config,
            places,
        })
    }

    fn what(&self) -> String {
        format!(
            "PCA9685 at {:#04x} on {}",
            self.config.address, self.config.bus
        )
    }

    fn prepare(&mut self) -> Result<(), Fault> {
        self.chip.reset_internal_driver_state();
        let prescale = self.config.prescale();
        let is_asleep = self.register(MODE1)? & SLEEP != 0;
        // A chip that runs as it should goes on: the frequency is set in sleep only, which would stop all pulses.
        if is_asleep || self.register(PRE_SCALE)? != prescale {
            self.chip.set_prescale(prescale).map_err(fault)?;
        }
        for index in 0..self.places.len() {
            self.drive(index)?;
        }
        self.chip.enable().map_err(fault)
    }

    fn step(&mut self, ctx: &mut Context, _: u32, _: &mut Readings) -> Result<Next, Fault> {
        if self.register(MODE1)? & SLEEP != 0 || self.register(PRE_SCALE)? != self.config.prescale()
        {
            return Err(Fault::new(format!(
                "{} has forgotten its settings: it was without power",
                self.what()
            )));
        }
        self.show(ctx, true);
        Ok(Next::Done)
    }

    fn failed(&mut self, ctx: &mut Context) {
        self.show(ctx, false);
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
        let (output, duty, key) = match command {
            Command::Set { output, duty } => (output, duty, "duty"),
            Command::Pulse { output, us } => {
                (output, us * self.config.actual_frequency() / 1e6, "us")
            }
            _ => {
                for index in 0..self.places.len() {
                    self.set(ctx, index, 0.0)?;
                }
                return Ok(Answer::none());
            }
        };
        let index = self.index(&output)?;
        if !(0.0..=1.0).contains(&duty) {
            return Err(CallError::invalid_argument(format!(
                "`{key}`: that is {duty:.3} of the period, which is not from 0 to 1"
            )));
        }
        self.set(ctx, index, duty)?;
        Answer::json(&duty)
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>, ready: bool) -> Result<(), Fault> {
        let number = event.value.as_f64();
        let number = number.or_else(|| event.value.as_bool().map(|on| f64::from(u8::from(on))));
        let Some(duty) = number.filter(|duty| duty.is_finite() && event.quality != Quality::Bad)
        else {
            return Ok(());
        };
        for index in 0..self.places.len() {
            let Some(place) = self.places.get_mut(index) else {
                break;
            };
            if place.output.input.as_deref() == Some(event.topic) {
                place.duty = duty.clamp(0.0, 1.0);
                // A chip that is absent gets it when it is back.
                if ready {
                    self.drive(index)?;
                }
            }
        }
        if ready {
            self.show(ctx, true);
        }
        Ok(())
    }

    fn stop(&mut self, _: &mut Context, reason: StopReason) {
        if reason == StopReason::Swap {
            return;
        }
        for index in 0..self.places.len() {
            if let Some(place) = self.places.get_mut(index) {
                place.duty = place.output.safe;
            }
            if let Err(error) = self.drive(index) {
                log::error!("{}: a safe value was not reached: {error}", self.what());
            }
        }
    }

    fn export(&self) -> Option<BTreeMap<String, f64>> {
        let duties = self
            .places
            .iter()
            .map(|place| (place.name.clone(), place.duty));
        Some(duties.collect())
    }

    fn more(&self) -> Map<String, Json> {
        let outputs = self
            .places
            .iter()
            .map(|place| (place.name.clone(), place.duty.into()));
        let outputs: Map<String, Json> = outputs.collect();
        let frequency = self.config.actual_frequency();
        Map::from_iter([
            ("outputs".to_owned(), outputs.into()),
            ("frequency".to_owned(), frequency.into()),
            ("clock".to_owned(), CLOCK.into()),
        ])
    }
}

/// The plugin.
pub type Plugin = Sampling<Outputs>;

weihe_sdk::plugin!(Plugin: events, commands, state);
