//! What holds natively and in the sandbox: there the built component, its codec among it, talks over a connection that
//! takes turns, keeps times and finds the ends of replies itself.

use crate::bench::Bench;
use serde_json::json;
use weihe_modbus::{Mode, Table};
use weihe_plugin_modbus::Modbus;
use weihe_sdk::prelude::*;
use weihe_sdk::testing::Fault;

const POINTS: &str = r#"{"unit": 3, "period": "1 s", "timeout": "200 ms", "retries": 0, "points": [
    {"name": "valve", "table": "coil", "address": 0},
    {"name": "door", "table": "discrete", "address": 7},
    {"name": "level", "table": "input", "address": 1, "type": "s16", "scale": 0.1},
    {"name": "total", "table": "input", "address": 2, "type": "u32"},
    {"name": "set-point", "address": 100}
]}"#;

/// One request a period.
const ONE: &str = r#"{"unit": 3, "period": "1 s", "timeout": "200 ms", "retries": 0, "points": [
    {"name": "level", "address": 0}]}"#;

fn everything_is_read(setup: Setup<Modbus>, mode: Mode) {
    let mut bench = Bench::within(setup, mode, POINTS);
    bench.unit.bits.insert((Table::Coil, 0), true);
    bench.unit.set(Table::Input, 1, &[0xFFF6, 1, 2]);
    bench.unit.set(Table::Holding, 100, &[42]);
    assert_eq!(bench.serve(), 4, "one request a table");
    for (point, value) in [
        ("valve", ValueBuf::Boolean(true)),
        ("door", ValueBuf::Boolean(false)),
        ("level", ValueBuf::Float(-1.0)),
        ("total", ValueBuf::Integer(65538)),
        ("set-point", ValueBuf::Integer(42)),
        ("status", ValueBuf::Text("ok".to_owned())),
    ] {
        assert_eq!(bench.last(point), Some(value), "{point}");
    }
}

#[weihe_sdk::test(sandbox, memory = "4 MiB")]
fn every_table_is_read_over_tcp(setup: Setup<Modbus>) {
    everything_is_read(setup, Mode::Tcp);
}

#[weihe_sdk::test(sandbox, memory = "4 MiB")]
fn every_table_is_read_over_a_serial_line(setup: Setup<Modbus>) {
    everything_is_read(setup, Mode::Rtu);
}

#[weihe_sdk::test(sandbox)]
fn a_command_is_answered_when_the_unit_has_agreed(setup: Setup<Modbus>) {
    let mut bench = Bench::within(setup, Mode::Tcp, POINTS);
    bench.serve();
    let written = json!({"point": "set-point", "value": 7});
    assert_eq!(bench.call("write", &written.to_string()).unwrap(), written);
    assert_eq!(bench.unit.holding(100), 7);
    let error = bench
        .call("write", r#"{"point": "door", "value": true}"#)
        .unwrap_err();
    assert!(error.text().contains("door"), "{error}");
}

#[weihe_sdk::test(sandbox)]
fn a_unit_that_falls_silent_makes_its_points_bad_until_it_answers(setup: Setup<Modbus>) {
    let mut bench = Bench::within(setup, Mode::Rtu, ONE);
    bench.unit.set(Table::Holding, 0, &[5]);
    bench.serve();
    bench.kernel.take_published();
    // Half a reply, and no more of it.
    let poll = bench.next_polls().remove(0);
    let reply = bench.answer(&poll);
    let half = Failure::Timeout(reply[..3].to_vec());
    bench.kernel.reply(poll.ticket, Err(half)).unwrap();
    assert!(
        bench.status().contains("no reply from unit 3"),
        "{}",
        bench.status()
    );
    let samples = bench.samples("plugin/d/level");
    assert_eq!(samples[0].quality, Quality::Bad);
    bench.serve_next();
    assert_eq!(bench.last("level"), Some(ValueBuf::Integer(5)));
    assert_eq!(bench.status(), "ok");
}

#[weihe_sdk::test(sandbox)]
fn faults_of_the_line_can_be_injected_and_pass(setup: Setup<Modbus>) {
    let mut bench = Bench::within(setup, Mode::Tcp, ONE);
    bench.serve();
    let mute = Fault::exchange(Failure::Timeout(Vec::new())).on("line");
    bench.kernel.inject(mute.times(1));
    bench.next_polls();
    assert!(bench.status().contains("no reply"), "{}", bench.status());
    bench.serve_next();
    assert_eq!(bench.status(), "ok");
}

#[weihe_sdk::test(sandbox)]
fn a_link_that_is_down_is_said_and_polled_again_when_it_is_up(setup: Setup<Modbus>) {
    let mut bench = Bench::within(setup, Mode::Tcp, ONE);
    bench.serve();
    bench
        .kernel
        .link("line", LinkState::Down, "cable pulled")
        .unwrap();
    assert!(
        bench.status().contains("cable pulled"),
        "{}",
        bench.status()
    );
    bench.kernel.link("line", LinkState::Up, "").unwrap();
    bench.serve_next();
    assert_eq!(bench.status(), "ok");
}
