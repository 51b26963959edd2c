//! The lines of a recording.

use super::super::sight::{octets, quality};
use crate::{Failure, LinkState, PeerId, Timestamp, Value, ValueBuf};
use serde_json::Value as Json;
use std::collections::{BTreeMap, VecDeque};

pub(super) enum What {
    Event {
        topic: String,
        value: ValueBuf,
        quality: crate::Quality,
    },
    /// Answered when the plugin asks.
    Exchange,
    Received {
        connection: String,
        peer: Option<PeerId>,
        bytes: Vec<u8>,
    },
    Link {
        connection: String,
        state: LinkState,
        reason: String,
    },
    Gap(u64),
}

pub(super) struct Line {
    pub(super) number: usize,
    pub(super) time: Option<Timestamp>,
    pub(super) what: What,
}

pub(super) struct Exchange {
    pub(super) line: usize,
    pub(super) request: Vec<u8>,
    pub(super) outcome: Result<Vec<u8>, Failure>,
}

pub(super) type Exchanges = BTreeMap<String, VecDeque<Exchange>>;

/// Reads a line; exchanges are put to those of their connection.
pub(super) fn read(number: usize, text: &str, exchanges: &mut Exchanges) -> Result<Line, String> {
    let json: Json = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
    let time = match &json["time"] {
        Json::Null => None,
        time => {
            let nanoseconds = time
                .as_u64()
                .ok_or_else(|| format!("`time`: {time} are no nanoseconds since 1970"))?;
            Some(Timestamp::from_nanos(nanoseconds))
        }
    };
    let what = if let Some(missing) = json["dropped"].as_u64() {
        What::Gap(missing)
    } else if let Some(connection) = topic(&json).and_then(|topic| topic.strip_prefix("$wire/")) {
        on_connection(number, connection, &json["value"], exchanges)?
    } else if let Some(connection) = topic(&json).and_then(|topic| topic.strip_prefix("$link/")) {
        let reason = "the link was down then";
        let link = serde_json::json!({ "link": json["value"], "reason": reason });
        match json["value"] == "connecting" {
            true => What::Gap(0),
            false => on_connection(number, connection, &link, exchanges)?,
        }
    } else if let Some(topic) = topic(&json) {
        What::Event {
            topic: topic.to_owned(),
            value: value(json["kind"].as_str(), &json["value"])?,
            quality: quality(&json["quality"]),
        }
    } else if let Some(connection) = json["connection"].as_str() {
        on_connection(number, connection, &json, exchanges)?
    } else {
        return Err("neither a `topic` nor a `connection`".to_owned());
    };
    Ok(Line { number, time, what })
}

fn topic(json: &Json) -> Option<&str> {
    json["topic"].as_str()
}

fn on_connection(
    number: usize,
    connection: &str,
    json: &Json,
    exchanges: &mut Exchanges,
) -> Result<What, String> {
    let bytes = |key: &str| match &json[key] {
        Json::Null => Ok(None),
        Json::String(text) => octets(text)
            .map(Some)
            .ok_or_else(|| format!("`{key}`: `{text}` are no octets in hexadecimal")),
        other => Err(format!("`{key}`: {other} are no octets in hexadecimal")),
    };
    let connection = connection.to_owned();
    if let Some(bytes) = bytes("received")? {
        return Ok(What::Received {
            connection,
            peer: json["peer"].as_u64(),
            bytes,
        });
    }
    if let Some(request) = bytes("request")? {
        let reply = bytes("reply")?;
        let outcome = match (json["failed"].as_str(), reply) {
            (None, Some(reply)) => Ok(reply),
            (None, None) => Ok(Vec::new()),
            (Some("timeout"), partial) => Err(Failure::Timeout(partial.unwrap_or_default())),
            (Some(reason), _) => Err(Failure::LinkDown(reason.to_owned())),
        };
        exchanges
            .entry(connection)
            .or_default()
            .push_back(Exchange {
                line: number,
                request,
                outcome,
            });
        return Ok(What::Exchange);
    }
    let state = match json["link"].as_str() {
        Some("up") => LinkState::Up,
        Some("down") => LinkState::Down,
        Some(other) => return Err(format!("`link`: `{other}` is neither up nor down")),
        None => return Err("neither `request`, `received` nor `link`".to_owned()),
    };
    let reason = json["reason"].as_str().unwrap_or_default();
    Ok(What::Link {
        connection,
        state,
        reason: reason.to_owned(),
    })
}

fn value(kind: Option<&str>, json: &Json) -> Result<ValueBuf, String> {
    let wrong = || {
        format!(
            "`value`: {json} is no value of the kind {}",
            kind.unwrap_or("that it looks like")
        )
    };
    let text = || json.as_str().map(str::to_owned);
    let value = match kind {
        Some("none") => Some(ValueBuf::None),
        Some("boolean") => json.as_bool().map(ValueBuf::Boolean),
        Some("integer") => json.as_i64().map(ValueBuf::Integer),
        Some("float") => json
            .as_f64()
            .or_else(|| json.as_str()?.parse().ok())
            .map(ValueBuf::Float),
        Some("text") => text().map(ValueBuf::Text),
        Some("bytes") => json.as_str().and_then(octets).map(ValueBuf::Bytes),
        Some("json") => Some(ValueBuf::Json(json.to_string())),
        Some(_) => None,
        None => Some(match json {
            Json::Null => Value::None.to_buf(),
            Json::Bool(value) => ValueBuf::Boolean(*value),
            Json::Number(number) => match number.as_i64() {
                Some(integer) => ValueBuf::Integer(integer),
                None => ValueBuf::Float(number.as_f64().ok_or_else(wrong)?),
            },
            Json::String(text) => ValueBuf::Text(text.clone()),
            Json::Array(_) | Json::Object(_) => ValueBuf::Json(json.to_string()),
        }),
    };
    value.ok_or_else(wrong)
}
