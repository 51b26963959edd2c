//! The devices of `docs/modbus.md`: checked against the plugin's schema, the same in both languages, and run
//! together on one line against pymodbus.

use serde_json::{Value, json};
use weihe_tests::{Client, Host, Python, Relay, Rig, Slave, workspace};

use crate::field::MODBUS;

/// The blocks of TOML in a document.
fn blocks(document: &str) -> Vec<String> {
    let file = workspace().join("docs").join(document);
    let text = std::fs::read_to_string(file).unwrap();
    let rest = text.split("```toml\n").skip(1);
    rest.map(|block| block.split_once("```").unwrap().0.to_owned())
        .collect()
}

/// The line and the five devices.
fn examples() -> Vec<String> {
    let blocks = blocks("modbus.md");
    assert_eq!(blocks.len(), 6, "a line and five devices");
    blocks
}

#[test]
fn the_examples_are_the_same_in_both_languages() {
    assert_eq!(blocks("modbus.zh-CN.md"), examples());
}

#[test]
fn each_example_fits_the_schema_of_the_plugin() {
    let examples = examples();
    let (line, devices) = examples.split_first().unwrap();
    for device in devices {
        let system = format!("[plugin.modbus]\n{line}\n{device}");
        let host = Host::new(&system, &[("modbus", "weihe-plugin-modbus")]);
        let answer = host.ask(&["check"]).unwrap();
        assert_eq!(answer["problems"], json!([]), "{device}");
    }
    let wrong = devices[0].replace("dead-band = 0.5", "dead-bandd = 0.5");
    let system = format!("[plugin.modbus]\n{line}\n{wrong}");
    let host = Host::new(&system, &[("modbus", "weihe-plugin-modbus")]);
    let answer = host.ask(&["check"]).unwrap();
    let help = answer["problems"][0]["help"].as_str().unwrap();
    assert!(help.contains("`dead-band`"), "{answer}");
}

/// What the registers of a unit hold, and what is published of them.
fn contents() -> Vec<(Value, &'static str, Value)> {
    let float = |address: u16, value: f64| json!({ "unit": 1, "table": "input", "address": address, "type": "f32", "value": value });
    let registers = |unit: u8, table: &str, address: u16, values: Value| json!({ "unit": unit, "table": table, "address": address, "values": values });
    vec![
        (float(0x0000, 230.5), "meter/voltage", json!(230.5)),
        (float(0x0006, 1.25), "meter/current", json!(1.25)),
        (float(0x000C, -288.125), "meter/power", json!(-288.125)),
        (float(0x001E, -0.5), "meter/power-factor", json!(-0.5)),
        (float(0x0046, 50.0), "meter/frequency", json!(50.0)),
        (float(0x0048, 12.5), "meter/imported", json!(12.5)),
        (float(0x004A, 0.25), "meter/exported", json!(0.25)),
        (float(0x0156, 12.75), "meter/total", json!(12.75)),
        (
            registers(2, "holding", 0, json!([182, 0xFF9B, 0, 9])),
            "oven/top",
            json!(18.2),
        ),
        (
            registers(2, "holding", 1, json!([0xFF9B])),
            "oven/bottom",
            json!(-10.1),
        ),
        (
            registers(2, "holding", 32, json!([1071])),
            "oven/top-resistance",
            json!(107.1),
        ),
        (
            registers(3, "coil", 2, json!([true])),
            "relays/lamp",
            json!(true),
        ),
        (
            registers(4, "holding", 0x2100, json!([7])),
            "drive/fault",
            json!(7),
        ),
        (
            registers(4, "holding", 0x2101, json!([0xFF03])),
            "drive/state",
            json!(3),
        ),
        (
            registers(4, "holding", 0x2103, json!([2515])),
            "drive/frequency",
            json!(25.15),
        ),
        (
            registers(4, "holding", 0x2104, json!([34])),
            "drive/current",
            json!(3.4),
        ),
        (
            registers(4, "holding", 0x2105, json!([5400])),
            "drive/dc-link",
            json!(540.0),
        ),
        (
            registers(4, "holding", 0x2106, json!([2301])),
            "drive/voltage",
            json!(230.1),
        ),
        (
            registers(5, "input", 1, json!([0xFF33, 546])),
            "climate/temperature",
            json!(-20.5),
        ),
        (
            registers(5, "input", 2, json!([546])),
            "climate/humidity",
            json!(54.6),
        ),
        (
            registers(5, "holding", 0x0103, json!([0xFFFB])),
            "climate/temperature-correction",
            json!(-0.5),
        ),
    ]
}

#[tokio::test]
async fn the_examples_run_together_on_one_line() {
    let Some(python) = Python::find() else { return };
    let line = Relay::serial();
    let port = line.slave().display().to_string();
    let arguments = ["--serial", &port, "--units", "1,2,3,4,5", "--size", "8600"];
    let mut slave = Slave::with(&python, &arguments);
    for (content, _, _) in contents() {
        slave.put(content);
    }
    let here = line.master().display().to_string();
    let system = examples().join("\n").replace("/dev/ttyUSB0", &here);
    let rig = Rig::start(&format!("{MODBUS}{system}")).await;
    for device in ["meter", "oven", "relays", "drive", "climate"] {
        let status = format!("plugin/{device}/status");
        // The last one is kept for those who come late.
        rig.watch(&status).value(&status, "ok").await;
    }
    for (_, point, value) in contents() {
        let (device, name) = point.split_once('/').unwrap();
        let answer = rig.ask(device, "read", json!({ "point": name })).await;
        let near = match (answer["value"].as_f64(), value.as_f64()) {
            (Some(found), Some(wanted)) => (found - wanted).abs() < 1e-9,
            _ => answer["value"] == value,
        };
        assert!(near && answer["quality"] == "good", "{point}: {answer}");
    }

    let mut client = Client::start(&python, slave.port());
    for (device, point, value, table, address, content) in [
        ("relays", "pump", json!(true), "coil", 0, json!(true)),
        (
            "drive",
            "set-frequency",
            json!(42.5),
            "holding",
            0x2001,
            json!(4250),
        ),
        ("drive", "command", json!(18), "holding", 0x2000, json!(18)),
        (
            "climate",
            "humidity-correction",
            json!(-1.5),
            "holding",
            0x0104,
            json!(0xFFF1),
        ),
    ] {
        rig.ask(device, "write", json!({ "point": point, "value": value }))
            .await;
        let unit = if device == "relays" {
            3
        } else {
            4 + u8::from(device == "climate")
        };
        let look = json!({ "unit": unit, "table": table, "address": address });
        assert_eq!(client.ask(look)["values"], json!([content]), "{point}");
    }
    rig.shutdown().await;
    // The motor is stopped, and the pump.
    let look = json!({ "unit": 4, "table": "holding", "address": 0x2000 });
    assert_eq!(client.ask(look)["values"], json!([1]));
    let look = json!({ "unit": 3, "table": "coil", "address": 0 });
    assert_eq!(client.ask(look)["values"], json!([false]));
}
