#![doc = include_str!("../../../docs/plugins/ads1115.md")]

use ads1x1x::ic::{Ads1115 as Part, Resolution16Bit};
use ads1x1x::{Ads1x1x, DataRate16Bit, FullScaleRange, TargetAddr, channel, mode};
use serde::Deserialize;
use weihe_plugin_kit::{
    Ask, Channel, Command, Fault, Next, Pace, Reading, Readings, Sampling, Sensor, address,
    channels_key, check_names, i2c_keys, sensor_schema,
};
use weihe_sdk::hal::{I2c, I2cError};
use weihe_sdk::prelude::*;

/// Where the chip is, by what its pin ADDR is connected to (data sheet SBAS444, table 7-2).
const ADDRESSES: std::ops::RangeInclusive<u8> = 0x48..=0x4b;

/// How often a conversion that is late is looked at again.
const LATE: u32 = 10;

type Chip = Ads1x1x<I2c, Part, Resolution16Bit, mode::OneShot>;

/// An input, or two of which the difference is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// Against ground.
    A0,
    /// Against ground.
    A1,
    /// Against ground.
    A2,
    /// Against ground.
    A3,
    /// The first less the second.
    #[serde(rename = "a0-a1")]
    A0A1,
    /// The first less the second.
    #[serde(rename = "a0-a3")]
    A0A3,
    /// The first less the second.
    #[serde(rename = "a1-a3")]
    A1A3,
    /// The first less the second.
    #[serde(rename = "a2-a3")]
    A2A3,
}

/// The configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    bus: String,
    #[serde(default = "usual")]
    address: u8,
    channels: Vec<Channel<Input>>,
    #[serde(default = "range")]
    range: f64,
    #[serde(default = "rate")]
    rate: u32,
    topic: Option<String>,
    #[serde(flatten)]
    pace: Pace,
}

fn usual() -> u8 {
    *ADDRESSES.start()
}

/// Signals of boards with 3.3 V fit.
fn range() -> f64 {
    4.096
}

/// The chip's own.
fn rate() -> u32 {
    128
}

impl Config {
    /// The range, for the driver and in volts.
    fn full_scale(&self) -> Result<(FullScaleRange, f64), String> {
        Ok(match (self.range * 1e3).round() as i64 {
            6144 => (FullScaleRange::Within6_144V, 6.144),
            4096 => (FullScaleRange::Within4_096V, 4.096),
            2048 => (FullScaleRange::Within2_048V, 2.048),
            1024 => (FullScaleRange::Within1_024V, 1.024),
            512 => (FullScaleRange::Within0_512V, 0.512),
            256 => (FullScaleRange::Within0_256V, 0.256),
            _ => {
                return Err(format!(
                    "`range`: {} V is none of the chip's: 6.144, 4.096, 2.048, 1.024, 0.512, 0.256",
                    self.range
                ));
            }
        })
    }

    fn data_rate(&self) -> DataRate16Bit {
        match self.rate {
            8 => DataRate16Bit::Sps8,
            16 => DataRate16Bit::Sps16,
            32 => DataRate16Bit::Sps32,
            64 => DataRate16Bit::Sps64,
            250 => DataRate16Bit::Sps250,
            475 => DataRate16Bit::Sps475,
            860 => DataRate16Bit::Sps860,
            _ => DataRate16Bit::Sps128,
        }
    }

    /// How long a conversion takes, with the tenth by which the chip's clock may be slow (7.5), and 0.1 ms for waking
    /// up.
    fn conversion(&self) -> Duration {
        let rate = u64::from(self.rate.max(1));
        Duration::from_nanos(1_100_000_000 / rate + 100_000)
    }
}

/// The converter.
pub struct Converter {
    bus: I2c,
    chip: Chip,
    volts: f64,
    config: Config,
    /// The channel that is converted.
    at: usize,
    late: u32,
}

fn chip(bus: I2c, address: u8) -> Chip {
    Ads1x1x::new_ads1115(
        bus,
        match address {
            0x49 => TargetAddr::Vdd,
            0x4a => TargetAddr::Sda,
            0x4b => TargetAddr::Scl,
            _ => TargetAddr::Gnd,
        },
    )
}

fn read(chip: &mut Chip, input: Input) -> nb::Result<i16, ads1x1x::Error<I2cError>> {
    match input {
        Input::A0 => chip.read(channel::SingleA0),
        Input::A1 => chip.read(channel::SingleA1),
        Input::A2 => chip.read(channel::SingleA2),
        Input::A3 => chip.read(channel::SingleA3),
        Input::A0A1 => chip.read(channel::DifferentialA0A1),
        Input::A0A3 => chip.read(channel::DifferentialA0A3),
        Input::A1A3 => chip.read(channel::DifferentialA1A3),
        Input::A2A3 => chip.read(channel::DifferentialA2A3),
    }
}

impl Sensor for Converter {
    type Config = Config;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            "ads1115",
            env!("CARGO_PKG_VERSION"),
            "Voltages from a Texas Instruments ADS1115",
        )
        .publishes("plugin/{device}/+", "each channel under its name (number)")
        .config_schema(&sensor_schema(
            r#""bus","channels""#,
            &[
                i2c_keys(*ADDRESSES.start(), *ADDRESSES.end()),
                channels_key(r#"{"enum":["a0","a1","a2","a3","a0-a1","a0-a3","a1-a3","a2-a3"]}"#),
                r#""range":{"enum":[6.144,4.096,2.048,1.024,0.512,0.256],"description":"volts that are measured at the most, either way"}"#.to_owned(),
                r#""rate":{"enum":[8,16,32,64,128,250,475,860],"description":"conversions in a second; slow ones are quieter"}"#.to_owned(),
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
        config.channels.iter().map(Channel::reading).collect()
    }

    fn open(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        let wrong = |text| Error::fatal(format!("config: {text}"));
        let at = address(config.address, ADDRESSES, "an ADS1115").map_err(wrong)?;
        let names = config.channels.iter().map(|channel| &*channel.name);
        check_names("channels", names).map_err(wrong)?;
        let (_, volts) = config.full_scale().map_err(wrong)?;
        let bus = ctx.i2c(&config.bus)?;
        Ok(Converter {
            chip: chip(bus.clone(), at),
            bus,
            volts,
            config,
            at: 0,
            late: 0,
        })
    }

    fn what(&self) -> String {
        format!(
            "ADS1115 at {:#04x} on {}",
            self.config.address, self.config.bus
        )
    }

    fn prepare(&mut self) -> Result<(), Fault> {
        // A new driver knows of no conversion that was begun.
        self.chip = chip(self.bus.clone(), self.config.address);
        let (range, _) = self.config.full_scale().map_err(Fault::new)?;
        let set = self.chip.set_full_scale_range(range);
        let set = set.and_then(|()| self.chip.set_data_rate(self.config.data_rate()));
        set.map_err(|error| Fault::of(&error))
    }

    fn step(&mut self, _: &mut Context, step: u32, readings: &mut Readings) -> Result<Next, Fault> {
        if step == 0 {
            (self.at, self.late) = (0, 0);
        }
        let Some(channel) = self.config.channels.get(self.at) else {
            return Ok(Next::Done);
        };
        match read(&mut self.chip, channel.input) {
            Ok(raw) => {
                let volts = f64::from(raw) * self.volts / 32_768.0;
                // At the end of its range it may be any more.
                let trusted = match raw {
                    i16::MIN | i16::MAX => Quality::Uncertain,
                    _ => Quality::Good,
                };
                readings.put_as(self.at, channel.value(volts), trusted);
                self.at += 1;
                self.late = 0;
                Ok(Next::After(Duration::ZERO))
            }
            Err(nb::Error::WouldBlock) if self.late < LATE => {
                self.late += 1;
                Ok(Next::After(self.config.conversion()))
            }
            Err(nb::Error::WouldBlock) => Err(Fault::new(format!(
                "{} never comes to the end of a conversion",
                self.what()
            ))),
            Err(nb::Error::Other(error)) => Err(Fault::of(&error)),
        }
    }

    fn ask(command: &Command) -> Ask {
        command.into()
    }
}

/// The plugin.
pub type Plugin = Sampling<Converter>;

weihe_sdk::plugin!(Plugin: events, commands);
