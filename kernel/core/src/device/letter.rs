//! Dead letters: inputs that could not be handled, in the form in which they are kept.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::bus::{Bus, BusError};
use crate::event::{Cause, Event, NamedEvent, Quality, Value, hex};

/// The longest reason that is kept, in bytes: a page of text. Plugins write it.
const MAX_REASON: usize = 4 << 10;

/// An input that could not be handled. Names are spelled out: ids end with the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// When it was given up, in nanoseconds since 1970.
    pub time: u64,
    /// Why.
    pub reason: String,
    /// What it was; JSON for [`Letter::view`] and [`Letter::event`].
    pub head: String,
    /// The octets of its value.
    pub payload: Bytes,
}

/// What an input was, its value apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Head {
    Event {
        topic: String,
        source: String,
        sequence: u64,
        time: u64,
        attempt: u16,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        cause: Option<(String, u64)>,
        quality: Quality,
        kind: String,
    },
    Notice {
        connection: String,
        notice: String,
        /// Whether it brought bytes, if only none.
        bytes: bool,
    },
}

/// What a letter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LetterKind {
    /// An event; it can be delivered again.
    Event,
    /// A notice of a connection; it is of its moment, and cannot be delivered again.
    Notice,
}

/// A kept letter, for people and the control protocol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LetterView {
    /// Names it among all letters of the system.
    pub id: u64,
    /// Whose input it was.
    pub device: String,
    /// When it was given up, in nanoseconds since 1970.
    pub time: u64,
    /// Why.
    pub reason: String,
    /// What it holds.
    pub kind: LetterKind,
    /// The input as on `$dead/<device>`.
    pub input: Json,
    /// The size of its value.
    pub bytes: u64,
    /// Whether the value is shown in part.
    #[serde(default)]
    pub clipped: bool,
}

/// Why a letter is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// It holds a notice.
    #[error(
        "it is a notice of connection `{connection}`, which cannot be delivered again: what it told is past; it can only be dropped"
    )]
    Notice {
        /// Whose.
        connection: String,
    },
    /// It cannot be read.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// The bus has no room for its names.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// As much of a reason as is kept.
fn clip(reason: &str) -> String {
    let mut end = reason.len().min(MAX_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason[..end].to_owned()
}

impl Letter {
    /// A letter about an event.
    pub fn of_event(bus: &Bus, event: &Event, reason: &str, time: u64) -> Self {
        let named = bus.named(event);
        let head = Head::Event {
            topic: named.topic,
            source: named.source,
            sequence: named.sequence,
            time: named.time,
            attempt: named.attempt,
            cause: named.cause,
            quality: named.quality,
            kind: named.kind,
        };
        Self::new(&head, octets(&event.value), reason, time)
    }

    /// A letter about a notice of a connection.
    pub fn of_notice(
        connection: &str,
        notice: &str,
        bytes: Option<&Bytes>,
        reason: &str,
        time: u64,
    ) -> Self {
        let head = Head::Notice {
            connection: connection.to_owned(),
            notice: notice.to_owned(),
            bytes: bytes.is_some(),
        };
        Self::new(&head, bytes.cloned().unwrap_or_default(), reason, time)
    }

    fn new(head: &Head, payload: Bytes, reason: &str, time: u64) -> Self {
        Self {
            time,
            reason: clip(reason),
            // Of texts and numbers only, which JSON holds.
            head: serde_json::to_string(head).unwrap_or_default(),
            payload,
        }
    }

    /// What it takes in memory or on the disk, in bytes.
    pub fn size(&self) -> usize {
        self.reason.len() + self.head.len() + self.payload.len()
    }

    fn head(&self) -> Result<Head, LetterError> {
        serde_json::from_str(&self.head).map_err(|error| LetterError::Damaged(error.to_string()))
    }

    /// The event in it, with its identity, for one more delivery.
    pub fn event(&self, bus: &Bus) -> Result<Event, LetterError> {
        match self.head()? {
            Head::Notice { connection, .. } => Err(LetterError::Notice { connection }),
            Head::Event {
                topic,
                source,
                sequence,
                time,
                attempt,
                cause,
                quality,
                kind,
            } => Ok(Event {
                topic: bus.topic(&topic)?,
                source: bus.source(&source)?,
                time,
                sequence,
                cause: match cause {
                    Some((source, sequence)) => Some(Cause {
                        source: bus.source(&source)?,
                        sequence,
                    }),
                    None => None,
                },
                attempt: attempt.saturating_add(1),
                quality,
                value: value(&kind, &self.payload)
                    .ok_or_else(|| LetterError::Damaged(format!("its value is no {kind}")))?,
            }),
        }
    }

    /// It for people. `bytes` is the size of its value, of which the payload may be the beginning.
    pub fn view(&self, id: u64, device: &str, bytes: u64) -> LetterView {
        let clipped = (self.payload.len() as u64) < bytes;
        let (kind, input) = match self.head() {
            Ok(Head::Notice {
                connection,
                notice,
                bytes,
            }) => {
                let bytes = bytes.then(|| hex(&self.payload));
                let input = serde_json::json!({
                    "connection": connection, "notice": notice, "bytes": bytes
                });
                (LetterKind::Notice, input)
            }
            Ok(Head::Event {
                topic,
                source,
                sequence,
                time,
                attempt,
                cause,
                quality,
                kind,
            }) => {
                let shown = match (value(&kind, &self.payload), kind.as_str()) {
                    (Some(whole), _) if !clipped => whole,
                    (_, "bytes") => Value::Bytes(self.payload[..].into()),
                    _ => Value::Text(String::from_utf8_lossy(&self.payload).into()),
                };
                let named = NamedEvent {
                    topic,
                    time,
                    source,
                    sequence,
                    attempt,
                    cause,
                    quality,
                    kind,
                    value: shown.to_json(),
                };
                let input = serde_json::to_value(named).unwrap_or_default();
                (LetterKind::Event, input)
            }
            Err(error) => (LetterKind::Event, error.to_string().into()),
        };
        LetterView {
            id,
            device: device.to_owned(),
            time: self.time,
            reason: self.reason.clone(),
            kind,
            input,
            bytes,
            clipped,
        }
    }
}

/// The octets of a value: what JSON could not hold exactly (NaN, large documents) is kept as it is.
fn octets(value: &Value) -> Bytes {
    match value {
        Value::None => Bytes::new(),
        Value::Boolean(boolean) => Bytes::copy_from_slice(&[u8::from(*boolean)]),
        Value::Integer(integer) => Bytes::copy_from_slice(&integer.to_le_bytes()),
        Value::Float(float) => Bytes::copy_from_slice(&float.to_bits().to_le_bytes()),
        Value::Text(text) | Value::Json(text) => Bytes::copy_from_slice(text.as_bytes()),
        Value::Bytes(bytes) => Bytes::copy_from_slice(bytes),
    }
}

/// A value from its octets; none when they are none of that kind.
fn value(kind: &str, octets: &[u8]) -> Option<Value> {
    let text = || std::str::from_utf8(octets).ok();
    Some(match kind {
        "none" if octets.is_empty() => Value::None,
        "boolean" if octets.len() == 1 => Value::Boolean(octets[0] != 0),
        "integer" => Value::Integer(i64::from_le_bytes(octets.try_into().ok()?)),
        "float" => Value::Float(f64::from_bits(u64::from_le_bytes(octets.try_into().ok()?))),
        "text" => Value::Text(text()?.into()),
        "json" => Value::Json(text()?.into()),
        "bytes" => Value::Bytes(octets.into()),
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn event(bus: &Bus, value: Value) -> Event {
        Event {
            topic: bus.topic("in/a").unwrap(),
            source: bus.source("outside").unwrap(),
            time: 7,
            sequence: u64::MAX - 1,
            cause: Some(Cause {
                source: bus.source("cause").unwrap(),
                sequence: 3,
            }),
            attempt: 3,
            quality: Quality::Uncertain,
            value,
        }
    }

    #[test]
    fn an_event_comes_back_as_it_was_on_a_bus_of_another_start() {
        for value in [
            Value::None,
            Value::Boolean(true),
            Value::Integer(-1),
            Value::Float(f64::NEG_INFINITY),
            Value::Text("温度".into()),
            Value::Bytes([0, 255].into()),
            Value::Json("{\"b\":1.10,\"a\":12345678901234567890123}".into()),
        ] {
            let bus = Bus::new(1);
            let letter = Letter::of_event(&bus, &event(&bus, value.clone()), "why", 9);
            let bus = Bus::new(2);
            bus.topic("another/topic/before").unwrap();
            let expected = Event {
                attempt: 4,
                ..event(&bus, value)
            };
            assert_eq!(letter.event(&bus).unwrap(), expected);
        }
    }

    #[test]
    fn a_notice_is_shown_and_says_why_it_cannot_be_delivered() {
        let bytes = Bytes::from_static(&[1, 2]);
        let letter = Letter::of_notice("field", "received", Some(&bytes), "why", 9);
        let view = letter.view(1, "soil", 2);
        assert_eq!((view.kind, view.clipped), (LetterKind::Notice, false));
        assert_eq!(view.input["bytes"], "0102");
        let error = letter.event(&Bus::new(1)).unwrap_err().to_string();
        assert!(
            error.contains("`field`") && error.contains("dropped"),
            "{error}"
        );
    }

    #[test]
    fn what_is_damaged_is_said_and_long_reasons_are_cut() {
        let bus = Bus::new(1);
        let mut letter = Letter::of_event(
            &bus,
            &event(&bus, Value::Integer(1)),
            &"é".repeat(MAX_REASON),
            9,
        );
        assert_eq!(letter.reason.len(), MAX_REASON);
        letter.payload = Bytes::from_static(b"short");
        assert!(matches!(letter.event(&bus), Err(LetterError::Damaged(_))));
        letter.head.clear();
        assert!(matches!(letter.event(&bus), Err(LetterError::Damaged(_))));
        let _ = letter.view(1, "soil", 5);
    }
}
