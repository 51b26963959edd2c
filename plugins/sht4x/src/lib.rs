#![doc = include_str!("../../../docs/plugins/sht4x.md")]

use serde::Deserialize;
use sht4x::{Address, Precision, Sht4x};
use weihe_plugin_kit::{
    Ask, Fault, Next, Pace, Reading, Readings, Sampling, Sensor, address, dead_band, i2c_keys,
    sensor_schema,
};
use weihe_sdk::hal::{Delay, I2c};
use weihe_sdk::prelude::*;

/// Where the chip is: SHT4x-A and SHT4x-B have this address and the next (data sheet, version 6, 2.1).
const ADDRESSES: std::ops::RangeInclusive<u8> = 0x44..=0x45;

/// How exactly it is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exactness {
    /// In 2 ms.
    Low,
    /// In 5 ms.
    Medium,
    /// In 9 ms.
    #[default]
    High,
}

impl From<Exactness> for Precision {
    fn from(exactness: Exactness) -> Self {
        match exactness {
            Exactness::Low => Precision::Low,
            Exactness::Medium => Precision::Medium,
            Exactness::High => Precision::High,
        }
    }
}

/// The configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    bus: String,
    #[serde(default = "usual")]
    address: u8,
    #[serde(default)]
    precision: Exactness,
    topic: Option<String>,
    #[serde(default)]
    dead_band: DeadBand,
    #[serde(flatten)]
    pace: Pace,
}

fn usual() -> u8 {
    *ADDRESSES.start()
}

/// By how much a reading has to change before it is published again.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct DeadBand {
    #[serde(default)]
    temperature: f64,
    #[serde(default)]
    humidity: f64,
}

/// The commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Measures now.
    Read,
    /// How things are.
    Status,
    /// The serial number.
    Serial,
}

/// The sensor.
pub struct Climate {
    bus: I2c,
    config: Config,
    chip: Sht4x<I2c, Delay>,
    delay: Delay,
}

fn chip(bus: I2c, address: u8) -> Sht4x<I2c, Delay> {
    let address = match address {
        0x45 => Address::Address0x45,
        _ => Address::Address0x44,
    };
    Sht4x::new_with_address(bus, address)
}

impl Sensor for Climate {
    type Config = Config;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            "sht4x",
            env!("CARGO_PKG_VERSION"),
            "Temperature and humidity from a Sensirion SHT40, SHT41 or SHT45",
        )
        .command(
            CommandInfo::new("serial", "The chip's serial number")
                .answer(r#"{"type":"object","properties":{"serial":{"type":"integer"}}}"#),
        )
        .publishes("plugin/{device}/temperature", "degrees Celsius (number)")
        .publishes(
            "plugin/{device}/humidity",
            "relative humidity in per cent (number)",
        )
        .config_schema(&sensor_schema(
            r#""bus""#,
            &[
                i2c_keys(*ADDRESSES.start(), *ADDRESSES.end()),
                r#""precision":{"enum":["low","medium","high"]}"#.to_owned(),
                dead_band(&["temperature", "humidity"]),
            ]
            .join(","),
        ))
    }

    fn pace(config: &Config) -> Pace {
        config.pace.clone()
    }

    fn topic(config: &Config) -> Option<&str> {
        config.topic.as_deref()
    }

    fn readings(config: &Config) -> Vec<Reading> {
        // The chip resolves 0.01 of both (data sheet, tables 1 and 2).
        vec![
            Reading::new("temperature")
                .decimals(2)
                .dead_band(config.dead_band.temperature),
            Reading::new("humidity")
                .decimals(2)
                .dead_band(config.dead_band.humidity),
        ]
    }

    fn open(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        let at = address(config.address, ADDRESSES, "an SHT4x")
            .map_err(|text| Error::fatal(format!("config: {text}")))?;
        let bus = ctx.i2c(&config.bus)?;
        Ok(Climate {
            chip: chip(bus.clone(), at),
            delay: ctx.delay(),
            bus,
            config,
        })
    }

    fn what(&self) -> String {
        format!(
            "SHT4x at {:#04x} on {}",
            self.config.address, self.config.bus
        )
    }

    fn prepare(&mut self) -> Result<(), Fault> {
        // A chip that was interrupted within a command hears nothing else before a reset (data sheet, 4.7).
        self.chip = chip(self.bus.clone(), self.config.address);
        self.chip
            .soft_reset(&mut self.delay)
            .map_err(|error| Fault::of(&error))
    }

    fn step(&mut self, _: &mut Context, _: u32, readings: &mut Readings) -> Result<Next, Fault> {
        // 9 ms at the most: shorter than a timer is worth.
        let measured = self
            .chip
            .measure(self.config.precision.into(), &mut self.delay)
            .map_err(|error| Fault::of(&error))?;
        readings.put(0, measured.temperature_celsius().to_num());
        readings.put(1, measured.humidity_percent().to_num());
        Ok(Next::Done)
    }

    fn ask(command: &Command) -> Ask {
        match command {
            Command::Read => Ask::Read,
            Command::Status => Ask::Status,
            Command::Serial => Ask::Own,
        }
    }

    fn on_command(&mut self, _: &mut Context, _: CallId, _: Command) -> Result<Answer, CallError> {
        let serial = self
            .chip
            .serial_number(&mut self.delay)
            .map_err(|error| Fault::of(&error))?;
        Answer::json(&serde_json::json!({ "serial": serial }))
    }
}

/// The plugin.
pub type Plugin = Sampling<Climate>;

weihe_sdk::plugin!(Plugin: events, commands);

#[cfg(test)]
mod tests;
