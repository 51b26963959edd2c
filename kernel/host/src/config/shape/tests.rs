#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use proptest::strategy::Strategy as _;
use serde_json::json;
use weihe_kernel::bus::Filter;
use weihe_kernel::connection::Endpoint;
use weihe_kernel::units::{Size, Span};

use super::*;
use crate::config::{Config, LoadError, Problem, Schema, is_name};

/// Sections with all that they must have, by the place of their table in the schema, and the header
/// under which a key of it stands.
fn tables() -> Vec<(&'static str, String, &'static str)> {
    let device = "[device.d]\nplugin = \"p\"\n[plugin.p]\n";
    let of = |text: &str| format!("{text}\n");
    vec![
        ("/properties/host", of(""), "[host]"),
        ("/properties/host/properties/audit", of(""), "[host.audit]"),
        ("/properties/board", of(""), "[board]"),
        ("/properties/keys", of(""), "[keys]"),
        (
            "/properties/keys/properties/pkcs11",
            of(""),
            "[keys.pkcs11]",
        ),
        ("/properties/signatures", of(""), "[signatures]"),
        (
            "/properties/plugin/additionalProperties",
            of(""),
            "[plugin.p]",
        ),
        (
            "/properties/plugin/additionalProperties/properties/grants",
            of("[plugin.p]"),
            "[plugin.p.grants]",
        ),
        (
            "/properties/device/additionalProperties",
            of("[plugin.p]"),
            "[device.d]",
        ),
        (
            "/properties/device/additionalProperties/properties/grants",
            of(device),
            "[device.d.grants]",
        ),
        (
            "/properties/device/additionalProperties/properties/limits",
            of(device),
            "[device.d.limits]",
        ),
    ]
}

fn faults(text: &str) -> Vec<Problem> {
    match Config::parse(Path::new("/nowhere"), text) {
        Ok(_) => Vec::new(),
        Err(LoadError::Invalid(invalid)) => invalid.into_problems(),
        Err(error) => panic!("{error}"),
    }
}

/// The keys of a table in the schema.
fn keys(table: &Value) -> Vec<(&String, &Value)> {
    table["properties"].as_object().unwrap().iter().collect()
}

/// A value that a schema says is right, as TOML.
fn sample(key: &str, schema: &Value) -> String {
    if key == "pkcs11" {
        // Its module must be named.
        return "{ module = \"p\" }".to_owned();
    }
    let example = schema
        .get("default")
        .or_else(|| schema.pointer("/enum/0"))
        .or_else(|| schema.pointer("/examples/0"))
        .cloned();
    let value = example.unwrap_or_else(|| match (key, schema["type"].as_str()) {
        ("idle-timeout", _) => "10m".into(),
        (_, Some("integer")) => schema["minimum"].clone(),
        (_, Some("boolean")) => true.into(),
        (_, Some("array")) => json!([]),
        (_, Some("object")) => json!({}),
        _ => "p".into(),
    });
    // JSON is TOML for scalars and lists.
    value.to_string()
}

/// A value of none of the types that a schema allows.
fn wrong(schema: &Value) -> &'static str {
    let kinds = schema["type"].to_string();
    if kinds.contains("array") { "5" } else { "[[]]" }
}

#[test]
fn the_reader_reads_each_key_of_the_schema_as_what_the_schema_says() {
    let schema = schema();
    for (place, before, header) in tables() {
        let table = schema.pointer(place).unwrap_or_else(|| panic!("{place}"));
        assert_eq!(table["additionalProperties"], false, "{place}");
        for (key, of_key) in keys(table) {
            let must = match (header, key.as_str()) {
                ("[device.d]", key) if key != "plugin" => "plugin = \"p\"\n",
                ("[keys.pkcs11]", key) if key != "module" => "module = \"p\"\n",
                _ => "",
            };
            let with = |value: &str| format!("{before}{header}\n{must}{key} = {value}\n");
            let good = with(&sample(key, of_key));
            let found: Vec<Problem> = faults(&good)
                .into_iter()
                // The sample's connection and board file are not there.
                .filter(|problem| !problem.to_string().contains("is not configured"))
                .filter(|problem| !problem.to_string().starts_with("the board file"))
                .collect();
            assert!(found.is_empty(), "{good}: {found:?}");
            let bad = with(wrong(of_key));
            let line = bad.lines().count();
            let found = faults(&bad);
            assert!(
                found
                    .iter()
                    .any(|problem| problem.line() == line
                        && !problem.to_string().contains("unknown")),
                "{bad}: {found:?}"
            );
        }
    }
}

#[test]
fn the_schema_has_each_key_that_the_reader_knows() {
    let schema = schema();
    for (place, before, header) in tables() {
        let mut wanted: Vec<&String> = keys(schema.pointer(place).unwrap())
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        wanted.sort();
        let must = match header {
            "[device.d]" => "plugin = \"p\"\n",
            "[keys.pkcs11]" => "module = \"p\"\n",
            _ => "",
        };
        let text = format!("{before}{header}\n{must}qqqqqqqqqqqq = 1\n");
        let found = faults(&text);
        let help = found[0].fault().help.clone().unwrap();
        let (_, known) = help.split_once(": ").unwrap();
        let mut known: Vec<String> = known.split(", ").map(|key| key.replace('`', "")).collect();
        known.sort();
        assert_eq!(known.iter().collect::<Vec<_>>(), wanted, "{header}");
    }
}

fn connection_branches() -> Vec<(String, Value)> {
    let schema = schema();
    let branches = schema.pointer("/properties/connection/additionalProperties/oneOf");
    let branches = branches.unwrap().as_array().unwrap();
    branches
        .iter()
        .map(|branch| {
            let kind = branch["properties"]["type"]["const"].as_str().unwrap();
            (kind.to_owned(), branch.clone())
        })
        .collect()
}

#[test]
fn each_kind_of_connection_reads_the_keys_that_the_schema_has_for_it() {
    let kinds = crate::system::kinds(Path::new("."));
    let branches = connection_branches();
    assert_eq!(branches.len(), 3);
    for (kind, branch) in branches {
        assert_eq!(branch["additionalProperties"], false, "{kind}");
        let must = match kind.as_str() {
            "uart" => "port = \"/dev/ttyS1\"\n",
            _ => "address = \"127.0.0.1:502\"\n",
        };
        let read = |rest: &str| {
            let text = format!("type = \"{kind}\"\n{must}{rest}");
            kinds.configure("c", &text.parse().unwrap())
        };
        // It lists what it knows.
        let help = read("qqqqqqqqqqqq = 1").unwrap_err().help.unwrap();
        let (_, known) = help.split_once(": ").unwrap();
        let mut known: Vec<&str> = known.split(", ").collect();
        known.sort_unstable();
        known.dedup();
        let wanted: Vec<&str> = keys(&branch).iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(known, wanted, "{kind}");
        let plain = settings(read("").unwrap());
        for (key, of_key) in keys(&branch) {
            if must.starts_with(key) || key == "type" {
                continue;
            }
            let good = match key.as_str() {
                "tls" => "tls = { trust = \"a\", certificate = \"b\", key = \"c\" }".to_owned(),
                _ => format!("{key} = {}", sample(key, of_key)),
            };
            let with = settings(read(&good).unwrap_or_else(|error| panic!("{good}: {error}")));
            if of_key.get("default").is_some() {
                assert_eq!(with, plain, "{kind}: the default of {key} is another");
            }
            let error = read(&format!("{key} = [[]]")).unwrap_err();
            assert_eq!(error.key.as_deref(), Some(key.as_str()));
        }
    }
}

fn settings(endpoint: Endpoint) -> String {
    match endpoint {
        Endpoint::Line(line) => format!("{:?}", line.settings),
        Endpoint::Listener(listener) => format!(
            "{:?} {} {:?}",
            listener.settings, listener.max_peers, listener.idle_timeout
        ),
    }
}

#[test]
fn the_store_reads_the_keys_that_the_schema_has_for_its_grant() {
    let schema = schema();
    let place = "/properties/device/additionalProperties/properties/grants/properties/store";
    let table = schema.pointer(place).unwrap();
    let read = |text: &str| weihe_store::Grant::from_table(&text.parse().unwrap());
    for (key, of_key) in keys(table) {
        read(&format!("{key} = {}", sample(key, of_key))).unwrap();
        assert!(
            read(&format!("{key} = {}", wrong(of_key))).is_err(),
            "{key}"
        );
    }
    let help = read("qqqqqqqq = 1").unwrap_err().help.unwrap();
    assert_eq!(help.split(", ").count(), keys(table).len(), "{help}");
}

#[test]
fn defaults_of_the_host_are_those_that_it_has() {
    let plain = Config::parse(Path::new("/nowhere"), "").unwrap().host;
    let schema = schema();
    for (place, header) in [
        ("/properties/host", "[host]"),
        ("/properties/host/properties/audit", "[host.audit]"),
    ] {
        for (key, of_key) in keys(schema.pointer(place).unwrap()) {
            if let Some(default) = of_key.get("default") {
                let text = format!("{header}\n{key} = {default}\n");
                let host = Config::parse(Path::new("/nowhere"), &text).unwrap().host;
                assert_eq!(host, plain, "{text}");
            }
        }
    }
}

#[test]
fn every_key_says_what_it_is_and_nothing_is_left_of_rust() {
    fn look(place: &str, schema: &Value) {
        if let Some(keys) = schema["properties"].as_object() {
            for (key, schema) in keys {
                let about = schema["description"].as_str().unwrap_or_default();
                assert!(about.len() > 5, "{place}.{key}: {schema}");
                look(&format!("{place}.{key}"), schema);
            }
        }
        for within in ["additionalProperties", "items"] {
            if schema[within].is_object() {
                look(&format!("{place}.*"), &schema[within]);
            }
        }
        for branch in schema["oneOf"].as_array().into_iter().flatten() {
            look(place, branch);
        }
    }
    let schema = schema();
    look("", &schema);
    let text = schema.to_string();
    for odd in ["null", "uint", "$ref", "definitions"] {
        assert!(!text.contains(&format!("\"{odd}")), "{odd}");
    }
}

proptest::proptest! {
    #[test]
    fn what_the_patterns_match_is_read(
        name in matching(texts::NAME),
        span in matching(texts::SPAN),
        size in matching(texts::SIZE),
        filter in matching(texts::FILTER),
    ) {
        proptest::prop_assert!(is_name(&name), "{name}");
        proptest::prop_assert!(span.parse::<Span>().is_ok(), "{span}");
        proptest::prop_assert!(size.parse::<Size>().is_ok(), "{size}");
        if !filter.is_empty() && filter.len() < 200 && !filter.chars().any(char::is_control) {
            proptest::prop_assert!(filter.parse::<Filter>().is_ok(), "{filter:?}");
        }
    }
}

/// Texts that a pattern matches as a whole.
fn matching(pattern: &str) -> impl proptest::strategy::Strategy<Value = String> {
    let plain = pattern.replace(['^', '$'], "").replace("[+#/]", "[^+#/]");
    proptest::string::string_regex(&format!("({plain})"))
        .unwrap()
        .prop_map(|text| text)
}

/// The values of a file as the schema sees them.
fn as_json(text: &str) -> Value {
    serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap()
}

fn mismatches(text: &str) -> Vec<String> {
    let general = Schema::parse(&schema().to_string()).unwrap().unwrap();
    let found = general.check(&as_json(text));
    found.into_iter().map(|found| found.message).collect()
}

#[test]
fn what_the_reader_refuses_for_its_shape_the_schema_refuses() {
    for text in [
        "[hots]\n",
        "[host]\nwatch = \"on\"\n",
        "[host]\nguard = 1\n",
        "[host.audit]\nkeep = 0\n",
        "[plugin.a]\nsrc = \".\"\n",
        "[device.a]\n",
        "[device.a]\nplugin = \"b\"\nlimit = {}\n",
        "[device.a]\nplugin = \"b\"\n[device.a.limits]\nqueue = 0\n",
        "[device.a]\nplugin = \"b\"\n[device.a.grants]\npublish = \"a/#\"\n",
        "[device.a]\nplugin = \"b\"\n[device.a.grants.store]\ntable = []\n",
        "[connection.a]\ntype = \"tcp\"\naddres = \"a:1\"\n",
        "[connection.a]\ntype = \"uart\"\nport = \"/dev/ttyS1\"\nbaud = \"fast\"\n",
    ] {
        assert_eq!(mismatches(text).len().min(1), 1, "{text}");
        // A grant of the store is the store's to refuse, as the device is looked at.
        let of_store = text.contains("grants.store");
        assert!(of_store || !faults(text).is_empty(), "{text}");
    }
}

/// All files of a tree whose names end so, but for what is built.
fn files(directory: &Path, end: &str, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        // Links in the copies of boards lead in circles, as they do in sysfs.
        let is_folder = entry.file_type().unwrap().is_dir();
        if is_folder && !name.starts_with('.') && name != "target" && name != "fixtures" {
            files(&path, end, found);
        } else if name.ends_with(end) {
            found.push(path);
        }
    }
}

fn clone() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn every_system_of_the_repository_fits_the_schema() {
    let mut found = Vec::new();
    files(clone(), "weihe.toml", &mut found);
    assert!(found.len() >= 5, "{found:?}");
    for file in found {
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text
            .replace("{{name}}", "oven")
            .replace("{{device}}", "trial");
        assert_eq!(mismatches(&text), [""; 0], "{}", file.display());
    }
}

#[test]
fn every_example_of_the_documentation_fits_the_schema() {
    let mut found = Vec::new();
    files(clone(), ".md", &mut found);
    let mut examples = 0;
    for file in found {
        let text = std::fs::read_to_string(&file).unwrap();
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            let is_system = ["[host", "[board]", "[device.", "[connection.", "[plugin."];
            if !block
                .lines()
                .any(|line| is_system.iter().any(|head| line.starts_with(head)))
            {
                continue;
            }
            examples += 1;
            let mut wrong = mismatches(block);
            // A part of a device may stand alone.
            wrong.retain(|wrong| !wrong.ends_with("has no `plugin`"));
            assert_eq!(wrong, [""; 0], "{}: {block}", file.display());
        }
    }
    assert!(examples > 5, "{examples}");
}

#[test]
fn the_schema_in_the_documentation_is_that_of_this_version() {
    let written = std::fs::read_to_string(clone().join("docs").join(SCHEMA_FILE)).unwrap();
    assert_eq!(
        written,
        format!("{:#}\n", schema()),
        "renew it: cargo run -- schema > docs/{SCHEMA_FILE}, outside of a system"
    );
}

#[test]
fn what_plugins_say_is_found_by_the_names_of_their_devices_and_of_plugins() {
    let meter = PluginSchema {
        plugin: "meter".to_owned(),
        schema: json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": { "unit": { "$ref": "#/$defs/unit" } },
            "additionalProperties": false,
            "$defs": { "unit": { "type": "integer" } },
        }),
    };
    let devices = [
        ("soil".to_owned(), "meter".to_owned()),
        ("rule".to_owned(), "unbuilt".to_owned()),
    ];
    let other = PluginSchema {
        plugin: "other".to_owned(),
        schema: json!({}),
    };
    let joined = joined(&[meter, other], &devices);
    let check = Schema::parse(&joined.to_string()).unwrap().unwrap();
    let of = |text: &str| -> Vec<String> {
        let found = check.check(&as_json(text));
        found.into_iter().map(|found| found.message).collect()
    };
    let sound = "[device.soil]\nplugin = \"meter\"\nconfig = { unit = 1 }\n\
                 [device.rule]\nplugin = \"unbuilt\"\nconfig = { any = 1 }\n";
    assert_eq!(of(sound), [""; 0]);
    let faulty = of("[device.soil]\nplugin = \"meter\"\nconfig = { unit = \"x\", unti = 1 }\n");
    assert_eq!(faulty.len(), 2, "{faulty:?}");
    // The rest of a device is as it was.
    let faulty = of("[device.soil]\nplugin = \"meter\"\nlimit = {}\n");
    assert_eq!(faulty.len(), 1, "{faulty:?}");
    let by_plugin = &joined["properties"]["device"]["additionalProperties"];
    assert_eq!(by_plugin["if"]["properties"]["plugin"]["const"], "meter");
    assert_eq!(
        by_plugin["then"]["properties"]["config"]["$ref"],
        "#/definitions/meter"
    );
    assert_eq!(
        by_plugin["else"]["if"]["properties"]["plugin"]["const"],
        "other"
    );
}
