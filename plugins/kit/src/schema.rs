//! The schemas of configurations, whose common keys stand here once.

/// The keys of every device of a chip: where it publishes.
const TOPIC: &str = r#""topic":{"type":"string","format":"weihe-publish-below","description":"readings and the state are published below this instead of plugin/<device>"}"#;

/// The keys of [`Pace`](crate::Pace).
const PACE: &str = r#""period":{"type":["string","number"],"description":"from one measurement to the next"},"retries":{"type":"integer","minimum":0,"maximum":100,"description":"how often a measurement that failed is made again at once"},"retry":{"type":["string","number"],"description":"how soon a chip that is absent is tried again at first"},"retry-max":{"type":["string","number"],"description":"how long it is left alone at the most"},"refresh":{"type":["string","number"],"description":"a reading that does not change is published again after this; 0: never"}"#;

/// The schema of a configuration with these keys of its own (`"bus":{...},"address":{...}`), of which these are
/// needed (`"bus"`), besides `topic` and those of [`Pace`](crate::Pace).
pub fn sensor_schema(needed: &str, own: &str) -> String {
    chip_schema(needed, &format!("{own},{PACE}"))
}

/// The schema of a configuration with these keys of its own besides `topic`.
pub fn chip_schema(needed: &str, own: &str) -> String {
    format!(
        r#"{{"type":"object","required":[{needed}],"additionalProperties":false,"properties":{{{own},{TOPIC}}}}}"#
    )
}

/// The keys of a chip on I2C, which has the addresses from `first` to `last`.
pub fn i2c_keys(first: u8, last: u8) -> String {
    format!(
        r#""bus":{{"type":"string","minLength":1,"description":"the I2C bus, as the grant names it"}},"address":{{"type":"integer","minimum":{first},"maximum":{last},"description":"{first:#04x} to {last:#04x}"}}"#
    )
}

/// The key `dead-band` for readings of these names.
pub fn dead_band(names: &[&str]) -> String {
    let keys: Vec<String> = names
        .iter()
        .map(|name| format!(r#""{name}":{{"type":"number","minimum":0}}"#))
        .collect();
    format!(
        r#""dead-band":{{"type":"object","additionalProperties":false,"description":"by how much a reading has to change to be published again","properties":{{{}}}}}"#,
        keys.join(",")
    )
}
