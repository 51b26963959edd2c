#![doc = include_str!("../../../docs/plugins/relay.md")]

mod config;
mod contacts;

pub use config::Config;
pub use contacts::{Contact, Rules};

use serde::{Deserialize, Serialize};
use serde_json::json;
use weihe_plugin_kit::{Level, Part, RETRY, Topics, answer, subscribe, wake};
use weihe_sdk::hal::{HalError, Output, OutputOptions};
use weihe_sdk::prelude::*;

/// The timer at which one may be switched, or goes off by itself.
const NEXT: &str = "next";

/// What an operator can say. The name of the relay may be left out where there is one.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Switches one on.
    On {
        /// Which.
        relay: Option<String>,
    },
    /// Switches one off, or all of them.
    Off {
        /// Which.
        relay: Option<String>,
    },
    /// Switches one to what it is not.
    Toggle {
        /// Which.
        relay: Option<String>,
    },
    /// Switches one on for a time.
    Pulse {
        /// Which.
        relay: Option<String>,
        /// For how long.
        #[serde(rename = "for")]
        span: Duration,
    },
    /// Says how they are.
    Status,
}

/// How the relays are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    relays: Vec<(String, Contact)>,
}

/// The plugin.
#[derive(Debug)]
pub struct Relay {
    config: Config,
    lines: Part<Vec<Output>>,
    contacts: Vec<Contact>,
    topics: Vec<Topic>,
    /// What was published last.
    said: Vec<Option<bool>>,
}

impl Plugin for Relay {
    type Config = Config;
    type Command = Command;
    type State = State;

    fn describe() -> Description {
        let which = r#"{"type":"object","additionalProperties":false,"properties":{"relay":{"type":"string"}}}"#;
        Description::new(
            "relay",
            env!("CARGO_PKG_VERSION"),
            "Relays with interlock, minimum times and pulses",
        )
        .command(CommandInfo::new("on", "Switches one on").arguments(which))
        .command(CommandInfo::new("off", "Switches one off, or all of them").arguments(which))
        .command(CommandInfo::new("toggle", "Switches one to what it is not").arguments(which))
        .command(CommandInfo::new("pulse", "Switches one on for a time").arguments(
            r#"{"type":"object","required":["for"],"additionalProperties":false,"properties":{"relay":{"type":"string"},"for":{"type":["string","number"]}}}"#,
        ))
        .command(CommandInfo::new("status", "Says how they are").answer(r#"{"type":"object"}"#))
        .publishes("plugin/{device}/+", "whether a relay is on, by its name (boolean)")
        .publishes("plugin/{device}/state", "`ready`, or why they cannot be set (text)")
        .config_schema(include_str!("config.schema.json"))
        .standalone()
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<State>) -> Result<Self, Error> {
        subscribe(ctx, "follow", config.follow.as_deref())?;
        let names = config.relays.clone();
        let options = OutputOptions {
            active: config.active.into(),
            safe: config.safe.into(),
            ..OutputOptions::new()
        };
        let topics = Topics::new(ctx, config.topic.as_deref());
        let mut lines = Part::begin(ctx, &topics, move |ctx| {
            let open = |name: &String| ctx.output(name, options);
            names.iter().map(open).collect::<Result<Vec<_>, HalError>>()
        })?;
        // The lines say what is: a swap left them as they were, a stop has brought them to their safe values.
        let levels = lines.with(ctx, |lines| {
            lines
                .iter()
                .map(Output::is_active)
                .collect::<Result<Vec<_>, _>>()
        });
        let levels = levels.unwrap_or_else(|_| vec![false; config.relays.len()]);
        let (now, restored) = (
            ctx.now(),
            restored.map(|state| state.relays).unwrap_or_default(),
        );
        let contacts = config.relays.iter().zip(levels).map(|(name, on)| {
            let known = restored
                .iter()
                .find(|(known, contact)| known == name && contact.on == on);
            known.map_or(Contact::new(on, now), |(_, contact)| *contact)
        });
        let mut relay = Relay {
            contacts: contacts.collect(),
            topics: config
                .relays
                .iter()
                .map(|name| topics.get(ctx, name))
                .collect::<Result<_, _>>()?,
            said: vec![None; config.relays.len()],
            lines,
            config,
        };
        relay.act(ctx).ok();
        Ok(relay)
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        if self.config.follow.as_deref() == Some(event.topic)
            && let Some(level) = Level::of(&event)?
        {
            self.ask(ctx, 0, level.is_on(), None);
            // What is wrong with the lines is no fault of the event: it is made up for when they are back.
            self.act(ctx).ok();
        }
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _ticks: u64) -> Result<(), Error> {
        if timer == NEXT || timer == RETRY {
            self.act(ctx).ok();
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::On { relay } => {
                let index = self.index(relay)?;
                self.ask(ctx, index, true, None);
            }
            Command::Off { relay: None } => {
                for index in 0..self.contacts.len() {
                    self.ask(ctx, index, false, None);
                }
            }
            Command::Off { relay } => {
                let index = self.index(relay)?;
                self.ask(ctx, index, false, None);
            }
            Command::Toggle { relay } => {
                let index = self.index(relay)?;
                let on = !self.contacts[index].wanted;
                self.ask(ctx, index, on, None);
            }
            Command::Pulse { relay, span } => {
                if span.is_zero() {
                    return Err(CallError::invalid_argument("`for`: 0 s is too short"));
                }
                let index = self.index(relay)?;
                self.ask(ctx, index, true, Some(span));
            }
            Command::Status => return self.status(ctx.now()),
        }
        let done = self.act(ctx);
        let now = ctx.now();
        answer(ctx, call.id, done, |()| self.status(now))
    }

    fn export_state(&self) -> Option<State> {
        let names = self.config.relays.iter().cloned();
        Some(State {
            relays: names.zip(self.contacts.iter().copied()).collect(),
        })
    }
}

impl Relay {
    fn index(&self, relay: Option<String>) -> Result<usize, CallError> {
        let names = &self.config.relays;
        let listed = || format!("`{}`", names.join("`, `"));
        match relay {
            None if names.len() == 1 => Ok(0),
            None => Err(CallError::invalid_argument(format!(
                "`relay` is missing: one of {}",
                listed()
            ))),
            Some(relay) => names.iter().position(|name| *name == relay).ok_or_else(|| {
                CallError::invalid_argument(format!("`relay`: `{relay}` is none of {}", listed()))
            }),
        }
    }

    fn ask(&mut self, ctx: &Context, index: usize, on: bool, pulse: Option<Duration>) {
        contacts::ask(
            &mut self.contacts,
            index,
            on,
            pulse,
            ctx.now(),
            &self.config.rules,
        );
    }

    /// Brings the lines to what is asked for, as far as the rules let it, and waits for the rest.
    fn act(&mut self, ctx: &mut Context) -> Result<(), HalError> {
        let (now, rules) = (ctx.now(), self.config.rules);
        let outputs = contacts::outputs(&mut self.contacts, now, &rules);
        let done = self.lines.with(ctx, |lines| {
            // All of them, in case that the chip has forgotten; what goes off first.
            for wanted in [false, true] {
                for (line, on) in lines.iter().zip(&outputs).filter(|(_, on)| **on == wanted) {
                    line.set(*on)?;
                }
            }
            Ok(())
        });
        if done.is_ok() {
            contacts::switched(&mut self.contacts, &outputs, now, &rules);
            for (index, on) in outputs.iter().enumerate() {
                if self.said[index] != Some(*on) {
                    self.said[index] = Some(*on);
                    ctx.publish_on(self.topics[index], *on);
                }
            }
            wake(ctx, NEXT, contacts::next(&self.contacts, now, &rules));
        }
        done
    }

    fn status(&self, now: Timestamp) -> Result<Answer, CallError> {
        let relays = self
            .config
            .relays
            .iter()
            .zip(&self.contacts)
            .map(|(name, contact)| {
                let left = contact.until.map(|until| until.since(now).as_secs_f64());
                let value = json!({
                    "on": contact.on,
                    "wanted": contact.wanted,
                    "since": contact.since.to_string(),
                    "off-in": left,
                });
                (name.clone(), value)
            });
        let relays: serde_json::Map<_, _> = relays.collect();
        Answer::json(&json!({ "relays": relays, "fault": self.lines.reason() }))
    }
}

weihe_sdk::plugin!(Relay: events, commands, state);

#[cfg(test)]
mod tests;
