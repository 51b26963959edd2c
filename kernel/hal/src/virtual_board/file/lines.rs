//! Lines, and what is connected to them.

use std::collections::HashMap;
use std::ops::Range;

use super::reader::{Section, meant};
use crate::limits::NAME_BYTES;
use crate::virtual_board::core::Parts;
use crate::virtual_board::echo::Echo;
use crate::virtual_board::encoder::Encoder;
use crate::virtual_board::wire::{Attached, Contact, LineInfo};

/// The most lines of a board.
const LINES: usize = 10_000;

/// What may be connected to a line.
const KINDS: [&str; 6] = ["plain", "button", "switch", "relay", "led", "pir"];

/// For how long a contact bounces when only the number is said.
const BOUNCE: u64 = 2_000_000;

/// The most that a contact bounces.
const BOUNCES: i64 = 1_000;

/// Of a quarter of an encoder's step: turned by hand, a step takes some hundredths of a second.
const QUARTER: u64 = 2_000_000;

/// For how long a motion sensor's output stays high: what modules are set to when they are bought.
const HOLD: u64 = 2_000_000_000;

/// The names of the lines of a file.
struct Names {
    lines: HashMap<String, usize>,
}

/// Reads `lines`, `[line]`, `[echo]` and `[encoder]`.
pub fn read(top: &Section<'_>, parts: &mut Parts) {
    let mut names = Names {
        lines: HashMap::new(),
    };
    for (name, span) in top.texts("lines") {
        // Many at once: `gpio/A[0-7]`.
        match expand(&name) {
            Some(all) => {
                for name in all {
                    add(top, &mut names, parts, &name, span.clone());
                }
            }
            None => {
                let message = format!("`{name}` is no range of names");
                let help = "write it like \"gpio/A[0-7]\"".to_owned();
                top.reader.fault(span, message, Some(help));
            }
        }
    }
    let Some(table) = top.sub("line", "the lines") else {
        sensors(top, &names, parts);
        return;
    };
    let mut wires = Vec::new();
    for (name, span, item) in table.entries() {
        let Some(section) = table.table_of(name, item, format!("the line `{name}`")) else {
            continue;
        };
        let known = names.lines.get(name).copied();
        // One that has this name as a further one is another line.
        let is_it = |index: &usize| {
            parts
                .lines
                .get(*index)
                .is_some_and(|line| line.name == name)
        };
        let known = known.filter(is_it);
        let Some(index) = known.or_else(|| add(top, &mut names, parts, name, span)) else {
            continue;
        };
        for (alias, span) in section.texts("alias") {
            claim(top, &mut names, &alias, index, span);
            if let Some(line) = parts.lines.get_mut(index) {
                line.aliases.push(alias);
            }
        }
        wires.extend(
            section
                .texts("wire")
                .into_iter()
                .map(|(other, span)| (index, other, span)),
        );
        let line = describe(&section, name, parts);
        if let Some(place) = parts.lines.get_mut(index) {
            let aliases = std::mem::take(&mut place.aliases);
            *place = LineInfo { aliases, ..line };
        }
        section.finish();
    }
    for (index, other, span) in wires {
        if let Some(other) = names.find(top, &other, span) {
            parts.wires.push((index, other));
        }
    }
    sensors(top, &names, parts);
}

/// The names that a range stands for: `gpio/A[0-7]`. None for what is no range and no name.
fn expand(name: &str) -> Option<Vec<String>> {
    let Some((before, rest)) = name.split_once('[') else {
        return Some(vec![name.to_owned()]);
    };
    let (range, after) = rest.split_once(']')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    let fits = first <= last && last - first < LINES;
    fits.then(|| {
        (first..=last)
            .map(|number| format!("{before}{number}{after}"))
            .collect()
    })
}

impl Names {
    fn find(&self, top: &Section<'_>, name: &str, span: Range<usize>) -> Option<usize> {
        let found = self.lines.get(name).copied();
        if found.is_none() {
            let help = meant(name, self.lines.keys().map(String::as_str));
            let message = format!("there is no line `{name}`");
            top.reader.fault(span, message, Some(help));
        }
        found
    }
}

fn claim(top: &Section<'_>, names: &mut Names, name: &str, index: usize, span: Range<usize>) {
    let refuse = |message: String| top.reader.fault(span, message, None);
    if name.is_empty() || name.len() > NAME_BYTES {
        refuse(format!("a name has 1 to {NAME_BYTES} bytes"));
    } else if names.lines.contains_key(name) {
        refuse(format!("there are two lines `{name}`"));
    } else {
        names.lines.insert(name.to_owned(), index);
    }
}

fn add(
    top: &Section<'_>,
    names: &mut Names,
    parts: &mut Parts,
    name: &str,
    span: Range<usize>,
) -> Option<usize> {
    let index = parts.lines.len();
    if index >= LINES {
        let message = format!("a board has {LINES} lines at most");
        top.reader.fault(span, message, None);
        return None;
    }
    claim(top, names, name, index, span);
    parts.lines.push(LineInfo::new(name));
    Some(index)
}

/// A pull resistor: up, down, or none.
fn pull(section: &Section<'_>, otherwise: Option<bool>) -> Option<bool> {
    match section.choice("pull", &["up", "down", "none"]) {
        Some("up") => Some(true),
        Some("down") => Some(false),
        Some(_) => None,
        None => otherwise,
    }
}

fn contact(section: &Section<'_>) -> Contact {
    let active = section.choice("active", &["low", "high"]);
    let bounces = section.integer("bounces", 0..=BOUNCES).unwrap_or(0);
    Contact {
        closed: active == Some("high"),
        bounces: bounces.unsigned_abs() as u32,
        bounce: section.span("bounce").unwrap_or(BOUNCE),
    }
}

fn describe(section: &Section<'_>, name: &str, parts: &Parts) -> LineInfo {
    let kind = section.choice("kind", &KINDS).unwrap_or("plain");
    let attached = match kind {
        "button" => Attached::Button(contact(section)),
        "switch" => Attached::Switch(contact(section)),
        "relay" => Attached::Relay,
        "led" => Attached::Led,
        "pir" => Attached::Pir {
            motion: section.source_or("motion", &parts.world, 0.0),
            hold: section.span("hold").unwrap_or(HOLD),
        },
        _ => Attached::Nothing,
    };
    // A contact alone says nothing while it is open: without a word, there is a resistor that does.
    let otherwise = match &attached {
        Attached::Button(contact) | Attached::Switch(contact) => Some(!contact.closed),
        _ => None,
    };
    let plain = LineInfo::new(name);
    let drives = matches!(attached, Attached::Relay | Attached::Led);
    let direction = section.choice("direction", &["both", "input", "output"]);
    LineInfo {
        chip: section.text("chip").unwrap_or(plain.chip.clone()),
        pull: pull(section, otherwise),
        biases: section.boolean("bias").unwrap_or(true),
        edges: section.boolean("edges").unwrap_or(true),
        input: !drives && direction != Some("output"),
        output: direction != Some("input"),
        attached,
        ..plain
    }
}

/// Reads what is on two lines.
fn sensors(top: &Section<'_>, names: &Names, parts: &mut Parts) {
    let line = |section: &Section<'_>, key: &'static str| {
        let text = section.texts(key).into_iter().next();
        match text {
            Some((name, span)) => names.find(top, &name, span),
            None => {
                section.missing(key, "\"gpio/A0\"");
                None
            }
        }
    };
    if let Some(table) = top.sub("echo", "the echo sensors") {
        for (name, _, item) in table.entries() {
            let title = format!("the echo sensor `{name}`");
            let Some(section) = table.table_of(name, item, title) else {
                continue;
            };
            let (trigger, echo) = (line(&section, "trigger"), line(&section, "echo"));
            let distance = section.source_or("distance", &parts.world, 100.0);
            section.finish();
            if let (Some(trigger), Some(echo)) = (trigger, echo) {
                let number = parts.echoes.len();
                parts.echoes.push(Echo { echo, distance });
                attach(parts, trigger, Attached::Trigger(number), None);
                attach(parts, echo, Attached::Echo, Some(false));
            }
        }
    }
    if let Some(table) = top.sub("encoder", "the encoders") {
        for (name, _, item) in table.entries() {
            let title = format!("the encoder `{name}`");
            let Some(section) = table.table_of(name, item, title) else {
                continue;
            };
            let (a, b) = (line(&section, "a"), line(&section, "b"));
            let quarter = section.span("quarter").unwrap_or(QUARTER);
            section.finish();
            if let (Some(a), Some(b)) = (a, b) {
                for line in [a, b] {
                    attach(parts, line, Attached::Encoder, Some(true));
                }
                parts
                    .encoders
                    .insert(name.to_owned(), Encoder::new(a, b, quarter));
            }
        }
    }
}

fn attach(parts: &mut Parts, line: usize, attached: Attached, pull: Option<bool>) {
    if let Some(line) = parts.lines.get_mut(line) {
        line.attached = attached;
        line.pull = line.pull.or(pull);
    }
}
