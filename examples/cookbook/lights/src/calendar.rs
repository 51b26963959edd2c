//! Local times on days of the week, for a kernel whose calendar is UTC.

use serde::Deserialize;
use weihe_sdk::Timestamp;

const DAY: i64 = 24 * 60;
const NANOS_PER_MINUTE: u64 = 60_000_000_000;

/// A day of the week; as a number, what cron calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Day {
    Sun,
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
}

pub fn working_days() -> Vec<Day> {
    vec![Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri]
}

/// When it is to be light.
#[derive(Debug)]
pub struct Calendar {
    /// Minutes of the local day.
    on: i64,
    off: i64,
    days: Vec<Day>,
    ahead: i64,
}

impl Calendar {
    /// The error names the key.
    pub fn new(on: &str, off: &str, days: Vec<Day>, hours_ahead: i64) -> Result<Self, String> {
        let minutes = |key: &str, text: &str| {
            let parsed = text.split_once(':').and_then(|(hour, minute)| {
                let (hour, minute): (i64, i64) = (hour.parse().ok()?, minute.parse().ok()?);
                let valid = (0..24).contains(&hour) && (0..60).contains(&minute);
                valid.then_some(hour * 60 + minute)
            });
            parsed.ok_or_else(|| format!("`{key}`: {text:?} is no time of day, such as \"06:30\""))
        };
        let (on, off) = (minutes("on", on)?, minutes("off", off)?);
        if on == off {
            return Err("`off` is the same as `on`".to_owned());
        }
        if !(-12..=14).contains(&hours_ahead) {
            return Err(format!(
                "`hours-ahead-of-utc`: {hours_ahead} is no time zone"
            ));
        }
        let ahead = hours_ahead * 60;
        Ok(Calendar {
            on,
            off,
            days,
            ahead,
        })
    }

    /// Whether it should be light at a time.
    pub fn is_light(&self, time: Timestamp) -> bool {
        let local = (time.as_nanos() / NANOS_PER_MINUTE) as i64 + self.ahead;
        let (day, minute) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        // 1970-01-01 was a Thursday.
        let is = |day: i64| {
            self.days
                .iter()
                .any(|it| *it as i64 == (day + 4).rem_euclid(7))
        };
        if self.on < self.off {
            is(day) && (self.on..self.off).contains(&minute)
        } else {
            // Through the night: the evening of a day, and the morning after one.
            (is(day) && minute >= self.on) || (is(day - 1) && minute < self.off)
        }
    }

    /// When it goes on, in UTC, where Monday morning in Beijing is still Sunday; `None` without days.
    pub fn cron_on(&self) -> Option<String> {
        let utc = self.on - self.ahead;
        let shift = utc.div_euclid(DAY);
        let days: Vec<String> = (self.days.iter())
            .map(|day| (*day as i64 + shift).rem_euclid(7).to_string())
            .collect();
        let (hour, minute) = (utc.rem_euclid(DAY) / 60, utc.rem_euclid(60));
        (!days.is_empty()).then(|| format!("{minute} {hour} * * {}", days.join(",")))
    }

    /// When it goes off, every day: where it is off already, nothing happens.
    pub fn cron_off(&self) -> String {
        let utc = (self.off - self.ahead).rem_euclid(DAY);
        format!("{} {} * * *", utc % 60, utc / 60)
    }
}
