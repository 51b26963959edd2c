//! The greenhouse of the example: slave ← modbus → rule and historian → rows.

use std::path::Path;

use serde_json::{Value, json};
use weihe_kernel::event::{NamedEvent, Quality};
use weihe_tests::{PYMODBUS, Process, Python, Rig, workspace};

/// The slave behind a listener.
const SLAVE: &str = r#"
[plugin]
greenhouse-slave = "greenhouse-slave"
modbus = "weihe-plugin-modbus"

[connection.slave]
type = "tcp-listen"
address = "127.0.0.1:0"

[device.greenhouse-slave]
plugin = "greenhouse-slave"
connection = "slave"
"#;

#[tokio::test]
async fn a_device_on_a_wire_is_polled_by_a_sandboxed_plugin_and_its_values_arrive_on_the_bus() {
    let rig = Rig::start(SLAVE).await;
    let port = rig.port("slave").await;
    let mut link = rig.watch("$link/#");
    let mut bus = rig.watch("plugin/soil/#");
    rig.add(&format!(
        r#"
        [connection.field]
        type = "tcp"
        address = "127.0.0.1:{port}"

        [device.soil]
        plugin = "modbus"
        connection = "field"

        [device.soil.config]
        period = "50 ms"
        points = [
            {{ name = "moisture", table = "input", address = 0, type = "f32" }},
            {{ name = "valve", table = "coil", address = 0 }},
        ]
        "#
    ))
    .await;
    link.value("$link/field", "up").await;
    let moisture = bus
        .until("a good reading", |event| {
            event.topic == "plugin/soil/moisture" && event.quality == Quality::Good
        })
        .await;
    let percent = moisture.value.as_f64().unwrap();
    assert!((0.0..=100.0).contains(&percent), "{moisture:?}");
    assert_eq!(moisture.source, "soil");
    bus.value("plugin/soil/valve", false).await;
    rig.shutdown().await;
}

/// What the rule and the historian add: `PORT` is the slave's.
const PIPELINE: &str = r#"
[plugin]
rule-hysteresis = "weihe-plugin-rule-hysteresis"
historian = "weihe-plugin-historian"

[connection.field]
type = "tcp"
address = "127.0.0.1:PORT"

[device.history]
plugin = "historian"

[device.history.config]
topics = ["greenhouse/#", "plugin/watering/#"]

[device.history.grants]
subscribe = ["greenhouse/#", "plugin/watering/#"]

[device.history.grants.store]
tables = ["readings"]

[device.soil]
plugin = "modbus"
connection = "field"

[device.soil.config]
period = "50 ms"
topic-prefix = "greenhouse"
points = [
    { name = "moisture", table = "input", address = 0, type = "f32" },
    { name = "air-temperature", table = "input", address = 2, type = "s16", scale = 0.1 },
    { name = "tank", table = "input", address = 5, type = "f32", word-order = "little" },
    { name = "identity", table = "input", address = 18, type = "text", length = 4, on-change = true },
    { name = "valve", table = "coil", address = 0, on-change = true },
]

[device.soil.grants]
publish = ["greenhouse/#"]

[device.watering]
plugin = "rule-hysteresis"

[device.watering.config]
input = "greenhouse/moisture"
on-below = 15.0
off-above = 20.0

[device.watering.config.call]
device = "soil"
command = "write"
arguments = { point = "valve", value = "{state}" }

[device.watering.grants]
subscribe = ["greenhouse/#"]
call = ["soil"]
"#;

/// A row of the historian's table.
#[derive(Debug, PartialEq)]
struct Row {
    topic: String,
    source: String,
    sequence: u64,
    time: u64,
    kind: String,
    value: Value,
    cause: Option<(String, u64)>,
}

fn rows(database: &Path) -> Vec<Row> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = rusqlite::Connection::open_with_flags(database, flags).unwrap();
    let mut query = connection
        .prepare(
            "SELECT topic, source, sequence, time, kind, value_integer, value_real, value_text,
                    cause_source, cause_sequence
             FROM readings ORDER BY time, source, sequence",
        )
        .unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        let kind: String = row.get(4)?;
        let value = match kind.as_str() {
            "boolean" => json!(row.get::<_, i64>(5)? == 1),
            "integer" => json!(row.get::<_, i64>(5)?),
            "float" => json!(row.get::<_, f64>(6)?),
            "none" => Value::Null,
            _ => json!(row.get::<_, String>(7)?),
        };
        let cause: Option<String> = row.get(8)?;
        Ok(Row {
            topic: row.get(0)?,
            source: row.get(1)?,
            sequence: row.get::<_, i64>(2)?.cast_unsigned(),
            time: row.get::<_, i64>(3)?.cast_unsigned(),
            kind,
            value,
            cause: cause.zip(row.get::<_, Option<i64>>(9)?.map(i64::cast_unsigned)),
        })
    };
    query
        .query_map([], row)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

impl From<NamedEvent> for Row {
    fn from(event: NamedEvent) -> Self {
        Self {
            topic: event.topic,
            source: event.source,
            sequence: event.sequence,
            time: event.time,
            kind: event.kind,
            value: event.value,
            cause: event.cause,
        }
    }
}

#[tokio::test]
async fn dry_soil_is_watered_by_a_rule_and_every_event_is_stored_once_with_its_cause() {
    let rig = Rig::start(SLAVE).await;
    let port = rig.port("slave").await;
    let (mut readings, mut decisions) = (rig.watch("greenhouse/#"), rig.watch("plugin/watering/#"));
    let (mut all_readings, mut all_decisions) =
        (rig.watch("greenhouse/#"), rig.watch("plugin/watering/#"));
    rig.add(&PIPELINE.replace("PORT", &port.to_string())).await;
    readings.value("greenhouse/identity", "GREENHSE").await;
    decisions.value("plugin/watering/mode", "auto").await;

    // The soil dries: the rule opens the valve, and the soil becomes wet.
    rig.ask("greenhouse-slave", "set", json!({ "moisture": 12 }))
        .await;
    let on = decisions.value("plugin/watering/output", true).await;
    readings.value("greenhouse/valve", true).await;
    let off = decisions.value("plugin/watering/output", false).await;
    readings.value("greenhouse/valve", false).await;

    // The operator knows better.
    rig.ask("watering", "override", json!({ "state": "on" }))
        .await;
    decisions.value("plugin/watering/mode", "override").await;
    readings.value("greenhouse/valve", true).await;
    let status = rig.ask("watering", "status", json!({})).await;
    assert!(status.to_string().contains("override"), "{status}");
    rig.ask("watering", "auto", json!({})).await;
    decisions.value("plugin/watering/mode", "auto").await;
    let answer = rig
        .ask("soil", "write", json!({ "point": "valve", "value": false }))
        .await;
    assert_eq!(answer["value"], false);

    // What was on the bus is in the table: each event once, with its cause.
    rig.kernel()
        .remove_device("watering", "the test is over")
        .await
        .unwrap();
    rig.kernel()
        .remove_device("soil", "the test is over")
        .await
        .unwrap();
    let mut expected: Vec<Row> = all_readings
        .so_far()
        .into_iter()
        .chain(all_decisions.so_far())
        .map(Row::from)
        .collect();
    expected.sort_by(|a, b| (a.time, &a.source, a.sequence).cmp(&(b.time, &b.source, b.sequence)));
    rig.until("every event in the table", |_| {
        rows(&rig.database()).len() >= expected.len()
    })
    .await;
    let stored = rows(&rig.database());
    assert_eq!(stored, expected);
    let find = |cause: Option<(String, u64)>| {
        let (source, sequence) = cause.expect("a decision has a cause");
        let found = stored
            .iter()
            .find(|row| row.source == source && row.sequence == sequence);
        found.expect("the cause is in the table too")
    };
    let dry = find(on.cause);
    assert_eq!(
        (dry.topic.as_str(), dry.source.as_str()),
        ("greenhouse/moisture", "soil")
    );
    assert!(dry.value.as_f64().unwrap() < 15.0, "{dry:?}");
    let wet = find(off.cause);
    assert!(wet.value.as_f64().unwrap() > 20.0, "{wet:?}");
    for row in &stored {
        let value = row.value.as_f64();
        let plausible = match row.topic.as_str() {
            "greenhouse/moisture" => value.is_some_and(|percent| (0.0..=100.0).contains(&percent)),
            "greenhouse/air-temperature" => {
                value.is_some_and(|celsius| (-10.0..=50.0).contains(&celsius))
            }
            "greenhouse/tank" => value.is_some_and(|litres| (0.0..=300.0).contains(&litres)),
            _ => true,
        };
        assert!(plausible, "{row:?}");
    }
    let asked = rig
        .ask(
            "history",
            "query",
            json!({ "topic": "greenhouse/moisture", "limit": 5 }),
        )
        .await;
    assert!(
        asked.to_string().contains("greenhouse/moisture") || asked["rows"].is_array(),
        "{asked}"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn a_device_may_only_call_whom_it_is_granted() {
    let rig = Rig::start(SLAVE).await;
    let port = rig.port("slave").await;
    let mut calls = rig.watch("greenhouse/valve");
    rig.add(
        &PIPELINE
            .replace("PORT", &port.to_string())
            .replace("call = [\"soil\"]", "call = [\"other\"]"),
    )
    .await;
    calls.value("greenhouse/valve", false).await;
    rig.ask("watering", "override", json!({ "state": "on" }))
        .await;
    let mut said = String::new();
    while !said.contains("grant") {
        said = rig.ask("watering", "status", json!({})).await.to_string();
    }
    assert_eq!(
        rig.device("soil").calls,
        0,
        "the call must not arrive: {said}"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn the_pymodbus_server_of_the_readme_stands_in_for_the_greenhouse() {
    let Some(python) = Python::find() else { return };
    let readme = workspace().join("examples/greenhouse/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, version) = PYMODBUS.split_once("==").unwrap();
    assert!(readme.contains(&format!("'pymodbus=={version}'")));
    let (_, server) = readme.split_once("<<'END'\n").unwrap();
    let (server, _) = server.split_once("\nEND\n").unwrap();
    // Any free port: that of the README may be another's here.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    assert!(server.contains("5020"));
    let _server = Process::start(&mut python.program(&server.replace("5020", &port)));

    let example = workspace().join("examples/greenhouse/weihe.toml");
    let example: toml::Table = std::fs::read_to_string(example).unwrap().parse().unwrap();
    let mut soil = toml::Table::new();
    soil.insert("soil".into(), example["device"]["soil"].clone());
    let mut system = toml::Table::new();
    system.insert("device".into(), soil.into());
    let rig = Rig::start(&format!(
        r#"
        [plugin]
        modbus = "weihe-plugin-modbus"

        [connection.field]
        type = "tcp"
        address = "127.0.0.1:{port}"
        reconnect-max = "250ms"

        {system}
        "#
    ))
    .await;
    let mut bus = rig.watch("#");
    bus.value("plugin/soil/status", "ok").await;
    rig.ask("soil", "write", json!({ "point": "valve", "value": true }))
        .await;
    bus.value("greenhouse/valve", true).await;
    rig.shutdown().await;
}
