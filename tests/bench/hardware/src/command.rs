//! What whoever measures can ask for.

use serde::Deserialize;
use serde_json::{Value, json};
use weihe_sdk::prelude::*;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Setting a line.
    Gpio,
    /// A transaction that writes one byte and reads two.
    I2c,
    /// A transfer of three bytes.
    Spi,
}

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Does something many times, and says how long all of it took.
    Measure {
        /// What.
        kind: Kind,
        /// The line, bus or peripheral.
        name: String,
        /// Of whom, on a bus.
        #[serde(default)]
        address: u8,
        /// How often.
        count: u32,
    },
    /// How many edges came, and how many did not.
    Edges,
    /// Opens `line0` and so on as outputs, and `bus0` and so on with devices from the address 0x08 on.
    Open {
        /// How many lines.
        lines: u32,
        /// How many buses.
        buses: u32,
        /// How many devices on each.
        devices: u8,
    },
    /// Sets each of these lines to what it was not, and reads two bytes from each of the devices.
    Round,
}

/// What is said of the commands.
pub fn infos() -> Vec<CommandInfo> {
    let count = || json!({ "type": "integer", "minimum": 0 });
    let command = |name: &str, summary: &str, required: &[&str], properties: Value| {
        let schema = json!({
            "type": "object",
            "additionalProperties": false,
            "required": required,
            "properties": properties,
        });
        CommandInfo::new(name, summary).arguments(&schema.to_string())
    };
    vec![
        command(
            "measure",
            "Does something many times, and says how long all of it took",
            &["kind", "name", "count"],
            json!({
                "kind": { "enum": ["gpio", "i2c", "spi"] },
                "name": { "type": "string" },
                "address": count(),
                "count": count(),
            }),
        ),
        command(
            "edges",
            "How many edges came, and how many were missed",
            &[],
            json!({}),
        ),
        command(
            "open",
            "Opens many lines and buses",
            &["lines", "buses", "devices"],
            json!({ "lines": count(), "buses": count(), "devices": count() }),
        ),
        command(
            "round",
            "Uses each of the many lines and devices once",
            &[],
            json!({}),
        ),
    ]
}
