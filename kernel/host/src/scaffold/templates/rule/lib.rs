//! A rule: it watches a number on the bus, and raises an alarm above a limit.

use serde::{Deserialize, Serialize};
use weihe_sdk::prelude::*;

/// One instance a device: what it remembers between two calls.
pub struct Rule {
    output: Topic,
    limit: f64,
    hysteresis: f64,
    alarm: bool,
}

/// `[device.NAME.config]` in weihe.toml. Keys that are not here are errors. What is said here is said in
/// `config.schema.json`, too: `weihe check` reads it, and editors do.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// The topic that is watched; the device needs a grant to subscribe to it.
    input: String,
    /// Above it there is an alarm.
    limit: f64,
    /// How far below the limit the alarm ends, so that noise does not switch it.
    #[serde(default)]
    hysteresis: f64,
}

/// What survives a restart, and a swap to a new version of this plugin.
#[derive(Serialize, Deserialize)]
pub struct State {
    alarm: bool,
}

impl Plugin for Rule {
    type Config = Config;
    // See the template `driver` for a plugin with commands.
    type Command = NoCommand;
    type State = State;

    fn describe() -> Description {
        Description::new(
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION"),
            "Raises an alarm above a limit",
        )
        .config_schema(include_str!("config.schema.json"))
        .publishes("plugin/{device}/alarm", "whether there is an alarm")
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<State>) -> Result<Self, Error> {
        if config.hysteresis < 0.0 {
            return Err(Error::fatal("config: `hysteresis` is below zero"));
        }
        ctx.subscribe(&config.input)?;
        let output = ctx.own_topic("alarm")?;
        let alarm = restored.is_some_and(|state| state.alarm);
        // Said at each start: the last values of topics do not outlive the host, and from now on only
        // changes are published.
        ctx.publish_on(output, alarm);
        Ok(Rule {
            output,
            limit: config.limit,
            hysteresis: config.hysteresis,
            alarm,
        })
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        let Some(value) = event.value.as_f64() else {
            // The event goes to `$dead/<device>`, where an operator finds it.
            return Err(Error::rejected(format!(
                "`{}`: expected a number, found {}",
                event.topic, event.value
            )));
        };
        let alarm = if self.alarm {
            value > self.limit - self.hysteresis
        } else {
            value > self.limit
        };
        if alarm != self.alarm {
            self.alarm = alarm;
            ctx.publish_on(self.output, alarm);
        }
        Ok(())
    }

    fn export_state(&self) -> Option<State> {
        Some(State { alarm: self.alarm })
    }
}

// What of the trait the component exports.
weihe_sdk::plugin!(Rule: events, state);

#[cfg(test)]
mod tests;
