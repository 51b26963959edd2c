//! Two devices on one lane, one of which is told to do wrong.

/// A device that is told to do wrong, and its neighbour on the same lane.
pub const NEIGHBOURS: &str = r#"
[plugin]
raw = "weihe-guest-raw"

[device.bad]
plugin = "raw"

[device.good]
plugin = "raw"
"#;

/// The same with limits for the bad one.
pub fn neighbours(limits: &str) -> String {
    format!("{NEIGHBOURS}\n[device.bad.limits]\n{limits}")
}
