//! A weighing indicator on a serial line, or behind a serial server: it answers when it is asked, in
//! ASCII with a checksum. `frame.rs` is the protocol, and this is the driver around it.

mod frame;

use frame::{Frames, What};
use serde::Deserialize;
use serde_json::json;
use weihe_sdk::prelude::*;

/// The indicator.
pub struct Scale {
    config: Config,
    connection: Connection,
    weight: Topic,
    online: Topic,
    /// What was last published about the link to the indicator.
    is_online: Option<bool>,
    /// Questions that are under way.
    asked: Vec<Question>,
}

struct Question {
    ticket: Ticket,
    what: What,
    /// The command that asks; `None` for a poll.
    call: Option<CallId>,
    retries_left: u32,
}

/// `[device.NAME.config]` in weihe.toml.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    address: char,
    period: Duration,
    timeout: Duration,
    retries: u32,
    unit: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            address: 'A',
            period: Duration::from_millis(500),
            timeout: Duration::from_millis(300),
            retries: 2,
            unit: "kg".to_owned(),
        }
    }
}

/// What an operator can ask.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Asks the indicator now.
    Weigh {
        /// Gross, tare or net.
        #[serde(default)]
        what: What,
    },
}

const POLL: &str = "poll";

impl Plugin for Scale {
    type Config = Config;
    type Command = Command;
    // A driver that asks anew has nothing to keep.
    type State = NoState;

    fn describe() -> Description {
        Description::new("scale", env!("CARGO_PKG_VERSION"), "Reads a weighing indicator (XK3190, command mode)")
            .connection(ConnectionNeed::Required)
            .publishes("plugin/{device}/weight", "gross weight, in the unit that is configured")
            .publishes("plugin/{device}/online", "whether the indicator answers")
            .command(
                CommandInfo::new("weigh", "Asks the indicator now")
                    .arguments(r#"{"type":"object","additionalProperties":false,"properties":{"what":{"enum":["gross","tare","net"]}}}"#)
                    .answer(r#"{"type":"object","properties":{"weight":{"type":"number"},"unit":{"type":"string"}}}"#),
            )
            .config_schema(include_str!("config.schema.json"))
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        if !config.address.is_ascii_uppercase() {
            return Err(Error::fatal(format!(
                "config: `address`: {:?} is none of A to Z",
                config.address
            )));
        }
        ctx.every(POLL, config.period)?;
        Ok(Scale {
            connection: ctx.connection()?,
            weight: ctx.own_topic("weight")?,
            online: ctx.own_topic("online")?,
            is_online: None,
            asked: Vec::new(),
            config,
        })
    }

    fn on_timer(&mut self, _ctx: &mut Context, _timer: &str, _ticks: u64) -> Result<(), Error> {
        // One poll at a time: a line that is slow, or down, has no queue of them waiting.
        if self.asked.iter().any(|question| question.call.is_none()) {
            return Ok(());
        }
        match self.ask(What::Gross, None, self.config.retries) {
            // The link says itself that it is down, and the next tick asks again.
            Ok(()) | Err(Failure::LinkDown(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    fn on_command(
        &mut self,
        _ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        let Command::Weigh { what } = call.command;
        self.ask(what, Some(call.id), self.config.retries)?;
        Ok(Answer::pending())
    }

    fn on_reply(
        &mut self,
        ctx: &mut Context,
        _connection: &str,
        ticket: Ticket,
        outcome: Result<Reply, Failure>,
    ) -> Result<(), Error> {
        let Some(index) = self
            .asked
            .iter()
            .position(|question| question.ticket == ticket)
        else {
            // Asked by the version before this one.
            return Ok(());
        };
        let Question {
            what,
            call,
            retries_left,
            ..
        } = self.asked.swap_remove(index);
        // A line without a cable is not asked again and again: it says itself when it is back.
        let hopeless = matches!(outcome, Err(Failure::LinkDown(_)));
        let weight = outcome.map_err(CallError::from).and_then(|reply| {
            frame::weight(self.config.address, what, &reply.bytes).map_err(CallError::failed)
        });
        let again = weight.is_err() && retries_left > 0 && !hopeless;
        if again && self.ask(what, call, retries_left - 1).is_ok() {
            return Ok(());
        }
        match (weight, call) {
            (Ok(weight), Some(call)) => {
                ctx.reply(
                    call,
                    Answer::json(&json!({ "weight": weight, "unit": self.config.unit })),
                );
            }
            (Err(error), Some(call)) => ctx.reply(call, Err(error)),
            (Ok(weight), None) => {
                self.say_online(ctx, true, "");
                ctx.publish_on(self.weight, weight);
            }
            (Err(error), None) => self.lost(ctx, error.text()),
        }
        Ok(())
    }

    fn on_link(
        &mut self,
        ctx: &mut Context,
        _connection: &str,
        state: LinkState,
        reason: &str,
    ) -> Result<(), Error> {
        // That the line is up says nothing of the indicator behind it; that it is down says all.
        if state == LinkState::Down {
            self.lost(ctx, reason);
        }
        Ok(())
    }
}

impl Scale {
    fn ask(&mut self, what: What, call: Option<CallId>, retries_left: u32) -> Result<(), Failure> {
        let request = Request::new(frame::request(self.config.address, what))
            // The connection finds the end of the answer with this plugin's own codec.
            .reply(ReplyRule::Codec("{}".to_owned()))
            .timeout(self.config.timeout)
            .priority(if call.is_some() {
                Priority::Command
            } else {
                Priority::Poll
            });
        let ticket = self.connection.submit(request)?;
        self.asked.push(Question {
            ticket,
            what,
            call,
            retries_left,
        });
        Ok(())
    }

    /// Nobody should take the last weight for the present one.
    fn lost(&mut self, ctx: &mut Context, why: &str) {
        if self.is_online != Some(false) {
            ctx.publish_on(self.weight, Sample::new(Value::None).quality(Quality::Bad));
        }
        self.say_online(ctx, false, why);
    }

    fn say_online(&mut self, ctx: &mut Context, online: bool, why: &str) {
        if self.is_online.replace(online) != Some(online) {
            ctx.publish_on(self.online, online);
            if !online {
                weihe_sdk::log::warn!("the indicator does not answer: {why}");
            }
        }
    }
}

// Timers come as events. The codec is of use by itself too: `weihe decode scale.wasm HEX`.
weihe_sdk::plugin!(Scale: events, commands, connection, codec = Frames);

#[cfg(test)]
mod tests;
