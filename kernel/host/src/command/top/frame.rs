//! A frame as text: what fits into so many lines and columns.

use weihe_kernel::device::DeviceStatus;

use super::columns::{
    Cell, Column, Tone, connection_cells, connection_columns, device_cells, device_columns,
};
use super::reading::Reading;
use super::view::View;
use crate::command::ps::details;
use crate::language::{Text, say};
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

/// Draws a frame: as many lines as there are on the terminal at most.
pub fn draw(reading: &Reading, view: &View, trouble: Trouble<'_>, canvas: &Canvas) -> Vec<String> {
    if canvas.width < LEAST.0 || canvas.height.is_some_and(|height| height < LEAST.1) {
        let text = say::top_too_small(LEAST.0, LEAST.1).to_string();
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
    let paused = match view.paused {
        true => format!("  {}", say::top_paused()),
        false => String::new(),
    };
    let rest = say::top_head(
        &ps.host.version,
        duration(ps.status.uptime),
        memory,
        match lanes {
            1 => say::top_lane(),
            lanes => say::top_lanes(lanes),
        },
        count(ps.status.topics as u64),
    );
    let line = format!("{}{paused}  {rest}", canvas.style.bold(&name));
    let mut lines = vec![clipped(&line, canvas)];
    let problem = match trouble {
        Trouble::Gone(reason) => Some(say::top_gone(reason)),
        Trouble::None if !ps.failed.is_empty() => {
            let names: Vec<&str> = ps.failed.iter().map(|failed| &*failed.name).collect();
            // A plugin may run and its newer file be bad: `ps` has the words for that.
            Some(say::top_see(names.join(", ")))
        }
        Trouble::None => None,
    };
    if let Some(problem) = problem {
        let problem = one_line(&problem.to_string());
        lines.push(canvas.style.bad(clip(&problem, canvas.width)));
    }
    lines.push(String::new());
    lines
}

fn foot(view: &View, canvas: &Canvas) -> String {
    let keys = match view.details {
        Some(_) => say::top_keys_details(),
        None => say::top_keys(view.sort.heading()),
    };
    canvas.style.dim(clip(&keys.to_string(), canvas.width))
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
    let columns = device_columns(canvas.width);
    lines.push(header(&columns, view, canvas));
    let shown = devices.iter().enumerate().skip(first).take(rows);
    for (index, device) in shown {
        let selected = index == place && canvas.height.is_some();
        let cells = device_cells(reading, device, canvas.width);
        lines.push(row(&columns, cells, selected, canvas));
    }
    if devices.is_empty() {
        lines.push(say::top_no_devices().to_string());
    }
    if below > 0 {
        lines.push(String::new());
        let columns = connection_columns(canvas.width);
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
            lines.push(format!("  {}", say::top_more(connections.len() - shown)));
        }
    }
    if let Some(fault) = fault {
        lines.push(String::new());
        let text = Text::told(one_line(&fault.message)).to_string();
        lines.push(canvas.style.warn(clip(&text, canvas.width)));
    }
    lines
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
    let sorted = view.sort.heading().to_string();
    for column in columns {
        // By what the devices are ordered.
        let sorted = sorted == column.head && canvas.height.is_some();
        let (head, between) = match (sorted, column.number) {
            (true, false) => (format!("{}▾", column.head), ' '),
            (true, true) => (column.head.clone(), '▾'),
            (false, _) => (column.head.clone(), ' '),
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
