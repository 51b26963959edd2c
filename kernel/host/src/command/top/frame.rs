//! A frame as text: what fits into so many lines and columns.

use weihe_kernel::connection::{ConnectionStats, LinkState};
use weihe_kernel::device::{DeviceState, DeviceStatus};

use super::reading::Reading;
use super::view::{View, shown_latency, used};
use crate::command::ps::{details, rate};
use crate::output::{Style, bytes, clip, count, duration, one_line, width};

/// The smallest terminal in which anything can be told.
const LEAST: (usize, usize) = (40, 8);

/// What is drawn, and where.
#[derive(Debug, Clone, Copy)]
pub struct Canvas {
    /// Columns.
    pub width: usize,
    /// Lines; none when there is no end to them.
    pub height: Option<usize>,
    pub style: Style,
}

/// Why nothing new comes, if nothing does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble<'t> {
    None,
    /// The host does not answer, for this reason.
    Gone(&'t str),
}

/// One column of a table.
struct Column {
    head: &'static str,
    width: usize,
    /// Whether its cells are numbers, which stand at the right.
    number: bool,
}

/// How a cell is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
}

struct Cell(String, Tone);

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

/// Draws a frame: as many lines as there are on the terminal at most.
pub fn draw(reading: &Reading, view: &View, trouble: Trouble<'_>, canvas: &Canvas) -> Vec<String> {
    if canvas.width < LEAST.0 || canvas.height.is_some_and(|height| height < LEAST.1) {
        let text = format!("too small: {} by {} at least", LEAST.0, LEAST.1);
        return vec![clip(&text, canvas.width).to_owned()];
    }
    let mut lines = head(reading, view, trouble, canvas);
    let devices = view.ordered(reading);
    let foot = canvas.height.is_some().then(|| foot(view, canvas));
    let left = canvas.height.map(|height| height - lines.len() - 1);
    let selected = devices.get(view.place(&devices)).copied();
    match (view.details, selected) {
        (Some(from), Some(device)) => lines.extend(full(reading, device, from, left, canvas)),
        _ => lines.extend(tables(reading, view, &devices, left, canvas)),
    }
    if let Some(height) = canvas.height {
        lines.truncate(height - 1);
        lines.resize(height - 1, String::new());
    }
    lines.extend(foot);
    lines
}

/// The host in a line, and what is wrong with it in another.
fn head(reading: &Reading, view: &View, trouble: Trouble<'_>, canvas: &Canvas) -> Vec<String> {
    let ps = &reading.ps;
    let memory = match ps.resident {
        Some(resident) => format!("  {}", bytes(resident)),
        None => String::new(),
    };
    let lanes = reading.lanes();
    let name = one_line(&ps.host.name);
    let rest = format!(
        "{}  weihe {}  up {}{memory}  {} {}  {} topics",
        if view.paused { "  PAUSED" } else { "" },
        ps.host.version,
        duration(ps.status.uptime),
        lanes,
        if lanes == 1 { "lane" } else { "lanes" },
        count(ps.status.topics as u64),
    );
    let line = format!("{}{rest}", canvas.style.bold(&name));
    let mut lines = vec![clipped(&line, canvas)];
    let problem = match trouble {
        Trouble::Gone(reason) => Some(format!("the host is gone, and looked for: {reason}")),
        Trouble::None if !ps.failed.is_empty() => {
            let names: Vec<&str> = ps.failed.iter().map(|failed| &*failed.name).collect();
            Some(format!(
                "did not start: {} (see `weihe ps`)",
                names.join(", ")
            ))
        }
        Trouble::None => None,
    };
    if let Some(problem) = problem {
        let problem = one_line(&problem);
        lines.push(canvas.style.bad(clip(&problem, canvas.width)));
    }
    lines.push(String::new());
    lines
}

fn foot(view: &View, canvas: &Canvas) -> String {
    let keys = match view.details {
        Some(_) => "q quit  ↑↓ scroll  Enter back  p pause".to_owned(),
        None => format!(
            "q quit  ↑↓ select  Enter details  s sort ({})  p pause",
            view.sort.as_str()
        ),
    };
    canvas.style.dim(clip(&keys, canvas.width))
}

/// Devices and connections.
fn tables(
    reading: &Reading,
    view: &View,
    devices: &[&DeviceStatus],
    left: Option<usize>,
    canvas: &Canvas,
) -> Vec<String> {
    let connections = &reading.ps.status.connections;
    // Connections get what they need, but not more than a third while there are devices for the rest.
    let below = match (left, connections.len()) {
        (_, 0) => 0,
        (None, some) => some + 2,
        (Some(left), some) => (some + 2).min((left / 3).max(3)),
    };
    let place = view.place(devices);
    // The whole last error of the selected device, where one is selected.
    let fault = devices
        .get(place)
        .and_then(|device| device.last_error.as_ref());
    let fault = fault.filter(|_| canvas.height.is_some());
    // Kept free also without one, or the tables would jump.
    let room = left.map(|left| left.saturating_sub(below + 3));
    let rows = room.unwrap_or(devices.len()).max(1);
    // The selected one is in sight.
    let first = (place + 1).saturating_sub(rows);
    let mut lines = Vec::new();
    let columns = device_columns(canvas);
    lines.push(header(&columns, view, canvas));
    let shown = devices.iter().enumerate().skip(first).take(rows);
    for (index, device) in shown {
        let selected = index == place && canvas.height.is_some();
        let cells = device_cells(reading, device, canvas);
        lines.push(row(&columns, cells, selected, canvas));
    }
    if devices.is_empty() {
        lines.push("no devices".to_owned());
    }
    if below > 0 {
        lines.push(String::new());
        let columns = connection_columns(canvas);
        lines.push(header(&columns, view, canvas));
        let shown = below.saturating_sub(2);
        let hidden = connections.len().saturating_sub(shown);
        let shown = if hidden > 0 {
            shown.saturating_sub(1)
        } else {
            shown
        };
        for connection in connections.iter().take(shown) {
            let cells = connection_cells(reading, connection);
            lines.push(row(&columns, cells, false, canvas));
        }
        if hidden > 0 {
            lines.push(format!("  … {} more", connections.len() - shown));
        }
    }
    if let Some(fault) = fault {
        lines.push(String::new());
        let text = one_line(&fault.message);
        lines.push(canvas.style.warn(clip(&text, canvas.width)));
    }
    lines
}

/// From so many columns on there is room for versions, the share of the lane and last errors in the table.
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

fn device_columns(canvas: &Canvas) -> Vec<Column> {
    let wide = canvas.width >= WIDE;
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
        columns.push(text("LAST ERROR", canvas.width.saturating_sub(used + 1)));
    }
    columns
}

fn device_cells(reading: &Reading, device: &DeviceStatus, canvas: &Canvas) -> Vec<Cell> {
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
    let wide = canvas.width >= WIDE;
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
        Cell::trouble(device.incarnations.saturating_sub(1)),
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

fn connection_columns(canvas: &Canvas) -> Vec<Column> {
    let wide = canvas.width >= WIDE;
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
    columns.push(text("REASON", canvas.width.saturating_sub(used + 1)));
    columns
}

fn connection_cells(reading: &Reading, connection: &ConnectionStats) -> Vec<Cell> {
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

/// One device in full, from a line on.
fn full(
    reading: &Reading,
    device: &DeviceStatus,
    from: usize,
    left: Option<usize>,
    canvas: &Canvas,
) -> Vec<String> {
    let text = details(device, &reading.ps.status.subscriptions, canvas.style);
    let all: Vec<&str> = text.lines().collect();
    let most = left.map_or(0, |left| all.len().saturating_sub(left));
    let shown = all.into_iter().skip(from.min(most));
    shown.map(|line| clipped(line, canvas)).collect()
}

fn header(columns: &[Column], view: &View, canvas: &Canvas) -> String {
    let mut line = String::from(" ");
    for column in columns {
        // By what the devices are ordered.
        let sorted = view.sort.as_str() == column.head && canvas.height.is_some();
        let (head, between) = match (sorted, column.number) {
            (true, false) => (format!("{}▾", column.head), ' '),
            (true, true) => (column.head.to_owned(), '▾'),
            (false, _) => (column.head.to_owned(), ' '),
        };
        line.push_str(&placed(&head, column));
        line.push(between);
    }
    canvas.style.dim(clip(line.trim_end(), canvas.width))
}

fn row(columns: &[Column], cells: Vec<Cell>, selected: bool, canvas: &Canvas) -> String {
    let mut line = String::from(if selected { ">" } else { " " });
    for (column, Cell(text, tone)) in columns.iter().zip(cells) {
        let text = placed(&text, column);
        line.push_str(&match tone {
            Tone::Plain => text,
            Tone::Good => canvas.style.good(text),
            Tone::Warn => canvas.style.warn(text),
            Tone::Bad => canvas.style.bad(text),
        });
        line.push(' ');
    }
    clipped(line.trim_end(), canvas)
}

/// A text in its column: cut, and filled up.
fn placed(text: &str, column: &Column) -> String {
    let text = clip(text, column.width);
    let fill = " ".repeat(column.width - width(text));
    match column.number {
        true => format!("{fill}{text}"),
        false => format!("{text}{fill}"),
    }
}

/// A line with colours, cut; what was coloured where it was cut ends there.
fn clipped(line: &str, canvas: &Canvas) -> String {
    let cut = clip(line, canvas.width);
    if cut.len() < line.len() && canvas.style.colour() {
        return format!("{cut}\u{1b}[0m");
    }
    cut.to_owned()
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
