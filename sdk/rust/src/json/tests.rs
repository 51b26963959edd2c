use super::*;
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Config {
    name: String,
    limits: Option<Limits>,
    #[serde(default)]
    points: Vec<Limits>,
    #[serde(default)]
    groups: std::collections::BTreeMap<String, Limits>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Limits {
    below: f64,
}

fn error(text: &str) -> String {
    read::<Config>(text).unwrap_err()
}

#[test]
fn the_key_with_the_wrong_type_is_named() {
    assert_eq!(
        error(r#"{"name": "a", "limits": {"below": "x"}}"#),
        "`limits.below`: invalid type: string \"x\", expected f64"
    );
    assert_eq!(
        error("{\"name\": \"a\",\n \"points\": [{\"below\": 1}, {\"below\": true}]}"),
        "`points[1].below`: invalid type: boolean `true`, expected f64"
    );
}

#[test]
fn a_key_that_would_read_as_several_is_quoted() {
    let text = r#"{"name": "a", "groups": {"a.b": {"below": 1}, "c[0]\"": {"belo": 1}}}"#;
    assert_eq!(
        error(text),
        "`groups.\"c[0]\\\"\".belo`: unknown field `belo`, expected `below`"
    );
}

#[test]
fn an_unknown_key_is_named_with_its_table() {
    let text = error(r#"{"name": "a", "limits": {"belo": 1}}"#);
    assert_eq!(
        text,
        "`limits.belo`: unknown field `belo`, expected `below`"
    );
}

#[test]
fn a_missing_key_is_named() {
    assert_eq!(error("{}"), "missing field `name`");
    let text = error(r#"{"name": "a", "limits": {}}"#);
    assert_eq!(text, "`limits`: missing field `below`");
}

/// Whatever `serde_json` reads is read here, and to the same; what it refuses is refused.
fn same(text: &str) {
    let ours = read::<serde_json::Value>(text).ok();
    let theirs = serde_json::from_str::<serde_json::Value>(text).ok();
    match (&ours, &theirs) {
        (Some(ours), Some(theirs)) => assert!(alike(ours, theirs), "{text}: {ours} {theirs}"),
        _ => assert_eq!(
            ours.is_some(),
            theirs.is_some(),
            "{text}: {ours:?} {theirs:?}"
        ),
    }
}

/// Whether two values are the same, but for the last digits of floats: its reader does not always take
/// the nearest one.
fn alike(ours: &serde_json::Value, theirs: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= a.abs() * 1e-14 + f64::MIN_POSITIVE
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same = |(key, a)| b.get(key).is_some_and(|b| alike(a, b));
            a.len() == b.len() && a.iter().all(same)
        }
        (ours, theirs) => ours == theirs,
    }
}

#[test]
fn what_is_json_is_read_and_what_is_not_is_refused() {
    for text in [
        "null",
        " true ",
        "false",
        "0",
        "-0",
        "-0.0",
        "-1",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "1.5e3",
        "1E-2",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1.e5",
        "1e",
        "1e400",
        "--1",
        "1-2",
        "[]",
        "[1,2]",
        "[1,]",
        "[,]",
        "[1 2]",
        "{}",
        "{\"a\":1}",
        "{\"a\":1,}",
        "{\"a\"}",
        "{a:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1}}",
        "nul",
        "\"\"",
        "\"a",
        "\"a\nb\"",
        "\"\\n\\t\\u00e9\\/\\\\\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83d\\u0041\"",
        "\"\\u12\"",
        "\"\\x\"",
        "\"é\\\"ü\"",
        "",
    ] {
        same(text);
    }
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read::<serde_json::Value>(&deep(128)).is_ok());
    assert!(
        read::<serde_json::Value>(&deep(129))
            .unwrap_err()
            .contains("128 deep")
    );
    assert!(read::<serde::de::IgnoredAny>(&deep(100_000)).is_err());
}

#[test]
fn what_has_no_json_form_is_an_error_or_null() {
    let odd = std::collections::BTreeMap::from([(vec![1], 2)]);
    assert!(write(&odd).unwrap_err().contains("a key"));
    assert_eq!(
        write(&(f64::NAN, 'x', 1.0_f32, i128::MIN)).unwrap(),
        "[null,\"x\",1.0,-170141183460469231731687303715884105728]"
    );
    assert_eq!(write("\u{1}\u{8}\u{7f}é").unwrap(), "\"\\u0001\\b\u{7f}é\"");
}

#[test]
fn all_shapes_of_rust_are_read() {
    #[derive(Debug, PartialEq, Deserialize, serde::Serialize)]
    enum Shape {
        Unit,
        New(u8),
        Pair(u8, char),
        Named { of: String },
    }
    #[derive(Debug, PartialEq, Deserialize, serde::Serialize)]
    struct All {
        shapes: Vec<Shape>,
        by_number: std::collections::BTreeMap<i16, bool>,
        by_name: std::collections::HashMap<String, Option<u8>>,
        array: [f32; 2],
        nothing: (),
        #[serde(flatten)]
        rest: std::collections::BTreeMap<String, f64>,
    }
    let text = r#"{
        "shapes": ["Unit", {"Unit": null}, {"New": 1}, {"Pair": [2, "é"]}, {"Named": {"of": "\u0041b"}}],
        "by_number": {"-5": true, "7": false}, "by_name": {"a\"b": null, "c": 3},
        "array": [1, 2.5], "nothing": null, "more": 3
    }"#;
    let theirs: All = serde_json::from_str(text).unwrap();
    assert_eq!(write(&theirs), Ok(serde_json::to_string(&theirs).unwrap()));
    assert_eq!(read::<All>(text), Ok(theirs));
    let error = |text: &str| read::<Vec<Shape>>(text).unwrap_err();
    assert_eq!(
        error("[\"Unit\", \"Round\"]"),
        "`[1]`: unknown variant `Round`, expected one of `Unit`, `New`, `Pair`, `Named`"
    );
    assert_eq!(
        error("[{\"New\": 300}]"),
        "`[0].New`: invalid value: integer `300`, expected u8"
    );
    assert_eq!(
        error("[{\"Pair\": [1, \"a\", 2]}]"),
        "`[0].Pair`: there are more than 2 elements"
    );
    assert!(error("[{\"New\": 3, \"Unit\": null}]").contains("one key too many"));
    assert!(error("[{}]").contains("invalid value"));
    assert!(error("[3]").contains("invalid type: integer `3`"));
    assert!(error("[\"New\"]").starts_with("`[0]`: invalid type"));
}

proptest! {
    #[test]
    fn any_text_is_explained_without_a_panic(text in "[ {}\\[\\],:\"\\\\a-cé0-9\n]{0,40}") {
        let _ = read::<Config>(&text);
    }

    #[test]
    fn any_text_is_read_as_by_another_reader(text in "[\\[\\]{},:\"\\\\truefalsn0-9.eE+ é\t-]{0,30}") {
        same(&text);
    }

    #[test]
    fn any_value_is_written_and_read_back(value in value()) {
        prop_assert_eq!(write(&value), Ok(value.to_string()));
        prop_assert_eq!(read::<serde_json::Value>(&value.to_string()), Ok(value.clone()));
        same(&value.to_string());
        same(&serde_json::to_string_pretty(&value).unwrap());
    }
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}
