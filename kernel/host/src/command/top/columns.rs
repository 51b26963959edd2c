//! The tables' columns, and what stands in them.

use weihe_kernel::connection::{ConnectionStats, LinkState};
use weihe_kernel::device::{DeviceState, DeviceStatus};

use super::reading::Reading;
use super::view::{shown_latency, used};
use crate::command::ps::rate;
use crate::output::{count, duration, one_line};

/// One column of a table.
pub struct Column {
    pub head: &'static str,
    pub width: usize,
    /// Whether its cells are numbers, which stand at the right.
    pub number: bool,
}

/// How a cell is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
}

/// A text in a table.
pub struct Cell(pub String, pub Tone);

impl Cell {
    fn plain(text: impl Into<String>) -> Self {
        Self(text.into(), Tone::Plain)
    }

    /// A number that is not good when there is any.
    fn trouble(number: u64) -> Self {
        let tone = if number == 0 { Tone::Plain } else { Tone::Warn };
        Self(short_count(number), tone)
    }
}

/// From so many columns on there is room for versions and last errors in the table.
const WIDE: usize = 120;

fn text(head: &'static str, width: usize) -> Column {
    Column {
        head,
        width,
        number: false,
    }
}

fn number(head: &'static str, width: usize) -> Column {
    Column {
        head,
        width,
        number: true,
    }
}

/// The columns of devices.
pub fn device_columns(width: usize) -> Vec<Column> {
    let wide = width >= WIDE;
    let mut columns = vec![
        text("DEVICE", if wide { 18 } else { 13 }),
        text("STATE", 10),
    ];
    if wide {
        columns.push(text("VERSION", 10));
    }
    columns.extend([
        number("IN/S", 6),
        number("OUT/S", 6),
        number("P50", 6),
        number("P99", 6),
        number("CPU%", 4),
        number("MEM", 4),
        number("QUEUE", 5),
        number("DROPS", 5),
        number("RST", 3),
    ]);
    if wide {
        let used: usize = columns.iter().map(|column| column.width + 1).sum();
        columns.push(text("LAST ERROR", width.saturating_sub(used + 1)));
    }
    columns
}

/// The cells of a device.
pub fn device_cells(reading: &Reading, device: &DeviceStatus, width: usize) -> Vec<Cell> {
    let speed = reading.speed(device);
    let latency = shown_latency(device);
    let span = |span: u64| match latency.count {
        0 => Cell::plain("-"),
        _ => Cell::plain(duration(span)),
    };
    let percent = |limit: &str| {
        let budgets = &device.usage.budgets;
        let budget = budgets.iter().find(|budget| budget.limit == limit);
        let Some((budget, percent)) = budget.and_then(|of| Some((of, of.percent()?))) else {
            return Cell::plain("-");
        };
        let tone = if budget.is_near() {
            Tone::Warn
        } else {
            Tone::Plain
        };
        // What was near its limit once is marked, also without colours.
        let mark = if budget.is_near() { "!" } else { "" };
        Cell(format!("{mark}{percent}%"), tone)
    };
    let wide = width >= WIDE;
    let (state, tone) = match device.state {
        DeviceState::Running if device.probation => ("probation", Tone::Warn),
        DeviceState::Running => ("running", Tone::Good),
        DeviceState::Failed => ("failed", Tone::Bad),
        other => (other.as_str(), Tone::Warn),
    };
    let mut cells = vec![
        Cell::plain(one_line(&device.name)),
        Cell(state.to_owned(), tone),
    ];
    if wide {
        let mark = if device.probation { "?" } else { "" };
        cells.push(Cell::plain(format!("{}{mark}", one_line(&device.version))));
    }
    cells.extend([
        Cell::plain(short(speed.events)),
        Cell::plain(short(speed.published)),
        span(latency.p50),
        span(latency.p99),
        Cell::plain(
            speed
                .lane
                .map_or("-".to_owned(), |lane| format!("{lane:.0}")),
        ),
        match used(device, "memory") {
            0 => Cell::plain("-"),
            _ => percent("memory"),
        },
        percent("queue"),
        Cell::trouble(device.dropped),
        Cell::trouble(device.restarts()),
    ]);
    if wide {
        let error = device.last_error.as_ref();
        let error = error
            .map(|fault| one_line(&fault.message))
            .unwrap_or_default();
        cells.push(Cell(error, Tone::Warn));
    }
    cells
}

/// The columns of connections.
pub fn connection_columns(width: usize) -> Vec<Column> {
    let wide = width >= WIDE;
    let mut columns = vec![
        text("CONNECTION", if wide { 18 } else { 13 }),
        text("LINK", 10),
        number("EXCH/S", 6),
        number("TIMEOUTS", 8),
        number("RTT", 6),
        number("RTT99", 6),
        number("WAIT", 4),
    ];
    let used: usize = columns.iter().map(|column| column.width + 1).sum();
    columns.push(text("REASON", width.saturating_sub(used + 1)));
    columns
}

/// The cells of a connection.
pub fn connection_cells(reading: &Reading, connection: &ConnectionStats) -> Vec<Cell> {
    let round_trip = &connection.round_trip;
    let span = |span: u64| match round_trip.count {
        0 => Cell::plain("-"),
        _ => Cell::plain(duration(span)),
    };
    let tone = match connection.state {
        LinkState::Up => Tone::Good,
        LinkState::Connecting => Tone::Warn,
        LinkState::Down => Tone::Bad,
    };
    vec![
        Cell::plain(one_line(&connection.connection)),
        Cell(connection.state.as_str().to_owned(), tone),
        Cell::plain(short(reading.exchanges(connection))),
        Cell::trouble(connection.counters.timeouts),
        span(round_trip.p50),
        span(round_trip.p99),
        Cell::plain(short_count(connection.queued as u64)),
        Cell(one_line(&connection.reason), Tone::Warn),
    ]
}

/// A count in five places at most: "3", "9,999", "12k", "4.5M".
fn short_count(number: u64) -> String {
    match number {
        0..10_000 => count(number),
        _ => short(number as f64),
    }
}

/// A rate in five places at most: "0.2", "35", "9,999", "12k", "4.5M".
fn short(number: f64) -> String {
    match number {
        number if number < 9_999.5 => rate(number.max(0.0)),
        number if number < 999_950.0 => format!("{:.0}k", number / 1e3),
        number if number < 99_500_000.0 => format!("{:.1}M", number / 1e6),
        number => format!("{:.0}M", number / 1e6),
    }
}
