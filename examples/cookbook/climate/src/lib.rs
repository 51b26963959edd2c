//! Temperature and humidity of an SHT40 on an I2C bus. The chip is known to the crate `sht4x`, as it is on crates.io;
//! this plugin says when to measure, and what becomes of it.

use serde::Deserialize;
use sht4x::{Precision, Sht4x};
use weihe_sdk::hal::{Delay, HalError, I2c};
use weihe_sdk::prelude::*;

/// The sensor, and what was said of it last.
pub struct Climate {
    sensor: Sht4x<I2c, Delay>,
    delay: Delay,
    temperature: Topic,
    humidity: Topic,
    /// Whether it measured the last time; `None` before the first.
    working: Option<bool>,
}

/// `[device.NAME.config]` in weihe.toml.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// How often to measure.
    #[serde(default = "ten_seconds")]
    period: Duration,
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

impl Plugin for Climate {
    type Config = Config;
    type Command = NoCommand;
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            "climate",
            env!("CARGO_PKG_VERSION"),
            "Temperature and humidity of an SHT40",
        )
        .publishes("plugin/{device}/temperature", "degrees Celsius")
        .publishes("plugin/{device}/humidity", "per cent relative humidity")
        .config_schema(include_str!("config.schema.json"))
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        ctx.every_with("measure", config.period, Every::new().first(Duration::ZERO))?;
        // A name of the plugin's own; the grant says which bus it is on this board.
        let bus = ctx.i2c("sensors").map_err(in_start)?;
        Ok(Climate {
            sensor: Sht4x::new(bus),
            delay: ctx.delay(),
            temperature: ctx.own_topic("temperature")?,
            humidity: ctx.own_topic("humidity")?,
            working: None,
        })
    }

    fn on_timer(&mut self, ctx: &mut Context, _timer: &str, _ticks: u64) -> Result<(), Error> {
        // The driver waits 8 ms for the chip; nothing else of this device happens meanwhile.
        match self.sensor.measure(Precision::High, &mut self.delay) {
            Ok(measured) => {
                if self.working.replace(true) == Some(false) {
                    weihe_sdk::log::info!("the sensor is back");
                }
                let temperature: f64 = measured.temperature_celsius().to_num();
                let humidity: f64 = measured.humidity_percent().to_num();
                ctx.publish_on(self.temperature, temperature);
                ctx.publish_on(self.humidity, humidity);
            }
            // An error of the crate, with the kernel's words in it. Said once: it may last for days.
            Err(error) => {
                if self.working.replace(false) != Some(false) {
                    weihe_sdk::log::warn!("no measurement: {error:?}");
                    for topic in [self.temperature, self.humidity] {
                        ctx.publish_on(topic, Sample::new(Value::None).quality(Quality::Bad));
                    }
                }
            }
        }
        Ok(())
    }
}

/// What a grant or the board lacks, no restart mends.
fn in_start(error: HalError) -> Error {
    Error::from(error).while_doing("opening the bus of the sensor")
}

weihe_sdk::plugin!(Climate: events);

#[cfg(test)]
mod tests;
