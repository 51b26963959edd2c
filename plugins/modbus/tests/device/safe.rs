//! Safe values: the frames that the host writes when the device cannot any more.

use crate::bench::{Bench, refusal};
use weihe_modbus::{Mode, Table};
use weihe_sdk::prelude::*;

const POINTS: &str = r#"{"unit": 7, "points": [
    {"name": "valve", "table": "coil", "address": 3, "safe": false},
    {"name": "level", "address": 1},
    {"name": "speed", "address": 2, "type": "u16", "scale": 0.1, "unit": "Hz", "safe": 12.5},
    {"name": "setpoint", "address": 10, "type": "f32", "access": "write", "safe": 1}
]}"#;

/// Plays the host: sends each frame to the unit, and compares the reply with what is expected.
fn send_all(bench: &mut Bench) {
    for frame in bench.kernel.fail_safe("line") {
        let reply = bench.reply_to(&frame.bytes);
        assert_eq!(reply, frame.expects, "{frame:?}");
    }
}

#[test]
fn each_point_with_a_safe_value_registers_a_write_that_the_unit_confirms_as_expected() {
    for mode in [Mode::Tcp, Mode::Rtu] {
        for multiple in [false, true] {
            let config = POINTS.replacen('{', &format!(r#"{{"write-multiple": {multiple},"#), 1);
            let mut bench = Bench::up(mode, &config);
            bench.unit.bits.insert((Table::Coil, 3), true);
            let frames = bench.kernel.fail_safe("line");
            let labels: Vec<&str> = frames.iter().map(|frame| &*frame.label).collect();
            assert_eq!(labels, ["valve = false", "speed = 12.5 Hz", "setpoint = 1"]);
            let codec = |frame: &FailSafeFrame| matches!(frame.reply, ReplyRule::Codec(_));
            assert!(frames.iter().all(codec));
            send_all(&mut bench);
            assert!(!bench.unit.bits[&(Table::Coil, 3)]);
            assert_eq!(bench.unit.holding(2), 125);
            assert_eq!(
                (bench.unit.holding(10), bench.unit.holding(11)),
                (0x3F80, 0)
            );
        }
    }
}

#[test]
fn an_exception_is_not_what_is_expected() {
    let mut bench = Bench::up(Mode::Tcp, POINTS);
    bench.unit.missing.insert((Table::Coil, 3));
    let frame = bench.kernel.fail_safe("line").remove(0);
    assert!(!bench.reply_to(&frame.bytes).starts_with(&frame.expects));
}

#[test]
fn a_broadcast_awaits_nothing_and_keeps_the_line_quiet() {
    let bench = Bench::up(
        Mode::Rtu,
        r#"{"unit": 0, "turnaround": "150 ms", "points": [
            {"name": "all", "table": "coil", "address": 0, "safe": false}
        ]}"#,
    );
    let frame = bench.kernel.fail_safe("line").remove(0);
    assert_eq!(frame.reply, ReplyRule::None);
    assert!(frame.expects.is_empty());
    assert_eq!(frame.turnaround, Duration::from_millis(150));
}

#[test]
fn a_device_without_safe_values_registers_none() {
    let bench = Bench::up(Mode::Tcp, r#"{"points": [{"name": "a", "address": 0}]}"#);
    assert!(bench.kernel.fail_safe("line").is_empty());
}

#[test]
fn mistakes_name_the_point_and_what_is_wrong() {
    for (entry, words) in [
        (
            r#""table": "input", "safe": 1"#,
            "points that can be written",
        ),
        (
            r#""access": "read", "safe": 1"#,
            "points that can be written",
        ),
        (r#""bit": 3, "safe": true"#, "whole registers"),
        (r#""safe": 70000"#, "70000"),
        (r#""table": "coil", "safe": "off""#, "off"),
    ] {
        let config = format!(r#"{{"points": [{{"name": "p", "address": 0, {entry}}}]}}"#);
        let text = refusal(&config);
        assert!(text.contains("point `p`"), "{text}");
        assert!(text.contains("`safe`") && text.contains(words), "{text}");
    }
}
