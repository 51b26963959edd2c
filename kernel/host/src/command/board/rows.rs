//! What stands in a frame, row by row.

use weihe_hal::virtual_board::{BoardView, DeviceView, LineView};

use crate::language::{Text, say};
use crate::output::{duration, one_line};

/// What a row is about, for the keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A value of the world.
    World(f64),
    /// A button.
    Button,
    /// A switch, and whether it is closed.
    Switch(bool),
    /// Another line, and whether it is high.
    Line(bool),
    /// A device on I2C.
    Device,
    /// A peripheral, an analogue input or a PWM channel.
    Channel,
    /// A serial port.
    Port,
    /// An encoder.
    Encoder,
}

/// How a row is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Bad,
}

/// A row of a frame.
#[derive(Debug, Clone)]
pub enum Row {
    /// What the rows below are.
    Heading(String),
    /// Something with a name that keys may act on.
    Part {
        /// Its name, as the host is told it.
        name: String,
        subject: Subject,
        cells: [String; 5],
        tone: Tone,
    },
    /// Only to be read.
    Note(String),
    /// What a screen shows, as the host draws it: two rows of points a line.
    Screen(Vec<String>),
}

/// The name under which a device is addressed.
pub fn device_name(device: &DeviceView) -> String {
    match (&*device.name, device.address) {
        ("", Some(address)) => format!("{}@{address:#04x}", device.bus),
        ("", None) => device.bus.clone(),
        (name, _) => name.to_owned(),
    }
}

/// All rows of a board.
pub fn rows(board: &BoardView) -> Vec<Row> {
    let mut rows = Vec::new();
    let broken = |name: &str| board.faults.iter().any(|fault| fault.on == name);
    let tone = |name: &str| if broken(name) { Tone::Bad } else { Tone::Plain };
    let mut section = |heading: Text, parts: Vec<Row>| {
        if !parts.is_empty() {
            rows.push(Row::Heading(heading.to_string()));
            rows.extend(parts);
        }
    };
    let world = board.world.iter().map(|value| Row::Part {
        name: value.name.clone(),
        subject: Subject::World(value.value),
        cells: [
            one_line(&value.name),
            format!("{:.3}", value.value),
            course(&value.course),
            String::new(),
            String::new(),
        ],
        tone: Tone::Plain,
    });
    section(say::board_world(), world.collect());
    let mut lines: Vec<&LineView> = board.lines.iter().collect();
    // Those of the processor before those of chips, each as people count.
    lines.sort_by_cached_key(|line| (line.is_pin, counted(&line.name)));
    let lines = lines.into_iter().map(|line| {
        let lit = line.state == Some(true);
        let good = if lit { Tone::Good } else { Tone::Plain };
        Row::Part {
            name: line.name.clone(),
            subject: match (&*line.kind, line.state) {
                ("button", _) => Subject::Button,
                ("switch", closed) => Subject::Switch(closed == Some(true)),
                _ => Subject::Line(line.high == Some(true)),
            },
            cells: line_cells(line),
            tone: if broken(&line.name) { Tone::Bad } else { good },
        }
    });
    section(say::board_lines(), lines.collect());
    let mut devices = Vec::new();
    for device in &board.devices {
        devices.push(of_device(device, &tone));
        devices.extend(screen(device));
    }
    section(say::board_devices(), devices);
    let ports = board.ports.iter().map(|port| {
        let baud = port.baud.map(|baud| format!("{baud} baud"));
        part(
            &port.name,
            Subject::Port,
            [
                baud.unwrap_or_default(),
                port.other_end.clone(),
                port.holder.clone(),
            ],
            tone(&port.name),
        )
    });
    section(say::board_ports(), ports.collect());
    let pwm = board.pwm.iter().map(|pwm| {
        let on = pwm.on.map(|on| {
            if on {
                say::board_on()
            } else {
                say::board_off()
            }
        });
        let state = on.map(|on| on.to_string()).unwrap_or_default();
        let width = format!("{} / {}", duration(pwm.width), duration(pwm.period));
        part(
            &pwm.name,
            Subject::Channel,
            [width, state, pwm.holder.clone()],
            tone(&pwm.name),
        )
    });
    section(say::board_pwm(), pwm.collect());
    let adc = board.adc.iter().map(|adc| {
        let cells = [
            format!("{:.3}", adc.value),
            adc.raw.to_string(),
            String::new(),
        ];
        part(&adc.name, Subject::Channel, cells, tone(&adc.name))
    });
    section(say::board_adc(), adc.collect());
    let encoders = board.encoders.iter().map(|encoder| {
        let cells = [encoder.value.clone(), String::new(), String::new()];
        part(&encoder.name, Subject::Encoder, cells, Tone::Plain)
    });
    section(say::board_encoders(), encoders.collect());
    let faults = board.faults.iter().map(|fault| {
        let left = fault.left.map(|left| format!(" ×{left}"));
        Row::Note(format!(
            "{}: {}{}",
            one_line(&fault.on),
            one_line(&fault.fault),
            left.unwrap_or_default()
        ))
    });
    section(say::board_faults(), faults.collect());
    rows
}

/// A name as people count: `gpio/A10` comes after `gpio/A9`.
fn counted(name: &str) -> Vec<(&str, u64)> {
    let is_digit = |c: char| c.is_ascii_digit();
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let (words, after) = rest.split_at(rest.find(is_digit).unwrap_or(rest.len()));
        let end = after.find(|c| !is_digit(c)).unwrap_or(after.len());
        let (number, after) = after.split_at(end);
        parts.push((words, number.parse().unwrap_or(0)));
        rest = after;
    }
    parts
}

/// What the screen of a device shows. A dark one would only be empty lines.
fn screen(device: &DeviceView) -> Option<Row> {
    let lines = &device.screen;
    let is_dark = lines.iter().all(|line| line.trim().is_empty());
    match (lines.is_empty(), is_dark) {
        (true, _) => None,
        (false, true) => Some(Row::Note(say::board_dark().to_string())),
        (false, false) => Some(Row::Screen(lines.clone())),
    }
}

fn part(name: &str, subject: Subject, cells: [String; 3], tone: Tone) -> Row {
    let [first, second, holder] = cells;
    Row::Part {
        name: name.to_owned(),
        subject,
        cells: [
            one_line(name),
            one_line(&first),
            one_line(&second),
            one_line(&holder),
            String::new(),
        ],
        tone,
    }
}

fn of_device(device: &DeviceView, tone: &dyn Fn(&str) -> Tone) -> Row {
    let name = device_name(device);
    let values: Vec<String> = device
        .values
        .iter()
        .map(|value| format!("{} {}", value.name, value.value))
        .collect();
    let failed = match device.failed {
        0 => String::new(),
        failed => say::board_failed(failed).to_string(),
    };
    let subject = match device.address {
        Some(_) => Subject::Device,
        None => Subject::Channel,
    };
    Row::Part {
        tone: tone(&name),
        cells: [
            one_line(&name),
            one_line(&device.part),
            one_line(&values.join("  ")),
            one_line(&device.holder),
            failed,
        ],
        subject,
        name,
    }
}

fn line_cells(line: &LineView) -> [String; 5] {
    let name = match line.aliases.first() {
        Some(alias) => format!("{} ({alias})", line.name),
        None => line.name.clone(),
    };
    let level = match line.high {
        Some(true) => say::board_high().to_string(),
        Some(false) => say::board_low().to_string(),
        None => "-".to_owned(),
    };
    let state = match (&*line.kind, line.state) {
        ("button", Some(true)) => say::board_pressed().to_string(),
        ("switch", Some(true)) => say::board_closed().to_string(),
        ("switch", Some(false)) => say::board_open().to_string(),
        ("relay" | "led", Some(true)) => say::board_on().to_string(),
        ("relay" | "led", Some(false)) => say::board_off().to_string(),
        _ => String::new(),
    };
    let direction = match &*line.direction {
        "input" => say::board_input().to_string(),
        "output" => say::board_output().to_string(),
        _ => String::new(),
    };
    let note = match (line.shorted, line.floating && !line.direction.is_empty()) {
        (true, _) => say::board_shorted().to_string(),
        (false, true) => say::board_floating().to_string(),
        (false, false) => String::new(),
    };
    let parts = [kind(&line.kind), direction, state, note];
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    [
        one_line(&name),
        level,
        parts.join(" "),
        one_line(&line.holder),
        match line.changes {
            0 => String::new(),
            changes => say::board_changes(changes).to_string(),
        },
    ]
}

fn kind(word: &str) -> String {
    let kind = match word {
        "button" => say::board_kind_button(),
        "switch" => say::board_kind_switch(),
        "relay" => say::board_kind_relay(),
        "led" => say::board_kind_led(),
        "pir" => say::board_kind_pir(),
        "encoder" => say::board_kind_encoder(),
        "trigger" => say::board_kind_trigger(),
        "echo" => say::board_kind_echo(),
        _ => return String::new(),
    };
    kind.to_string()
}

fn course(word: &str) -> String {
    let course = match word {
        "constant" => return String::new(),
        "script" => say::board_course_script(),
        "sine" => say::board_course_sine(),
        "walk" => say::board_course_walk(),
        other => Text::same(other),
    };
    course.to_string()
}
