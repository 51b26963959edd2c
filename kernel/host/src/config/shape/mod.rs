//! The shape of `weihe.toml`, as a JSON Schema for editors (docs/decisions/0039-schema-of-weihe-toml.md).
//!
//! The types here are never filled: what they say is which keys there are, and what of. The reader
//! takes the keys that it knows from them, so that a key is in both or in neither; tests show that it
//! reads each of them, as what the schema says, and that what it refuses the schema refuses.

// Their fields are read by the derive alone.
#[allow(dead_code)]
mod connection;
#[allow(dead_code)]
mod entries;
mod join;
#[allow(dead_code)]
mod limits;
mod texts;

use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

pub(crate) use join::{PluginSchema, joined};

/// The name of the file that the schema of a system is in, beside its `weihe.toml`.
pub const SCHEMA_FILE: &str = "weihe.schema.json";

/// The comment that leads editors from a `weihe.toml` to a schema: Taplo's form, which Even Better
/// TOML and Tombi know.
pub fn schema_comment(path: &str) -> String {
    format!("#:schema {path}\n")
}

/// The schema of all `weihe.toml`, without what plugins say of their configuration.
pub fn schema() -> Value {
    let mut schema = schema_of::<entries::File>();
    schema["title"] = "weihe.toml".into();
    if let Some(limits) =
        schema.pointer_mut("/properties/device/additionalProperties/properties/limits")
    {
        limits::bound(limits);
    }
    let kinds = schema.pointer_mut("/properties/connection/additionalProperties/oneOf");
    for kind in kinds.and_then(Value::as_array_mut).into_iter().flatten() {
        kind["additionalProperties"] = false.into();
        kind["properties"]["type"]["description"] = "What kind of connection it is.".into();
    }
    schema
}

/// A schema that stands for itself, without references: every tool can follow it. Draft 7, which
/// all of them know.
fn schema_of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut schema = schema.to_value();
    tidy(&mut schema);
    schema
}

/// Takes out what Rust's types bring along and TOML does not have: nothing as a value, and the
/// widths of integers.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(kinds)) = map.get_mut("type") {
                kinds.retain(|kind| kind != "null");
                if let [only] = kinds.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = map.get_mut("enum") {
                choices.retain(|choice| !choice.is_null());
            }
            // A type or nothing is that type, with the words of this place.
            if let Some(Value::Array(any)) = map.get_mut("anyOf") {
                any.retain(|one| one["type"] != "null");
                if let [Value::Object(only)] = any.as_slice() {
                    let only = only.clone();
                    map.remove("anyOf");
                    for (key, value) in only {
                        map.entry(key).or_insert(value);
                    }
                }
            }
            if let Some(Value::String(about)) = map.get_mut("description") {
                // As lines were broken in the source.
                *about = about.replace('\n', " ");
            }
            let is_number = map.get("type").is_some_and(|kind| kind == "integer");
            if is_number {
                map.remove("format");
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// The keys of a table.
pub(super) struct Keys(LazyLock<Vec<String>>);

impl Keys {
    const fn new(keys: fn() -> Vec<String>) -> Self {
        Self(LazyLock::new(keys))
    }

    /// In the order of the alphabet.
    pub(super) fn all(&self) -> &[String] {
        &self.0
    }
}

fn keys_of<T: JsonSchema>() -> Vec<String> {
    let schema = schema_of::<T>();
    let properties = schema["properties"].as_object();
    properties
        .into_iter()
        .flat_map(|keys| keys.keys())
        .cloned()
        .collect()
}

pub(super) static FILE: Keys = Keys::new(keys_of::<entries::File>);
pub(super) static HOST: Keys = Keys::new(keys_of::<entries::Host>);
pub(super) static BOARD: Keys = Keys::new(keys_of::<entries::Board>);
pub(super) static CONTROL: Keys = Keys::new(keys_of::<entries::Control>);
pub(super) static KEYS: Keys = Keys::new(keys_of::<entries::KeyStore>);
pub(super) static PKCS11: Keys = Keys::new(keys_of::<entries::Pkcs11>);
pub(super) static SIGNATURES: Keys = Keys::new(keys_of::<entries::Signatures>);
pub(super) static SIGNER: Keys = Keys::new(keys_of::<entries::Signer>);
pub(super) static AUDIT: Keys = Keys::new(keys_of::<entries::Audit>);
pub(super) static PLUGIN: Keys = Keys::new(keys_of::<entries::Plugin>);
pub(super) static DEVICE: Keys = Keys::new(keys_of::<entries::Device>);
pub(super) static GRANTS: Keys = Keys::new(keys_of::<entries::Grants>);

#[cfg(test)]
mod tests;
