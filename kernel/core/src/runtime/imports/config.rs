//! `wasi:config`: the device's `config` table, key by key.

use serde_json::Value;

use crate::runtime::bindings::imports::wasi::config::store::{Error, Host};
use crate::runtime::state::GuestState;

impl Host for GuestState {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, Error>> {
        let mut value = Some(&self.device.spec.config);
        for part in key.split('.') {
            value = value.and_then(|value| value.get(part));
        }
        Ok(Ok(value.and_then(text)))
    }

    fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, Error>> {
        let mut all = Vec::new();
        flatten("", &self.device.spec.config, &mut all);
        Ok(Ok(all))
    }
}

/// A value as text; tables have none of their own.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Object(_) => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn flatten(prefix: &str, value: &Value, all: &mut Vec<(String, String)>) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                let key = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                flatten(&key, value, all);
            }
        }
        other => all.extend(text(other).map(|text| (prefix.to_owned(), text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_tables_become_dotted_keys() {
        let mut all = Vec::new();
        flatten(
            "",
            &serde_json::json!({"unit": 1, "poll": {"period": "1s", "groups": [1, 2]}}),
            &mut all,
        );
        all.sort();
        let expected = [
            ("poll.groups", "[1,2]"),
            ("poll.period", "1s"),
            ("unit", "1"),
        ];
        assert_eq!(
            all,
            expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
    }
}
