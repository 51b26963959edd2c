#![doc = include_str!("../../../docs/plugins/ina226.md")]

use ina226::{AVG, INA226, MODE, VBUSCT, VSHCT};
use serde::Deserialize;
use weihe_plugin_kit::{
    Ask, Command, Fault, Next, Pace, Reading, Readings, Sampling, Sensor, address, dead_band,
    i2c_keys, sensor_schema,
};
use weihe_sdk::hal::I2c;
use weihe_sdk::prelude::*;

/// Where the chip is, by the pins A0 and A1 (data sheet SBOS547, table 6-2).
const ADDRESSES: std::ops::RangeInclusive<u8> = 0x40..=0x4f;

/// The largest voltage at the shunt that is measured (data sheet, 5.5), in volts.
const MOST_SHUNT: f64 = 0.081_92;

/// The number that makes calibration a whole one (equation 1).
const SCALE: f64 = 0.005_12;

/// The configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    bus: String,
    #[serde(default = "usual")]
    address: u8,
    shunt: f64,
    max_current: f64,
    #[serde(default = "sixteen")]
    average: u32,
    topic: Option<String>,
    #[serde(default)]
    dead_band: DeadBand,
    #[serde(flatten)]
    pace: Pace,
}

fn usual() -> u8 {
    *ADDRESSES.start()
}

/// With the chip's 1.1 ms a conversion that is about a period of the mains, whose ripple goes.
fn sixteen() -> u32 {
    16
}

/// By how much a reading has to change before it is published again.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct DeadBand {
    #[serde(default)]
    voltage: f64,
    #[serde(default)]
    current: f64,
    #[serde(default)]
    power: f64,
}

impl Config {
    fn check(&self) -> Result<(), String> {
        address(self.address, ADDRESSES, "an INA226")?;
        let (shunt, most) = (self.shunt, self.max_current);
        if !(shunt > 0.0 && most > 0.0) {
            return Err("`shunt` and `max-current` must be more than 0".to_owned());
        }
        if shunt * most > MOST_SHUNT * 1.001 {
            return Err(format!(
                "`max-current`: {most} A through {shunt} Ω are {:.1} mV, and the chip measures up to {:.2} mV",
                shunt * most * 1e3,
                MOST_SHUNT * 1e3
            ));
        }
        // The register has 15 bits.
        let calibration = SCALE / (most / 32_768.0 * shunt);
        if !(1.0..=32_767.0).contains(&calibration) {
            return Err(format!(
                "`max-current`: {most} A is so little for a shunt of {shunt} Ω that the chip cannot be calibrated for it"
            ));
        }
        Ok(())
    }

    fn settings(&self) -> ina226::Config {
        ina226::Config {
            avg: match self.average {
                1 => AVG::_1,
                4 => AVG::_4,
                64 => AVG::_64,
                128 => AVG::_128,
                256 => AVG::_256,
                512 => AVG::_512,
                1024 => AVG::_1024,
                _ => AVG::_16,
            },
            vbusct: VBUSCT::_1100us,
            vshct: VSHCT::_1100us,
            mode: MODE::ShuntBusVoltageContinuous,
        }
    }
}

/// The sensor.
pub struct Meter {
    chip: INA226<I2c>,
    config: Config,
    /// What the calibration register holds, as long as the chip has not forgotten it.
    calibration: u16,
    /// Whether a first conversion has to be awaited.
    is_fresh: bool,
}

impl Sensor for Meter {
    type Config = Config;
    type Command = Command;
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            "ina226",
            env!("CARGO_PKG_VERSION"),
            "Voltage, current and power from a Texas Instruments INA226",
        )
        .publishes("plugin/{device}/voltage", "volts (number)")
        .publishes("plugin/{device}/current", "amperes; negative when they flow back (number)")
        .publishes("plugin/{device}/power", "watts (number)")
        .config_schema(&sensor_schema(
            r#""bus","shunt","max-current""#,
            &[
                i2c_keys(*ADDRESSES.start(), *ADDRESSES.end()),
                r#""shunt":{"type":"number","exclusiveMinimum":0,"description":"ohms"}"#.to_owned(),
                r#""max-current":{"type":"number","exclusiveMinimum":0,"description":"amperes that are to be measured at the most"}"#.to_owned(),
                r#""average":{"enum":[1,4,16,64,128,256,512,1024],"description":"conversions of which the mean is taken"}"#.to_owned(),
                dead_band(&["voltage", "current", "power"]),
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
            voltage,
            current,
            power,
        } = config.dead_band;
        vec![
            // 1.25 mV a step (table 6-1).
            Reading::new("voltage").decimals(3).dead_band(voltage),
            Reading::new("current").decimals(6).dead_band(current),
            Reading::new("power").decimals(6).dead_band(power),
        ]
    }

    fn open(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        config
            .check()
            .map_err(|text| Error::fatal(format!("config: {text}")))?;
        let bus = ctx.i2c(&config.bus)?;
        Ok(Meter {
            chip: INA226::new(bus, config.address),
            config,
            calibration: 0,
            is_fresh: true,
        })
    }

    fn what(&self) -> String {
        format!(
            "INA226 at {:#04x} on {}",
            self.config.address, self.config.bus
        )
    }

    fn prepare(&mut self) -> Result<(), Fault> {
        self.chip.set_configuration(&self.config.settings())?;
        self.chip
            .callibrate(self.config.shunt, self.config.max_current)?;
        self.calibration = self.chip.callibration()?;
        self.is_fresh = true;
        Ok(())
    }

    fn step(&mut self, _: &mut Context, _: u32, readings: &mut Readings) -> Result<Next, Fault> {
        if std::mem::take(&mut self.is_fresh) {
            // Of both voltages, with a tenth for the chip's clock (6.5).
            let nanos = 2 * 1_100_000 * u64::from(self.config.average) * 11 / 10;
            return Ok(Next::After(Duration::from_nanos(nanos)));
        }
        if self.chip.callibration()? != self.calibration || self.calibration == 0 {
            return Err(Fault::new(format!(
                "{} has forgotten its settings: it was without power",
                self.what()
            )));
        }
        let raw = self.chip.shunt_voltage_raw()?;
        let volts = self.chip.bus_voltage_millivolts()? / 1e3;
        let amperes = self.chip.current_amps()?.unwrap_or(f64::NAN);
        let watts = self.chip.power_watts()?.unwrap_or(f64::NAN);
        readings.put(0, volts);
        // At the end of its range it may be any more.
        let trusted = match raw {
            i16::MIN | i16::MAX => Quality::Uncertain,
            _ => Quality::Good,
        };
        readings.put_as(1, amperes, trusted);
        readings.put_as(2, watts, trusted);
        Ok(Next::Done)
    }

    fn ask(command: &Command) -> Ask {
        command.into()
    }
}

/// The plugin.
pub type Plugin = Sampling<Meter>;

weihe_sdk::plugin!(Plugin: events, commands);
