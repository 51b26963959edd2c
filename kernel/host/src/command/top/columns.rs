//! The tables' columns, and what stands in them.

use weihe_kernel::connection::{ConnectionStats, LinkState};
use weihe_kernel::device::{DeviceState, DeviceStatus};

use super::reading::Reading;
use super::view::{shown_latency, used};
use crate::command::ps::rate;
use crate::language::{Text, Word as _, say};
use crate::output::{count, duration, one_line, width as columns_of};

/// One column of a table.
pub struct Column {
    pub head: String,
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

fn text(head: Text, width: usize) -> Column {
    Column {
        head: head.to_string(),
        width,
        number: false,
    }
}

fn number(head: Text, width: usize) -> Column {
    Column {
        head: head.to_string(),
        width,
        number: true,
    }
}

/// The columns of devices.
pub fn device_columns(width: usize) -> Vec<Column> {
    let wide = width >= WIDE;
    // What its heading needs beyond three figures is taken from the names.
    let restarts = columns_of(&say::top_column_restarts().to_string()).max(3);
    let device = if wide { 18 } else { 13 };
    let mut columns = vec![
        text(say::top_column_device(), device + 3 - restarts),
        text(say::top_column_state(), 10),
    ];
    if wide {
        columns.push(text(say::top_column_version(), 10));
    }
    columns.extend([
        number(say::top_column_in(), 6),
        number(say::top_column_out(), 6),
        number(Text::same("P50"), 6),
        number(Text::same("P99"), 6),
        number(Text::same("CPU%"), 4),
        number(say::top_column_memory(), 4),
        number(say::top_column_queue(), 5),
        number(say::top_column_drops(), 5),
        number(say::top_column_restarts(), restarts),
    ]);
    if wide {
        let used: usize = columns.iter().map(|column| column.width + 1).sum();
        columns.push(text(
            say::top_column_last_error(),
            width.saturating_sub(used + 1),
        ));
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
        DeviceState::Running if device.probation => (say::state_probation(), Tone::Warn),
        DeviceState::Running => (device.state.word(), Tone::Good),
        DeviceState::Failed => (device.state.word(), Tone::Bad),
        other => (other.word(), Tone::Warn),
    };
    let mut cells = vec![
        Cell::plain(one_line(&device.name)),
        Cell(state.to_string(), tone),
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
            .map(|fault| Text::told(one_line(&fault.message)).to_string())
            .unwrap_or_default();
        cells.push(Cell(error, Tone::Warn));
    }
    cells
}

/// The columns of connections.
pub fn connection_columns(width: usize) -> Vec<Column> {
    let wide = width >= WIDE;
    let mut columns = vec![
        text(say::top_column_connection(), if wide { 18 } else { 13 }),
        text(say::top_column_link(), 10),
        number(say::top_column_exchanges(), 6),
        number(say::top_column_timeouts(), 8),
        number(say::top_column_round_trip(), 6),
        number(say::top_column_round_trip_99(), 6),
        number(say::top_column_waiting(), 4),
    ];
    let used: usize = columns.iter().map(|column| column.width + 1).sum();
    columns.push(text(
        say::top_column_reason(),
        width.saturating_sub(used + 1),
    ));
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
        Cell(connection.state.word().to_string(), tone),
        Cell::plain(short(reading.exchanges(connection))),
        Cell::trouble(connection.counters.timeouts),
        span(round_trip.p50),
        span(round_trip.p99),
        Cell::plain(short_count(connection.queued as u64)),
        Cell(
            Text::told(one_line(&connection.reason)).to_string(),
            Tone::Warn,
        ),
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
