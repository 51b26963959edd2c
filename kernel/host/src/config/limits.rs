//! `limits` of a device: overrides of the kernel's defaults, each within what makes sense.

use weihe_kernel::limits::Limits;
use weihe_kernel::units::{Size, Span};

use super::fault::Fault;
use super::section::{Section, list, nearest};

/// The least memory of a plugin: two pages of 64 KiB, the smallest a Rust component starts in is
/// seventeen.
const LEAST_MEMORY: Size = Size(128 << 10);

/// The most memory of a plugin: all that 32-bit WebAssembly can address.
const MOST_MEMORY: Size = Size(4 << 30);

/// The most data of one host call, outbox, batch or queue: beyond it, one device could starve a
/// board.
const MOST_DATA: Size = Size(256 << 20);

/// The least data of one host call, outbox, batch or queue: one event with a text.
const LEAST_DATA: Size = Size(4 << 10);

/// The longest span of any limit: a day. Longer ones would be no limit.
const LONGEST: Span = Span::from_millis(24 * 3_600_000);

/// The shortest time of a call: one slice of the scheduler.
const SHORTEST_CALL: Span = Span::from_millis(5);

/// The largest count of anything: a million, so that no queue alone fills a board's memory.
const MOST_COUNT: i64 = 1_000_000;

/// The fastest that a device may be allowed to publish: a thousand million events a second, which is as good
/// as no limit.
const FASTEST: i64 = 1_000_000_000;

/// The least length of a log record: a short sentence.
const LEAST_RECORD: Size = Size(128);

/// The most length of a log record: beyond it, the records that the host keeps would fill a board.
const MOST_RECORD: Size = Size(64 << 10);

/// What a limit may be set to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bounds {
    Sizes(Size, Size),
    Spans(Span, Span),
    Counts(i64, i64),
}

/// The bounds of each limit; every key of [`Limits`] stands here.
pub(super) fn bounds(key: &str) -> Option<Bounds> {
    let none = Span::from_millis(0);
    Some(match key {
        "memory" => Bounds::Sizes(LEAST_MEMORY, MOST_MEMORY),
        "host-call-data" | "outbox-bytes" | "batch-bytes" | "queue-bytes" => {
            Bounds::Sizes(LEAST_DATA, MOST_DATA)
        }
        "call-time" | "cpu-time" => Bounds::Spans(SHORTEST_CALL, LONGEST),
        "timer-period" => Bounds::Spans(Span(std::time::Duration::from_micros(10)), LONGEST),
        "block" | "checkpoint" | "probation" => Bounds::Spans(none, LONGEST),
        "table-elements" | "outbox-events" | "outbox-effects" | "batch" | "queue" => {
            Bounds::Counts(1, MOST_COUNT)
        }
        // Some devices need none of these.
        "topics" | "subscriptions" | "timers" | "tickets" | "calls" => {
            Bounds::Counts(0, MOST_COUNT)
        }
        "publish-rate" => Bounds::Counts(1, FASTEST),
        // A device may have to be silent.
        "log-rate" => Bounds::Counts(0, MOST_COUNT),
        "log-bytes" => Bounds::Sizes(LEAST_RECORD, MOST_RECORD),
        "attempts" => Bounds::Counts(1, 1_000),
        _ => return None,
    })
}

/// All limits, as they are when none is named.
pub(super) fn defaults() -> toml::Table {
    toml::Table::try_from(Limits::default()).unwrap_or_default()
}

impl Bounds {
    /// A value within them, as people write it.
    pub(super) fn shown(self, value: &toml::Value) -> serde_json::Value {
        match (self, value) {
            (Self::Sizes(..), toml::Value::Integer(bytes)) => {
                Size(u64::try_from(*bytes).unwrap_or_default())
                    .to_string()
                    .into()
            }
            (_, toml::Value::Integer(count)) => (*count).into(),
            (_, toml::Value::String(text)) => text.as_str().into(),
            (_, other) => other.to_string().into(),
        }
    }
}

/// The `limits` table of a device's section, on top of the defaults.
pub(super) fn read(owner: &Section<'_>, faults: &mut Vec<Fault>) -> Limits {
    let title = format!("`limits` of {}", owner.title);
    let Some(section) = owner.section("limits", title, faults) else {
        return Limits::default();
    };
    let known = defaults();
    let known = || known.keys().map(String::as_str);
    let mut sound = toml::Table::new();
    for entry in section.table.iter() {
        let key = entry.key.as_str();
        let Some(bounds) = bounds(key) else {
            let help = nearest(key, known()).map_or_else(
                || format!("known limits: {}", list(known())),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("unknown limit `{key}` in {}", section.title);
            faults.push(Fault::new(entry.key_span.clone(), message, "unknown limit").help(help));
            continue;
        };
        let value = entry.item.to_toml();
        match within(&value, &bounds) {
            Ok(()) => {
                sound.insert(entry.key.clone(), value);
            }
            Err(reason) => {
                let message = format!("`{key}` in {}: {reason}", section.title);
                faults.push(
                    Fault::new(entry.item.span.clone(), message, "not possible")
                        .help(bounds.to_string()),
                );
            }
        }
    }
    sound.try_into().unwrap_or_else(|error| {
        let message = format!("{}: {error}", section.title);
        faults.push(Fault::new(section.span.clone(), message, "here"));
        Limits::default()
    })
}

fn within(value: &toml::Value, bounds: &Bounds) -> Result<(), String> {
    let outside = |inside: bool, shown: String| {
        if inside {
            Ok(())
        } else {
            Err(format!("{shown} is out of range"))
        }
    };
    match bounds {
        Bounds::Sizes(least, most) => {
            let size: Size = parsed(value, "a size like \"16 MiB\"")?;
            outside((least..=most).contains(&&size), size.to_string())
        }
        Bounds::Spans(least, most) => {
            let span: Span = parsed(value, "a span of time like \"250ms\"")?;
            outside((least..=most).contains(&&span), span.to_string())
        }
        Bounds::Counts(least, most) => {
            let count: i64 = parsed(value, "a whole number")?;
            outside((least..=most).contains(&&count), count.to_string())
        }
    }
}

fn parsed<T: serde::de::DeserializeOwned>(value: &toml::Value, kind: &str) -> Result<T, String> {
    value
        .clone()
        .try_into()
        .map_err(|_| format!("{value} is not {kind}"))
}

impl std::fmt::Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sizes(least, most) => write!(f, "a size from \"{least}\" to \"{most}\""),
            Self::Spans(least, most) => write!(f, "a span of time from \"{least}\" to \"{most}\""),
            Self::Counts(least, most) => write!(f, "a whole number from {least} to {most}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_of_the_kernel_has_bounds_that_hold_its_default() {
        let defaults = toml::Table::try_from(Limits::default()).unwrap_or_default();
        assert!(!defaults.is_empty());
        for (key, value) in defaults {
            let bounds = bounds(&key);
            let held = bounds.as_ref().map(|bounds| within(&value, bounds));
            assert_eq!(held, Some(Ok(())), "{key}");
        }
    }
}
