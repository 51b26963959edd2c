//! Which units are on a line, what they are, and bits changed in them: asked by the plugin, answered by
//! pymodbus.

use std::time::Instant;

use serde_json::{Value, json};
use weihe_kernel::event::Quality;
use weihe_tests::{Client, DEADLINE, Host, Python, Relay, Rig, Slave};

use crate::field::{MODBUS, tcp, uart};

/// A device of another unit on the same line, polled beside all that.
const NEIGHBOUR: &str = r#"
[device.neighbour]
plugin = "modbus"
connection = "field"

[device.neighbour.config]
unit = 5
period = "20 ms"
timeout = "2 s"
points = [{ name = "level", address = 7 }]
"#;

const POINTS: &str = r#"
[device.meter]
plugin = "modbus"
connection = "field"

[device.meter.config]
unit = 3
period = "50 ms"
timeout = "2 s"
mask-write = true
points = [
    { name = "mode", address = 4, bits = [4, 6] },
    { name = "limit", address = 7, type = "s32", read-back = true },
]
"#;

/// What pymodbus says of itself; see `peers/slave.py`.
fn identity(objects: &[u8]) -> Value {
    let of = |object: &u8| match object {
        0 => ("vendor-name", "pymodbus".to_owned()),
        1 => ("product-code", "slave.py".to_owned()),
        2 => ("revision", "3.11".to_owned()),
        3 => ("vendor-url", "x".repeat(120)),
        4 => ("product-name", "y".repeat(120)),
        _ => ("object-128", "at home".to_owned()),
    };
    objects
        .iter()
        .map(of)
        .map(|(name, text)| (name.to_owned(), json!(text)))
        .collect()
}

/// `absent`: how many units cost the line a time-out.
async fn check(rig: &Rig, slave: &mut Slave, client: &mut Client, absent: usize) {
    let mut bus = rig.watch("plugin/meter/+");
    bus.value("plugin/meter/status", "ok").await;
    for (arguments, objects) in [
        (json!({ "access": "basic" }), &[0, 1, 2][..]),
        (json!({}), &[0, 1, 2, 3, 4]),
        (json!({ "access": "extended" }), &[0, 1, 2, 3, 4, 128]),
        (json!({ "object": "vendor-url" }), &[3]),
        (json!({ "object": 128 }), &[128]),
    ] {
        let answer = rig.ask("meter", "identify", arguments.clone()).await;
        let wanted =
            json!({ "level": "extended", "individual": true, "objects": identity(objects) });
        assert_eq!(answer, wanted, "{arguments}");
    }

    let look = json!({ "unit": 3, "table": "holding", "address": 4 });
    slave.put(json!({ "unit": 3, "table": "holding", "address": 4, "values": [0x12] }));
    let mask = json!({ "address": 4, "and": 0xF2, "or": 0x25 });
    assert_eq!(rig.ask("meter", "mask", mask.clone()).await, mask);
    assert_eq!(client.ask(look.clone())["values"], json!([0x17]));
    rig.ask("meter", "write", json!({ "point": "mode", "value": 6 }))
        .await;
    bus.value("plugin/meter/mode", 6).await;
    assert_eq!(client.ask(look)["values"], json!([0x67]));

    let limit = json!({ "point": "limit", "value": -70_000 });
    assert_eq!(rig.ask("meter", "write", limit.clone()).await, limit);
    bus.value("plugin/meter/limit", -70_000).await;
    let look = json!({ "unit": 3, "table": "holding", "address": 7, "count": 2 });
    assert_eq!(client.ask(look)["values"], json!([0xFFFE, 0xEE90]));
    for function in [22, 23, 43] {
        assert!(
            slave.requests().contains(&(3, function)),
            "function {function}"
        );
    }

    let mut beside = rig.watch("plugin/neighbour/level");
    beside.value("plugin/neighbour/level", 0).await;
    let scan = json!({ "from": 2, "to": 6, "timeout": "500 ms" });
    let answer = rig.ask("meter", "scan", scan).await;
    let polled = beside.so_far();
    assert!(polled.iter().all(|event| event.quality == Quality::Good));
    // The last unit's answer ends the scan, and the turn after it may come later than that.
    assert!(
        polled.len() + 1 >= absent,
        "a turn between units: {}",
        polled.len()
    );
    let found =
        |unit: u8| json!({ "unit": unit, "reply": "read", "identification": identity(&[0, 1, 2]) });
    let wanted = json!({ "from": 2, "to": 6, "complete": true, "found": [found(3), found(5)] });
    assert_eq!(answer, wanted);
    slave.put(json!({ "unit": 3, "table": "holding", "address": 7, "values": [0, 9] }));
    bus.value("plugin/meter/limit", 9).await;
}

#[tokio::test]
async fn units_of_a_gateway_are_found_named_and_changed_bit_by_bit() {
    let Some(python) = Python::find() else { return };
    let mut slave = Slave::with(&python, &["--units", "1,3,5"]);
    let connection = tcp("field", slave.port());
    let rig = Rig::start(&format!("{MODBUS}{connection}{NEIGHBOUR}{POINTS}")).await;
    let mut client = Client::start(&python, slave.port());
    // The gateway says at once that nobody is there.
    check(&rig, &mut slave, &mut client, 0).await;
    rig.shutdown().await;
}

#[test]
fn an_operator_scans_a_line_from_the_shell_and_reads_on_in_the_log() {
    let Some(python) = Python::find() else { return };
    let slave = Slave::with(&python, &["--units", "1,3,5"]);
    let system = format!("[plugin.modbus]\n{}{POINTS}", tcp("field", slave.port()));
    let mut host = Host::new(&system, &[("modbus", "weihe-plugin-modbus")]);
    host.start();
    // Until the link is up it says that it is not.
    let started = Instant::now();
    let scan = ["call", "meter", "scan", "from=2", "to=4", "--timeout", "60"];
    let answer = loop {
        let answer = host.ask(&scan).unwrap();
        if answer.get("found").is_some() {
            break answer;
        }
        assert!(started.elapsed() < DEADLINE, "{answer}");
    };
    assert_eq!(answer["complete"], true);
    assert_eq!(answer["found"][0]["unit"], 3);
    assert_eq!(answer["found"].as_array().unwrap().len(), 1);
    let stopped = host.ask(&["call", "meter", "stop-scan"]).unwrap();
    assert_eq!(stopped["stopped"], false);
    assert!(
        host.log().contains("scan: unit 3 is there"),
        "{}",
        host.log()
    );
    assert!(host.stop(), "{}", host.log());
}

#[tokio::test]
async fn units_of_a_serial_line_are_found_named_and_changed_bit_by_bit() {
    let Some(python) = Python::find() else { return };
    let line = Relay::serial();
    let port = line.slave().display().to_string();
    let mut slave = Slave::with(&python, &["--serial", &port, "--units", "1,3,5"]);
    let connection = uart("field", &line);
    let rtu = "mode = \"rtu\"\n";
    let rig = Rig::start(&format!(
        "{MODBUS}{connection}{NEIGHBOUR}{rtu}{POINTS}{rtu}"
    ))
    .await;
    let mut client = Client::start(&python, slave.port());
    check(&rig, &mut slave, &mut client, 3).await;
    rig.shutdown().await;
}
