//! Cron expressions: when, on the calendar (UTC).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

const SECOND: u64 = 1_000_000_000;

/// The longest expression: a list of all sixty minutes, and then some.
const MAX_LENGTH: usize = 512;

/// Why an expression is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// There are too few or too many fields.
    #[error(
        "cron expression `{expression}` has {found} fields; it takes five (minute, hour, day of month, month, day of week), or six with the second before them"
    )]
    Fields {
        /// The expression.
        expression: String,
        /// How many it has.
        found: usize,
    },
    /// A field cannot be understood.
    #[error(
        "cron expression `{expression}`: {field} `{text}` is none: it takes `*`, {values}, ranges (`2-5`), steps (`*/2`, `2-8/3`), and lists of these"
    )]
    Field {
        /// The expression.
        expression: String,
        /// The field's name.
        field: &'static str,
        /// What it holds.
        text: String,
        /// What it may hold.
        values: &'static str,
    },
    /// No date fits.
    #[error(
        "cron expression `{expression}` never comes: its day of month is in none of its months"
    )]
    Never {
        /// The expression.
        expression: String,
    },
    /// It is longer than any that makes sense.
    #[error("a cron expression has at most {MAX_LENGTH} characters, not {0}")]
    Length(usize),
}

/// One field of an expression.
struct Field {
    name: &'static str,
    values: &'static str,
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &[
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// In the order of an expression with seconds.
const FIELDS: [Field; 6] = [
    Field {
        name: "second",
        values: "numbers from 0 to 59",
        names: &[],
    },
    Field {
        name: "minute",
        values: "numbers from 0 to 59",
        names: &[],
    },
    Field {
        name: "hour",
        values: "numbers from 0 to 23",
        names: &[],
    },
    Field {
        name: "day of month",
        values: "numbers from 1 to 31",
        names: &[],
    },
    Field {
        name: "month",
        values: "numbers from 1 to 12 or JAN to DEC",
        names: MONTHS,
    },
    Field {
        name: "day of week",
        values: "numbers from 0 to 7 (0 and 7 are Sunday) or SUN to SAT",
        names: DAYS,
    },
];

impl Field {
    /// Whether it has the form that is promised. The parser knows more (`L`, `W`, `#`, nicknames),
    /// and takes names anywhere, also within other words.
    fn is_plain(&self, text: &str) -> bool {
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let named = |text: &str| {
            self.names
                .iter()
                .any(|name| name.eq_ignore_ascii_case(text))
        };
        let value = |text: &str| number(text) || named(text);
        text.split(',').all(|item| {
            let (span, step) = match item.split_once('/') {
                Some((span, step)) => (span, Some(step)),
                None => (item, None),
            };
            let spans = match span.split_once('-') {
                Some((first, last)) => value(first) && value(last),
                None => span == "*" || value(span),
            };
            spans && step.is_none_or(number)
        })
    }
}

/// When a timer ticks, on the calendar (UTC): `*/5 * * * *`.
///
/// Five fields (minute, hour, day of month, month, day of week), or six with the second before them.
/// Where both the day of month and the day of week say something else than `*`, either is enough.
#[derive(Clone)]
pub struct CronExpression {
    text: Arc<str>,
    cron: Arc<Cron>,
}

impl CronExpression {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first instant after `wall`, both in nanoseconds since 1970; none beyond what can be counted.
    pub fn after(&self, wall: u64) -> Option<u64> {
        let found = self.cron.find_next_occurrence(&second(wall)?, false);
        nanoseconds(found.ok()?)
    }

    /// The last instant up to `wall`, `wall` included.
    pub fn up_to(&self, wall: u64) -> Option<u64> {
        let found = self.cron.find_previous_occurrence(&second(wall)?, true);
        nanoseconds(found.ok()?)
    }
}

/// The second in which a time lies: instants are whole seconds.
fn second(wall: u64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(i64::try_from(wall / SECOND).ok()?, 0)
}

fn nanoseconds(time: DateTime<Utc>) -> Option<u64> {
    u64::try_from(time.timestamp()).ok()?.checked_mul(SECOND)
}

fn parse(text: &str) -> Option<Cron> {
    let parser = CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Optional)
        .build();
    parser.parse(text).ok()
}

impl FromStr for CronExpression {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        if text.len() > MAX_LENGTH {
            return Err(CronError::Length(text.len()));
        }
        let expression = text.to_owned();
        let fields: Vec<&str> = text.split_whitespace().collect();
        let found = fields.len();
        if !(5..=6).contains(&found) {
            return Err(CronError::Fields { expression, found });
        }
        for (field, text) in FIELDS[FIELDS.len() - found..].iter().zip(&fields) {
            // Alone among stars, so that the field with the fault is known.
            let place = FIELDS.iter().position(|known| known.name == field.name);
            let mut alone = ["*"; 6];
            if let Some(place) = place {
                alone[place] = text;
            }
            if !field.is_plain(text) || parse(&alone.join(" ")).is_none() {
                return Err(CronError::Field {
                    expression,
                    field: field.name,
                    text: (*text).to_owned(),
                    values: field.values,
                });
            }
        }
        let never = || CronError::Never {
            expression: expression.clone(),
        };
        let cron = CronExpression {
            text: text.into(),
            cron: Arc::new(parse(text).ok_or_else(never)?),
        };
        cron.after(0).ok_or_else(never)?;
        Ok(cron)
    }
}

impl PartialEq for CronExpression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for CronExpression {}

impl fmt::Debug for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CronExpression").field(&self.text).finish()
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::{Datelike, Timelike};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> u64 {
        let time = DateTime::parse_from_rfc3339(text).unwrap();
        u64::try_from(time.timestamp_nanos_opt().unwrap()).unwrap()
    }

    fn next(expression: &str, from: &str) -> String {
        let expression: CronExpression = expression.parse().unwrap();
        let next = expression.after(at(from)).unwrap();
        format!("{:?}", second(next).unwrap())
    }

    #[test]
    fn expressions_name_their_instants() {
        let from = "2026-02-27T10:02:03.5Z";
        for (expression, expected) in [
            ("*/5 * * * *", "2026-02-27T10:05:00Z"),
            ("*/5 * * * * *", "2026-02-27T10:02:05Z"),
            ("* * * * * *", "2026-02-27T10:02:04Z"),
            ("0 0 * * *", "2026-02-28T00:00:00Z"),
            ("30 6 * * mon-fri", "2026-03-02T06:30:00Z"),
            ("0 12 * Apr,JUN SUN", "2026-04-05T12:00:00Z"),
            ("0 0 * * 7", "2026-03-01T00:00:00Z"),
            ("0 8-18/5 * * *", "2026-02-27T13:00:00Z"),
            ("0 0 29 2 *", "2028-02-29T00:00:00Z"),
            ("0 0 31 * *", "2026-03-31T00:00:00Z"),
            // Either day is enough.
            ("0 0 15 * 1", "2026-03-02T00:00:00Z"),
            ("0 0 1 * 1", "2026-03-01T00:00:00Z"),
        ] {
            assert_eq!(next(expression, from), expected, "{expression}");
        }
    }

    #[test]
    fn a_refusal_names_expression_and_field() {
        for (expression, part) in [
            ("61 * * * *", "`61 * * * *`: minute `61` is none"),
            ("* 24 * * *", "hour `24`"),
            ("* * 0 * *", "day of month `0`"),
            ("* * * 13 *", "month `13`"),
            ("* * * * 8", "day of week `8`"),
            ("60 * * * * *", "second `60`"),
            ("*/0 * * * *", "minute `*/0`"),
            ("5-1 * * * *", "minute `5-1`"),
            ("1,, * * * *", "minute `1,,`"),
            ("-1 * * * *", "minute `-1`"),
            ("MON * * * *", "minute `MON`"),
            ("* * * FEBRUARY *", "month `FEBRUARY`"),
            ("* * * * MONTUE", "day of week `MONTUE`"),
            ("* * L * *", "day of month `L`"),
            ("* * * * 1#2", "day of week `1#2`"),
            (
                "99999999999999999999 * * * *",
                "minute `99999999999999999999`",
            ),
            ("* * * *", "has 4 fields"),
            ("", "has 0 fields"),
            ("@daily", "has 1 fields"),
            ("* * * * * * 2030", "has 7 fields"),
            ("0 0 30 2 *", "`0 0 30 2 *` never comes"),
            ("0 0 31 4,6,9,11 *", "never comes"),
        ] {
            let error = expression.parse::<CronExpression>().unwrap_err();
            assert!(error.to_string().contains(part), "{expression}: {error}");
        }
        let long = format!("{} * * * *", "1,".repeat(300));
        assert!(matches!(
            long.parse::<CronExpression>(),
            Err(CronError::Length(_))
        ));
    }

    #[test]
    fn nothing_comes_after_the_end_of_time() {
        let expression: CronExpression = "* * * * *".parse().unwrap();
        assert_eq!(expression.after(u64::MAX), None);
    }

    /// A field as a text, and the numbers that it stands for, worked out apart.
    fn field(low: u32, high: u32) -> impl Strategy<Value = (String, Vec<u32>)> {
        let item = prop_oneof![
            (low..=high).prop_map(|n| (n.to_string(), vec![n])),
            (1..=high).prop_map(move |step| {
                let values = (low..=high).step_by(step as usize).collect();
                (format!("*/{step}"), values)
            }),
            (low..=high, low..=high, 1..=high).prop_map(|(a, b, step)| {
                let (a, b) = (a.min(b), a.max(b));
                let values = (a..=b).step_by(step as usize).collect();
                (format!("{a}-{b}/{step}"), values)
            }),
        ];
        let list = proptest::collection::vec(item, 1..3).prop_map(|items| {
            let (texts, values): (Vec<String>, Vec<Vec<u32>>) = items.into_iter().unzip();
            (texts.join(","), values.concat())
        });
        prop_oneof![Just(("*".to_owned(), (low..=high).collect())), list]
    }

    proptest! {
        #[test]
        fn the_next_instant_is_later_fits_all_fields_and_leaves_none_out(
            second_field in field(0, 59), minute in field(0, 59), hour in field(0, 23),
            day in field(1, 31), month in field(1, 12), weekday in field(0, 7),
            from in 0_u64..4_000_000_000_000_000_000,
        ) {
            let text = format!(
                "{} {} {} {} {} {}",
                second_field.0, minute.0, hour.0, day.0, month.0, weekday.0
            );
            let parsed = text.parse::<CronExpression>();
            // The 30th of February.
            prop_assume!(!matches!(parsed, Err(CronError::Never { .. })));
            let expression = parsed.unwrap();
            let fits = |time: DateTime<Utc>| {
                let days = day.1.contains(&time.day());
                let sunday = time.weekday().num_days_from_sunday();
                let weekdays = weekday.1.iter().any(|known| known % 7 == sunday);
                let either = match (day.0 == "*", weekday.0 == "*") {
                    (false, false) => days || weekdays,
                    _ => days && weekdays,
                };
                second_field.1.contains(&time.second())
                    && minute.1.contains(&time.minute())
                    && hour.1.contains(&time.hour())
                    && month.1.contains(&time.month())
                    && either
            };
            let next = expression.after(from).unwrap();
            prop_assert!(next > from);
            prop_assert!(fits(second(next).unwrap()), "{} {:?}", text, second(next));
            // None between, as far as it is worth looking.
            for later in (from / SECOND + 1..next / SECOND).take(4_000) {
                prop_assert!(!fits(second(later * SECOND).unwrap()), "{} left out {}", text, later);
            }
            prop_assert_eq!(expression.up_to(next), Some(next));
            prop_assert_eq!(expression.up_to(next - 1).unwrap_or(0).max(from), from.max(
                expression.up_to(from).unwrap_or(0)
            ));
        }
    }
}
