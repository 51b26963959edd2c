//! The Modbus plugin, the historian and a rule, with a real serial port before them.

use serde_json::json;
use weihe_tests::Coils;

use crate::{Board, PC, VIRT, shared};

const PLUGINS: [(&str, &str); 3] = [
    ("modbus", "weihe-plugin-modbus"),
    ("historian", "weihe-plugin-historian"),
    ("rule-hysteresis", "weihe-plugin-rule-hysteresis"),
];

fn system(port: &str) -> String {
    format!(
        r#"
        [connection.line]
        type = "uart"
        port = "{port}"
        baud = 19200
        parity = "even"

        [device.valve]
        plugin = "modbus"
        connection = "line"
        [device.valve.config]
        unit = 1
        mode = "rtu"
        period = "200 ms"
        timeout = "5 s"
        topic-prefix = "field"
        points = [
            {{ name = "valve", table = "coil", address = 3, safe = false }},
            {{ name = "level", table = "holding", address = 0 }},
        ]
        [device.valve.grants]
        publish = ["field/#"]

        [device.watering]
        plugin = "rule-hysteresis"
        [device.watering.config]
        input = "field/level"
        on-below = 20.0
        off-above = 30.0
        [device.watering.config.call]
        device = "valve"
        command = "write"
        arguments = {{ point = "valve", value = "{{state}}" }}
        [device.watering.grants]
        subscribe = ["field/#"]
        call = ["valve"]

        [device.history]
        plugin = "historian"
        [device.history.config]
        topics = ["field/#"]
        [device.history.grants]
        subscribe = ["field/#"]
        store.tables = ["readings"]
        "#
    )
}

/// A register read over the wire makes a rule switch a coil over the wire, and all of it is in the database. When the host
/// is killed, its guard closes the valve over the wire.
fn a_rule_closes_the_loop(board: &Board) {
    let Some(mut guest) = shared(board) else {
        return;
    };
    let unit = Coils::start();
    unit.attach(guest.far_end());
    let config = system(guest.ports()[0]);
    let began = std::time::Instant::now();
    guest.start("modbus", &config, &PLUGINS);
    println!(
        "{}: three devices run after {:.1?}",
        board.name,
        began.elapsed()
    );
    // The register holds 0, which is below 20.
    written(&unit, true);
    guest.until("the valve is read back as open", |guest| {
        let event = guest.ask("modbus", "get field/valve")?;
        (event["value"] == json!(true)).then_some(())
    });
    guest.until("rows in the database", |guest| {
        let stats = guest.ask("modbus", "call history stats")?;
        (stats["rows"].as_u64()? > 3).then_some(())
    });
    guest.kill("modbus");
    written(&unit, false);
}

/// Waits until the valve is switched like this; before, the host may have set what is safe.
fn written(unit: &Coils, on: bool) {
    while unit.wait_for_writes(1).last() != Some(&(3, on)) {}
}

#[test]
fn a_rule_closes_the_loop_over_a_16550_on_x86() {
    a_rule_closes_the_loop(&PC);
}

#[test]
fn a_rule_closes_the_loop_over_a_16550_on_arm() {
    a_rule_closes_the_loop(&VIRT);
}
