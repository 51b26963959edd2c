//! Mistakes in the configuration name their culprit.

use std::collections::BTreeSet;

use crate::bench::refusal;
use weihe_plugin_modbus::Modbus;
use weihe_sdk::prelude::*;

fn point(entry: &str) -> String {
    refusal(&format!(r#"{{"points": [{{"name": "p", {entry}}}]}}"#))
}

#[test]
fn mistakes_in_points_name_the_point() {
    for (entry, words) in [
        (r#""address": 0, "type": "u17""#, "u17"),
        (r#""address": 70000"#, "address"),
        (r#""addres": 0"#, "addres"),
        (r#""address": 0, "table": "coils""#, "coils"),
        (
            r#""address": 0, "table": "coil", "type": "u16""#,
            "a coil is a bool",
        ),
        (
            r#""address": 0, "table": "coil", "bit": 1"#,
            "`bit` has no meaning",
        ),
        (
            r#""address": 0, "table": "coil", "scale": 2"#,
            "`scale` has no meaning",
        ),
        (
            r#""address": 0, "table": "input", "access": "write""#,
            "cannot be written",
        ),
        (r#""address": 0, "bit": 16"#, "bit 16 is outside"),
        (r#""address": 0, "bits": [5, 3]"#, "lowest bit first"),
        (
            r#""address": 0, "bit": 1, "bits": [0, 1]"#,
            "exclude each other",
        ),
        (
            r#""address": 0, "type": "f32", "bit": 1"#,
            "no bits of its own",
        ),
        (r#""address": 0, "type": "text""#, "needs its `length`"),
        (r#""address": 0, "length": 2"#, "`length` is for text"),
        (
            r#""address": 0, "type": "text", "length": 124"#,
            "at most 123",
        ),
        (
            r#""address": 0, "type": "text", "length": 126, "access": "read""#,
            "more than the 125",
        ),
        (r#""address": 65535, "type": "u32""#, "beyond address 65535"),
        (
            r#""address": 65535, "type": "u32", "access": "write""#,
            "point `p`: address 65535 and 2 items reach beyond address 65535",
        ),
        (
            r#""address": 65530, "type": "text", "length": 9, "access": "write""#,
            "point `p`: address 65530 and 9 items",
        ),
        (r#""address": 0, "scale": 0"#, "other than 0"),
        (
            r#""address": 0, "type": "bool", "scale": 2"#,
            "are for numbers",
        ),
        (
            r#""address": 0, "table": "input", "read-back": true"#,
            "not for input registers",
        ),
        (
            r#""address": 0, "access": "read", "read-back": true"#,
            "read and written",
        ),
        (
            r#""address": 0, "bit": 1, "read-back": true"#,
            "whole registers",
        ),
        (
            r#""address": 0, "type": "text", "length": 122, "read-back": true"#,
            "at most 121",
        ),
        (
            r#""address": 0, "on-change": false, "max-silence": "1 min""#,
            "`max-silence` is for points that are published on change",
        ),
        (r#""address": 0, "max-silence": "soon""#, "soon"),
        (r#""address": 0, "dead-band": -1"#, "`dead-band`"),
        (
            r#""address": 0, "table": "coil", "dead-band": 1"#,
            "is for numbers",
        ),
        (
            r#""address": 0, "group": "slow""#,
            "group `slow` is not in `groups`",
        ),
        (
            r#""address": 0, "topic": "plugin/d/status""#,
            "the device's status",
        ),
    ] {
        let error = point(entry);
        assert!(error.contains(words), "{entry}: {error}");
    }
}

#[test]
fn mistakes_in_the_device_are_named() {
    let points = r#""points": [{"name": "a", "address": 5}, {"name": "a", "address": 6}]"#;
    assert!(refusal(&format!("{{{points}}}")).contains("`a`: entries 0 and 1"));
    let same = r#"{"points": [{"name": "a", "address": 5, "topic": "plugin/d/b"}, {"name": "b", "address": 6}]}"#;
    assert!(refusal(same).contains("point `a` has the same topic"));
    let hole = r#"{"holes": [{"table": "holding", "address": 0, "quantity": 9}], "points": [{"name": "a", "address": 5}]}"#;
    assert!(refusal(hole).contains("`a`: it overlaps the hole of 9"));
    for (config, words) in [
        (r#"{"mode": "ascii"}"#, "ascii"),
        (r#"{"mode": "rtu", "unit": 250}"#, "0 to 247"),
        (r#"{"unit": 256}"#, "unit"),
        (r#"{"timeout": 0}"#, "`timeout`"),
        (r#"{"retries": 11}"#, "0 to 10"),
        (r#"{"max-registers": 126}"#, "1 to 125"),
        (r#"{"max-bits": 0}"#, "1 to 2000"),
        (r#"{"pionts": []}"#, "pionts"),
        (
            r#"{"mode": "rtu", "unit": 0, "points": [{"name": "a", "address": 0, "access": "read"}]}"#,
            "nothing can be read",
        ),
        (
            r#"{"mode": "rtu", "unit": 0, "points": [{"name": "a", "address": 0, "bit": 1}]}"#,
            "cannot be broadcast",
        ),
    ] {
        let error = refusal(config);
        assert!(error.contains(words), "{config}: {error}");
    }
}

#[test]
fn a_device_without_a_connection_or_a_grant_says_so() {
    let error = FakeKernel::<Modbus>::start("d", "{}").err().unwrap();
    assert!(error.text().contains("connection"), "{error}");
    let config = r#"{"topic-prefix": "other", "points": [{"name": "a", "address": 5}]}"#;
    let denied = FakeKernel::<Modbus>::setup("d")
        .connection("line")
        .deny("other/a");
    let error = denied.start(config).err().unwrap();
    assert!(
        error.text().contains("point `a`: topic `other/a`"),
        "{error}"
    );
}

/// The keys that a refusal of an unknown one lists.
fn known_keys(refusal: &str) -> BTreeSet<String> {
    let (_, list) = refusal.split_once("expected one of ").unwrap();
    let names = list.split('`').skip(1).step_by(2);
    names.map(str::to_owned).collect()
}

#[test]
fn the_schema_has_the_keys_that_the_plugin_reads() {
    let schema = include_str!("../../src/schema/config.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let keys = |place: &str| -> BTreeSet<String> {
        let properties = schema.pointer(place).unwrap().as_object().unwrap();
        properties.keys().cloned().collect()
    };
    assert_eq!(known_keys(&refusal(r#"{"?": 1}"#)), keys("/properties"));
    let point = refusal(r#"{"points": [{"?": 1}]}"#);
    assert_eq!(known_keys(&point), keys("/$defs/point/properties"));
}

#[test]
fn the_description_names_every_command_and_its_schemas_are_json() {
    let description = Modbus::describe();
    let names: Vec<&str> = description.command_names().collect();
    assert_eq!(
        names,
        [
            "write",
            "write-raw",
            "read",
            "mask",
            "identify",
            "scan",
            "stop-scan",
            "points",
            "stats"
        ]
    );
    for schema in [
        include_str!("../../src/schema/config.json"),
        include_str!("../../src/schema/write.json"),
        include_str!("../../src/schema/write-raw.json"),
        include_str!("../../src/schema/written.json"),
        include_str!("../../src/schema/read.json"),
        include_str!("../../src/schema/reading.json"),
        include_str!("../../src/schema/mask.json"),
        include_str!("../../src/schema/masked.json"),
        include_str!("../../src/schema/identify.json"),
        include_str!("../../src/schema/identification.json"),
        include_str!("../../src/schema/scan.json"),
        include_str!("../../src/schema/scanned.json"),
    ] {
        assert!(
            serde_json::from_str::<serde_json::Value>(schema)
                .unwrap()
                .is_object()
        );
    }
}
