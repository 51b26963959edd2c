//! A sensor: a chip on an I2C bus, by a driver crate of the embedded-hal ecosystem, as it is on crates.io.
//!
//! The chip here is an LM75, which measures a temperature. Put the crate of yours in the place of `lm75`, in `Cargo.toml`
//! and in `Chip`: any that is written for embedded-hal 1.0 will do. The rest can stay.

use lm75::{Lm75, ic};
use serde::Deserialize;
use weihe_sdk::hal::I2c;
use weihe_sdk::prelude::*;

/// The driver, on the SDK's bus. One for SPI takes `weihe_sdk::hal::Spi`, one that waits gets `ctx.delay()`.
type Chip = Lm75<I2c, ic::Lm75>;

/// One instance a device: what it remembers between two calls.
pub struct Sensor {
    chip: Chip,
    temperature: Topic,
    /// Whether the chip answered the last time; `None` before the first.
    answers: Option<bool>,
}

/// `[device.NAME.config]` in weihe.toml. Keys that are not here are errors. What is said here is said in
/// `config.schema.json`, too: `weihe check` reads it, and editors do.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// The I2C bus, as the grant names it.
    bus: String,
    /// The chip's address.
    #[serde(default = "first_address")]
    address: u8,
    /// From one measurement to the next.
    #[serde(default = "one_second")]
    period: Duration,
}

/// With the pins A0, A1 and A2 at ground.
fn first_address() -> u8 {
    0x48
}

fn one_second() -> Duration {
    Duration::from_secs(1)
}

/// What an operator can ask: `weihe call DEVICE read`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Read,
}

/// The timer of the measurements.
const MEASURE: &str = "measure";

impl Plugin for Sensor {
    type Config = Config;
    type Command = Command;
    // A sensor that measures anew has nothing to keep. See the template `rule` for one that has.
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION"),
            "Measures the temperature with an LM75",
        )
        .config_schema(include_str!("config.schema.json"))
        .publishes("plugin/{device}/temperature", "the temperature in °C")
        .command(CommandInfo::new("read", "Measures now, in °C").answer(r#"{ "type": "number" }"#))
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        // The bus is there or not, and the chip is not asked yet: one that is absent is no failure of the device.
        let bus = ctx.i2c(&config.bus)?;
        ctx.every_with(MEASURE, config.period, Every::new().first(Duration::ZERO))?;
        Ok(Sensor {
            chip: Lm75::new(bus, config.address),
            temperature: ctx.own_topic("temperature")?,
            answers: None,
        })
    }

    fn on_timer(&mut self, ctx: &mut Context, _timer: &str, _ticks: u64) -> Result<(), Error> {
        // The next tick tries again. What is wrong is published and logged.
        self.measure(ctx).ok();
        Ok(())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::Read => match self.measure(ctx) {
                Ok(temperature) => Answer::json(&temperature),
                Err(why) => {
                    // Not `Err`, of which nothing takes effect: what is published of the fault does.
                    ctx.reply(call.id, Err(CallError::unavailable(why)));
                    Ok(Answer::pending())
                }
            },
        }
    }
}

impl Sensor {
    /// Measures, and publishes what came of it.
    fn measure(&mut self, ctx: &mut Context) -> Result<f64, String> {
        // An error of the driver has the kernel's words in it: which chip, on which bus, and what it did.
        let measured = self.chip.read_temperature();
        let measured = measured.map_err(|error| format!("{error:?}"));
        match &measured {
            Ok(temperature) => {
                if self.answers.replace(true) == Some(false) {
                    weihe_sdk::log::info!("the sensor is back");
                }
                ctx.publish_on(self.temperature, f64::from(*temperature));
            }
            // Said once, for it may last for days. Nobody should take the last value for the present one.
            Err(why) => {
                if self.answers.replace(false) != Some(false) {
                    weihe_sdk::log::warn!("no temperature: {why}");
                    let unknown = Sample::new(Value::None).quality(Quality::Bad);
                    ctx.publish_on(self.temperature, unknown);
                }
            }
        }
        measured.map(f64::from)
    }
}

// What of the trait the component exports: commands, timers (they come as events).
weihe_sdk::plugin!(Sensor: events, commands);

#[cfg(test)]
mod tests;
