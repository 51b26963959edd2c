//! A rule: it watches a number on the bus, and raises an alarm above a limit.

use serde::{Deserialize, Serialize};
use weihe_sdk::prelude::*;

/// One instance a device: what it remembers between two calls.
pub struct Rule {
    output: Topic,
    limit: f64,
    hysteresis: f64,
    alarm: bool,
    /// How far the alarm can be trusted, which is as far as the reading behind it.
    quality: Quality,
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
            quality: Quality::Good,
        })
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        // A driver that gets no answer says so: no value, of bad quality. That neither begins an alarm nor
        // ends one; but nobody should take the alarm for one that is watched.
        if event.quality == Quality::Bad || event.value == Value::None {
            self.say(ctx, self.alarm, Quality::Bad);
            return Ok(());
        }
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
        self.say(ctx, alarm, event.quality);
        Ok(())
    }

    fn export_state(&self) -> Option<State> {
        Some(State { alarm: self.alarm })
    }
}

impl Rule {
    /// Publishes the alarm when it, or how far it can be trusted, has changed.
    fn say(&mut self, ctx: &mut Context, alarm: bool, quality: Quality) {
        if (alarm, quality) != (self.alarm, self.quality) {
            (self.alarm, self.quality) = (alarm, quality);
            ctx.publish_on(self.output, Sample::new(alarm).quality(quality));
        }
    }
}

// What of the trait the component exports.
weihe_sdk::plugin!(Rule: events, state);

#[cfg(test)]
mod tests;
