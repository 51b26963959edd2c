//! An alarm for each topic from which nothing good has come for too long: a sensor that died, a cable
//! that was pulled, a driver that reads nothing but errors.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use weihe_sdk::prelude::*;

/// All topics that have been heard of.
pub struct Silence {
    within: Duration,
    /// Below `plugin/<device>/`, which is not watched: the watch would wake itself.
    own: String,
    count: Topic,
    topics: BTreeMap<String, Heard>,
}

struct Heard {
    last: Timestamp,
    silent: bool,
}

/// `[device.NAME.config]` in weihe.toml.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Topics and filters. A topic without wildcards is expected from the start.
    topics: Vec<String>,
    /// How soon after one good sample the next is due.
    within: Duration,
}

/// What an operator can ask.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// The silent topics, and since when.
    Silent,
}

/// The timer of the next topic that could be due.
const DUE: &str = "due";

/// As many topics are watched: a filter such as `#` on a bus where somebody counts upwards in names
/// must not fill the memory.
const MOST: usize = 1_000;

impl Plugin for Silence {
    type Config = Config;
    type Command = Command;
    // What is retained on the bus says it all again.
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            "silence",
            env!("CARGO_PKG_VERSION"),
            "Raises an alarm for each topic that has gone silent",
        )
        .publishes("plugin/{device}/count", "how many topics are silent")
        .publishes(
            "plugin/{device}/silent/#",
            "whether the topic behind it is silent",
        )
        .command(
            CommandInfo::new(
                "silent",
                "Lists the silent topics, and when each was last heard",
            )
            .answer(r#"{"type":"object"}"#),
        )
        .config_schema(include_str!("config.schema.json"))
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        if config.within.is_zero() {
            return Err(Error::fatal("config: `within`: 0 s is too short"));
        }
        let mut silence = Silence {
            within: config.within,
            own: format!("plugin/{}/", ctx.device()),
            count: ctx.own_topic("count")?,
            topics: BTreeMap::new(),
        };
        for (index, topic) in config.topics.iter().enumerate() {
            ctx.subscribe(topic)
                .map_err(|error| Error::fatal(format!("config: `topics[{index}]`: {error}")))?;
            if !topic.contains(['+', '#']) {
                let last = ctx.now();
                let heard = Heard {
                    last,
                    silent: false,
                };
                silence.topics.insert(topic.clone(), heard);
            }
        }
        ctx.publish_on(silence.count, 0);
        silence.wait(ctx)?;
        Ok(silence)
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        if event.topic.starts_with(&self.own) {
            return Ok(());
        }
        // The last value of a topic is told again at each start: it is as old as its time says.
        let time = event.time.min(ctx.now());
        let full = self.topics.len() == MOST;
        match self.topics.get_mut(event.topic) {
            // A driver that reports errors is as good as silent.
            Some(_) if event.quality == Quality::Bad => return Ok(()),
            Some(heard) => heard.last = heard.last.max(time),
            None if full => {
                return Err(Error::rejected(format!(
                    "`{}`: {MOST} topics are watched already; name fewer in `topics`",
                    event.topic
                )));
            }
            None => {
                let heard = Heard {
                    last: time,
                    silent: false,
                };
                self.topics.insert(event.topic.to_owned(), heard);
                return self.wait(ctx);
            }
        }
        // The timer is not moved by each event: it looks when the first topic could be due.
        match self.topics.get(event.topic) {
            Some(heard) if heard.silent => self.look(ctx),
            _ => Ok(()),
        }
    }

    fn on_timer(&mut self, ctx: &mut Context, _timer: &str, _ticks: u64) -> Result<(), Error> {
        self.look(ctx)
    }

    fn on_command(
        &mut self,
        _ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::Silent => {
                let silent = self.topics.iter().filter(|(_, heard)| heard.silent);
                let list: BTreeMap<&String, String> = silent
                    .map(|(topic, heard)| (topic, heard.last.to_string()))
                    .collect();
                Answer::json(&json!({ "watched": self.topics.len(), "silent": list }))
            }
        }
    }
}

impl Silence {
    /// Publishes what has changed.
    fn look(&mut self, ctx: &mut Context) -> Result<(), Error> {
        let now = ctx.now();
        let mut changed = false;
        for (topic, heard) in &mut self.topics {
            let silent = now.since(heard.last) >= self.within;
            if silent != heard.silent {
                heard.silent = silent;
                changed = true;
                let alarm = ctx.own_topic(&format!("silent/{topic}"))?;
                ctx.publish_on(alarm, silent);
            }
        }
        if changed {
            let silent = self.topics.values().filter(|heard| heard.silent).count();
            ctx.publish_on(self.count, silent as i64);
        }
        self.wait(ctx)
    }

    /// Sets the timer to the first topic that could be due.
    fn wait(&self, ctx: &mut Context) -> Result<(), Error> {
        let speaking = self.topics.values().filter(|heard| !heard.silent);
        let first = speaking.map(|heard| heard.last + self.within).min();
        if let Some(due) = first {
            ctx.after(DUE, due.since(ctx.now()))?;
        }
        Ok(())
    }
}

// What of the trait the component exports: events and timers, commands.
weihe_sdk::plugin!(Silence: events, commands);

#[cfg(test)]
mod tests;
