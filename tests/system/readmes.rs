//! What the plugins' READMEs show, tried: their devices start, and their commands are understood.

use serde_json::{Value, json};
use weihe_kernel::event;
use weihe_tests::{Host, Rig, workspace};

/// The simulated greenhouse, as a unit to poll and to write.
const SLAVE: &str = r#"
[plugin]
greenhouse-slave = "greenhouse-slave"
modbus = "weihe-plugin-modbus"
rule-hysteresis = "weihe-plugin-rule-hysteresis"
historian = "weihe-plugin-historian"

[connection.slave]
type = "tcp-listen"
address = "127.0.0.1:0"

[device.greenhouse-slave]
plugin = "greenhouse-slave"
connection = "slave"
"#;

fn readme(plugin: &str) -> String {
    let file = workspace().join("plugins").join(plugin).join("README.md");
    std::fs::read_to_string(file).unwrap()
}

/// The first configuration in a README.
fn example(readme: &str) -> &str {
    let (_, rest) = readme.split_once("```toml\n").unwrap();
    rest.split_once("```").unwrap().0
}

#[tokio::test]
async fn the_modbus_example_polls_and_takes_the_command_beside_it() {
    let rig = Rig::start(SLAVE).await;
    let readme = readme("modbus");
    let shown = example(&readme);
    assert!(shown.contains("192.168.1.50:502"));
    let here = format!("127.0.0.1:{}", rig.port("slave").await);
    rig.add(&shown.replace("192.168.1.50:502", &here)).await;
    let mut bus = rig.watch("plugin/soil/+");
    bus.value("plugin/soil/valve", false).await;
    let moisture = bus.topic("plugin/soil/moisture").await;
    assert!(moisture.value.is_number(), "{moisture:?}");
    let (_, call) = shown.split_once("weihe call soil write '").unwrap();
    let (arguments, _) = call.split_once('\'').unwrap();
    rig.ask("soil", "write", serde_json::from_str(arguments).unwrap())
        .await;
    bus.value("plugin/soil/valve", true).await;
    for (command, arguments) in [
        (
            "write-raw",
            json!({ "function": 5, "address": 1, "values": [true] }),
        ),
        ("read", json!({ "point": "moisture" })),
        (
            "read",
            json!({ "table": "input", "address": 0, "count": 2 }),
        ),
        ("mask", json!({ "address": 0, "and": 0xFFFF, "or": 0 })),
        ("points", json!({})),
        ("stats", json!({})),
        ("stop-scan", json!({})),
    ] {
        rig.ask("soil", command, arguments).await;
    }
    let one = json!({ "object": "user-application-name" });
    let who = rig.ask("soil", "identify", one).await;
    assert_eq!(
        who["objects"]["user-application-name"],
        "A greenhouse that is not there"
    );
    let scan = json!({ "from": 1, "to": 1 });
    let found = rig.ask("soil", "scan", scan).await["found"].clone();
    assert_eq!(
        found[0]["identification"]["product-code"],
        "greenhouse-slave"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn the_hysteresis_example_writes_a_point_of_a_modbus_device() {
    let rig = Rig::start(SLAVE).await;
    let port = rig.port("slave").await;
    let mut bus = rig.watch("plugin/#");
    rig.add(&format!(
        r#"
        [connection.field]
        type = "tcp"
        address = "127.0.0.1:{port}"

        [device.valve]
        plugin = "modbus"
        connection = "field"
        config.points = [{{ name = "valve", table = "coil", address = 0, on-change = true }}]
        "#
    ))
    .await;
    bus.value("plugin/valve/valve", false).await;
    rig.add(example(&readme("rule-hysteresis"))).await;
    rig.publish("greenhouse/soil/moisture", [event::Value::Float(10.0)]);
    bus.value("plugin/watering/output", true).await;
    bus.value("plugin/valve/valve", true).await;
    let forced = json!({ "state": "off", "for": "10 min" });
    rig.ask("watering", "override", forced).await;
    bus.value("plugin/valve/valve", false).await;
    rig.ask("watering", "auto", json!({})).await;
    bus.value("plugin/valve/valve", true).await;
    let status = rig.ask("watering", "status", json!({})).await;
    assert_eq!(
        (&status["mode"], &status["call-error"]),
        (&json!("auto"), &Value::Null)
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn the_historian_example_stores_and_is_asked() {
    let rig = Rig::start(SLAVE).await;
    rig.add(example(&readme("historian"))).await;
    rig.publish("greenhouse/moisture", [1, 2, 3].map(event::Value::Integer));
    let query = json!({
        "topic": "greenhouse/#", "from": 0, "to": "2200-01-01T00:00:00Z", "limit": 2
    });
    let mut found = Value::Null;
    while found["rows"].as_array().is_none_or(|rows| rows.len() < 2) {
        found = rig.ask("history", "query", query.clone()).await;
    }
    let stats = rig.ask("history", "stats", json!({})).await;
    assert_eq!(stats["table"], "readings", "{stats}");
    rig.shutdown().await;
}

/// The words of a line as a shell takes them.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for letter in line.chars() {
        match quote {
            Some(end) if letter == end => quote = None,
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            None if letter == ' ' => words.push(String::new()),
            _ => words.last_mut().unwrap().push(letter),
        }
    }
    words
}

#[test]
fn the_frames_of_the_modbus_readme_are_explained_and_made() {
    let readme = readme("modbus");
    let (_, rest) = readme.split_once("## Looking at bytes\n\n```sh\n").unwrap();
    let (lines, _) = rest.split_once("```").unwrap();
    let host = Host::new("", &[("modbus", "weihe-plugin-modbus")]);
    let component = host.path("plugins/modbus.wasm").display().to_string();
    let ask = |line: &str| {
        let words = words(&line.replace("modbus.wasm", &component));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let answer = host.ask(&words[1..]);
        answer.unwrap_or_else(|| panic!("not understood: {line}"))
    };
    let answers: Vec<Value> = lines.lines().map(ask).collect();
    let [request, reply, made] = &answers[..] else {
        panic!("{answers:?}");
    };
    assert_eq!(request["consumed"], 8);
    assert_eq!(reply["readings"][0]["name"], "holding 107");
    assert_eq!(made["bytes"], "1103006b00037687");
}
