//! Cron expressions, as the host takes them: what the WIT promises, and no more.

use crate::Timestamp;
use chrono::{DateTime, Utc};
use croner::parser::{CronParser, Seconds, Year};

const MONTHS: &str = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC";
const DAYS: &str = "SUN MON TUE WED THU FRI SAT";

/// The first instant after `time`, or why there is none.
pub(super) fn after(expression: &str, time: Timestamp) -> Result<Timestamp, String> {
    let fault = |why: &str| format!("cron expression `{expression}` {why}");
    let fields: Vec<&str> = expression.split_whitespace().collect();
    if !(5..=6).contains(&fields.len()) {
        return Err(fault("has not five fields, or six with the second first"));
    }
    for (place, field) in fields.iter().rev().enumerate() {
        let names = match place {
            0 => DAYS,
            1 => MONTHS,
            _ => "",
        };
        // The parser takes names anywhere, and knows words that the WIT does not.
        let fine = field.split([',', '-', '/']).all(|word| {
            let named = |name: &str| name.eq_ignore_ascii_case(word);
            let number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
            word == "*" || number || names.split(' ').any(|name| !name.is_empty() && named(name))
        });
        if !fine {
            return Err(fault(&format!("has a field `{field}` that is none")));
        }
    }
    let parser = CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Optional)
        .build();
    let cron = parser
        .parse(expression)
        .map_err(|error| fault(&format!("is none: {error}")))?;
    let seconds = i64::try_from(time.as_nanos() / 1_000_000_000).ok();
    let next = seconds
        .and_then(|seconds| DateTime::<Utc>::from_timestamp(seconds, 0))
        .and_then(|time| cron.find_next_occurrence(&time, false).ok())
        .and_then(|next| u64::try_from(next.timestamp()).ok())
        .and_then(|seconds| seconds.checked_mul(1_000_000_000));
    next.map(Timestamp::from_nanos)
        .ok_or_else(|| fault("never comes"))
}
