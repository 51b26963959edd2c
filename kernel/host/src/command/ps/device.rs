//! One device in full: what it uses of its limits, how fast it is, and its last error.

use std::fmt::Write as _;

use weihe_kernel::bus::SubscriptionStatus;
use weihe_kernel::connection::Latency;
use weihe_kernel::device::{BudgetStatus, DeviceState, DeviceStatus, Unit};

use crate::language::{Text, Word as _, say};
use crate::output::{Style, Table, bytes, count, date_and_time, duration, one_line};

/// A device in full, for people.
pub(in crate::command) fn details(
    device: &DeviceStatus,
    subscriptions: &[SubscriptionStatus],
    style: Style,
) -> String {
    let usage = &device.usage;
    let title = say::ps_device_title(
        style.bold(&device.name),
        &device.plugin,
        one_line(&device.version),
        state(device, style),
        &device.lane,
    );
    let connection = device.connection.as_ref();
    let connection = connection.map(|name| say::ps_device_connection(name).to_string());
    let mut text = format!("{title}{}\n", connection.unwrap_or_default());
    for line in [
        say::ps_device_events(
            count(device.events),
            rate(usage.rates.events),
            count(device.published),
            rate(usage.rates.published),
            count(device.dropped),
            count(device.retries),
            count(device.dead),
        ),
        say::ps_device_calls(
            count(device.calls),
            count(device.notices),
            count(device.batches),
            count(device.traps),
            count(device.restarts()),
        ),
        say::ps_device_handler(spans(&usage.handling)),
        say::ps_device_latency(spans(&usage.latency)),
        say::ps_device_lane(duration(usage.running), duration(device.held)),
        say::ps_device_log(count(device.logged), count(device.log_left_out)),
    ] {
        let _ = writeln!(text, "{line}");
    }
    if let Some(fault) = &device.last_error {
        let _ = writeln!(
            text,
            "\n{}\n{}",
            say::ps_device_last_error(date_and_time(fault.time)),
            style.bad(Text::told(one_line(&fault.message)))
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
        true => say::state_on_probation(device.state.word()),
        false => device.state.word(),
    };
    match device.state {
        DeviceState::Running => style.good(state),
        DeviceState::Failed => style.bad(state),
        _ => style.warn(state),
    }
}

/// Each limit, and what is used of it.
fn budgets(budgets: &[BudgetStatus], style: Style) -> Table {
    let mut table = Table::new([
        say::ps_column_limit(),
        say::ps_column_used(),
        say::ps_column_peak(),
        say::ps_column_most(),
        Text::same(""),
    ]);
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
                true => style.warn(say::ps_near_limit()),
                false => String::new(),
            },
        ]);
    }
    table
}

fn queues(device: &DeviceStatus, subscriptions: &[SubscriptionStatus], style: Style) -> String {
    let mut table = Table::new([
        say::ps_column_subscription(),
        say::ps_column_waiting(),
        say::ps_column_peak(),
        say::ps_column_room(),
        say::ps_column_when_full(),
        say::ps_column_taken(),
        say::ps_column_dropped(),
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
            queue.overflow.word().to_string(),
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

fn spans(latency: &Latency) -> Text {
    match latency.count {
        0 => say::ps_spans_none(),
        measured => say::ps_spans(
            duration(latency.p50),
            duration(latency.p99),
            duration(latency.longest),
            count(measured),
        ),
    }
}
