//! What the plugin says of itself.

use weihe_sdk::{CommandInfo, ConnectionNeed, Description};

/// The description of the plugin.
pub fn description() -> Description {
    Description::new(
        "modbus",
        env!("CARGO_PKG_VERSION"),
        "Polls and writes a Modbus unit, over TCP or on a serial line",
    )
    .connection(ConnectionNeed::Required)
    .config_schema(include_str!("schema/config.json"))
    .publishes(
        "plugin/{device}/+",
        "a point's value in its own unit; without a value and of bad quality when it cannot be read",
    )
    .publishes(
        "plugin/{device}/status",
        "`ok`, or what is wrong with link or unit",
    )
    .command(
        CommandInfo::new("write", "Writes a point")
            .arguments(include_str!("schema/write.json"))
            .answer(include_str!("schema/written.json")),
    )
    .command(
        CommandInfo::new("write-raw", "Writes coils or registers as they are")
            .arguments(include_str!("schema/write-raw.json"))
            .answer(include_str!("schema/written.json")),
    )
    .command(
        CommandInfo::new("read", "Reads a point, or items of a table as they are, now")
            .arguments(include_str!("schema/read.json"))
            .answer(include_str!("schema/reading.json")),
    )
    .command(
        CommandInfo::new("mask", "Sets and clears some bits of a holding register, in the unit itself")
            .arguments(include_str!("schema/mask.json"))
            .answer(include_str!("schema/masked.json")),
    )
    .command(
        CommandInfo::new("identify", "Asks the unit what it is (function 43/14)")
            .arguments(include_str!("schema/identify.json"))
            .answer(include_str!("schema/identification.json")),
    )
    .command(
        CommandInfo::new("scan", "Asks which units are on the line, and what they are")
            .arguments(include_str!("schema/scan.json"))
            .answer(include_str!("schema/scanned.json")),
    )
    .command(
        CommandInfo::new("stop-scan", "Ends the scan; its caller gets what has been found")
            .answer(r#"{"type":"object"}"#),
    )
    .command(
        CommandInfo::new("points", "Lists the points with their last values")
            .answer(r#"{"type":"array","items":{"type":"object"}}"#),
    )
    .command(
        CommandInfo::new("stats", "Counters, link state and planned reads")
            .answer(r#"{"type":"object"}"#),
    )
}
