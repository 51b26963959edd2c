//! What a plugin has used of its budgets.

use crate::Duration;
use serde::Deserialize;
use std::fmt;

/// What a plugin used in the sandbox, up to now; [`TestKernel::used`](super::TestKernel::used) tells it. Printed,
/// it is one line.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::*};
/// # #[allow(unused_mut)]
/// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
/// if let Some(used) = kernel.used() {
///     println!("{used}");
///     assert!(used.cpu_time < Duration::from_millis(20));
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Used {
    /// Bytes of linear memory, at most.
    pub memory: u64,
    /// Processor time of the longest call into the plugin, with what the host did in it.
    pub cpu_time: Duration,
    /// Processor time of all calls.
    pub cpu_time_in_all: Duration,
    /// Most events that one call published.
    pub outbox_events: u64,
    /// Most payload bytes that one call published.
    pub outbox_bytes: u64,
    /// Events published in all.
    pub published: u64,
    /// Log records in all.
    pub logged: u64,
    /// Times that the plugin trapped.
    pub traps: u64,
    /// Each limit of the device.
    pub budgets: Vec<Budget>,
}

/// A limit, as `[device.NAME.limits]` names it, and how much of it was used.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::*};
/// # #[allow(unused_mut)]
/// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
/// for budget in kernel.used().unwrap_or_default().budgets {
///     println!("{}: {:?} of {} {}", budget.limit, budget.peak, budget.most, budget.unit);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Budget {
    /// Its name: `memory`, `cpu-time`, `outbox-events`, ...
    pub limit: String,
    /// `bytes`, `nanoseconds`, `count` or `per-second`.
    pub unit: String,
    /// The most that was used at once, or what is used now; `None` where it cannot be told (`host-call-data`: the
    /// engine keeps it to itself).
    #[serde(default)]
    pub peak: Option<u64>,
    /// How much there is.
    pub most: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Device {
    published: u64,
    logged: u64,
    traps: u64,
    usage: Usage,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Usage {
    budgets: Vec<Level>,
}

#[derive(Debug, Deserialize)]
struct Level {
    limit: String,
    unit: String,
    now: Option<u64>,
    peak: Option<u64>,
    most: u64,
}

impl Used {
    /// Reads what the sandbox says of itself.
    pub(super) fn of(status: &serde_json::Value) -> Self {
        let device: Device = serde_json::from_value(status["device"].clone()).unwrap_or_default();
        let nanoseconds = |key: &str| status["cpu-time"][key].as_u64().unwrap_or(0);
        let longest = nanoseconds("most");
        let budgets: Vec<Budget> = device
            .usage
            .budgets
            .into_iter()
            .map(|level| Budget {
                // The sandbox's clock stands still during calls: the thread's own tells.
                peak: match level.limit.as_str() {
                    "cpu-time" => Some(longest),
                    "call-time" => None,
                    _ => level.now.max(level.peak),
                },
                limit: level.limit,
                unit: level.unit,
                most: level.most,
            })
            .collect();
        let mut used = Used {
            cpu_time: Duration::from_nanos(longest),
            cpu_time_in_all: Duration::from_nanos(nanoseconds("all")),
            published: device.published,
            logged: device.logged,
            traps: device.traps,
            budgets,
            ..Used::default()
        };
        let peak = |limit| used.of_limit(limit).unwrap_or(0);
        (used.memory, used.outbox_events, used.outbox_bytes) =
            (peak("memory"), peak("outbox-events"), peak("outbox-bytes"));
        used
    }

    /// How much of a limit was used, by its name in `[device.NAME.limits]`, in bytes, nanoseconds or things.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// let used = kernel.used().unwrap_or_default();
    /// assert_ne!(used.of_limit("timers"), Some(0));
    /// # Ok(()) }
    /// ```
    pub fn of_limit(&self, limit: &str) -> Option<u64> {
        let found = self.budgets.iter().find(|budget| budget.limit == limit);
        found.and_then(|budget| budget.peak)
    }
}

impl fmt::Display for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "memory {}, cpu-time {} (in all {}), outbox {} events with {}, {} published, {} logged",
            bytes(self.memory),
            span(self.cpu_time),
            span(self.cpu_time_in_all),
            self.outbox_events,
            bytes(self.outbox_bytes),
            self.published,
            self.logged,
        )?;
        match self.traps {
            0 => Ok(()),
            traps => write!(f, ", {traps} traps"),
        }
    }
}

/// Bytes for people.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [(&str, u64); 2] = [("MiB", 1 << 20), ("KiB", 1 << 10)];
    for (unit, size) in UNITS {
        if count >= size {
            return format!("{:.1} {unit}", count as f64 / size as f64);
        }
    }
    format!("{count} B")
}

/// Where a test finds at its end what was used.
pub(super) type Ledger = std::rc::Rc<std::cell::RefCell<Option<Used>>>;

/// A measured span for people: more digits would only be noise.
fn span(span: Duration) -> String {
    format!("{:.2} ms", span.as_secs_f64() * 1e3)
}

/// How much of a unit a text stands for.
pub(super) fn amount(text: &str, unit: &str) -> Result<u64, String> {
    if unit == "nanoseconds" {
        let span: Result<Duration, _> = text.parse();
        return span
            .map(Duration::as_nanos)
            .map_err(|error| error.to_string());
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let scale = match (unit, text[digits.len()..].trim()) {
        (_, "") => 1,
        ("bytes", "B") => 1,
        ("bytes", "KiB") => 1 << 10,
        ("bytes", "MiB") => 1 << 20,
        (_, other) => return Err(format!("`{other}` is no unit of {unit}")),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("`{digits}` is no number"))?;
    number
        .checked_mul(scale)
        .ok_or_else(|| "too large".to_owned())
}

/// An amount for people.
pub(super) fn shown(amount: u64, unit: &str) -> String {
    match unit {
        "bytes" => bytes(amount),
        "nanoseconds" => span(Duration::from_nanos(amount)),
        _ => amount.to_string(),
    }
}
