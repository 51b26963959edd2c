//! The SDK's own JSON, beside `serde_json`: both take the same texts, see the same in them, and write the same.
//!
//! What differs is written down: `serde_json` stops one level earlier (at 128), and does not always take the
//! nearest float.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weihe_sdk::json;

/// The shapes that configurations, commands and states have.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Point {
    name: String,
    #[serde(default)]
    address: u16,
    scale: Option<f32>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    by_number: BTreeMap<i8, bool>,
    #[serde(default)]
    inner: Vec<Point>,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    #[default]
    Plain,
    Of(char),
    Both(i64, u64),
    Named {
        of: bool,
    },
}

fn alike(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let (Some(a), Some(b)) = (a.as_f64(), b.as_f64()) else {
                return false;
            };
            (a - b).abs() <= a.abs() * 1e-14 + f64::MIN_POSITIVE
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same = |(key, a): (&String, &Value)| b.get(key).is_some_and(|b| alike(a, b));
            a.len() == b.len() && a.iter().all(same)
        }
        (ours, theirs) => ours == theirs,
    }
}

fn is_too_deep(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("recursion limit")
}

fuzz_target!(|text: &str| {
    match (
        json::read::<Value>(text),
        serde_json::from_str::<Value>(text),
    ) {
        (Ok(ours), Ok(theirs)) => {
            assert!(alike(&ours, &theirs), "{ours} {theirs}");
            let written = json::write(&ours).expect("a value has a form");
            assert_eq!(written, ours.to_string());
            assert_eq!(json::read(&written), Ok(ours));
        }
        (Err(_), Err(_)) => {}
        (Ok(_), Err(error)) => assert!(is_too_deep(&error), "{error}"),
        (Err(error), Ok(theirs)) => panic!("{error}: {theirs}"),
    }
    match (
        json::read::<Point>(text),
        serde_json::from_str::<Point>(text),
    ) {
        (Ok(ours), Ok(theirs)) => {
            let written = json::write(&ours).expect("a point has a form");
            assert_eq!(
                Ok(&written),
                serde_json::to_string(&ours).as_ref().map_err(|_| ())
            );
            let theirs = serde_json::to_value(&theirs).expect("a point has a form");
            let ours = serde_json::to_value(&ours).expect("a point has a form");
            assert!(alike(&ours, &theirs), "{ours} {theirs}");
        }
        (Err(error), Err(_)) => assert!(!error.is_empty()),
        (Ok(ours), Err(error)) => assert!(is_too_deep(&error), "{error}: {ours:?}"),
        (Err(error), Ok(theirs)) => panic!("{error}: {theirs:?}"),
    }
});
