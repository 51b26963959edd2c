//! Spans of time.

use crate::number::{self, Decimal};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Add;
use std::str::FromStr;

/// A span of time, up to 584 years, in nanoseconds.
///
/// In a configuration it is text with units (`"250 ms"`, `"1 min 30 s"`), or a number of seconds.
///
/// ```
/// use weihe_sdk::Duration;
///
/// assert_eq!("1 min 30 s".parse(), Ok(Duration::from_secs(90)));
/// assert_eq!(serde_json::from_str::<Duration>("0.25").unwrap(), Duration::from_millis(250));
/// assert_eq!(Duration::from_millis(1500).to_string(), "1500 ms");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(u64);

const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl Duration {
    /// No time.
    ///
    /// ```
    /// # use weihe_sdk::Duration;
    /// assert!(Duration::ZERO.is_zero());
    /// ```
    pub const ZERO: Duration = Duration(0);
    /// The longest span.
    ///
    /// ```
    /// # use weihe_sdk::Duration;
    /// assert_eq!(Duration::MAX + Duration::from_secs(1), Duration::MAX);
    /// ```
    pub const MAX: Duration = Duration(u64::MAX);

    /// So many nanoseconds.
    ///
    /// ```
    /// # use weihe_sdk::Duration;
    /// assert_eq!(Duration::from_nanos(1_500).to_string(), "1500 ns");
    /// ```
    pub const fn from_nanos(nanos: u64) -> Self {
        Duration(nanos)
    }

    /// So many milliseconds.
    ///
    /// ```
    /// # use weihe_sdk::Duration;
    /// assert_eq!(Duration::from_millis(1_000), Duration::from_secs(1));
    /// ```
    pub const fn from_millis(millis: u64) -> Self {
        Duration(millis.saturating_mul(1_000_000))
    }

    /// So many seconds.
    ///
    /// ```
    /// # use weihe_sdk::Duration;
    /// assert_eq!(Duration::from_secs(90).to_string(), "90 s");
    /// ```
    pub const fn from_secs(secs: u64) -> Self {
        Duration(secs.saturating_mul(1_000_000_000))
    }

    /// In nanoseconds.
    ///
    /// ```
    /// # use weihe_sdk::Duration;
    /// assert_eq!(Duration::from_millis(2).as_nanos(), 2_000_000);
    /// ```
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// In seconds.
    ///
    /// ```
    /// # use weihe_sdk::Duration;
    /// assert_eq!(Duration::from_millis(250).as_secs_f64(), 0.25);
    /// ```
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Whether it is no time at all.
    ///
    /// ```
    /// # use weihe_sdk::Duration;
    /// assert!(!Duration::from_nanos(1).is_zero());
    /// ```
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The difference, or zero where `other` is longer.
    ///
    /// ```
    /// # use weihe_sdk::Duration;
    /// let (short, long) = (Duration::from_secs(1), Duration::from_secs(3));
    /// assert_eq!(long.saturating_sub(short), Duration::from_secs(2));
    /// assert_eq!(short.saturating_sub(long), Duration::ZERO);
    /// ```
    pub const fn saturating_sub(self, other: Duration) -> Duration {
        Duration(self.0.saturating_sub(other.0))
    }

    fn from_secs_f64(secs: f64) -> Option<Self> {
        let nanos = (secs * 1e9).round();
        // Not NaN, not negative, and below 2^64.
        (nanos >= 0.0 && nanos < u64::MAX as f64).then_some(Duration(nanos as u64))
    }
}

impl Add for Duration {
    type Output = Duration;
    /// Saturates.
    fn add(self, other: Duration) -> Duration {
        Duration(self.0.saturating_add(other.0))
    }
}

impl From<std::time::Duration> for Duration {
    fn from(span: std::time::Duration) -> Self {
        Duration(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// In the largest unit that states it exactly.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return write!(f, "0 s");
        }
        let exact = UNITS.iter().find(|(_, size)| self.0.is_multiple_of(*size));
        let (unit, size) = exact.unwrap_or(&("ns", 1));
        write!(f, "{} {unit}", self.0 / size)
    }
}

/// Why a text is no span of time.
///
/// ```
/// # use weihe_sdk::Duration;
/// let error = "5 parsecs".parse::<Duration>().unwrap_err();
/// assert!(error.to_string().contains("\"5 parsecs\" is no span of time"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DurationError(String);

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is no span of time: write for example \"250 ms\", \"5 s\", \"1 min 30 s\" or \"2 h\"",
            self.0
        )
    }
}

impl std::error::Error for DurationError {}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        parse(text).ok_or_else(|| DurationError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim_ascii();
    let mut total = 0_u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = split(rest, |byte| byte.is_ascii_digit() || byte == b'.')?;
        // Letters beyond ASCII too: µ is one.
        let letter = |byte: u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
        let (unit, after) = split(after.trim_ascii_start(), letter)?;
        let unit = if unit == "µs" { "us" } else { unit };
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let nanos = Decimal::scan(number.as_bytes())?.scaled(*size)?;
        total = total.checked_add(nanos)?;
        rest = after.trim_ascii_start();
    }
    Some(Duration(total))
}

/// What a text begins with, and the rest. Not by `char`, nor with slices of texts: what the standard
/// library needs for these, its words when they fail included, is larger than all of this file.
fn split(text: &str, is_part: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !is_part(byte));
    text.split_at_checked(end.unwrap_or(text.len()))
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Span;

        impl Visitor<'_> for Span {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a span of time such as \"5 s\", or a number of seconds")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Duration, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, secs: u64) -> Result<Duration, E> {
                Ok(Duration::from_secs(secs))
            }

            fn visit_i64<E: serde::de::Error>(self, secs: i64) -> Result<Duration, E> {
                let secs = u64::try_from(secs)
                    .map_err(|_| E::custom(format!("{secs} s: a span of time is not negative")))?;
                Ok(Duration::from_secs(secs))
            }

            fn visit_f64<E: serde::de::Error>(self, secs: f64) -> Result<Duration, E> {
                Duration::from_secs_f64(secs).ok_or_else(|| {
                    let secs = number::shortest(secs);
                    E::custom(format!("{secs} s is no span of time"))
                })
            }
        }

        deserializer.deserialize_any(Span)
    }
}
