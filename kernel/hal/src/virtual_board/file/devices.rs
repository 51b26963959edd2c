//! Devices on buses.

use toml::de::DeValue;

use super::reader::{Item, Section, address_of, integer_of, meant, text_of};
use crate::virtual_board::core::Parts;
use crate::virtual_board::models::{
    Ads1115, Bme280, Ds3231, Eeprom, EepromPart, Field, I2cModel, Ina226, Lm75, Loopback, Mcp3008,
    Mcp23017, Pca9685, Registers, Sht4x, SpiModel, Ssd1306,
};
use crate::virtual_board::wire::{LineInfo, PinOf};
use crate::virtual_board::world::Source;

const I2C: [&str; 10] = [
    "ads1115",
    "bme280",
    "ds3231",
    "ina226",
    "lm75",
    "mcp23017",
    "pca9685",
    "registers",
    "sht4x",
    "ssd1306",
];

const SPI: [&str; 2] = ["loopback", "mcp3008"];

/// What a room is like when nothing else is said: degrees, per cent, hectopascals.
const ROOM: (f64, f64, f64) = (20.0, 50.0, 1_013.25);

/// The resistor of the modules that are sold with an INA226, in ohms.
const SHUNT: f64 = 0.1;

/// Volts of a supply.
const SUPPLY: f64 = 3.3;

/// A device on I2C.
pub fn i2c(
    section: &Section<'_>,
    bus: &str,
    address: u16,
    parts: &mut Parts,
) -> Option<Box<dyn I2cModel>> {
    let Some(model) = section.text("model") else {
        section.missing("model", "\"sht4x\"");
        return None;
    };
    let world = &parts.world;
    let temperature = || section.source_or("temperature", world, ROOM.0);
    let humidity = || section.source_or("humidity", world, ROOM.1);
    Some(match model.as_str() {
        "sht4x" => Box::new(Sht4x::new(temperature(), humidity())),
        "bme280" => {
            let pressure = section.source_or("pressure", world, ROOM.2);
            Box::new(Bme280::new(temperature(), humidity(), pressure))
        }
        "lm75" => {
            let bits = section.integer("bits", 9..=12).unwrap_or(11);
            Box::new(Lm75::new(temperature(), bits.unsigned_abs() as u32))
        }
        "ds3231" => Box::new(Ds3231::new(temperature())),
        "ads1115" => Box::new(Ads1115::new(
            ["a0", "a1", "a2", "a3"].map(|key| section.source_or(key, world, 0.0)),
        )),
        "ina226" => {
            let shunt = section.number("shunt").unwrap_or(SHUNT);
            if shunt <= 0.0 {
                let message = format!("`shunt` of {} must be more than 0", section.title);
                section.refuse("shunt", message, None);
            }
            let voltage = section.source_or("voltage", world, 0.0);
            let current = section.source_or("current", world, 0.0);
            Box::new(Ina226::new(voltage, current, shunt))
        }
        "pca9685" => Box::new(Pca9685::new()),
        "ssd1306" => {
            let height = section.integer("height", 32..=64).unwrap_or(64);
            if height != 32 && height != 64 {
                let message = format!("`height` of {} is {height}, not 32 or 64", section.title);
                section.refuse("height", message, None);
            }
            Box::new(Ssd1306::new(height.unsigned_abs() as usize))
        }
        "mcp23017" => return expander(section, bus, address, parts),
        "registers" => registers(section, parts),
        other => match EepromPart::ALL.iter().find(|part| part.name == other) {
            Some(part) => Box::new(Eeprom::new(*part, &octets(section, "bytes"))),
            None => {
                let known = I2C.iter().copied();
                let known = known.chain(EepromPart::ALL.iter().map(|part| part.name));
                let message = format!("there is no model `{other}`");
                section.refuse("model", message, Some(meant(other, known)));
                return None;
            }
        },
    })
}

/// A device on SPI.
pub fn spi(section: &Section<'_>, parts: &Parts) -> Option<Box<dyn SpiModel>> {
    let Some(model) = section.text("model") else {
        section.missing("model", "\"mcp3008\"");
        return None;
    };
    match model.as_str() {
        "loopback" => Some(Box::new(Loopback)),
        "mcp3008" => {
            let keys = ["ch0", "ch1", "ch2", "ch3", "ch4", "ch5", "ch6", "ch7"];
            let inputs = keys.map(|key| section.source_or(key, &parts.world, 0.0));
            let reference = section.number("reference").unwrap_or(SUPPLY);
            if reference <= 0.0 {
                let message = format!("`reference` of {} must be more than 0", section.title);
                section.refuse("reference", message, None);
            }
            Some(Box::new(Mcp3008::new(inputs, reference)))
        }
        other => {
            let message = format!("there is no model `{other}`");
            section.refuse("model", message, Some(meant(other, SPI.iter().copied())));
            None
        }
    }
}

/// An expander's pins are lines of the board, called after it.
fn expander(
    section: &Section<'_>,
    bus: &str,
    address: u16,
    parts: &mut Parts,
) -> Option<Box<dyn I2cModel>> {
    let prefix = section
        .text("pins")
        .unwrap_or_else(|| format!("{bus}@{address:#04x}"));
    let mut pins = [0; 16];
    for (number, pin) in pins.iter_mut().enumerate() {
        let port = if number < 8 { 'A' } else { 'B' };
        let name = format!("{prefix}/{port}{}", number % 8);
        let known = parts.lines.iter().position(|line| line.name == name);
        *pin = known.unwrap_or_else(|| {
            parts.lines.push(LineInfo::new(&name));
            parts.lines.len() - 1
        });
        if let Some(line) = parts.lines.get_mut(*pin) {
            line.pin_of = Some(PinOf {
                bus: bus.to_owned(),
                address,
            });
        }
    }
    let mut interrupts = [None; 2];
    for (place, key) in interrupts.iter_mut().zip(["interrupt-a", "interrupt-b"]) {
        let Some(name) = section.text(key) else {
            continue;
        };
        let names = |line: &LineInfo| line.name == name || line.aliases.contains(&name);
        *place = parts.lines.iter().position(names);
        if place.is_none() {
            let known = parts.lines.iter().map(|line| &*line.name);
            let message = format!("there is no line `{name}`");
            section.refuse(key, message, Some(meant(&name, known)));
        }
    }
    Some(Box::new(Mcp23017::new(pins, interrupts)))
}

/// A byte: a number, or a text like "0x44".
fn byte_of(item: Item<'_>) -> Option<u8> {
    let text = text_of(item).and_then(address_of).map(i64::from);
    text.or_else(|| integer_of(item))?.try_into().ok()
}

/// A list of bytes.
fn octets(section: &Section<'_>, key: &'static str) -> Vec<u8> {
    let Some(item) = section.get(key) else {
        return Vec::new();
    };
    let wrong = |item: Item<'_>| {
        let message = format!("`{key}` of {} must be a list of bytes", section.title);
        section.reader.fault(item.span(), message, None);
    };
    let DeValue::Array(items) = item.get_ref() else {
        wrong(item);
        return Vec::new();
    };
    let mut octets = Vec::new();
    for item in items.iter() {
        match byte_of(item) {
            Some(byte) => octets.push(byte),
            None => wrong(item),
        }
    }
    octets
}

fn registers(section: &Section<'_>, parts: &Parts) -> Box<dyn I2cModel> {
    let mut first = [0; 256];
    if let Some(table) = section.sub("registers", format!("the registers of {}", section.title)) {
        for (key, span, item) in table.entries() {
            let register = address_of(key).and_then(|register| u8::try_from(register).ok());
            match (register, byte_of(item)) {
                (Some(register), Some(byte)) => first[usize::from(register)] = byte,
                _ => {
                    let message = format!("`{key}` of {} is no register with a byte", table.title);
                    let help = "write it like \"0x0f\" = 0x33".to_owned();
                    table.reader.fault(span, message, Some(help));
                }
            }
        }
    }
    let mut fields = Vec::new();
    if let Some(table) = section.sub("values", format!("the values of {}", section.title)) {
        for (name, _, item) in table.entries() {
            let title = format!("the value `{name}` of {}", section.title);
            let Some(field) = table.table_of(name, item, title) else {
                continue;
            };
            if field.get("register").is_none() {
                field.missing("register", "0x28");
            }
            let register = field.integer("register", 0..=255).unwrap_or(0);
            let order = field.choice("order", &["big-endian", "little-endian"]);
            fields.push(Field {
                name: name.to_owned(),
                register: register.unsigned_abs() as u8,
                bytes: field.integer("bytes", 1..=4).unwrap_or(1).unsigned_abs() as usize,
                big_endian: order != Some("little-endian"),
                value: field
                    .source("value", &parts.world)
                    .or_else(|| parts.world.get(name).cloned().map(Source::World))
                    .unwrap_or(Source::Fixed(0.0)),
                scale: field.number("scale").unwrap_or(1.0),
                offset: field.number("offset").unwrap_or(0.0),
            });
            field.finish();
        }
    }
    let read_only = octets(section, "read-only");
    let increments = section.boolean("increment").unwrap_or(true);
    Box::new(Registers::new(first, read_only, fields, increments))
}
