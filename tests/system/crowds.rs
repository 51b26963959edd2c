//! Much hardware and many edges with one plugin: nothing is lost that is not told.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};
use weihe_hal::HalCapability;
use weihe_hal::virtual_board::VirtualBoard;
use weihe_kernel::SystemClock;
use weihe_tests::Rig;

const COUNTER: &str = r#"
[plugin]
hardware = "weihe-bench-hardware"

[device.counter]
plugin = "hardware"
config = { input = "pulses" }
grants.hal.gpio = { pulses = "input" }
"#;

/// Edges that wait for a device.
const QUEUE: u64 = 4_096;

fn board(text: &str) -> (Rig, Arc<VirtualBoard>) {
    let board = Arc::new(VirtualBoard::parse(text, Arc::new(SystemClock::new())).unwrap());
    let rig = Rig::with_capability(Arc::new(HalCapability::new(board.clone())));
    (rig, board)
}

/// How many edges the counter has been told of: those that came, and those that did not.
async fn told(rig: &Rig) -> (u64, u64) {
    let edges = rig.ask("counter", "edges", json!({})).await;
    let number = |key: &str| edges[key].as_u64().unwrap();
    (number("counted"), number("missed"))
}

/// Waits until the counter knows of so many; the system's deadline ends it.
async fn until_told(rig: &Rig, wanted: u64) -> (u64, u64) {
    let known = async {
        loop {
            let (counted, missed) = told(rig).await;
            if counted + missed >= wanted {
                return (counted, missed);
            }
        }
    };
    tokio::time::timeout(weihe_tests::DEADLINE, known)
        .await
        .expect("all edges are told")
}

#[tokio::test]
async fn edges_that_fit_into_the_queue_all_come_however_many_there_are() {
    let (rig, board) = board("lines = [\"pulses\"]");
    rig.add(COUNTER).await;
    let mut offered = 0;
    while offered < 50_000 {
        // As many as wait at most.
        board.edges("pulses", QUEUE, 1_000).unwrap();
        offered += QUEUE;
        assert_eq!(until_told(&rig, offered).await, (offered, 0));
    }
    rig.shutdown().await;
}

#[tokio::test]
async fn edges_beyond_the_queue_are_counted_as_missed_to_the_last_one() {
    let (rig, board) = board("lines = [\"pulses\"]");
    rig.add(COUNTER).await;
    // What was missed is known from the second one on.
    board.edges("pulses", 1, 1_000).unwrap();
    until_told(&rig, 1).await;
    board.edges("pulses", 20_000, 1_000).unwrap();
    let (counted, missed) = until_told(&rig, 20_001).await;
    assert_eq!(counted + missed, 20_001);
    rig.shutdown().await;
}

#[tokio::test]
async fn one_plugin_holds_a_thousand_lines_and_speaks_to_64_devices() {
    let mut text = "lines = [\"line[0-999]\"]\n".to_owned();
    let (mut lines, mut buses) = (Vec::new(), Vec::new());
    for bus in 0..4 {
        buses.push(format!("bus{bus} = \"all\""));
        for address in 0x08..0x18 {
            writeln!(text, "[i2c.bus{bus}.{address:#04x}]\nmodel = \"lm75\"").unwrap();
        }
    }
    lines.extend((0..1_000).map(|line| format!("line{line} = \"output\"")));
    let (rig, board) = board(&text);
    rig.add(&format!(
        r#"
        [plugin]
        hardware = "weihe-bench-hardware"
        [device.many]
        plugin = "hardware"
        grants.hal.gpio = {{ {} }}
        grants.hal.i2c = {{ {} }}
        "#,
        lines.join(", "),
        buses.join(", ")
    ))
    .await;
    let all = json!({ "lines": 1_000, "buses": 4, "devices": 16 });
    rig.ask("many", "open", all).await;
    rig.ask("many", "round", json!({})).await;
    let active = |line: &u32| board.level(&format!("line{line}")) == Some(true);
    assert_eq!((0..1_000).filter(active).count(), 1_000);
    rig.shutdown().await;
}

#[tokio::test]
async fn the_plugin_of_measurements_uses_each_kind_of_bus_as_often_as_it_is_told() {
    let (rig, board) = board(
        r#"
        lines = ["led"]
        [i2c.bus.0x48]
        model = "lm75"
        [spi."spi/0.0"]
        model = "mcp3008"
        "#,
    );
    rig.add(
        r#"
        [plugin]
        hardware = "weihe-bench-hardware"
        [device.meter]
        plugin = "hardware"
        grants.hal = { gpio = { led = "output" }, i2c = { bus = [0x48] }, spi = ["spi/0.0"] }
        "#,
    )
    .await;
    let measure = |kind: &str, name: &str, address: u8| json!({ "kind": kind, "name": name, "address": address, "count": 3 });
    for asked in [
        measure("gpio", "led", 0),
        measure("i2c", "bus", 0x48),
        measure("spi", "spi/0.0", 0),
    ] {
        let took: Value = rig.ask("meter", "measure", asked).await;
        assert!(took["nanoseconds"].is_u64(), "{took}");
    }
    // It ends with what it began with.
    assert_eq!(board.level("led"), Some(true));
    let done = board.look();
    let bus = json!(done).to_string();
    assert!(bus.contains("\"done\":3"), "{bus}");
    let nobody = rig
        .call("meter", "measure", measure("i2c", "bus", 0x49))
        .await;
    assert!(nobody.unwrap_err().text().contains("0x49"));
    rig.shutdown().await;
}
