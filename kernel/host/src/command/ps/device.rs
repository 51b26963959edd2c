//! One device in full: what it uses of its limits, how fast it is, and its last error.

use std::fmt::Write as _;

use weihe_kernel::bus::{Overflow, SubscriptionStatus};
use weihe_kernel::connection::Latency;
use weihe_kernel::device::{BudgetStatus, DeviceState, DeviceStatus, Unit};

use crate::output::{Style, Table, bytes, count, date_and_time, duration, one_line};

/// A device in full, for people.
pub(in crate::command) fn details(
    device: &DeviceStatus,
    subscriptions: &[SubscriptionStatus],
    style: Style,
) -> String {
    let usage = &device.usage;
    let mut text = format!(
        "{}  plugin {} {}, {}, lane {}{}\n",
        style.bold(&device.name),
        device.plugin,
        one_line(&device.version),
        state(device, style),
        device.lane,
        match &device.connection {
            Some(connection) => format!(", connection {connection}"),
            None => String::new(),
        },
    );
    let _ = writeln!(
        text,
        "events      {} in ({}/s), {} out ({}/s), {} dropped, {} again, {} dead",
        count(device.events),
        rate(usage.rates.events),
        count(device.published),
        rate(usage.rates.published),
        count(device.dropped),
        count(device.retries),
        count(device.dead),
    );
    let _ = writeln!(
        text,
        "calls       {} commands, {} notices, {} batches, {} traps, {} restarts",
        count(device.calls),
        count(device.notices),
        count(device.batches),
        count(device.traps),
        count(device.restarts()),
    );
    let _ = writeln!(text, "handler     {}", spans(&usage.handling));
    let _ = writeln!(text, "latency     {}", spans(&usage.latency));
    let _ = writeln!(
        text,
        "lane        kept for {}; slowed down for {} (limit `publish-rate`)",
        duration(usage.running),
        duration(device.held)
    );
    let _ = writeln!(
        text,
        "log         {} records, {} left out (limit `log-rate`)",
        count(device.logged),
        count(device.log_left_out)
    );
    if let Some(fault) = &device.last_error {
        let _ = writeln!(
            text,
            "\nlast error, {}\n{}",
            date_and_time(fault.time),
            style.bad(one_line(&fault.message))
        );
        for line in fault.backtrace.lines() {
            let _ = writeln!(text, "{}", one_line(line));
        }
    }
    let _ = write!(text, "\n{}", budgets(&usage.budgets, style));
    let queues = queues(device, subscriptions, style);
    if !queues.is_empty() {
        let _ = write!(text, "\n{queues}");
    }
    text
}

/// The state in a word or two.
pub(in crate::command) fn state(device: &DeviceStatus, style: Style) -> String {
    let state = match device.probation {
        true => format!("{} (probation)", device.state.as_str()),
        false => device.state.as_str().to_owned(),
    };
    match device.state {
        DeviceState::Running => style.good(state),
        DeviceState::Failed => style.bad(state),
        _ => style.warn(state),
    }
}

/// Each limit, and what is used of it.
fn budgets(budgets: &[BudgetStatus], style: Style) -> Table {
    let mut table = Table::new(["LIMIT", "USED", "PEAK", "MOST", ""]);
    for budget in budgets {
        let shown = |value: Option<u64>| match value {
            Some(value) => amount(value, budget.unit),
            None => "-".to_owned(),
        };
        table.row([
            budget.limit.clone(),
            shown(budget.now),
            shown(budget.peak),
            amount(budget.most, budget.unit),
            match budget.is_near() {
                true => style.warn("! near its limit"),
                false => String::new(),
            },
        ]);
    }
    table
}

fn queues(device: &DeviceStatus, subscriptions: &[SubscriptionStatus], style: Style) -> String {
    let mut table = Table::new([
        "SUBSCRIPTION",
        "WAITING",
        "PEAK",
        "ROOM",
        "WHEN FULL",
        "TAKEN",
        "DROPPED",
    ]);
    for queue in subscriptions
        .iter()
        .filter(|queue| queue.owner == device.name)
    {
        table.row([
            one_line(&queue.filter),
            count(queue.queued as u64),
            count(queue.peak as u64),
            count(queue.capacity as u64),
            match queue.overflow {
                Overflow::DropOldest => "drop-oldest",
                Overflow::LatestOnly => "latest-only",
                Overflow::Block => "block",
            }
            .to_owned(),
            count(queue.delivered),
            match queue.dropped {
                0 => count(0),
                dropped => style.warn(count(dropped)),
            },
        ]);
    }
    match table.is_empty() {
        true => String::new(),
        false => table.to_string(),
    }
}

fn amount(value: u64, unit: Unit) -> String {
    match unit {
        Unit::Count => count(value),
        Unit::Bytes => bytes(value),
        Unit::Nanoseconds => duration(value),
        Unit::PerSecond => format!("{}/s", count(value)),
    }
}

/// A rate in three figures or so: "0.2", "35", "1,204".
pub(in crate::command) fn rate(rate: f64) -> String {
    match rate {
        rate if rate <= 0.0 => "0".to_owned(),
        rate if rate < 9.95 => format!("{rate:.1}"),
        rate => count(rate.round() as u64),
    }
}

fn spans(latency: &Latency) -> String {
    match latency.count {
        0 => "nothing in the last seconds".to_owned(),
        measured => format!(
            "half within {}, 99 % within {}, longest {} ({} measured in the last seconds)",
            duration(latency.p50),
            duration(latency.p99),
            duration(latency.longest),
            count(measured)
        ),
    }
}
