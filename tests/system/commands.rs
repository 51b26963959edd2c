//! Commands that look into a component, on the real Modbus plugin. The frames are public: the serial
//! ones are the example of many Modbus pages (unit 17, holding registers 107 to 109), the TCP one is
//! that of MODBUS Application Protocol V1.1b3, 6.3, in its header.

use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};
use weihe_tests::{component, weihe};

const REQUEST: &str = "11 03 00 6B 00 03 76 87";
const REPLY: &str = "11 03 06 AE 41 56 52 43 40 49 AD";
const TCP_REPLY: &str = "00 03 00 00 00 09 01 03 06 02 2B 00 00 00 64";

fn modbus() -> PathBuf {
    component("weihe-plugin-modbus")
}

/// Runs a command on the plugin.
fn run(command: &str, arguments: &[&str]) -> Output {
    let mut weihe = weihe();
    weihe.arg(command).arg(modbus()).args(arguments);
    weihe.output().unwrap()
}

fn text(command: &str, arguments: &[&str]) -> String {
    let output = run(command, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

fn answer(command: &str, arguments: &[&str]) -> Value {
    let text = text(command, &[arguments, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Name and value of each reading.
fn readings(decoded: &Value) -> Vec<(String, Value)> {
    let readings = decoded["readings"].as_array().unwrap().iter();
    readings
        .map(|reading| {
            assert_eq!(reading["quality"], "good", "{reading}");
            (
                reading["name"].as_str().unwrap().to_owned(),
                reading["value"].clone(),
            )
        })
        .collect()
}

#[test]
fn a_request_is_taken_apart_octet_by_octet() {
    let decoded = answer("decode", &[REQUEST, "--option", "mode=rtu"]);
    assert_eq!(decoded["consumed"], 8);
    let fields = decoded["fields"].as_array().unwrap();
    let octets: String = fields
        .iter()
        .map(|field| field["bytes"].as_str().unwrap())
        .collect();
    assert_eq!(octets, "1103006b00037687", "every octet belongs to a field");
    assert_eq!(decoded["readings"], json!([]));
    let shown = text("decode", &[REQUEST, "--option", "mode=rtu"]);
    for words in [
        "unit 17",
        "Read Holding Registers",
        "holding register 107",
        "CRC",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn a_reply_is_read_with_its_request_as_context() {
    let decoded = answer(
        "decode",
        &[REPLY, "--request", REQUEST, "--option", "mode=rtu"],
    );
    let named = ["holding 107", "holding 108", "holding 109"].map(str::to_owned);
    let wanted: Vec<_> = named
        .into_iter()
        .zip([44609, 22098, 17216].map(Value::from))
        .collect();
    assert_eq!(readings(&decoded), wanted);
    assert_eq!(decoded["consumed"], 11);
    let shown = text(
        "decode",
        &[REPLY, "--request", REQUEST, "--option", "mode=rtu"],
    );
    assert!(
        shown.contains("44609") && shown.contains("holding 109"),
        "{shown}"
    );
}

#[test]
fn a_reply_over_tcp_is_read_also_without_its_request() {
    let decoded = answer("decode", &[TCP_REPLY, "--reply"]);
    let values: Vec<Value> = readings(&decoded)
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    assert_eq!(values, [555, 0, 100]);
}

#[test]
fn what_a_unit_says_it_is_is_read_by_the_names_of_its_objects() {
    let asked = answer(
        "encode",
        &["mode=rtu", "unit=1", "function=read-device-identification"],
    );
    assert_eq!(asked["bytes"], "012b0e01007077");
    // KBR multicomp F144-3, an example of its maker's manual (25359_EDEBDA0279-2320-1).
    let reply = "01 2B 0E 01 01 00 00 03 00 08 4B 42 52 20 47 6D 62 48 \
                 01 12 6D 75 6C 74 69 63 6F 6D 70 20 46 31 34 34 2D 33 20 20 \
                 02 09 20 32 2E 30 30 72 30 31 36 CD DB";
    let decoded = answer("decode", &[reply, "--reply"]);
    let wanted = [
        ("vendor-name", "KBR GmbH"),
        ("product-code", "multicomp F144-3"),
        ("revision", " 2.00r016"),
    ];
    let wanted = wanted.map(|(name, text)| (name.to_owned(), text.into()));
    assert_eq!(readings(&decoded), wanted);
}

#[test]
fn a_frame_that_is_refused_says_why_and_fails() {
    let output = run(
        "decode",
        &["11 03 00 6B 00 03 76 88", "--option", "mode=rtu"],
    );
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("byte 6") && said.contains("76 87"), "{said}");
}

#[test]
fn a_request_is_built_from_words() {
    let words = [
        "mode=rtu",
        "unit=17",
        "function=3",
        "address=107",
        "quantity=3",
    ];
    assert_eq!(
        text("encode", &words),
        format!("{}\n", REQUEST.to_lowercase())
    );
    let object = r#"{"mode": "tcp", "transaction": 3, "unit": 1, "function": 3, "address": 107, "quantity": 3}"#;
    let encoded = answer("encode", &[object]);
    assert_eq!(
        (&encoded["bytes"], &encoded["length"]),
        (&"0003000000060103006b0003".into(), &12.into())
    );
}

#[test]
fn a_component_is_shown_with_what_it_needs() {
    let shown = answer("inspect", &[]);
    assert_eq!(shown["description"]["name"], "modbus");
    let hooks = shown["hooks"].as_array().unwrap();
    for hook in ["lifecycle", "codec", "commands", "connection"] {
        assert!(hooks.contains(&hook.into()), "{hook}: {hooks:?}");
    }
    let imports = shown["imports"].as_array().unwrap();
    let bus = imports
        .iter()
        .find(|import| import["interface"] == "weihe:plugin/bus@0.1.0");
    assert_eq!(bus.unwrap()["provider"], "kernel");
    assert!(
        imports.iter().all(|import| import["provider"].is_string()),
        "{imports:?}"
    );
    let size = std::fs::metadata(modbus()).unwrap().len();
    assert_eq!(shown["size"], size);
    let text = text("inspect", &[]);
    for words in [
        "plugin   modbus",
        "command  write",
        "hooks    lifecycle",
        "grant    publish",
        "sha256",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}
