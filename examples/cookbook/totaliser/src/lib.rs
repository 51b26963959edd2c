//! A water meter gives pulses, and a counter module counts them: in 16 bits, and from 0 after each
//! power failure. This plugin makes litres of them that only ever grow.

use serde::{Deserialize, Serialize};
use serde_json::json;
use weihe_sdk::prelude::*;

/// The meter.
pub struct Totaliser {
    config: Config,
    litres: Topic,
    state: State,
}

/// `[device.NAME.config]` in weihe.toml.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// The topic of the counter's reading.
    counter: String,
    /// As it stands on the meter.
    pulses_per_litre: f64,
    /// After so many pulses the counter begins at 0 again.
    wraps_at: Option<i64>,
}

/// What an operator can ask.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Begins anew, from 0 or from what stands on a new meter.
    Reset {
        /// What to begin with.
        #[serde(default)]
        litres: f64,
    },
}

/// What survives. Pulses, because whole numbers add up without error for ever.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct State {
    pulses: i64,
    /// The counter's last reading; the next one counts from here.
    counter: Option<i64>,
    reset: Option<Timestamp>,
}

/// The state of version 0.0 of this plugin, which wrote −1 for "no reading yet".
#[derive(Deserialize)]
struct Version1 {
    total: i64,
    last: i64,
}

impl Plugin for Totaliser {
    type Config = Config;
    type Command = Command;
    type State = State;
    const STATE_VERSION: u32 = 2;

    fn describe() -> Description {
        Description::new(
            "totaliser",
            env!("CARGO_PKG_VERSION"),
            "Makes litres of a pulse counter that wraps and restarts",
        )
        .publishes("plugin/{device}/litres", "the volume so far in L")
        .command(
            CommandInfo::new("reset", "Begins anew; answers what there was")
                .arguments(r#"{"type":"object","additionalProperties":false,"properties":{"litres":{"type":"number","minimum":0}}}"#)
                .answer(r#"{"type":"object","properties":{"litres":{"type":"number"},"since":{"type":["integer","null"]}}}"#),
        )
        .config_schema(include_str!("config.schema.json"))
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<State>) -> Result<Self, Error> {
        if config.pulses_per_litre.is_nan() || config.pulses_per_litre <= 0.0 {
            return Err(Error::fatal("config: `pulses-per-litre` is not above 0"));
        }
        if config.wraps_at.is_some_and(|pulses| pulses < 2) {
            return Err(Error::fatal("config: `wraps-at` is below 2"));
        }
        ctx.subscribe(&config.counter)?;
        let totaliser = Totaliser {
            config,
            litres: ctx.own_topic("litres")?,
            state: restored.unwrap_or_default(),
        };
        ctx.publish_on(totaliser.litres, totaliser.litres());
        Ok(totaliser)
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        if event.quality == Quality::Bad {
            // The reading after the gap holds its pulses too.
            return Ok(());
        }
        let most = self.config.wraps_at.map_or(i64::MAX, |pulses| pulses - 1);
        let reading = match event.value.as_i64() {
            Some(reading) if (0..=most).contains(&reading) => reading,
            _ => {
                return Err(Error::rejected(format!(
                    "`{}`: expected an integer from 0 to {most}, found {}",
                    event.topic, event.value
                )));
            }
        };
        let new = match self.state.counter {
            // What the counter had before nobody knows.
            None => 0,
            Some(last) => self.pulses_between(last, reading),
        };
        self.state.counter = Some(reading);
        self.state.pulses = self.state.pulses.saturating_add(new);
        if new > 0 {
            ctx.publish_on(self.litres, Sample::new(self.litres()).at(event.time));
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        let Command::Reset { litres } = call.command;
        if !(0.0..1e12).contains(&litres) {
            return Err(CallError::invalid_argument(format!(
                "reset: `litres`: {litres} is no volume"
            )));
        }
        let before = json!({ "litres": self.litres(), "since": self.state.reset });
        self.state.pulses = (litres * self.config.pulses_per_litre).round() as i64;
        self.state.reset = Some(ctx.now());
        ctx.publish_on(self.litres, self.litres());
        Answer::json(&before)
    }

    fn export_state(&self) -> Option<State> {
        Some(State { ..self.state })
    }

    fn migrate(version: u32, state: OldState<'_>) -> Result<State, Error> {
        if version != 1 {
            return Err(Error::rejected(format!(
                "state of version {version} is not known"
            )));
        }
        let old: Version1 = state.read()?;
        Ok(State {
            pulses: old.total,
            counter: (old.last >= 0).then_some(old.last),
            reset: None,
        })
    }
}

impl Totaliser {
    fn litres(&self) -> f64 {
        self.state.pulses as f64 / self.config.pulses_per_litre
    }

    /// Pulses from one reading to the next.
    fn pulses_between(&self, last: i64, reading: i64) -> i64 {
        match self.config.wraps_at {
            _ if reading >= last => reading - last,
            // Less than half a turn ahead: it went over the end. Else it lost its power.
            Some(turn) if reading + turn - last < turn / 2 => reading + turn - last,
            _ => {
                weihe_sdk::log::warn!("the counter went from {last} to {reading}: it began anew");
                reading
            }
        }
    }
}

// What of the trait the component exports: events, commands, and the state.
weihe_sdk::plugin!(Totaliser: events, commands, state);

#[cfg(test)]
mod tests;
