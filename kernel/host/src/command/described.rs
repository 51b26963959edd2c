//! What a device can do, as its plugin says: read from the answer to `ps`.

use serde_json::Value;

/// The plugin of a device, and what that says of its commands; none when there is no such device.
pub(super) fn commands<'a>(status: &'a Value, device: &str) -> Option<(&'a str, &'a [Value])> {
    let devices = status["devices"].as_array()?;
    let plugin = devices.iter().find(|one| one["name"] == device)?["plugin"].as_str()?;
    let plugins = status["plugins"].as_array()?;
    let described = plugins.iter().find(|one| one["name"] == plugin);
    let commands = described.and_then(|one| one["description"]["commands"].as_array());
    Some((plugin, commands.map_or(&[], Vec::as_slice)))
}

/// The arguments of a command, by the schema that it has: each with what it says of it.
pub(super) fn arguments(command: &Value) -> Vec<(String, String)> {
    let schema = command["arguments"].as_str();
    let schema = schema.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let schema = schema.unwrap_or_default();
    let arguments = schema["properties"].as_object().into_iter().flatten();
    arguments
        .map(|(name, of)| {
            let about = of["description"].as_str().unwrap_or_default();
            (name.clone(), about.to_owned())
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn commands_are_those_of_the_devices_plugin() {
        let status = json!({
            "devices": [{ "name": "soil", "plugin": "modbus" }, { "name": "rule", "plugin": "gone" }],
            "plugins": [
                { "name": "other", "description": { "commands": [] } },
                { "name": "modbus", "description": { "commands": [{
                    "name": "write",
                    "arguments": r#"{"properties":{"value":{"description":"new"},"point":{}}}"#,
                }, { "name": "scan", "arguments": "" }] } },
            ],
        });
        let (plugin, found) = commands(&status, "soil").unwrap();
        assert_eq!((plugin, found.len()), ("modbus", 2));
        let pair = |name: &str, about: &str| (name.to_owned(), about.to_owned());
        assert_eq!(
            arguments(&found[0]),
            [pair("point", ""), pair("value", "new")]
        );
        assert_eq!(arguments(&found[1]), []);
        assert_eq!(commands(&status, "rule").unwrap(), ("gone", &[][..]));
        assert_eq!(commands(&status, "sol"), None);
    }
}
