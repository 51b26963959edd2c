//! Events as the kernel holds them: topics and sources by id, payloads shared.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Names a topic within one bus; [`crate::bus::Bus::topic_name`] gives its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicId(pub u32);

/// Names a publisher within one bus; [`crate::bus::Bus::source_name`] gives its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// How far a sample can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// Measured or computed as intended.
    #[default]
    Good,
    /// Usable with care.
    Uncertain,
    /// Not usable.
    Bad,
}

/// The value of a sample. Cloning shares the payload.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// No value.
    #[default]
    None,
    /// On or off.
    Boolean(bool),
    /// A signed integer.
    Integer(i64),
    /// An IEEE 754 double.
    Float(f64),
    /// UTF-8 text.
    Text(Arc<str>),
    /// Octets.
    Bytes(Arc<[u8]>),
    /// A JSON document.
    Json(Arc<str>),
}

impl Value {
    /// The size of the payload beside the event itself, in bytes: zero for scalars.
    pub fn payload_len(&self) -> usize {
        match self {
            Self::None | Self::Boolean(_) | Self::Integer(_) | Self::Float(_) => 0,
            Self::Text(text) | Self::Json(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// The value as JSON: scalars and documents as themselves, octets as lower-case hexadecimal
    /// digits, numbers that JSON cannot hold (NaN, infinities) as text.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::None => serde_json::Value::Null,
            Self::Boolean(b) => (*b).into(),
            Self::Integer(i) => (*i).into(),
            Self::Float(f) => serde_json::Number::from_f64(*f)
                .map_or_else(|| f.to_string().into(), serde_json::Value::Number),
            Self::Text(text) => text.as_ref().into(),
            Self::Bytes(bytes) => hex(bytes).into(),
            Self::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| text.as_ref().into()),
        }
    }

    /// The name of the kind, as in the WIT.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Float(_) => "float",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Json(_) => "json",
        }
    }
}

/// Lower-case hexadecimal digits, two an octet.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The event that led to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// Who published it.
    pub source: SourceId,
    /// Its place in that source's order.
    pub sequence: u64,
}

/// A timestamped, typed sample on a topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Where it was published.
    pub topic: TopicId,
    /// Who published it.
    pub source: SourceId,
    /// When the sample was taken, in nanoseconds since 1970.
    pub time: u64,
    /// Its place in the source's order.
    pub sequence: u64,
    /// The event in whose handling it was published.
    pub cause: Option<Cause>,
    /// 1 on the first delivery.
    pub attempt: u16,
    /// How far the value can be trusted.
    pub quality: Quality,
    /// The sample.
    pub value: Value,
}

/// An event with its names spelled out, for people, logs and the control protocol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedEvent {
    /// The topic.
    pub topic: String,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// The publisher.
    pub source: String,
    /// Its place in the source's order.
    pub sequence: u64,
    /// 1 on the first delivery.
    pub attempt: u16,
    /// The event that led to it: source and sequence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<(String, u64)>,
    /// How far the value can be trusted.
    pub quality: Quality,
    /// The kind of the value, as in the WIT.
    pub kind: String,
    /// The value as JSON (see [`Value::to_json`]).
    pub value: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_json_even_where_json_has_no_word_for_them() {
        assert_eq!(Value::Integer(-1).to_json(), serde_json::json!(-1));
        assert_eq!(Value::Integer(0).to_json(), serde_json::json!(0));
        assert_eq!(Value::Float(f64::NAN).to_json(), serde_json::json!("NaN"));
        assert_eq!(
            Value::Bytes([0x0f, 0xa0].into()).to_json(),
            serde_json::json!("0fa0")
        );
    }

    #[test]
    fn an_event_stays_within_two_cache_lines() {
        assert!(size_of::<Event>() <= 96, "{}", size_of::<Event>());
    }
}
