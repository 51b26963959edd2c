//! Inputs of converters.

use serde::Deserialize;

use crate::Reading;

/// An input of a converter, and what its voltage means.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Channel<I> {
    /// The name of its reading.
    pub name: String,
    /// Which input.
    pub input: I,
    /// By how much volts are multiplied.
    #[serde(default = "one")]
    pub scale: f64,
    /// What is added then.
    #[serde(default)]
    pub offset: f64,
    #[serde(default = "four")]
    decimals: u32,
    #[serde(default)]
    dead_band: f64,
}

fn one() -> f64 {
    1.0
}

fn four() -> u32 {
    4
}

impl<I> Channel<I> {
    /// What is published of it.
    pub fn reading(&self) -> Reading {
        Reading::new(&self.name)
            .decimals(self.decimals)
            .dead_band(self.dead_band)
    }

    /// What a voltage means.
    pub fn value(&self, volts: f64) -> f64 {
        volts * self.scale + self.offset
    }
}

/// Whether the names of channels are some, differ, and can be topics; reserved is what a device has anyway.
pub fn check_names<'n>(key: &str, names: impl Iterator<Item = &'n str>) -> Result<(), String> {
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if name.is_empty() || name.contains(['/', '+', '#', '$']) {
            return Err(format!("`{key}`: `{name}` cannot be a part of a topic"));
        }
        if name == "state" {
            return Err(format!(
                "`{key}`: `state` is taken by the state of the device"
            ));
        }
        if seen.contains(&name) {
            return Err(format!("`{key}`: there are two of the name `{name}`"));
        }
        seen.push(name);
    }
    if seen.is_empty() {
        return Err(format!("`{key}` is empty"));
    }
    Ok(())
}

/// The key `channels`, for inputs that this schema describes.
pub fn channels_key(input: &str) -> String {
    format!(
        r#""channels":{{"type":"array","minItems":1,"items":{{"type":"object","required":["name","input"],"additionalProperties":false,"properties":{{"name":{{"type":"string","minLength":1,"description":"the name of its reading"}},"input":{input},"scale":{{"type":"number","description":"by how much volts are multiplied"}},"offset":{{"type":"number","description":"what is added then"}},"decimals":{{"type":"integer","minimum":0,"maximum":9}},"dead-band":{{"type":"number","minimum":0}}}}}}}}"#
    )
}
