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
        write(&(f64::NAN, 'x', 1.0_f32)).unwrap(),
        "[null,\"x\",1.0]"
    );
    assert_eq!(write("\u{1}\u{8}\u{7f}é").unwrap(), "\"\\u0001\\b\u{7f}é\"");
}

#[test]
fn long_integers_are_written_as_far_as_they_are_read() {
    let (most, least) = (u64::MAX.into(), i64::MIN.into());
    for value in [0, 1, -1, most, least] {
        let text = write(&value).unwrap();
        assert_eq!(text, value.to_string());
        assert_eq!(read::<i128>(&text), Ok(value));
        let keys = std::collections::BTreeMap::from([(value, true)]);
        assert_eq!(read(&write(&keys).unwrap()), Ok(keys));
    }
    assert_eq!(
        read::<u128>(&write(&u128::from(u64::MAX)).unwrap()),
        Ok(u64::MAX.into())
    );
    for value in [most + 1, least - 1, i128::MAX, i128::MIN] {
        let said = write(&[value]).unwrap_err();
        assert_eq!(said, "a whole number is beyond 64 bits: write it as text");
    }
    assert!(write(&u128::MAX).is_err());
}

#[test]
fn a_float_where_an_integer_belongs_is_shown_as_one() {
    for (text, shown) in [
        ("1.0", "1.0"),
        ("-0", "-0.0"),
        ("2.5", "2.5"),
        ("1e300", "1e+300"),
    ] {
        let said = read::<u8>(text).unwrap_err();
        assert_eq!(
            said,
            format!("invalid type: floating point `{shown}`, expected u8")
        );
    }
}

/// Whatever is read as an `f32` is what the standard library reads.
fn same_short(text: &str) {
    let theirs = text.parse::<f32>().unwrap();
    match read::<f32>(text) {
        Ok(ours) => assert_eq!(ours.to_bits(), theirs.to_bits(), "{text}"),
        Err(said) => assert!(
            theirs.is_infinite() && said.contains("out of range"),
            "{text}"
        ),
    }
}

#[test]
fn short_floats_are_rounded_once() {
    for text in [
        // Just above the middle of two `f32`, so near that the nearest `f64` is the middle.
        "1.00000005960464477540",
        "1.00000005960464477539",
        "1.000000059604644775390625",
        "-1.00000017881393432617187499",
        "-1.00000017881393432617187501",
        "16777217",
        "16777217.0",
        "16777217.0000000000000001",
        "0.1",
        "-0.0",
        "0.0",
        "2.5",
        "1.17549435e-38",
        "1.1754943e-38",
        "1e-45",
        "7.006492321624085e-46",
        "7.0064923216240853546186479164495806564013097093825788587853e-46",
        "7.0064923216240853546186479164495806564013097093825788587854e-46",
        "1e-400",
        "3.4028235e38",
        "3.4028235677973366e38",
        "3.4028235677973367e38",
        "1e39",
        "1e400",
    ] {
        same_short(text);
    }
    assert_eq!(
        read::<Vec<Option<f32>>>("[null, 1, -2, 0.5]"),
        Ok(vec![None, Some(1.0), Some(-2.0), Some(0.5)])
    );
    assert!(read::<f32>("true").unwrap_err().contains("expected f32"));
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

#[test]
fn a_key_is_a_number_where_json_would_have_one() {
    type Named = std::collections::BTreeMap<i16, bool>;
    for key in [
        "0", "5", "-5", "-0", "+5", "05", "-05", "00", "1.0", "1e2", "", "-", " 5", "5 ", "40000",
    ] {
        let text = format!("{{\"{key}\": true}}");
        let theirs = serde_json::from_str::<Named>(&text).ok();
        assert_eq!(read::<Named>(&text).ok(), theirs, "{key:?}");
    }
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
    fn any_short_float_is_read_as_by_the_standard_library(bits: u32, digits in "[0-9]{1,6}") {
        let value = f32::from_bits(bits & 0x7fff_ffff);
        prop_assume!(value.is_finite());
        same_short(&format!("{value:e}"));
        // The middle of it and the next one, and what is just beside.
        let next = f32::from_bits(value.to_bits() + 1);
        prop_assume!(next.is_finite());
        let middle = (f64::from(value) + f64::from(next)) / 2.0;
        let text = format!("{middle:.200e}");
        same_short(&text);
        let (start, exponent) = text.split_once('e').unwrap();
        same_short(&format!("{start}{digits}e{exponent}"));
        same_short(&format!("{:.30e}", middle.next_down()));
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
