//! Serial ports, PWM channels and analogue inputs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::reader::{Section, meant};
use crate::adc::Quantity;
use crate::virtual_board::adc::Adc;
use crate::virtual_board::core::Parts;
use crate::virtual_board::pwm::Pwm;
use crate::virtual_board::uart::{Far, Uart};
use crate::virtual_board::world::Source;

/// What a channel of Linux's PWM can usually do, in nanoseconds.
const SHORTEST: u64 = 100;
const LONGEST: u64 = 10_000_000_000;

/// Bits and range of the converters in small processors: volts.
const BITS: i64 = 12;
const RANGE: (f64, f64) = (0.0, 3.3);

const QUANTITIES: [(&str, Quantity); 8] = [
    ("voltage", Quantity::Voltage),
    ("current", Quantity::Current),
    ("temperature", Quantity::Temperature),
    ("resistance", Quantity::Resistance),
    ("humidity", Quantity::Humidity),
    ("pressure", Quantity::Pressure),
    ("illuminance", Quantity::Illuminance),
    ("other", Quantity::Other),
];

/// Reads `[uart]`, `pwm`, `[pwm]` and `[adc]`.
pub fn read(top: &Section<'_>, parts: &mut Parts) {
    uarts(top, parts);
    if let Some(table) = top.sub("pwm", "the PWM channels") {
        for (name, _, item) in table.entries() {
            let title = format!("the channel `{name}`");
            let Some(section) = table.table_of(name, item, title) else {
                continue;
            };
            let shortest = section.span("shortest").unwrap_or(SHORTEST);
            let longest = section.span("longest").unwrap_or(LONGEST);
            if shortest > longest {
                let message = format!(
                    "the shortest period of {} is above the longest",
                    section.title
                );
                section.refuse("shortest", message, None);
            }
            section.finish();
            let pwm = Arc::new(Pwm::new(name, shortest, longest));
            parts.pwm.insert(name.to_owned(), pwm);
        }
    }
    if let Some(table) = top.sub("adc", "the analogue inputs") {
        for (name, _, item) in table.entries() {
            let title = format!("the input `{name}`");
            if let Some(section) = table.table_of(name, item, title) {
                let adc = Arc::new(adc(&section, name, parts));
                parts.adc.insert(name.to_owned(), adc);
                section.finish();
            }
        }
    }
}

fn adc(section: &Section<'_>, name: &str, parts: &Parts) -> Adc {
    let words = QUANTITIES.map(|(word, _)| word);
    let word = section.choice("quantity", &words).unwrap_or("voltage");
    let found = QUANTITIES.iter().find(|(known, _)| *known == word);
    let value = section.source("value", &parts.world).unwrap_or_else(|| {
        if section.get("value").is_none() {
            section.missing("value", "\"light\"");
        }
        Source::Fixed(0.0)
    });
    let range = (
        section.number("min").unwrap_or(RANGE.0),
        section.number("max").unwrap_or(RANGE.1),
    );
    if range.0 >= range.1 {
        let message = format!("`min` of {} is not below its `max`", section.title);
        section.refuse("min", message, None);
    }
    Adc {
        name: name.to_owned(),
        quantity: found.map_or(Quantity::Voltage, |(_, quantity)| *quantity),
        value,
        scale: section.number("scale").unwrap_or(1.0),
        offset: section.number("offset").unwrap_or(0.0),
        range,
        bits: section
            .integer("bits", 1..=32)
            .unwrap_or(BITS)
            .unsigned_abs() as u32,
        faults: Mutex::default(),
    }
}

fn uarts(top: &Section<'_>, parts: &mut Parts) {
    let Some(table) = top.sub("uart", "the serial ports") else {
        return;
    };
    let names: Vec<&str> = table.entries().map(|(name, _, _)| name).collect();
    for (name, _, item) in table.entries() {
        let Some(section) = table.table_of(name, item, format!("the port `{name}`")) else {
            continue;
        };
        if let Some(far) = far(&section, &names) {
            parts
                .uarts
                .insert(name.to_owned(), Arc::new(Uart::new(name, far)));
        }
        section.finish();
    }
    // Two ends of a wire name each other, or one of them the other: then that is meant, too.
    let joined: Vec<(String, String)> = parts
        .uarts
        .values()
        .filter_map(|uart| match &uart.far {
            Far::Port(other) => Some((uart.name.clone(), other.clone())),
            _ => None,
        })
        .collect();
    for (one, other) in joined {
        let back = Far::Port(one.clone());
        match parts.uarts.get(&other).map(|uart| uart.far.clone()) {
            Some(Far::Test) => {
                let uart = Arc::new(Uart::new(&other, back));
                parts.uarts.insert(other, uart);
            }
            Some(far) if far == back => {}
            Some(_) => {
                let message = format!("the port `{one}` goes to `{other}`, which goes elsewhere");
                top.refuse("uart", message, None);
            }
            None => {}
        }
    }
}

/// What is at the other end of a port.
fn far(section: &Section<'_>, names: &[&str]) -> Option<Far> {
    let keys = ["pty", "tcp", "port", "loopback"];
    let given: Vec<&str> = keys
        .into_iter()
        .filter(|key| section.get(key).is_some())
        .collect();
    if given.len() > 1 {
        let message = format!(
            "{} has two other ends: `{}`",
            section.title,
            given.join("` and `")
        );
        section.refuse(keys[0], message, None);
        return None;
    }
    match given.first().copied() {
        Some("pty") => {
            let item = section.get("pty")?;
            if let Some(true) = item.get_ref().as_bool() {
                return Some(Far::Pty(None));
            }
            let link = section.text("pty")?;
            Some(Far::Pty(Some(PathBuf::from(link))))
        }
        Some("tcp") => {
            let text = section.text("tcp")?;
            let address = text.parse::<SocketAddr>().ok();
            let loopback = address.filter(|address| address.ip().is_loopback());
            if loopback.is_none() {
                let message = format!("\"{text}\" is no address of this machine for itself");
                let help = "write it like \"127.0.0.1:7000\", or with port 0 for a free one";
                section.refuse("tcp", message, Some(help.to_owned()));
            }
            loopback.map(Far::Tcp)
        }
        Some("port") => {
            let other = section.text("port")?;
            if !names.contains(&other.as_str()) {
                let message = format!("there is no port `{other}`");
                section.refuse("port", message, Some(meant(&other, names.iter().copied())));
                return None;
            }
            Some(Far::Port(other))
        }
        Some(_) => match section.boolean("loopback")? {
            true => Some(Far::Loopback),
            false => Some(Far::Test),
        },
        None => Some(Far::Test),
    }
}
