#![doc = include_str!("../../../docs/plugins/bme280.md")]

use bme280::i2c::BME280;
use bme280::{Configuration, IIRFilter, Oversampling};
use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c as _;
use serde::Deserialize;
use weihe_plugin_kit::{
    Ask, Command, Fault, Next, Pace, Reading, Readings, Sampling, Sensor, address, dead_band,
    i2c_keys, sensor_schema,
};
use weihe_sdk::hal::{Delay, I2c};
use weihe_sdk::prelude::*;

/// Where the chip is, by the level of SDO (data sheet BST-BME280-DS002, 6.2).
const ADDRESSES: std::ops::RangeInclusive<u8> = 0x76..=0x77;

/// Registers (5.4).
const ID: u8 = 0xd0;
const CTRL_MEAS: u8 = 0xf4;

/// What a BMP280 says, which measures no humidity.
const BMP280: u8 = 0x58;

/// The configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    bus: String,
    #[serde(default = "usual")]
    address: u8,
    #[serde(default = "once")]
    oversampling: u32,
    #[serde(default)]
    filter: u32,
    topic: Option<String>,
    #[serde(default)]
    dead_band: DeadBand,
    #[serde(flatten)]
    pace: Pace,
}

fn usual() -> u8 {
    *ADDRESSES.start()
}

fn once() -> u32 {
    1
}

/// By how much a reading has to change before it is published again.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct DeadBand {
    #[serde(default)]
    temperature: f64,
    #[serde(default)]
    humidity: f64,
    #[serde(default)]
    pressure: f64,
}

impl Config {
    fn settings(&self) -> Configuration {
        let times = match self.oversampling {
            2 => Oversampling::Oversampling2X,
            4 => Oversampling::Oversampling4X,
            8 => Oversampling::Oversampling8X,
            16 => Oversampling::Oversampling16X,
            _ => Oversampling::Oversampling1X,
        };
        let filter = match self.filter {
            2 => IIRFilter::Coefficient2,
            4 => IIRFilter::Coefficient4,
            8 => IIRFilter::Coefficient8,
            16 => IIRFilter::Coefficient16,
            _ => IIRFilter::Off,
        };
        Configuration::default()
            .with_temperature_oversampling(times)
            .with_humidity_oversampling(times)
            .with_pressure_oversampling(times)
            .with_iir_filter(filter)
    }

    /// The longest time that a measurement takes (appendix B, 9.1), and a millisecond more.
    fn duration(&self) -> Duration {
        let times = u64::from(self.oversampling);
        let micros = 1_250 + 2_300 * times + 2 * (2_300 * times + 575);
        Duration::from_nanos((micros + 1_000) * 1_000)
    }
}

/// Waits that are left to timers.
struct NoWait;

impl DelayNs for NoWait {
    fn delay_ns(&mut self, _: u32) {}
}

/// The sensor.
pub struct Weather {
    bus: I2c,
    delay: Delay,
    chip: BME280<I2c>,
    has_humidity: bool,
    config: Config,
}

impl Weather {
    fn register(&mut self, register: u8) -> Result<u8, Fault> {
        let mut byte = [0];
        self.bus
            .write_read(self.config.address, &[register], &mut byte)?;
        Ok(byte[0])
    }
}

impl Sensor for Weather {
    type Config = Config;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        let times = r#""enum":[1,2,4,8,16]"#;
        Description::new(
            "bme280",
            env!("CARGO_PKG_VERSION"),
            "Temperature, humidity and pressure from a Bosch BME280",
        )
        .publishes("plugin/{device}/temperature", "degrees Celsius (number)")
        .publishes("plugin/{device}/humidity", "relative humidity in per cent (number)")
        .publishes("plugin/{device}/pressure", "hectopascals (number)")
        .config_schema(&sensor_schema(
            r#""bus""#,
            &[
                i2c_keys(*ADDRESSES.start(), *ADDRESSES.end()),
                format!(r#""oversampling":{{{times},"description":"measurements of which one is made"}}"#),
                r#""filter":{"enum":[0,2,4,8,16],"description":"coefficient of the chip's filter; 0: none"}"#.to_owned(),
                dead_band(&["temperature", "humidity", "pressure"]),
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
        let DeadBand {
            temperature,
            humidity,
            pressure,
        } = config.dead_band;
        // What the chip resolves (1.1 to 1.4).
        vec![
            Reading::new("temperature")
                .decimals(2)
                .dead_band(temperature),
            Reading::new("humidity").decimals(2).dead_band(humidity),
            Reading::new("pressure").decimals(2).dead_band(pressure),
        ]
    }

    fn open(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        let at = address(config.address, ADDRESSES, "a BME280")
            .map_err(|text| Error::fatal(format!("config: {text}")))?;
        let bus = ctx.i2c(&config.bus)?;
        Ok(Weather {
            chip: BME280::new(bus.clone(), at),
            delay: ctx.delay(),
            bus,
            has_humidity: true,
            config,
        })
    }

    fn what(&self) -> String {
        format!(
            "BME280 at {:#04x} on {}",
            self.config.address, self.config.bus
        )
    }

    fn prepare(&mut self) -> Result<(), Fault> {
        self.has_humidity = self.register(ID)? != BMP280;
        let settings = self.config.settings();
        let ready = self.chip.init_with_config(&mut self.delay, settings);
        ready.map_err(|error| Fault::of(&error))
    }

    fn step(&mut self, _: &mut Context, step: u32, readings: &mut Readings) -> Result<Next, Fault> {
        if step == 0 {
            // The driver begins a measurement, would wait 40 ms, and reads. It is not let wait: what it reads is that of
            // before, which nobody wants.
            let begun = self.chip.measure(&mut NoWait);
            begun.map_err(|error| Fault::of(&error))?;
            return Ok(Next::After(self.config.duration()));
        }
        // A chip that lost its power has forgotten how it was set, and measures nothing.
        if self.register(CTRL_MEAS)? & 0xfc == 0 {
            return Err(Fault::new(format!(
                "{} has forgotten its settings: it was without power",
                self.what()
            )));
        }
        // Reads what was measured, and begins another measurement that ends by itself.
        let measured = self.chip.measure(&mut NoWait);
        let measured = measured.map_err(|error| Fault::of(&error))?;
        readings.put(0, measured.temperature.into());
        if self.has_humidity {
            readings.put(1, measured.humidity.into());
        }
        readings.put(2, f64::from(measured.pressure) / 100.0);
        Ok(Next::Done)
    }

    fn ask(command: &Command) -> Ask {
        command.into()
    }
}

/// The plugin.
pub type Plugin = Sampling<Weather>;

weihe_sdk::plugin!(Plugin: events, commands);
