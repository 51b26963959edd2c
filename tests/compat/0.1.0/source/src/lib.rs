//! A plugin that uses every hook and every interface of Weihe 0.1.0, through the SDK. Compiled once, and
//! loaded by every later host: see tests/system/kept.rs for what it is told and what it must answer.
//!
//! Over its connection it talks to an echo: a frame is `7E`, the number of bytes of data, the data, and the
//! sum of the data modulo 256; the other side sends it back.

use serde::{Deserialize, Serialize};
use weihe_sdk::codec::Value as Content;
use weihe_sdk::codec::{
    Codec, Context as Frame, DecodeError, Decoded, Direction, Field, Reading, Refusal, Scan,
};
use weihe_sdk::prelude::*;
use weihe_sdk::{Bucket, Database, FailSafeFrame, SqlValue};

const START: u8 = 0x7E;

pub struct Kept {
    connection: Connection,
    database: Database,
    bucket: Bucket,
    sum: i64,
    /// The call that waits for the timer.
    later: Option<CallId>,
    /// The call that waits for a reply.
    asked: Option<(Ticket, CallId)>,
    /// The call that waits for another device.
    relayed: Option<(CallId, CallId)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    input: String,
    period: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// What is in memory, in the table and under the key.
    Tell,
    /// Answered when a timer has ticked.
    Later,
    /// Sends bytes and waits for them.
    Transact { text: String },
    /// Sends bytes and is told of their return.
    Submit { text: String },
    /// Calls a command of another device.
    Relay { device: String, command: String },
    /// Traps.
    Trap,
}

#[derive(Serialize, Deserialize)]
pub struct State {
    sum: i64,
}

const CREATE: &str =
    "CREATE TABLE IF NOT EXISTS kept (sequence INTEGER NOT NULL, value INTEGER NOT NULL)";
const INSERT: &str = "INSERT INTO kept (sequence, value) VALUES (?1, ?2)";
const COUNT: &str = "SELECT count(*) FROM kept";

impl Plugin for Kept {
    type Config = Config;
    type Command = Command;
    type State = State;

    fn describe() -> Description {
        Description::new("kept-sdk", env!("CARGO_PKG_VERSION"), "Uses all there is")
            .connection(ConnectionNeed::Required)
            .publishes("plugin/{device}/#", "what it was told")
            .config_schema(r#"{"type":"object","required":["input","period"]}"#)
            .command(CommandInfo::new("tell", "Tells").answer(r#"{"type":"object"}"#))
            .command(CommandInfo::new("later", "Answers later"))
            .command(CommandInfo::new("transact", "Asks"))
            .command(CommandInfo::new("submit", "Asks without waiting"))
            .command(CommandInfo::new("relay", "Calls another device"))
            .command(CommandInfo::new("trap", "Traps"))
    }

    fn start(ctx: &mut Context, config: Config, restored: Option<State>) -> Result<Self, Error> {
        let connection = ctx.connection()?;
        connection.set_fail_safe([FailSafeFrame::new("off", frame(b"off"))])?;
        let database = ctx.database("main")?;
        database.execute(CREATE, &[])?;
        let bucket = ctx.bucket("")?;
        ctx.subscribe(&config.input)?;
        ctx.every("beat", config.period)?;
        ctx.cron("midnight", "0 0 * * *")?;
        ctx.cancel("midnight");
        let topic = ctx.own_topic("restored")?;
        ctx.publish_on(topic, restored.is_some());
        weihe_sdk::log::info!("kept and started, incarnation {}", ctx.incarnation());
        Ok(Kept {
            connection,
            database,
            bucket,
            sum: restored.map_or(0, |state| state.sum),
            later: None,
            asked: None,
            relayed: None,
        })
    }

    fn stop(&mut self, ctx: &mut Context, _: StopReason) {
        if let Ok(topic) = ctx.own_topic("stopped") {
            ctx.publish_on(topic, true);
        }
    }

    fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
        let Some(value) = event.value.as_i64() else {
            return Err(Error::rejected(format!("{} is no integer", event.value)));
        };
        self.sum += value;
        let sequence = SqlValue::Integer(event.id.sequence as i64);
        self.database
            .execute(INSERT, &[sequence, SqlValue::Integer(value)])?;
        self.bucket.set("sum", self.sum.to_string().as_bytes())?;
        let topic = ctx.own_topic("sum")?;
        ctx.publish_on(topic, Sample::new(self.sum).quality(event.quality));
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context, timer: &str, _: u64) -> Result<(), Error> {
        let topic = ctx.own_topic(timer)?;
        ctx.publish_on(topic, "tick");
        if timer == "soon"
            && let Some(call) = self.later.take()
        {
            ctx.reply(call, Ok(Answer::json(&"later")?));
        }
        Ok(())
    }

    fn on_answer(
        &mut self,
        ctx: &mut Context,
        call: CallId,
        answer: Result<&str, &str>,
    ) -> Result<(), Error> {
        if let Some((_, own)) = self.relayed.take_if(|(asked, _)| *asked == call) {
            let answer = match answer {
                Ok(text) => Answer::json(&text),
                Err(text) => Err(CallError::failed(text)),
            };
            ctx.reply(own, answer);
        }
        Ok(())
    }

    fn on_command(
        &mut self,
        ctx: &mut Context,
        call: Call<'_, Command>,
    ) -> Result<Answer, CallError> {
        match call.command {
            Command::Tell => {
                let rows = self.database.query(COUNT, &[])?;
                let rows = match rows
                    .rows
                    .first()
                    .and_then(|row| row.first())
                    .map(|count| count.as_value())
                {
                    Some(SqlValue::Integer(rows)) => rows,
                    _ => return Err(CallError::failed("the database counts nothing")),
                };
                let key = self.bucket.get("sum")?.unwrap_or_default();
                let key = String::from_utf8_lossy(&key).into_owned();
                Answer::json(&serde_json::json!({ "sum": self.sum, "rows": rows, "key": key }))
            }
            Command::Later => {
                self.later = Some(call.id);
                ctx.after("soon", Duration::from_millis(1))?;
                Ok(Answer::pending())
            }
            Command::Transact { text } => {
                let request =
                    Request::new(frame(text.as_bytes())).reply(ReplyRule::Codec(String::new()));
                let reply = self.connection.transact(request)?;
                Answer::json(&heard(&reply.bytes))
            }
            Command::Submit { text } => {
                let request = Request::new(frame(text.as_bytes()))
                    .reply(ReplyRule::Codec(String::new()))
                    .priority(Priority::Command);
                self.asked = Some((self.connection.submit(request)?, call.id));
                Ok(Answer::pending())
            }
            Command::Relay { device, command } => {
                let asked = ctx.call(
                    &device,
                    &command,
                    &serde_json::json!({}),
                    Duration::from_secs(10),
                )?;
                self.relayed = Some((asked, call.id));
                Ok(Answer::pending())
            }
            Command::Trap => panic!("told to trap"),
        }
    }

    fn on_reply(
        &mut self,
        ctx: &mut Context,
        _: &str,
        ticket: Ticket,
        outcome: Result<Reply, Failure>,
    ) -> Result<(), Error> {
        if let Some((_, call)) = self.asked.take_if(|(asked, _)| *asked == ticket) {
            let answer = match outcome {
                Ok(reply) => Answer::json(&heard(&reply.bytes)),
                Err(failure) => Err(failure.into()),
            };
            ctx.reply(call, answer);
        }
        Ok(())
    }

    fn on_link(
        &mut self,
        ctx: &mut Context,
        _: &str,
        state: LinkState,
        _: &str,
    ) -> Result<(), Error> {
        let topic = ctx.own_topic("link")?;
        ctx.publish_on(topic, state == LinkState::Up);
        Ok(())
    }

    fn export_state(&self) -> Option<State> {
        Some(State { sum: self.sum })
    }
}

fn frame(data: &[u8]) -> Vec<u8> {
    let sum = data.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    let mut frame = vec![START, data.len() as u8];
    frame.extend(data);
    frame.push(sum);
    frame
}

/// The text in a frame.
fn heard(frame: &[u8]) -> String {
    let data = frame
        .get(2..frame.len().saturating_sub(1))
        .unwrap_or_default();
    String::from_utf8_lossy(data).into_owned()
}

impl Codec for Kept {
    fn decode(_: Direction, _: &Frame, bytes: &[u8]) -> Result<Decoded, DecodeError> {
        let refused = |offset, reason: &str| {
            DecodeError::Refused(Refusal {
                offset,
                reason: reason.to_owned(),
            })
        };
        let (Some(start), Some(length)) = (bytes.first(), bytes.get(1)) else {
            return Err(DecodeError::Incomplete(2));
        };
        if *start != START {
            return Err(refused(0, "a frame starts with 7E"));
        }
        let whole = usize::from(*length) + 3;
        let Some(bytes) = bytes.get(..whole) else {
            return Err(DecodeError::Incomplete((whole - bytes.len()) as u32));
        };
        if bytes != frame(&bytes[2..whole - 1]) {
            return Err(refused(whole as u32 - 1, "the sum does not agree"));
        }
        let field = |offset, length, name: &str, meaning: String| Field {
            offset,
            length,
            name: name.to_owned(),
            meaning,
        };
        let text = heard(bytes);
        Ok(Decoded {
            fields: vec![
                field(0, 1, "start", "a frame begins".to_owned()),
                field(1, 1, "length", length.to_string()),
                field(2, u32::from(*length), "data", text.clone()),
                field(2 + u32::from(*length), 1, "sum", "agrees".to_owned()),
            ],
            readings: vec![Reading {
                name: "data".to_owned(),
                value: Content::Text(text),
                unit: String::new(),
                quality: Quality::Good,
            }],
            consumed: whole as u32,
        })
    }

    fn encode(request: &str) -> Result<Vec<u8>, String> {
        #[derive(Deserialize)]
        struct Asked {
            data: String,
        }
        let asked: Asked = serde_json::from_str(request).map_err(|error| error.to_string())?;
        Ok(frame(asked.data.as_bytes()))
    }

    fn scan(direction: Direction, context: &Frame, bytes: &[u8], _: bool) -> Scan {
        match Self::decode(direction, context, bytes) {
            Ok(decoded) => Scan::found(0, decoded.consumed),
            Err(DecodeError::Incomplete(_)) => Scan::INCOMPLETE,
            Err(_) => Scan::dropped(1),
        }
    }
}

weihe_sdk::plugin!(Kept: events, commands, state, connection, codec);
