//! Reading and writing on command.

use crate::bench::Bench;
use serde_json::json;
use weihe_modbus::{Mode, Table};
use weihe_sdk::prelude::*;

const POINTS: &str = r#"{"points": [
    {"name": "valve", "table": "coil", "address": 2},
    {"name": "door", "table": "discrete", "address": 0},
    {"name": "mode", "address": 0, "bits": [4, 6]},
    {"name": "alarm", "address": 0, "bit": 15},
    {"name": "set-point", "address": 1, "type": "s16", "scale": 0.1, "unit": "Cel"},
    {"name": "total", "address": 2, "type": "u32"},
    {"name": "label", "address": 4, "type": "text", "length": 4},
    {"name": "ratio", "address": 8, "type": "f64"},
    {"name": "serial", "address": 12, "access": "read"}
]}"#;

fn bench(mode: Mode) -> Bench {
    let mut bench = Bench::up(mode, POINTS);
    bench.serve();
    bench.unit.functions.clear();
    bench
}

#[test]
fn points_are_written_with_the_function_that_fits_and_published() {
    for mode in [Mode::Tcp, Mode::Rtu] {
        let mut bench = bench(mode);
        for (point, value, function) in [
            ("valve", json!(true), 5),
            ("set-point", json!(-12.5), 6),
            ("total", json!(100_000), 16),
            ("label", json!("SOIL"), 16),
            ("ratio", json!(0.25), 16),
        ] {
            let arguments = json!({"point": point, "value": value}).to_string();
            let answer = bench.call("write", &arguments).unwrap();
            assert_eq!(answer, json!({"point": point, "value": value}));
            assert_eq!(bench.unit.functions.pop(), Some(function), "{point}");
        }
        assert!(bench.unit.bits[&(Table::Coil, 2)]);
        assert_eq!(bench.unit.holding(1), (-125_i16) as u16);
        assert_eq!((bench.unit.holding(2), bench.unit.holding(3)), (1, 34464));
        assert_eq!(bench.last("valve"), Some(ValueBuf::Boolean(true)));
        assert_eq!(bench.last("set-point"), Some(ValueBuf::Float(-12.5)));
        assert_eq!(bench.last("label"), Some(ValueBuf::Text("SOIL".into())));
    }
}

#[test]
fn the_answer_says_what_was_written_after_rounding() {
    let mut bench = bench(Mode::Tcp);
    let answer = bench
        .call("write", r#"{"point":"set-point","value":21.3372}"#)
        .unwrap();
    assert_eq!(answer["value"], 21.3);
    assert_eq!(bench.last("set-point"), Some(ValueBuf::Float(21.3)));
}

#[test]
fn writes_go_before_polls() {
    let mut bench = bench(Mode::Tcp);
    bench.kernel.tick("default", 1).unwrap();
    bench
        .kernel
        .call("write", r#"{"point":"valve","value":true}"#)
        .unwrap();
    let submitted = bench.kernel.submitted();
    assert_eq!(
        submitted.last().unwrap().request.priority,
        Priority::Command
    );
}

#[test]
fn some_devices_only_have_functions_15_and_16() {
    let config = POINTS.replacen('{', r#"{"write-multiple": true, "#, 1);
    let mut bench = Bench::up(Mode::Tcp, &config);
    bench.serve();
    bench
        .call("write", r#"{"point":"valve","value":1}"#)
        .unwrap();
    assert_eq!(bench.unit.functions.pop(), Some(15));
    bench
        .call("write", r#"{"point":"set-point","value":1}"#)
        .unwrap();
    assert_eq!(bench.unit.functions.pop(), Some(16));
    bench
        .call("write", r#"{"point":"alarm","value":true}"#)
        .unwrap();
    assert_eq!(bench.unit.functions.pop(), Some(16));
    assert!(bench.unit.bits[&(Table::Coil, 2)]);
}

#[test]
fn bit_fields_are_read_then_written_and_do_not_lose_each_other() {
    let mut bench = bench(Mode::Rtu);
    bench.unit.set(Table::Holding, 0, &[0x000F]);
    // Both before the first one's read is answered.
    bench
        .kernel
        .call("write", r#"{"point":"mode","value":5}"#)
        .unwrap();
    bench
        .kernel
        .call("write", r#"{"point":"alarm","value":true}"#)
        .unwrap();
    assert_eq!(
        bench.kernel.submitted().len(),
        1,
        "one command is on the line at a time"
    );
    bench.serve();
    assert_eq!(bench.unit.functions, [3, 6, 3, 6]);
    assert_eq!(bench.unit.holding(0), 0x805F);
    assert_eq!(bench.kernel.answers().len(), 2);
    assert_eq!(bench.last("mode"), Some(ValueBuf::Integer(5)));
    assert_eq!(bench.last("alarm"), Some(ValueBuf::Boolean(true)));
}

#[test]
fn raw_writes_take_every_function() {
    let mut bench = bench(Mode::Tcp);
    for (arguments, written) in [
        (json!({"function": 5, "address": 2, "values": [true]}), 1),
        (json!({"function": 6, "address": 1, "values": [-5]}), 1),
        (
            json!({"function": 15, "address": 1, "values": [1, 0, true]}),
            3,
        ),
        (
            json!({"function": 16, "address": 1, "values": [300, 0, 7]}),
            3,
        ),
    ] {
        let answer = bench.call("write-raw", &arguments.to_string()).unwrap();
        assert_eq!(answer, json!({"written": written}));
    }
    assert_eq!(bench.unit.functions, [5, 6, 15, 16]);
    assert_eq!(bench.last("valve"), Some(ValueBuf::Boolean(false)));
    assert_eq!(bench.last("set-point"), Some(ValueBuf::Float(30.0)));
    assert_eq!(bench.last("total"), Some(ValueBuf::Integer(7)));
}

#[test]
fn points_and_tables_are_read_now() {
    let mut bench = bench(Mode::Tcp);
    bench.unit.set(Table::Holding, 1, &[215]);
    bench.unit.bits.insert((Table::Discrete, 1), true);
    let answer = bench.call("read", r#"{"point":"set-point"}"#).unwrap();
    assert_eq!(
        answer,
        json!({"point": "set-point", "value": 21.5, "unit": "Cel", "quality": "good"})
    );
    let answer = bench
        .call("read", r#"{"table":"discrete","address":0,"count":3}"#)
        .unwrap();
    assert_eq!(answer, json!({"values": [false, true, false]}));
    let answer = bench
        .call("read", r#"{"table":"holding","address":1}"#)
        .unwrap();
    assert_eq!(answer, json!({"values": [215]}));
    assert_eq!(bench.last("set-point"), Some(ValueBuf::Float(21.5)));
}

#[test]
fn wrong_arguments_are_named_and_nothing_is_sent() {
    let mut bench = bench(Mode::Tcp);
    for (command, arguments, words) in [
        (
            "write",
            json!({"point": "vlave", "value": 1}),
            "no point `vlave`",
        ),
        (
            "write",
            json!({"point": "door", "value": true}),
            "no discrete input can be written",
        ),
        (
            "write",
            json!({"point": "serial", "value": 1}),
            "`access` is \"read\"",
        ),
        (
            "write",
            json!({"point": "set-point", "value": 4000}),
            "-3276.8 to 3276.7",
        ),
        (
            "write",
            json!({"point": "set-point", "value": "warm"}),
            "is not a number",
        ),
        ("write", json!({"point": "mode", "value": 9}), "0 to 7"),
        ("write", json!({"point": "valve"}), "value"),
        (
            "write-raw",
            json!({"function": 3, "address": 0, "values": [1]}),
            "5, 6, 15 or 16",
        ),
        (
            "write-raw",
            json!({"function": 6, "address": 0, "values": [1, 2]}),
            "takes 1",
        ),
        (
            "write-raw",
            json!({"function": 16, "address": 0, "values": []}),
            "1 to 123",
        ),
        (
            "write-raw",
            json!({"function": 16, "address": 0, "values": ["x"]}),
            "values[0]",
        ),
        (
            "write-raw",
            json!({"function": 16, "address": 65535, "values": [1, 2]}),
            "beyond",
        ),
        (
            "read",
            json!({"table": "holding", "address": 0, "count": 126}),
            "1 to 125",
        ),
        ("read", json!({"table": "holding"}), "either `point`"),
        (
            "read",
            json!({"point": "valve", "count": 2}),
            "either `point`",
        ),
        ("erase", json!({}), "unknown command `erase`"),
    ] {
        let error = bench
            .kernel
            .call(command, &arguments.to_string())
            .unwrap_err();
        assert!(
            error.text().contains(words),
            "{command} {arguments}: {error}"
        );
    }
    assert!(bench.kernel.take_submitted().is_empty());
}

#[test]
fn failures_reach_the_caller() {
    let mut bench = bench(Mode::Tcp);
    bench.unit.missing.insert((Table::Coil, 2));
    let error = bench
        .call("write", r#"{"point":"valve","value":true}"#)
        .unwrap_err();
    assert_eq!(
        error,
        CallError::Failed(
            "function 5 (Write Single Coil) is refused with exception 2 (illegal data address)"
                .into()
        )
    );
    bench
        .kernel
        .call("write", r#"{"point":"valve","value":true}"#)
        .unwrap();
    assert_eq!(bench.silence(), 3, "it is tried, and repeated twice");
    assert_eq!(
        bench.last_answer().unwrap_err(),
        CallError::Timeout("no reply from unit 1 within 1 s, 3 attempts".into())
    );
    bench
        .kernel
        .call("write", r#"{"point":"valve","value":true}"#)
        .unwrap();
    bench.fail(&Failure::LinkDown("reset".into()));
    assert!(matches!(
        bench.last_answer(),
        Err(CallError::Unavailable(_))
    ));
    assert_ne!(bench.last("valve"), Some(ValueBuf::Boolean(true)));
}

#[test]
fn a_write_whose_caller_has_gone_is_never_sent() {
    let mut bench = bench(Mode::Tcp);
    bench
        .kernel
        .call("write", r#"{"point":"valve","value":true}"#)
        .unwrap();
    bench
        .kernel
        .call("write", r#"{"point":"set-point","value":5}"#)
        .unwrap();
    let first = bench.kernel.take_submitted();
    bench.kernel.advance(Duration::from_secs(11)).unwrap();
    bench.kernel.take_submitted();
    let reply = bench.answer(&first[0]);
    bench.kernel.reply(first[0].ticket, Ok(&reply)).unwrap();
    assert!(matches!(bench.last_answer(), Err(CallError::Timeout(_))));
    assert_eq!(bench.unit.holding(1), 0);
    assert!(bench.kernel.take_submitted().is_empty());
}

#[test]
fn commands_beyond_the_queue_are_refused() {
    let mut bench = bench(Mode::Tcp);
    let write = r#"{"point":"valve","value":true}"#;
    for _ in 0..65 {
        assert_eq!(bench.kernel.call("write", write).unwrap(), None);
    }
    assert!(matches!(
        bench.kernel.call("write", write),
        Err(CallError::Unavailable(_))
    ));
    assert_eq!(bench.serve(), 65);
    assert_eq!(bench.kernel.answers().len(), 65);
}

#[test]
fn a_broadcast_awaits_no_reply_and_keeps_the_line_silent() {
    let mut bench = Bench::up(
        Mode::Rtu,
        r#"{"unit": 0, "turnaround": "150 ms", "points": [
        {"name": "valve", "table": "coil", "address": 0}, {"name": "clock", "address": 9}]}"#,
    );
    assert!(bench.kernel.submitted().is_empty(), "nothing is polled");
    assert_eq!(
        bench
            .kernel
            .call("write", r#"{"point":"valve","value":true}"#)
            .unwrap(),
        None
    );
    let sent = bench.kernel.take_submitted().remove(0);
    assert_eq!(sent.request.reply, ReplyRule::None);
    assert_eq!(sent.request.turnaround, Duration::from_millis(150));
    assert_eq!(sent.request.bytes[0], 0);
    bench.kernel.reply(sent.ticket, Ok(&[])).unwrap();
    assert_eq!(
        bench.last_answer().unwrap(),
        json!({"point": "valve", "value": true, "confirmed": false})
    );
    let error = bench
        .kernel
        .call("read", r#"{"point":"valve"}"#)
        .unwrap_err();
    assert!(error.text().contains("none replies"));
    assert_eq!(bench.last("valve"), None, "no unit has confirmed it");
}

#[test]
fn over_tcp_unit_0_is_the_device_itself() {
    let mut bench = Bench::up(
        Mode::Tcp,
        r#"{"unit": 0, "points": [{"name": "a", "address": 0}]}"#,
    );
    assert_eq!(bench.serve(), 1);
    assert_eq!(bench.status(), "ok");
}
