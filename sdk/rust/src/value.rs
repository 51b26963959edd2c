//! Values and samples.

use crate::bindings::imports::weihe::plugin::types;
use crate::{Quality, Timestamp, json, number};
use std::fmt;

/// The value of a sample, owned.
///
/// ```
/// # use weihe_sdk::{Value, ValueBuf};
/// let kept = ValueBuf::Text("manual".to_owned());
/// assert_eq!(kept.as_value(), Value::Text("manual"));
/// ```
pub type ValueBuf = types::Value;

/// The value of a sample, borrowed from the batch it came in (or from what is published).
///
/// ```
/// # use weihe_sdk::Value;
/// fn is_on(value: Value<'_>) -> bool {
///     match value {
///         Value::Boolean(on) => on,
///         Value::Integer(number) => number != 0,
///         Value::Text(text) => text == "on",
///         _ => false,
///     }
/// }
/// assert!(is_on(Value::Text("on")) && !is_on(Value::None));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// No value: a pulse, or a sample that could not be taken.
    None,
    /// On or off.
    Boolean(bool),
    /// A signed integer: counts, registers, states.
    Integer(i64),
    /// A measured quantity, in the unit that the topic's documentation names.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// Octets without further meaning to the kernel.
    Bytes(&'a [u8]),
    /// A JSON document.
    Json(&'a str),
}

impl<'a> Value<'a> {
    /// The number it is: a float, or an integer (rounded beyond 2⁵³). `None` for all else; a boolean
    /// is no number.
    ///
    /// ```
    /// # use weihe_sdk::Value;
    /// assert_eq!(Value::Integer(3).as_f64(), Some(3.0));
    /// assert_eq!(Value::Text("3").as_f64(), None);
    /// ```
    pub fn as_f64(self) -> Option<f64> {
        match self {
            Value::Float(value) => Some(value),
            Value::Integer(value) => Some(value as f64),
            _ => None,
        }
    }

    /// The integer it is; floats are not rounded.
    ///
    /// ```
    /// # use weihe_sdk::Value;
    /// assert_eq!(Value::Integer(-1).as_i64(), Some(-1));
    /// assert_eq!(Value::Float(3.0).as_i64(), None);
    /// ```
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Value::Integer(value) => Some(value),
            _ => None,
        }
    }

    /// The boolean it is.
    ///
    /// ```
    /// # use weihe_sdk::Value;
    /// assert_eq!(Value::Boolean(true).as_bool(), Some(true));
    /// assert_eq!(Value::Integer(1).as_bool(), None);
    /// ```
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Value::Boolean(value) => Some(value),
            _ => None,
        }
    }

    /// The text it is, plain or a JSON document.
    ///
    /// ```
    /// # use weihe_sdk::Value;
    /// assert_eq!(Value::Json("[1]").as_str(), Some("[1]"));
    /// assert_eq!(Value::Bytes(b"a").as_str(), None);
    /// ```
    pub fn as_str(self) -> Option<&'a str> {
        match self {
            Value::Text(text) | Value::Json(text) => Some(text),
            _ => None,
        }
    }

    /// A copy that owns its text or octets.
    ///
    /// ```
    /// # use weihe_sdk::Value;
    /// let kept = Value::Bytes(&[1, 2]).to_buf();
    /// assert_eq!(kept.as_value(), Value::Bytes(&[1, 2]));
    /// ```
    pub fn to_buf(self) -> ValueBuf {
        match self {
            Value::None => ValueBuf::None,
            Value::Boolean(value) => ValueBuf::Boolean(value),
            Value::Integer(value) => ValueBuf::Integer(value),
            Value::Float(value) => ValueBuf::Float(value),
            Value::Text(text) => ValueBuf::Text(text.to_owned()),
            Value::Bytes(bytes) => ValueBuf::Bytes(bytes.to_owned()),
            Value::Json(text) => ValueBuf::Json(text.to_owned()),
        }
    }
}

impl ValueBuf {
    /// The value, borrowed.
    ///
    /// ```
    /// # use weihe_sdk::{Value, ValueBuf};
    /// assert_eq!(ValueBuf::Float(21.5).as_value().as_f64(), Some(21.5));
    /// ```
    pub fn as_value(&self) -> Value<'_> {
        match self {
            ValueBuf::None => Value::None,
            ValueBuf::Boolean(value) => Value::Boolean(*value),
            ValueBuf::Integer(value) => Value::Integer(*value),
            ValueBuf::Float(value) => Value::Float(*value),
            ValueBuf::Text(text) => Value::Text(text),
            ValueBuf::Bytes(bytes) => Value::Bytes(bytes),
            ValueBuf::Json(text) => Value::Json(text),
        }
    }
}

/// As in a message to a person: kind and value, octets only as their number.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::None => write!(f, "no value"),
            Value::Boolean(value) => write!(f, "boolean {value}"),
            Value::Integer(value) => write!(f, "integer {value}"),
            Value::Float(value) => write!(f, "float {}", number::shortest(*value)),
            Value::Text(text) => write!(f, "text {}", json::quoted(text)),
            Value::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Value::Json(text) => write!(f, "json {text}"),
        }
    }
}

/// What is published: a value, when it was taken and how far it can be trusted.
///
/// ```
/// use weihe_sdk::{Quality, Sample, Timestamp, Value};
///
/// let sample = Sample::new(21.5).at(Timestamp::from_nanos(1)).quality(Quality::Uncertain);
/// assert_eq!(sample.value, Value::Float(21.5));
/// let pulse = Sample::new(Value::None);
/// assert_eq!(pulse.time, None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    /// The value.
    pub value: Value<'a>,
    /// When it was taken; `None` stands for now.
    pub time: Option<Timestamp>,
    /// How far it can be trusted.
    pub quality: Quality,
}

impl<'a> Sample<'a> {
    /// A good sample, taken now.
    ///
    /// ```
    /// # use weihe_sdk::{Sample, Value};
    /// assert_eq!(Sample::new(true).value, Value::Boolean(true));
    /// assert_eq!(Sample::new("manual").value, Value::Text("manual"));
    /// ```
    pub fn new(value: impl Into<Value<'a>>) -> Self {
        Sample {
            value: value.into(),
            time: None,
            quality: Quality::Good,
        }
    }

    /// Says when it was taken.
    ///
    /// ```
    /// # use weihe_sdk::{Sample, Timestamp};
    /// // When the meter took it, not when it was read.
    /// let sample = Sample::new(21.5).at(Timestamp::from_nanos(1_700_000_000_000_000_000));
    /// # assert!(sample.time.is_some());
    /// ```
    pub fn at(mut self, time: Timestamp) -> Self {
        self.time = Some(time);
        self
    }

    /// Says how far it can be trusted.
    ///
    /// ```
    /// # use weihe_sdk::{Quality, Sample};
    /// let sample = Sample::new(21.5).quality(Quality::Uncertain);
    /// # assert_eq!(sample.quality, Quality::Uncertain);
    /// ```
    pub fn quality(mut self, quality: Quality) -> Self {
        self.quality = quality;
        self
    }
}

impl<'a, T: Into<Value<'a>>> From<T> for Sample<'a> {
    fn from(value: T) -> Self {
        Sample::new(value)
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident;)*) => { $(
        impl<'a> From<$type> for Value<'a> {
            fn from(value: $type) -> Self {
                Value::$variant(value.into())
            }
        }
    )* };
}

from! {
    bool => Boolean;
    i64 => Integer;
    i32 => Integer;
    i16 => Integer;
    u32 => Integer;
    u16 => Integer;
    u8 => Integer;
    f64 => Float;
    f32 => Float;
    &'a str => Text;
    &'a [u8] => Bytes;
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Value::Text(text)
    }
}

impl<'a> From<&'a ValueBuf> for Value<'a> {
    fn from(value: &'a ValueBuf) -> Self {
        value.as_value()
    }
}
