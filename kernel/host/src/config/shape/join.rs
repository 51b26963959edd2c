//! What plugins say of their configuration, put where it belongs in the schema of one system.

use serde_json::{Map, Value, json};

use super::schema;

/// What a plugin says of the `config` of its devices.
#[derive(Debug, Clone)]
pub(crate) struct PluginSchema {
    /// The plugin.
    pub(crate) plugin: String,
    /// A JSON Schema.
    pub(crate) schema: Value,
}

/// The schema of a system: its devices, by the plugins that drive them, with the configurations that
/// those describe. A device that is not there yet is recognised by the plugin that it names.
pub(crate) fn joined(plugins: &[PluginSchema], devices: &[(String, String)]) -> Value {
    let mut whole = schema();
    let mut definitions = Map::new();
    for plugin in plugins {
        let mut schema = plugin.schema.clone();
        if let Value::Object(schema) = &mut schema {
            // Of the file that it stood in.
            schema.remove("$schema");
            schema.remove("$id");
        }
        let place = format!("#/definitions/{}", plugin.plugin);
        rebase(&mut schema, &place);
        definitions.insert(plugin.plugin.clone(), schema);
    }
    let Some(all) = whole.pointer_mut("/properties/device") else {
        return whole;
    };
    let known = |plugin: &str| plugins.iter().any(|known| known.plugin == plugin);
    let config = |plugin: &str| json!({ "$ref": format!("#/definitions/{plugin}") });
    let any = all["additionalProperties"].clone();
    let mut named = Map::new();
    for (device, plugin) in devices.iter().filter(|(_, plugin)| known(plugin)) {
        let mut of_device = any.clone();
        of_device["properties"]["config"] = config(plugin);
        named.insert(device.clone(), of_device);
    }
    // A chain, and no `allOf`: Taplo completes nothing of a schema that has one.
    let by_plugin = plugins.iter().rev().fold(json!({}), |others, known| {
        let mut one = json!({
            "if": { "properties": { "plugin": { "const": known.plugin } }, "required": ["plugin"] },
            "then": { "properties": { "config": config(&known.plugin) } },
        });
        if others != json!({}) {
            one["else"] = others;
        }
        one
    });
    if !named.is_empty() {
        all["properties"] = named.into();
    }
    if let Value::Object(chain) = by_plugin
        && let Some(any) = all["additionalProperties"].as_object_mut()
        && !chain.is_empty()
    {
        any.extend(chain);
        // The plugins at hand, for completion; others may be dropped later.
        let names = plugins.iter().map(|known| known.plugin.as_str());
        all["additionalProperties"]["properties"]["plugin"]["examples"] = names.collect();
        whole["definitions"] = definitions.into();
    }
    whole
}

/// References within a schema that is now part of another.
fn rebase(schema: &mut Value, place: &str) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get_mut("$ref")
                && let Some(within) = reference.strip_prefix('#')
                && (within.is_empty() || within.starts_with('/'))
            {
                *reference = format!("{place}{within}");
            }
            map.values_mut().for_each(|value| rebase(value, place));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rebase(item, place)),
        _ => {}
    }
}
