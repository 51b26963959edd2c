//! Points in time.

use crate::Duration;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

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
    ///
    /// ```
    /// # use weihe_sdk::{Duration, Timestamp};
    /// assert_eq!(Timestamp::from_nanos(0).to_string(), "1970-01-01T00:00:00.000Z");
    /// ```
    pub const fn from_nanos(nanos: u64) -> Self {
        Timestamp(nanos)
    }

    /// Nanoseconds since 1970.
    ///
    /// ```
    /// # use weihe_sdk::{Duration, Timestamp};
    /// assert_eq!(Timestamp::from_nanos(7).as_nanos(), 7);
    /// ```
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is before.
    ///
    /// ```
    /// # use weihe_sdk::{Duration, Timestamp};
    /// let earlier = Timestamp::from_nanos(1_000);
    /// let later = earlier + Duration::from_millis(5);
    /// assert_eq!(later.since(earlier), Duration::from_millis(5));
    /// assert_eq!(earlier.since(later), Duration::ZERO);
    /// ```
    pub const fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;
    /// Saturates.
    fn add(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(span.as_nanos()))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Timestamp;
    /// Saturates at 1970.
    fn sub(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(span.as_nanos()))
    }
}

/// Why a text is no point in time.
///
/// ```
/// # use weihe_sdk::{Duration, Timestamp};
/// let error = "yesterday".parse::<Timestamp>().unwrap_err();
/// assert!(error.to_string().contains("RFC 3339"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampError(String);

impl fmt::Display for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is no point in time from 1970 on: write for example \"2026-01-31T12:00:00Z\" (RFC 3339)",
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
