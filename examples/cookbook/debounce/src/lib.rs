//! A contact bounces for some milliseconds each time it moves. This plugin waits until it is quiet,
//! and publishes clean edges and how often the contact has closed.

use serde::{Deserialize, Serialize};
use weihe_sdk::prelude::*;

/// The contact, as far as it is known.
pub struct Debounce {
    settle: Duration,
    output: Topic,
    count: Topic,
    state: State,
}

/// `[device.NAME.config]` in weihe.toml.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// The topic of the contact: true for closed.
    input: String,
    /// How long a level lasts before it counts.
    #[serde(default = "fifty_milliseconds")]
    settle: Duration,
}

fn fifty_milliseconds() -> Duration {
    Duration::from_millis(50)
}

/// What a restart and a swap leave as it is: all that was learnt from events. What a state has handed
/// over, the bus does not tell again.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub struct State {
    /// The level that was quiet for long enough; `None` until there is one.
    settled: Option<bool>,
    closings: i64,
    /// The level the contact has moved to, and when it did.
    moving: Option<(bool, Timestamp)>,
}

/// The timer that ends when the contact was quiet for long enough.
const SETTLED: &str = "settled";

impl Plugin for Debounce {
    type Config = Config;
    type Command = NoCommand;
    type State = State;

    fn describe() -> Description {
        Description::new(
            "debounce",
            env!("CARGO_PKG_VERSION"),
            "Clean edges of a contact that bounces, and how often it closed",
        )
        .publishes("plugin/{device}/closed", "whether the contact is closed")
        .publishes("plugin/{device}/count", "how often it has closed")
        .config_schema(include_str!("config.schema.json"))
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<State>) -> Result<Self, Error> {
        if config.input.contains(['+', '#']) {
            return Err(Error::fatal(format!(
                "config: `input`: {:?} has wildcards, and several contacts cannot be told apart",
                config.input
            )));
        }
        ctx.subscribe(&config.input)?;
        let state = restored.unwrap_or_default();
        if state.moving.is_some() {
            ctx.after(SETTLED, config.settle)?;
        }
        Ok(Debounce {
            settle: config.settle,
            output: ctx.own_topic("closed")?,
            count: ctx.own_topic("count")?,
            state,
        })
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        if event.quality == Quality::Bad {
            // A broken wire is no open contact: nobody knows.
            self.state.moving = None;
            ctx.cancel(SETTLED);
            if self.state.settled.take().is_some() {
                let unknown = Sample::new(Value::None).quality(Quality::Bad);
                ctx.publish_on(self.output, unknown.at(event.time));
            }
            return Ok(());
        }
        let Some(closed) = event.value.as_bool() else {
            return Err(Error::rejected(format!(
                "`{}`: expected a boolean, found {}",
                event.topic, event.value
            )));
        };
        let known = match self.state.moving {
            Some((level, _)) => level == closed,
            None => self.state.settled == Some(closed),
        };
        // The same level once more is no movement, and must not begin the wait again.
        if !known {
            self.state.moving = Some((closed, event.time));
            ctx.after(SETTLED, self.settle)?;
        }
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context, _timer: &str, _ticks: u64) -> Result<(), Error> {
        let Some((closed, since)) = self.state.moving.take() else {
            return Ok(());
        };
        if self.state.settled == Some(closed) {
            // It bounced, and is where it was.
            return Ok(());
        }
        // From "unknown" to "closed" is no closing.
        if self.state.settled == Some(false) {
            self.state.closings += 1;
            ctx.publish_on(self.count, Sample::new(self.state.closings).at(since));
        }
        self.state.settled = Some(closed);
        // It moved when it moved, not when this plugin was sure of it.
        ctx.publish_on(self.output, Sample::new(closed).at(since));
        Ok(())
    }

    fn export_state(&self) -> Option<State> {
        Some(self.state)
    }
}

// What of the trait the component exports: events and timers, and the state.
weihe_sdk::plugin!(Debounce: events, state);

#[cfg(test)]
mod tests;
