//! `[[fault]]`: what goes wrong, and when.

use toml::de::DeValue;

use super::reader::Section;
use crate::virtual_board::core::Parts;
use crate::virtual_board::fault::{Fault, Force};

/// The most faults of a script.
const FAULTS: usize = 1_000;

/// A fault that comes by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Scripted {
    /// What it hits, as it is called.
    pub on: String,
    /// What it is.
    pub force: Force,
    /// When it comes, in nanoseconds from the start.
    pub at: u64,
    /// When it goes.
    pub until: Option<u64>,
}

/// Reads the script.
pub fn read(top: &Section<'_>, parts: &Parts) -> Vec<Scripted> {
    let mut scripted = Vec::new();
    let Some(item) = top.get("fault") else {
        return scripted;
    };
    let DeValue::Array(items) = item.get_ref() else {
        let message = "faults are a list".to_owned();
        let help = "write each one below `[[fault]]`".to_owned();
        top.reader.fault(item.span(), message, Some(help));
        return scripted;
    };
    for item in items.iter().take(FAULTS) {
        let Some(section) = top.table_of("fault", item, "a fault") else {
            continue;
        };
        let on = section.text("on");
        let kind = section.text("kind");
        for (key, value, example) in [("on", &on, "\"i2c/1@0x44\""), ("kind", &kind, "\"nack\"")] {
            if value.is_none() && section.get(key).is_none() {
                section.missing(key, example);
            }
        }
        let times = section.integer("times", 1..=i64::from(u32::MAX));
        let at = section.span("at").unwrap_or(0);
        let lasts = section.span("for");
        section.finish();
        let (Some(on), Some(kind)) = (on, kind) else {
            continue;
        };
        match kind.parse::<Fault>() {
            Ok(fault) => {
                let left = times.map(|times| times.unsigned_abs() as u32);
                let force = Force { fault, left };
                if let Err(message) = parts.fits(&on, force) {
                    section.refuse("on", message, None);
                }
                scripted.push(Scripted {
                    on,
                    force,
                    at,
                    until: lasts.map(|lasts| at.saturating_add(lasts)),
                });
            }
            Err(message) => section.refuse("kind", message, None),
        }
    }
    if items.len() > FAULTS {
        let message = format!("a script has {FAULTS} faults at most");
        top.reader.fault(item.span(), message, None);
    }
    scripted
}
