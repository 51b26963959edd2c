//! Buses, and which device is where.

use std::sync::Arc;

use super::devices;
use super::reader::{Section, address_of};
use crate::virtual_board::bus::Bus;
use crate::virtual_board::core::Parts;
use crate::virtual_board::spi::Spi;

/// The addresses of I2C that are not reserved (UM10204, 3.1.12).
const ADDRESSES: std::ops::RangeInclusive<u16> = 0x08..=0x77;

/// Reads `[i2c]` and `[spi]`.
pub fn read(top: &Section<'_>, parts: &mut Parts) {
    if let Some(table) = top.sub("i2c", "the I2C buses") {
        for (name, _, item) in table.entries() {
            let Some(section) = table.table_of(name, item, format!("the bus `{name}`")) else {
                continue;
            };
            let bus = Arc::new(Bus::new(name));
            i2c(&section, &bus, parts);
            parts.buses.insert(name.to_owned(), bus);
        }
    }
    if let Some(table) = top.sub("spi", "the SPI peripherals") {
        for (name, _, item) in table.entries() {
            let title = format!("the peripheral `{name}`");
            let Some(section) = table.table_of(name, item, title) else {
                continue;
            };
            // Peripherals of one bus differ in the last number: `spi/0.1`.
            let bus = name.rsplit_once('.').map_or(name, |(bus, _)| bus);
            let bus = section.text("bus").unwrap_or_else(|| bus.to_owned());
            if let Some(model) = devices::spi(&section, parts) {
                let spi = Arc::new(Spi::new(name, &bus, model));
                parts.spi.insert(name.to_owned(), spi);
            }
            section.finish();
        }
    }
}

fn i2c(section: &Section<'_>, bus: &Bus, parts: &mut Parts) {
    for (key, span, item) in section.entries() {
        let refuse = |message: String, help: Option<String>| {
            section.reader.fault(span.clone(), message, help);
        };
        let Some(address) = address_of(key) else {
            let message = format!("`{key}` on {} is no address", section.title);
            refuse(message, Some("write it like \"0x44\"".to_owned()));
            continue;
        };
        if !ADDRESSES.contains(&address) {
            let message = format!("{address:#04x} on {} is reserved", section.title);
            let help = "devices have addresses from 0x08 to 0x77".to_owned();
            refuse(message, Some(help));
            continue;
        }
        let title = format!("the device {address:#04x} on {}", bus.name);
        let Some(device) = section.table_of(key, item, title) else {
            continue;
        };
        let name = device.text("name");
        if name
            .as_deref()
            .is_some_and(|name| is_named(name, bus, parts))
        {
            let name = name.clone().unwrap_or_default();
            device.refuse("name", format!("there are two devices `{name}`"), None);
        }
        if let Some(model) = devices::i2c(&device, &bus.name, address, parts)
            && !bus.attach(address, name, model)
        {
            let message = format!("two devices of {} share {address:#04x}", section.title);
            refuse(message, None);
        }
        device.finish();
    }
}

fn is_named(name: &str, bus: &Bus, parts: &Parts) -> bool {
    bus.named(name).is_some() || parts.buses.values().any(|bus| bus.named(name).is_some())
}
