#![doc = include_str!("../../../docs/plugins/mcp3008.md")]

use embedded_hal::spi::SpiDevice as _;
use serde::Deserialize;
use weihe_plugin_kit::{
    Ask, Channel, Command, Fault, Next, Pace, Reading, Readings, Sampling, Sensor, channels_key,
    check_names, sensor_schema,
};
use weihe_sdk::hal::{Spi, SpiOptions};
use weihe_sdk::prelude::*;

/// What the converter counts to (data sheet DS21295, 4.1).
const FULL: f64 = 1_024.0;

/// An input, or two of which the difference is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Input(u8);

impl TryFrom<String> for Input {
    type Error = String;

    /// The bits that choose it (table 5-2): `ch3`, or `ch2-ch3`.
    fn try_from(text: String) -> Result<Self, String> {
        let number = |text: &str| -> Option<u8> {
            let number = text.strip_prefix("ch")?.parse().ok()?;
            (number < 8).then_some(number)
        };
        let bits = match text.split_once('-') {
            None => number(&text).map(|one| 8 | one),
            // Pairs are fixed, and either may be the positive one.
            Some((plus, minus)) => number(plus)
                .zip(number(minus))
                .and_then(|(plus, minus)| (plus ^ minus == 1).then_some(plus)),
        };
        bits.map(Input).ok_or_else(|| {
            format!("`{text}` is no input of the chip: `ch0` to `ch7`, or a pair like `ch2-ch3` or `ch3-ch2`")
        })
    }
}

/// The configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    spi: String,
    channels: Vec<Channel<Input>>,
    #[serde(default = "reference")]
    reference: f64,
    #[serde(default = "frequency")]
    frequency: u32,
    topic: Option<String>,
    #[serde(flatten)]
    pace: Pace,
}

/// The supply of most boards.
fn reference() -> f64 {
    3.3
}

/// What the chip takes at 2.7 V (table 1-1).
fn frequency() -> u32 {
    1_350_000
}

/// The converter.
pub struct Converter {
    spi: Spi,
    config: Config,
}

impl Converter {
    fn convert(&mut self, input: Input) -> Result<u16, Fault> {
        // A start bit; which input; then a null bit and ten bits of result (figure 6-1).
        let mut bytes = [1, input.0 << 4, 0];
        self.spi.transfer_in_place(&mut bytes)?;
        if bytes[1] & 0x04 != 0 {
            return Err(Fault::new(format!("{} does not answer", self.what())));
        }
        Ok(u16::from(bytes[1] & 0x03) << 8 | u16::from(bytes[2]))
    }
}

impl Sensor for Converter {
    type Config = Config;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            "mcp3008",
            env!("CARGO_PKG_VERSION"),
            "Voltages from a Microchip MCP3008",
        )
        .publishes("plugin/{device}/+", "each channel under its name (number)")
        .config_schema(&sensor_schema(
            r#""spi","channels""#,
            &[
                r#""spi":{"type":"string","minLength":1,"description":"the SPI peripheral, as the grant names it"}"#.to_owned(),
                channels_key(r#"{"type":"string","description":"ch0 to ch7, or a pair like ch2-ch3"}"#),
                r#""reference":{"type":"number","exclusiveMinimum":0,"description":"volts at VREF"}"#.to_owned(),
                r#""frequency":{"type":"integer","minimum":10000,"maximum":3600000,"description":"hertz of the bus"}"#.to_owned(),
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
        let names = config.channels.iter().map(|channel| &*channel.name);
        check_names("channels", names).map_err(|text| Error::fatal(format!("config: {text}")))?;
        let options = SpiOptions::new().hertz(config.frequency);
        let spi = ctx.spi(&config.spi, options)?;
        Ok(Converter { spi, config })
    }

    fn what(&self) -> String {
        format!("MCP3008 at {}", self.config.spi)
    }

    fn step(&mut self, _: &mut Context, _: u32, readings: &mut Readings) -> Result<Next, Fault> {
        for index in 0..self.config.channels.len() {
            let Some(input) = self.config.channels.get(index).map(|channel| channel.input) else {
                break;
            };
            let raw = self.convert(input)?;
            let volts = f64::from(raw) * self.config.reference / FULL;
            if let Some(channel) = self.config.channels.get(index) {
                readings.put(index, channel.value(volts));
            }
        }
        Ok(Next::Done)
    }

    fn ask(command: &Command) -> Ask {
        command.into()
    }
}

/// The plugin.
pub type Plugin = Sampling<Converter>;

weihe_sdk::plugin!(Plugin: events, commands);
