//! A driver: it asks a temperature controller for its reading, and sets it.
//!
//! The controller here talks in lines, as many laboratory instruments do: `T?` is answered by the
//! temperature (`21.5`), `SP 23.0` sets the set point and is answered by `OK`. Put your protocol in
//! the place of `request_reading`, `request_set_point` and `parse_reading`; the rest can stay.

use serde::Deserialize;
use weihe_sdk::number;
use weihe_sdk::prelude::*;

/// One instance a device: what it remembers between two calls.
pub struct Driver {
    connection: Connection,
    temperature: Topic,
    timeout: Duration,
    /// Requests that are on their way, and what each is for. There are a few at most.
    under_way: Vec<(Ticket, Purpose)>,
}

/// What a request is for.
enum Purpose {
    Poll,
    /// A command, to be answered when the controller has.
    SetPoint(CallId),
}

/// `[device.NAME.config]` in weihe.toml. Keys that are not here are errors. What is said here is said in
/// `config.schema.json`, too: `weihe check` reads it, and editors do.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// How often the controller is asked.
    #[serde(default = "one_second")]
    period: Duration,
    /// How long its answer is awaited.
    #[serde(default = "half_a_second")]
    timeout: Duration,
}

fn one_second() -> Duration {
    Duration::from_secs(1)
}

fn half_a_second() -> Duration {
    Duration::from_millis(500)
}

/// What an operator can ask: `weihe call DEVICE set-point value=23.5`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    SetPoint { value: f64 },
}

/// The timer of the polls.
const POLL: &str = "poll";

impl Plugin for Driver {
    type Config = Config;
    type Command = Command;
    // A driver that asks anew has nothing to keep. See the template `rule` for one that has.
    type State = NoState;

    fn describe() -> Description {
        Description::new(
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION"),
            "Reads and sets a temperature controller",
        )
        .config_schema(include_str!("config.schema.json"))
        .connection(ConnectionNeed::Required)
        .publishes("plugin/{device}/temperature", "the temperature in °C")
        .command(CommandInfo::new("set-point", "Sets the set point in °C").arguments(
            r#"{"type":"object","properties":{"value":{"type":"number"}},"required":["value"]}"#,
        ))
    }

    fn start(ctx: &mut Context, config: Config, _: Option<NoState>) -> Result<Self, Error> {
        ctx.every(POLL, config.period)?;
        Ok(Driver {
            connection: ctx.connection()?,
            temperature: ctx.own_topic("temperature")?,
            timeout: config.timeout,
            under_way: Vec::new(),
        })
    }

    fn on_timer(&mut self, ctx: &mut Context, _timer: &str, _ticks: u64) -> Result<(), Error> {
        // The answer is not waited for here: it comes to `on_reply`. One poll at a time, so that a
        // controller that is slow, or gone, has no queue of them waiting.
        let polling = self
            .under_way
            .iter()
            .any(|(_, purpose)| matches!(purpose, Purpose::Poll));
        if !polling {
            let request = self.line(request_reading(), Priority::Poll);
            match self.connection.submit(request) {
                Ok(ticket) => self.under_way.push((ticket, Purpose::Poll)),
                // The link is down, for example. The next tick asks again.
                Err(failure) => self.unknown(ctx, &failure.to_string()),
            }
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        _ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::SetPoint { value } => {
                // Commands go before polls that wait for the line.
                let request = self.line(request_set_point(value), Priority::Command);
                let ticket = self.connection.submit(request)?;
                self.under_way.push((ticket, Purpose::SetPoint(call.id)));
                Ok(Answer::pending())
            }
        }
    }

    fn on_reply(
        &mut self,
        ctx: &mut Context,
        _connection: &str,
        ticket: Ticket,
        outcome: Result<Reply, Failure>,
    ) -> Result<(), Error> {
        let place = self
            .under_way
            .iter()
            .position(|(known, _)| *known == ticket);
        match place.map(|place| self.under_way.swap_remove(place).1) {
            Some(Purpose::Poll) => match outcome.map(|reply| parse_reading(&reply.bytes)) {
                Ok(Ok(temperature)) => ctx.publish_on(self.temperature, temperature),
                // Nobody should take the last value for the present one.
                Ok(Err(fault)) => self.unknown(ctx, &fault),
                Err(failure) => self.unknown(ctx, &failure.to_string()),
            },
            Some(Purpose::SetPoint(call)) => {
                let answer = match outcome {
                    Ok(reply) if reply.bytes == b"OK\n" => Ok(Answer::none()),
                    Ok(reply) => Err(CallError::failed(format!(
                        "the controller answered `{}`",
                        text(&reply.bytes)
                    ))),
                    Err(failure) => Err(failure.into()),
                };
                ctx.reply(call, answer);
            }
            // Asked by the version before this one.
            None => {}
        }
        Ok(())
    }
}

impl Driver {
    /// A request that is answered by one line.
    fn line(&self, bytes: Vec<u8>, priority: Priority) -> Request {
        Request::new(bytes)
            .reply(ReplyRule::Delimiter(b"\n".to_vec()))
            .priority(priority)
            .timeout(self.timeout)
    }

    fn unknown(&self, ctx: &mut Context, why: &str) {
        weihe_sdk::log::warn!("no temperature: {why}");
        ctx.publish_on(
            self.temperature,
            Sample::new(Value::None).quality(Quality::Bad),
        );
    }
}

// --- the protocol --------------------------------------------------------------------------------

fn request_reading() -> Vec<u8> {
    b"T?\n".to_vec()
}

fn request_set_point(value: f64) -> Vec<u8> {
    format!("SP {}\n", number::fixed(value, 1)).into_bytes()
}

fn parse_reading(line: &[u8]) -> Result<f64, String> {
    let text = text(line);
    number::parse(text).ok_or_else(|| format!("expected a number, found `{text}`"))
}

/// A line without its end.
fn text(line: &[u8]) -> &str {
    std::str::from_utf8(line.trim_ascii()).unwrap_or("what is no text")
}

// What of the trait the component exports: commands, timers (they come as events), replies.
weihe_sdk::plugin!(Driver: events, commands, connection);

#[cfg(test)]
mod tests;
