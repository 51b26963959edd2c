//! A plugin for measurements: passes on every event that is above a threshold.

use serde::Deserialize;
use weihe_sdk::prelude::*;

/// Passes on what is above a threshold.
pub struct Relay {
    output: Topic,
    above: f64,
}

/// What to listen to, and from where on.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    input: String,
    above: f64,
    #[serde(default)]
    capacity: u32,
}

impl Plugin for Relay {
    type Config = Config;
    type Command = NoCommand;
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            "relay",
            env!("CARGO_PKG_VERSION"),
            "Passes on what is above a threshold",
        )
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        let options = SubscribeOptions {
            capacity: config.capacity,
            ..SubscribeOptions::default()
        };
        ctx.subscribe_with(&config.input, options)?;
        Ok(Self {
            output: ctx.own_topic("out")?,
            above: config.above,
        })
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        if let Some(value) = event.value.as_f64()
            && value > self.above
        {
            ctx.publish_on(self.output, value);
        }
        Ok(())
    }
}

weihe_sdk::plugin!(Relay: events);
