//! What a plugin says of its configuration, and the configuration, divided by a zero: any schema is checked to an end,
//! and names places that are in the configuration.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use weihe::config::{Schema, Step};

/// What stands at a path.
fn at<'v>(mut value: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    for step in steps {
        value = match step {
            Step::Key(key) => value.get(key)?,
            Step::Index(index) => value.get(index)?,
        };
    }
    Some(value)
}

fuzz_target!(|text: &str| {
    let (schema, config) = text.split_once('\0').unwrap_or((text, "{}"));
    let Ok(config) = serde_json::from_str::<Value>(config) else {
        return;
    };
    let Ok(Some(schema)) = Schema::parse(schema) else {
        return;
    };
    for mismatch in schema.check(&config) {
        assert!(!mismatch.message.is_empty());
        assert!(at(&config, mismatch.path.steps()).is_some(), "{mismatch:?}");
    }
    for named in schema.named(&config) {
        let text = at(&config, named.path.steps()).and_then(Value::as_str);
        assert_eq!(text, Some(named.text.as_str()));
    }
});
