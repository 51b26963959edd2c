//! What the sandbox says it saw, taken into what a test finds.

use super::sandbox::{Outcome, Sandboxed, Written};
use super::seam;
use super::world::{Log, OutgoingCall, Published, Sent, Submitted, Timer};
use crate::bindings::imports::weihe::plugin::schedule::EveryOptions;
use crate::log::Level;
use crate::{
    ByteOrder, CallError, Duration, Error, EventBuf, FailSafeFrame, LengthField, Missed, Overflow,
    Priority, Quality, ReplyRule, Request, SubscribeOptions, Timestamp, Value, ValueBuf,
};
use serde_json::{Value as Json, json};

/// An event as the sandbox takes it.
pub(super) fn sample(event: &EventBuf) -> Json {
    json!({
        "topic": event.topic,
        "time": event.time.as_nanos(),
        "quality": match event.quality {
            Quality::Good => "good",
            Quality::Uncertain => "uncertain",
            Quality::Bad => "bad",
        },
        "value": match event.value.as_value() {
            Value::None => Json::Null,
            Value::Boolean(value) => json!({ "boolean": value }),
            Value::Integer(value) => json!({ "integer": value }),
            Value::Float(value) if value.is_finite() => json!({ "float": value }),
            Value::Float(value) => json!({ "float": value.to_string() }),
            Value::Text(text) => json!({ "text": text }),
            Value::Bytes(bytes) => json!({ "bytes": hex(bytes) }),
            Value::Json(text) => json!({ "json": text }),
        },
    })
}

/// A value as the sandbox writes it.
pub(super) fn value(json: &Json) -> Option<ValueBuf> {
    let Some(object) = json.as_object() else {
        return json.is_null().then_some(ValueBuf::None);
    };
    let (kind, content) = object.iter().next()?;
    let text = || content.as_str().map(str::to_owned);
    Some(match kind.as_str() {
        "boolean" => ValueBuf::Boolean(content.as_bool()?),
        "integer" => ValueBuf::Integer(content.as_i64()?),
        "float" => ValueBuf::Float(content.as_f64().or_else(|| text()?.parse().ok())?),
        "text" => ValueBuf::Text(text()?),
        "json" => ValueBuf::Json(text()?),
        "bytes" => ValueBuf::Bytes(octets(content.as_str()?)?),
        _ => return None,
    })
}

pub(super) fn quality(name: &Json) -> Quality {
    match name.as_str() {
        Some("bad") => Quality::Bad,
        Some("uncertain") => Quality::Uncertain,
        _ => Quality::Good,
    }
}

/// Two hexadecimal digits an octet.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Octets from two hexadecimal digits each, with or without blanks between them.
pub(super) fn octets(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16))
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    Some(pairs.map(|pair| (pair[0] * 16 + pair[1]) as u8).collect())
}

/// Why a command was not carried out.
pub(super) fn call_error(json: &Json) -> CallError {
    let message = json["message"].as_str().or_else(|| json["text"].as_str());
    let text = message.unwrap_or_default().to_owned();
    match json["code"].as_str() {
        Some("unknown-device") => CallError::UnknownDevice(text),
        Some("unknown-command") => CallError::UnknownCommand(text),
        Some("invalid-argument") => CallError::InvalidArgument(text),
        Some("denied") => CallError::Denied(text),
        Some("unavailable") => CallError::Unavailable(text),
        Some("timeout") => CallError::Timeout(text),
        _ => CallError::Failed(text),
    }
}

fn error(json: &Json) -> Option<Error> {
    let (kind, text) = json.as_object()?.iter().next()?;
    let text = text.as_str().unwrap_or_default();
    Some(match kind.as_str() {
        "rejected" => Error::rejected(text),
        "retry" => Error::retry(text),
        _ => Error::fatal(text),
    })
}

fn name(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

/// Takes in an answer of the sandbox.
pub(super) fn take_in(sandbox: &mut Sandboxed, answer: &Json) -> Outcome {
    let mut outcome = Outcome {
        ok: answer["ok"].clone(),
        error: answer["error"].clone(),
        ..Outcome::default()
    };
    if let Some(elapsed) = answer["elapsed"].as_u64().filter(|at| *at > 0) {
        sandbox.elapsed = elapsed;
    }
    if let Some(now) = answer["now"].as_u64().filter(|now| *now > 0) {
        sandbox.kernel.with(|world| world.now = now);
    }
    if let Some(sequences) = answer["ok"]["sequences"].as_array() {
        let source = answer["ok"]["source"].as_u64().unwrap_or(0);
        let first = sequences.first().and_then(Json::as_u64);
        sandbox
            .kernel
            .with(|world| world.fed = first.map(|first| (source, first, sequences.len())));
    }
    for sight in answer["seen"].as_array().into_iter().flatten() {
        take_in_one(sandbox, &mut outcome, sight);
    }
    outcome
}

fn take_in_one(sandbox: &mut Sandboxed, outcome: &mut Outcome, sight: &Json) {
    match sight["saw"].as_str().unwrap_or_default() {
        "handled" => handled(outcome, sight),
        "noticed" => noticed(sandbox, outcome, sight),
        "state-refused" => {
            if let Some(refused) = error(&sight["error"]) {
                outcome.state_refused.get_or_insert(refused);
            }
        }
        "trapped" => {
            let text = format!("the plugin trapped: {}", name(&sight["message"]));
            outcome.trouble.get_or_insert(Error::fatal(text));
        }
        "published" => published(sandbox, sight),
        "subscribed" => subscribed(sandbox, sight),
        "timer" => timer(sandbox, sight),
        "submitted" => submitted(sandbox, sight),
        "wire" => sandbox.written.push(Written {
            connection: name(&sight["connection"]),
            peer: sight["peer"].as_u64(),
            bytes: bytes(&sight["bytes"]),
        }),
        "sent" => sent(sandbox, sight),
        "cancelled" => {
            let ticket = sight["ticket"].as_u64().unwrap_or(0);
            sandbox
                .kernel
                .with(|world| world.effects.cancelled.push(ticket));
        }
        "disconnected" => {
            let peer = sight["peer"].as_u64().unwrap_or(0);
            let peer = sandbox.peers.get(&peer).copied().unwrap_or(peer);
            sandbox
                .kernel
                .with(|world| world.effects.disconnected.push(peer));
        }
        "fail-safe" => fail_safe(sandbox, sight),
        "called" => called(sandbox, sight),
        "finished" => {
            let id = sight["call"].as_u64().unwrap_or(0);
            let answer = match sight["error"].is_null() {
                true => Ok(name(&sight["answer"])),
                false => Err(call_error(&sight["error"])),
            };
            sandbox
                .kernel
                .with(|world| world.effects.answers.push((id, answer)));
        }
        "log" if sight["device"] == sandbox.device => seam::keep_log(Log {
            level: match sight["level"].as_str() {
                Some("error") => Level::Error,
                Some("warn") => Level::Warn,
                Some("debug") => Level::Debug,
                Some("trace") => Level::Trace,
                _ => Level::Info,
            },
            context: name(&sight["context"]),
            message: name(&sight["message"]),
        }),
        _ => {}
    }
}

fn handled(outcome: &mut Outcome, sight: &Json) {
    let events = sight["events"].as_array().into_iter().flatten();
    for (index, event) in events.enumerate() {
        let errors = sight["errors"].as_array().into_iter().flatten();
        let failed = errors
            .filter(|failed| failed[0].as_u64() == Some(index as u64))
            .find_map(|failed| error(&failed[1]));
        if let Some(failed) = &failed {
            outcome.trouble.get_or_insert(failed.clone());
        }
        let id = (
            event[0].as_u64().unwrap_or(0),
            event[1].as_u64().unwrap_or(0),
        );
        outcome.handled.push((id, failed));
    }
}

fn noticed(sandbox: &mut Sandboxed, outcome: &mut Outcome, sight: &Json) {
    match sight["notice"].as_str() {
        Some("replied") => {
            let ticket = sight["ticket"].as_u64().unwrap_or(0);
            sandbox.open.retain(|open| open.ticket != ticket);
            outcome.finished.push(ticket);
        }
        Some("peer") => {
            let key = (name(&sight["connection"]), name(&sight["address"]));
            if let (Some(id), Some(ours)) = (sight["peer"].as_u64(), sandbox.addresses.get(&key)) {
                sandbox.peers.insert(id, *ours);
            }
        }
        _ => {}
    }
    if let Some(failed) = error(&sight["error"]) {
        outcome.trouble.get_or_insert(failed);
    }
}

fn published(sandbox: &mut Sandboxed, sight: &Json) {
    // What others say, the kernel about dead letters for one, is nothing that the plugin published.
    if sight["source"] != sandbox.device {
        return;
    }
    let Some(value) = value(&sight["value"]) else {
        return;
    };
    sandbox.kernel.with(|world| {
        let cause = sight["cause"].as_array().and_then(|cause| {
            let (source, sequence) = (cause.first()?.as_u64()?, cause.get(1)?.as_u64()?);
            let (fed, first, count) = world.fed?;
            let index = sequence.checked_sub(first)?;
            // A tick or an answer is a batch of its own.
            match source == fed && index < count as u64 {
                true => u32::try_from(index).ok(),
                false => Some(0),
            }
        });
        world.effects.published.push(Published {
            topic: name(&sight["topic"]),
            time: Timestamp::from_nanos(sight["time"].as_u64().unwrap_or(0)),
            quality: quality(&sight["quality"]),
            value,
            cause,
        });
    });
}

fn subscribed(sandbox: &mut Sandboxed, sight: &Json) {
    sandbox.kernel.with(|world| {
        world.effects.subscriptions.clear();
        for (id, own) in (1..).zip(sight["all"].as_array().into_iter().flatten()) {
            let options = SubscribeOptions {
                overflow: match own["overflow"].as_str() {
                    Some("latest-only") => Overflow::LatestOnly,
                    Some("block") => Overflow::Block,
                    _ => Overflow::DropOldest,
                },
                capacity: own["capacity"].as_u64().unwrap_or(0) as u32,
                retained: own["retained"].as_bool().unwrap_or(true),
            };
            let filter = name(&own["filter"]);
            world.effects.subscriptions.insert(filter, (id, options));
        }
    });
}

fn timer(sandbox: &mut Sandboxed, sight: &Json) {
    let span = |key: &str| sight[key].as_u64();
    let timer = name(&sight["name"]);
    sandbox.kernel.with(|world| {
        let at = |span: u64| Timestamp::from_nanos(world.now.saturating_add(span));
        let options = EveryOptions {
            missed: match sight["missed"].as_str() {
                Some("skip") => Missed::Skip,
                Some("catch-up") => Missed::CatchUp,
                _ => Missed::Once,
            },
            jitter: span("jitter").unwrap_or(0),
            first: span("first"),
        };
        let set = match sight["order"].as_str() {
            Some("every") => {
                let period = span("period").unwrap_or(0);
                Timer {
                    due: at(span("first").unwrap_or(period)),
                    period: Some(period),
                    cron: None,
                    options: Some(options),
                }
            }
            Some("cron") => {
                let expression = name(&sight["expression"]);
                Timer {
                    due: super::calendar::after(&expression, at(0)).unwrap_or(at(0)),
                    period: None,
                    cron: Some(expression),
                    options: Some(options),
                }
            }
            Some("after") => Timer {
                due: at(span("delay").unwrap_or(0)),
                period: None,
                cron: None,
                options: None,
            },
            _ => {
                world.effects.timers.remove(&timer);
                return;
            }
        };
        world.effects.timers.insert(timer, set);
    });
}

fn bytes(json: &Json) -> Vec<u8> {
    octets(json.as_str().unwrap_or_default()).unwrap_or_default()
}

fn request(sandbox: &Sandboxed, sight: &Json) -> Request {
    let span = |key: &str| Duration::from_nanos(sight[key].as_u64().unwrap_or(0));
    let peer = sight["peer"].as_u64();
    Request {
        bytes: bytes(&sight["bytes"]),
        reply: rule(&sight["reply"]),
        priority: match sight["priority"].as_str() {
            Some("urgent") => Priority::Urgent,
            Some("command") => Priority::Command,
            _ => Priority::Poll,
        },
        timeout: span("timeout"),
        deadline: span("deadline"),
        turnaround: span("turnaround"),
        peer: peer.map(|peer| sandbox.peers.get(&peer).copied().unwrap_or(peer)),
    }
}

fn rule(json: &Json) -> ReplyRule {
    let number = |json: &Json| json.as_u64().unwrap_or(0) as u32;
    if json == "silence" {
        return ReplyRule::Silence;
    }
    if let Some(length) = json.get("length") {
        return ReplyRule::Length(number(length));
    }
    if let Some(delimiter) = json.get("delimiter") {
        return ReplyRule::Delimiter(bytes(delimiter));
    }
    if let Some(options) = json.get("codec") {
        return ReplyRule::Codec(name(options));
    }
    match json.get("length-field") {
        Some(field) => ReplyRule::LengthField(LengthField {
            offset: number(&field["offset"]),
            size: number(&field["size"]),
            order: match field["order"] == "little" {
                true => ByteOrder::LittleEndian,
                false => ByteOrder::BigEndian,
            },
            adjust: field["adjust"].as_i64().unwrap_or(0) as i32,
        }),
        None => ReplyRule::None,
    }
}

fn submitted(sandbox: &mut Sandboxed, sight: &Json) {
    let submitted = Submitted {
        connection: name(&sight["connection"]),
        ticket: sight["ticket"].as_u64().unwrap_or(0),
        request: request(sandbox, sight),
    };
    sandbox.open.push(submitted.clone());
    sandbox.kernel.with(|world| {
        let connection = submitted.connection.clone();
        world.tickets.insert(submitted.ticket, connection);
        world.effects.submitted.push(submitted);
    });
}

fn sent(sandbox: &mut Sandboxed, sight: &Json) {
    let peer = sight["peer"].as_u64();
    let sent = Sent {
        connection: name(&sight["connection"]),
        peer: peer.map(|peer| sandbox.peers.get(&peer).copied().unwrap_or(peer)),
        bytes: bytes(&sight["bytes"]),
    };
    let (connection, bytes) = (sent.connection.clone(), sent.bytes.clone());
    match sent.peer {
        Some(_) => sandbox.sending.push((connection, sent.peer, bytes)),
        None => {
            // To all peers of a listener, each of which it is written to.
            let peers = sandbox.addresses.iter();
            let all: Vec<_> = peers
                .filter(|((listener, _), _)| *listener == connection)
                .map(|(_, peer)| Some(*peer))
                .collect();
            let to = if all.is_empty() { vec![None] } else { all };
            for peer in to {
                sandbox
                    .sending
                    .push((connection.clone(), peer, bytes.clone()));
            }
        }
    }
    sandbox.kernel.with(|world| world.effects.sent.push(sent));
}

fn fail_safe(sandbox: &mut Sandboxed, sight: &Json) {
    let frames: Vec<FailSafeFrame> = sight["frames"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|frame| {
            let request = request(sandbox, frame);
            FailSafeFrame {
                label: name(&frame["label"]),
                bytes: request.bytes,
                reply: request.reply,
                expects: bytes(&frame["expects"]),
                timeout: request.timeout,
                turnaround: request.turnaround,
            }
        })
        .collect();
    let connection = name(&sight["connection"]);
    sandbox.kernel.with(|world| match frames.is_empty() {
        true => drop(world.effects.fail_safe.remove(&connection)),
        false => drop(world.effects.fail_safe.insert(connection, frames)),
    });
}

fn called(sandbox: &mut Sandboxed, sight: &Json) {
    let arguments = sight["arguments"].as_str().unwrap_or_default();
    let call = OutgoingCall {
        id: sight["call"].as_u64().unwrap_or(0),
        device: name(&sight["device"]),
        command: name(&sight["command"]),
        arguments: serde_json::from_str(arguments).unwrap_or_default(),
        timeout: sight["timeout"].as_u64().unwrap_or(0),
    };
    sandbox.kernel.with(|world| {
        world.new_calls.push((call.id, call.device.clone()));
        world.effects.calls.push(call);
    });
}
