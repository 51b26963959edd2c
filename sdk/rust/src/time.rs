//! Points in time and spans of time, in nanoseconds.

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::{Add, Sub};
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
    pub const ZERO: Duration = Duration(0);
    /// The longest span.
    pub const MAX: Duration = Duration(u64::MAX);

    /// So many nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Duration(nanos)
    }

    /// So many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Duration(millis.saturating_mul(1_000_000))
    }

    /// So many seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Duration(secs.saturating_mul(1_000_000_000))
    }

    /// In nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// In seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Whether it is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The difference, or zero where `other` is longer.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DurationError(String);

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no span of time: write for example \"250 ms\", \"5 s\", \"1 min 30 s\" or \"2 h\"",
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
    let mut rest = text.trim();
    let mut total = 0_u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let unit = if unit == "µs" { "us" } else { unit };
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let nanos = match number.parse::<u64>() {
            Ok(whole) => whole.checked_mul(*size)?,
            Err(_) => {
                let nanos = (number.parse::<f64>().ok()? * *size as f64).round();
                (nanos < u64::MAX as f64).then_some(nanos as u64)?
            }
        };
        total = total.checked_add(nanos)?;
        rest = after.trim_start();
    }
    Some(Duration(total))
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
                Duration::from_secs_f64(secs)
                    .ok_or_else(|| E::custom(format!("{secs} s is no span of time")))
            }
        }

        deserializer.deserialize_any(Span)
    }
}

/// A point in time: nanoseconds since 1970-01-01T00:00:00Z on the host's clock (virtual in tests and
/// replay).
///
/// In JSON it is that number; RFC 3339 text is read too (`"2026-01-31T12:00:00Z"`).
///
/// ```
/// use weihe_sdk::{Duration, Timestamp};
///
/// let time = Timestamp::from_nanos(1_700_000_000_000_000_000);
/// assert_eq!(time.to_string(), "2023-11-14T22:13:20.000Z");
/// assert_eq!((time + Duration::from_secs(3)).since(time), Duration::from_secs(3));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// So many nanoseconds after 1970.
    pub const fn from_nanos(nanos: u64) -> Self {
        Timestamp(nanos)
    }

    /// Nanoseconds since 1970.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is before.
    pub const fn since(self, earlier: Timestamp) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;
    /// Saturates.
    fn add(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(span.0))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Timestamp;
    /// Saturates at 1970.
    fn sub(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(span.0))
    }
}

/// Why a text is no point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampError(String);

impl fmt::Display for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no point in time from 1970 on: write for example \"2026-01-31T12:00:00Z\" (RFC 3339)",
            self.0
        )
    }
}

impl std::error::Error for TimestampError {}

/// Reads RFC 3339, section 5.6, with any offset.
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        rfc3339(text.as_bytes()).ok_or_else(|| TimestampError(text.to_owned()))
    }
}

fn rfc3339(text: &[u8]) -> Option<Timestamp> {
    let two = |at: usize| digits(text.get(at..at + 2)?);
    let is = |at: usize, expected: &[u8]| text.get(at).filter(|byte| expected.contains(byte));
    is(4, b"-")
        .and(is(7, b"-"))
        .and(is(10, b"Tt "))
        .and(is(13, b":"))
        .and(is(16, b":"))?;
    let (year, month, day) = (digits(text.get(..4)?)?, two(5)?, two(8)?);
    let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = text.get(19..)?;
    let mut nanos = 0;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if !(1..=9).contains(&length) {
            return None;
        }
        nanos = digits(&fraction[..length])? * 10_u64.pow(9 - length as u32);
        rest = &fraction[length..];
    }
    let secs = days_since_1970(year, month, day)? * 86_400 + hour * 3_600 + minute * 60 + second;
    let secs = match rest {
        b"Z" | b"z" => secs,
        [sign @ (b'+' | b'-'), offset @ ..] if offset.len() == 5 && offset[2] == b':' => {
            let (hours, minutes) = (digits(&offset[..2])?, digits(&offset[3..])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset = hours * 3_600 + minutes * 60;
            if *sign == b'+' {
                secs.checked_sub(offset)?
            } else {
                secs + offset
            }
        }
        _ => return None,
    };
    Some(Timestamp(
        secs.checked_mul(1_000_000_000)?.checked_add(nanos)?,
    ))
}

fn digits(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0, |number: u64, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + u64::from(byte - b'0'))
    })
}

/// The inverse of [`civil`]. `None` for a day that does not exist.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let (march_year, march_month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let (era, of_era) = (march_year / 400, march_year % 400);
    let of_year = (153 * march_month + 2) / 5 + day - 1;
    let days = era * FOUR_CENTURIES + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    let days = days.checked_sub(DAYS_BEFORE_1970)?;
    (civil(days) == (year, month, day)).then_some(days)
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Point;

        impl Visitor<'_> for Point {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "nanoseconds since 1970, or RFC 3339 text")
            }

            fn visit_u64<E: serde::de::Error>(self, nanos: u64) -> Result<Timestamp, E> {
                Ok(Timestamp(nanos))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Point)
    }
}

/// RFC 3339 in UTC, to the millisecond.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0 / 1_000_000;
        let (days, millis) = (millis / 86_400_000, millis % 86_400_000);
        let (year, month, day) = civil(days);
        let (hour, minute) = (millis / 3_600_000, millis / 60_000 % 60);
        let (second, milli) = (millis / 1_000 % 60, millis % 1_000);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
        )
    }
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: u64 = 719_468;
/// Days in 400 years.
const FOUR_CENTURIES: u64 = 146_097;

/// Year, month and day of a number of days after 1970-01-01, in the Gregorian calendar. Counted in
/// years that begin in March, so that the leap day is the last one.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_BEFORE_1970;
    let (era, day) = (days / FOUR_CENTURIES, days % FOUR_CENTURIES);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_shown_is_parsed(nanos: u64) {
            let span = Duration::from_nanos(nanos);
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }

        #[test]
        fn a_shown_point_in_time_is_parsed_to_the_millisecond(millis in 0_u64..200_000_000_000_000 / 1_000) {
            let time = Timestamp::from_nanos(millis * 1_000_000);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn any_text_is_parsed_without_a_panic(text: String) {
            let _ = text.parse::<Duration>();
            let _ = text.parse::<Timestamp>();
        }

        #[test]
        fn near_dates_are_parsed_without_a_panic(
            text in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{0,10})?(Z|[+-][0-9]{2}:[0-9]{2})",
        ) {
            let _ = text.parse::<Timestamp>();
        }

        #[test]
        fn near_misses_are_parsed_without_a_panic(text in "[0-9. dhminsuµ-]{0,20}") {
            let _ = text.parse::<Duration>();
        }
    }

    #[test]
    fn spans_are_read_in_their_units() {
        let read = |text: &str| text.parse::<Duration>().map(Duration::as_nanos);
        assert_eq!(read("1.5s"), Ok(1_500_000_000));
        assert_eq!(read("2 h 5 min"), Ok(7_500_000_000_000));
        assert_eq!(read("7 µs"), Ok(7_000));
        assert_eq!(read("1 d"), Ok(86_400_000_000_000));
        for wrong in [
            "",
            "5",
            "s",
            "-1 s",
            "5 parsecs",
            "99999999999 d",
            "1.2.3 s",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_negative_number_of_seconds_is_refused() {
        let error = serde_json::from_str::<Duration>("-3")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("-3 s: a span of time is not negative"),
            "{error}"
        );
    }

    #[test]
    fn rfc3339_is_read_with_offset_and_fraction() {
        let nanos = |text: &str| text.parse::<Timestamp>().map(Timestamp::as_nanos);
        assert_eq!(nanos("1970-01-01T00:00:00Z"), Ok(0));
        assert_eq!(
            nanos("2023-11-14T22:13:20.5Z"),
            Ok(1_700_000_000_500_000_000)
        );
        assert_eq!(
            nanos("2023-11-15T06:13:20+08:00"),
            Ok(1_700_000_000_000_000_000)
        );
        for wrong in [
            "2023-02-29T00:00:00Z",
            "2023-13-01T00:00:00Z",
            "2023-01-01",
            "now",
            "",
        ] {
            assert!(nanos(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn dates_are_right_around_leap_days() {
        let date = |secs: u64| Timestamp::from_nanos(secs * 1_000_000_000).to_string();
        assert_eq!(date(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(date(951_782_400), "2000-02-29T00:00:00.000Z");
        assert_eq!(date(951_868_800), "2000-03-01T00:00:00.000Z");
        assert_eq!(date(4_107_542_400), "2100-03-01T00:00:00.000Z");
        assert_eq!(date(1_735_689_599), "2024-12-31T23:59:59.000Z");
    }
}
