#![allow(clippy::unwrap_used)]

use super::*;
use serde_json::json;

/// What of a configuration does not fit: the path, the message and the help.
fn check(schema: &Value, config: &Value) -> Vec<(String, String, String)> {
    let schema = Schema::parse(&schema.to_string()).unwrap().unwrap();
    let found = schema.check(config);
    found
        .into_iter()
        .map(|found| {
            (
                found.path.to_string(),
                found.message,
                found.help.unwrap_or_default(),
            )
        })
        .collect()
}

fn messages(schema: Value, config: Value) -> Vec<String> {
    let found = check(&schema, &config);
    found.into_iter().map(|(_, message, _)| message).collect()
}

/// A schema as plugins have them.
fn meter() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "unit": { "type": "integer", "minimum": 0, "maximum": 255 },
            "mode": { "enum": ["tcp", "rtu"] },
            "period": { "$ref": "#/$defs/span" },
            "groups": { "type": "object", "additionalProperties": { "$ref": "#/$defs/group" } },
            "points": { "type": "array", "items": { "$ref": "#/$defs/point" } },
        },
        "additionalProperties": false,
        "$defs": {
            "span": { "type": ["string", "number"] },
            "group": {
                "type": "object",
                "properties": { "period": { "$ref": "#/$defs/span" } },
                "required": ["period"],
                "additionalProperties": false,
            },
            "point": {
                "type": "object",
                "properties": {
                    "name": { "type": "string", "minLength": 1 },
                    "address": { "type": "integer", "minimum": 0, "maximum": 65535 },
                    "bits": { "type": "array", "items": { "type": "integer" }, "minItems": 2, "maxItems": 2 },
                },
                "required": ["name", "address"],
                "additionalProperties": false,
            },
        },
    })
}

#[test]
fn a_sound_configuration_passes() {
    let config = json!({
        "unit": 1.0,
        "mode": "rtu",
        "period": "500 ms",
        "groups": { "slow": { "period": 5 } },
        "points": [{ "name": "a", "address": 0, "bits": [0, 3] }],
    });
    assert_eq!(check(&meter(), &config), []);
    assert_eq!(check(&meter(), &json!({})), []);
}

#[test]
fn a_key_that_nobody_knows_is_named_with_the_one_that_was_meant() {
    let config = json!({
        "pionts": [],
        "points": [{ "name": "a", "address": 1 }, { "name": "b", "addres": 2 }],
        "colour": 1,
    });
    let found = check(&meter(), &config);
    let wanted = [
        (
            "colour",
            "unknown key `colour` in `config`",
            "known keys: `groups`, `mode`, `period`, `points`, `unit`",
        ),
        (
            "pionts",
            "unknown key `pionts` in `config`",
            "did you mean `points`?",
        ),
        (
            "points[1].addres",
            "unknown key `addres` in `config.points[1]`",
            "did you mean `address`?",
        ),
        ("points[1]", "`config.points[1]` has no `address`", ""),
    ];
    let wanted = wanted.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(found, wanted);
}

#[test]
fn values_of_a_wrong_type_or_out_of_range_are_named() {
    for (config, wanted) in [
        (
            json!({ "unit": "1" }),
            "`config.unit` must be an integer, but is a text",
        ),
        (
            json!({ "unit": 1.5 }),
            "`config.unit` must be an integer, but is a float",
        ),
        (
            json!({ "unit": 256 }),
            "`config.unit` must be at most 255, but is 256",
        ),
        (
            json!({ "unit": -1 }),
            "`config.unit` must be at least 0, but is -1",
        ),
        (
            json!({ "period": true }),
            "`config.period` must be a text or a number, but is a boolean",
        ),
        (
            json!({ "groups": { "slow": {} } }),
            "`config.groups.slow` has no `period`",
        ),
        (
            json!({ "groups": { "a.b": { "period": [] } } }),
            "`config.groups.\"a.b\".period` must be a text or a number, but is a list",
        ),
        (
            json!({ "points": [{ "name": "", "address": 1 }] }),
            "`config.points[0].name` must have at least 1 character, but has 0",
        ),
        (
            json!({ "points": [{ "name": "a", "address": 1, "bits": [1, 2, 3] }] }),
            "`config.points[0].bits` must have at most 2 entries, but has 3",
        ),
        (
            json!({ "points": {} }),
            "`config.points` must be a list, but is a table",
        ),
        (json!([]), "`config` must be a table, but is a list"),
    ] {
        assert_eq!(messages(meter(), config), [wanted]);
    }
}

#[test]
fn a_word_that_is_no_choice_is_told_the_choices() {
    let found = check(&meter(), &json!({ "mode": "rtuu" }));
    let (path, message, help) = &found[0];
    assert_eq!(path, "mode");
    assert_eq!(
        message,
        "`config.mode` must be \"tcp\" or \"rtu\", but is \"rtuu\""
    );
    assert_eq!(help, "did you mean \"rtu\"?");
    let number = json!({ "enum": [1, 2, null] });
    assert_eq!(messages(number.clone(), json!(2.0)), [""; 0]);
    assert_eq!(
        messages(number, json!({})),
        ["`config` must be 1, 2 or null, but is a table"]
    );
}

#[test]
fn limits_that_are_excluded_and_places_in_lists_are_kept() {
    let schema = json!({
        "properties": {
            "hour": { "exclusiveMinimum": 0, "exclusiveMaximum": 24 },
            "pair": { "prefixItems": [{ "type": "string" }, { "type": "integer" }], "items": false },
            "fixed": { "const": 7 },
        },
    });
    let config = json!({ "hour": 24, "pair": ["a", "b", 3], "fixed": 8 });
    assert_eq!(
        messages(schema, config),
        [
            "`config.fixed` must be 7, but is 8",
            "`config.hour` must be less than 24, but is 24",
            "`config.pair[1]` must be an integer, but is a text",
            "`config.pair[2]` must not be there",
        ]
    );
}

#[test]
fn what_is_not_known_is_taken_for_right() {
    for schema in [
        json!(true),
        json!("nonsense"),
        json!({ "anyOf": [{ "type": "string" }] }),
        json!({ "properties": { "a": { "pattern": "^b$", "format": "date", "multipleOf": 2 } } }),
        json!({ "additionalProperties": false, "patternProperties": { "a": {} } }),
        json!({ "type": "colour", "enum": [], "required": "a", "properties": [], "minimum": "1" }),
        json!({ "$ref": "https://example.org/schema" }),
        json!({ "$ref": "#/nowhere" }),
        json!({ "$ref": 3 }),
    ] {
        assert_eq!(messages(schema, json!({ "a": "c" })), [""; 0]);
    }
}

#[test]
fn a_schema_that_refers_to_itself_comes_to_an_end() {
    assert_eq!(messages(json!({ "$ref": "#" }), json!({})), [""; 0]);
    let list = json!({ "type": "array", "items": { "$ref": "#" } });
    assert_eq!(
        messages(list, json!([[[], [1]]])),
        ["`config[0][1][0]` must be a list, but is an integer"]
    );
}

#[test]
fn what_a_hostile_schema_finds_wrong_is_bounded() {
    let words: Vec<String> = (0..5_000).map(|word| format!("word{word}")).collect();
    let schema = json!({ "items": { "enum": words } });
    let found = messages(schema, json!(vec![0; 5_000]));
    assert_eq!(found.len(), MOST_FAULTS);
    assert!(found[0].len() < 500, "{}", found[0]);
}

#[test]
fn no_schema_is_none_and_what_is_no_json_is_said() {
    assert!(Schema::parse(" ").unwrap().is_none());
    assert!(Schema::parse("{").unwrap_err().contains("EOF"));
}

proptest::proptest! {
    #[test]
    fn no_schema_upsets_the_check(schema in any_json(), config in any_json()) {
        let _ = Schema(schema).check(&config);
    }
}

/// JSON with the words of schemas in it.
fn any_json() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let words = "type|enum|const|properties|required|additionalProperties|items|minimum|minItems|string|integer|object|array|\\$ref|#|#/items|#/properties/type|[a-c]";
    let leaf = prop_oneof![
        words.prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((words, inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

#[test]
fn of_a_choice_the_branch_that_a_constant_leaves_is_checked() {
    let schema = json!({ "oneOf": [
        {
            "properties": { "kind": { "const": "fixed" }, "value": { "type": "number" } },
            "required": ["kind", "value"],
        },
        {
            "properties": { "kind": { "const": "ramp" }, "step": { "type": "number" } },
            "required": ["kind"],
            "additionalProperties": false,
        },
    ] });
    let of = |config| messages(schema.clone(), config);
    assert!(of(json!({ "kind": "fixed", "value": 1 })).is_empty());
    assert_eq!(of(json!({ "kind": "fixed" })), ["`config` has no `value`"]);
    assert_eq!(
        of(json!({ "kind": "ramp", "setp": 1 })),
        ["unknown key `setp` in `config`"]
    );
    // Which one is meant is not known, or none of them: that is the plugin's to say.
    assert!(of(json!({ "value": "x" })).is_empty());
    assert!(of(json!({ "kind": "other" })).is_empty());
}
