//! Bits set and cleared in the unit (function 22), and writes that are read in the same exchange (23).

use crate::bench::Bench;
use proptest::prelude::*;
use serde_json::json;
use weihe_modbus::{Direction, Frame, Mode, Table, wrap};
use weihe_sdk::prelude::*;

const POINTS: &str = r#"{"mask-write": true, "points": [
    {"name": "mode", "address": 0, "bits": [4, 6], "safe": 2},
    {"name": "alarm", "address": 0, "bit": 15},
    {"name": "swapped", "address": 3, "bit": 0, "byte-order": "little"},
    {"name": "wide", "address": 4, "type": "u32", "bits": [12, 19]},
    {"name": "whole", "address": 1},
    {"name": "limit", "address": 7, "type": "s16", "scale": 0.1, "read-back": true},
    {"name": "total", "address": 8, "type": "u32", "read-back": true}
]}"#;

fn bench(mode: Mode) -> Bench {
    let mut bench = Bench::up(mode, POINTS);
    bench.serve();
    bench.unit.functions.clear();
    bench
}

#[test]
fn bit_fields_are_written_in_one_exchange_and_leave_the_other_bits_alone() {
    for mode in [Mode::Tcp, Mode::Rtu] {
        let mut bench = bench(mode);
        bench.unit.set(Table::Holding, 0, &[0x810F, 0, 0, 0x00FF]);
        for (point, value) in [
            ("mode", json!(5)),
            ("alarm", json!(false)),
            ("swapped", json!(true)),
        ] {
            let arguments = json!({"point": point, "value": value}).to_string();
            let answer = bench.call("write", &arguments).unwrap();
            assert_eq!(answer, json!({"point": point, "value": value}));
        }
        assert_eq!(bench.unit.functions, [22, 22, 22]);
        assert_eq!(
            (bench.unit.holding(0), bench.unit.holding(3)),
            (0x015F, 0x01FF)
        );
        assert_eq!(bench.last("mode"), Some(ValueBuf::Integer(5)));
        assert_eq!(bench.last("alarm"), Some(ValueBuf::Boolean(false)));
        assert_eq!(bench.last("whole"), Some(ValueBuf::Integer(0)));
    }
}

#[test]
fn a_mask_has_one_register_so_a_wider_field_is_read_and_written() {
    let mut bench = bench(Mode::Tcp);
    bench.unit.set(Table::Holding, 4, &[0x1110, 0x0111]);
    bench
        .call("write", r#"{"point":"wide","value":255}"#)
        .unwrap();
    assert_eq!(bench.unit.functions, [3, 16]);
    assert_eq!(
        (bench.unit.holding(4), bench.unit.holding(5)),
        (0x111F, 0xF111)
    );
}

#[test]
fn a_bit_field_can_have_a_safe_value_when_the_unit_masks() {
    let bench = bench(Mode::Rtu);
    let frame = bench.kernel.fail_safe("line").remove(0);
    let pdu = [22, 0, 0, 0xFF, 0x8F, 0, 0x20];
    assert_eq!(frame.bytes, wrap(Mode::Rtu, 0, 1, &pdu));
    assert_eq!(frame.expects, frame.bytes, "the confirmation is an echo");
}

#[test]
fn any_register_is_masked_on_command() {
    let mut bench = bench(Mode::Tcp);
    bench.unit.set(Table::Holding, 1, &[0x12]);
    let answer = bench
        .call("mask", r#"{"point":"whole","and":242,"or":37}"#)
        .unwrap();
    assert_eq!(
        answer,
        json!({"point": "whole", "address": 1, "and": 242, "or": 37})
    );
    assert_eq!(bench.unit.holding(1), 0x17, "the standard's example");
    assert_eq!(
        bench.last("whole"),
        Some(ValueBuf::Integer(0)),
        "what it holds now shows with the next poll"
    );
    bench.poll();
    assert_eq!(bench.last("whole"), Some(ValueBuf::Integer(0x17)));
    bench
        .call("mask", r#"{"address":20,"and":0,"or":7}"#)
        .unwrap();
    assert_eq!(bench.unit.holding(20), 7);
    for (arguments, words) in [
        (
            r#"{"point":"total","and":0,"or":0}"#,
            "not one holding register",
        ),
        (
            r#"{"point":"whole","address":1,"and":0,"or":0}"#,
            "either `point` or `address`",
        ),
        (r#"{"address":1,"and":65536,"or":0}"#, "65536"),
        (r#"{"address":1,"and":0}"#, "or"),
    ] {
        let error = bench.kernel.call("mask", arguments).unwrap_err();
        assert!(error.text().contains(words), "{arguments}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_mask_makes_of_any_register_what_reading_and_writing_would(
        content in any::<u16>(),
        low in 0u8..16,
        width in 1u8..=16,
        value in any::<u16>(),
        order in prop::sample::select(vec!["big", "little"]),
    ) {
        let high = (low + width - 1).min(15);
        let value = u32::from(value) % (1 << (high - low + 1));
        let mut made = Vec::new();
        for mask in [true, false] {
            let config = json!({"mask-write": mask, "points": [
                {"name": "field", "address": 3, "bits": [low, high], "byte-order": order}]});
            let mut bench = Bench::up(Mode::Tcp, &config.to_string());
            bench.serve();
            bench.unit.set(Table::Holding, 3, &[content]);
            // One bit is on or off.
            let value = if low == high { json!(value == 1) } else { json!(value) };
            let arguments = json!({"point": "field", "value": value}).to_string();
            let answer = bench.call("write", &arguments).unwrap();
            made.push((bench.unit.holding(3), answer, bench.last("field")));
        }
        prop_assert_eq!(&made[0], &made[1]);
    }
}

#[test]
fn bits_are_broadcast_where_all_units_mask() {
    let mut bench = Bench::up(
        Mode::Rtu,
        r#"{"unit": 0, "mask-write": true, "points": [{"name": "alarm", "address": 0, "bit": 15}]}"#,
    );
    bench
        .kernel
        .call("write", r#"{"point":"alarm","value":true}"#)
        .unwrap();
    let sent = bench.kernel.take_submitted().remove(0);
    assert_eq!(sent.request.reply, ReplyRule::None);
    assert_eq!(
        sent.request.bytes,
        wrap(Mode::Rtu, 0, 0, &[22, 0, 0, 0x7F, 0xFF, 0x80, 0])
    );
    bench.kernel.reply(sent.ticket, Ok(&[])).unwrap();
    assert_eq!(
        bench.last_answer().unwrap(),
        json!({"point": "alarm", "value": true, "confirmed": false})
    );
    assert_eq!(bench.last("alarm"), None, "no unit has confirmed it");
}

#[test]
fn what_is_read_back_is_what_the_unit_made_of_the_write() {
    let mut bench = bench(Mode::Tcp);
    let answer = bench
        .call("write", r#"{"point":"total","value":100000}"#)
        .unwrap();
    assert_eq!(answer, json!({"point": "total", "value": 100_000}));
    assert_eq!(bench.unit.functions, [23]);
    // A unit that clamps.
    bench
        .kernel
        .call("write", r#"{"point":"limit","value":90.0}"#)
        .unwrap();
    let exchange = bench.kernel.take_submitted().remove(0);
    let frame = Frame::parse(Mode::Tcp, Direction::Request, &exchange.request.bytes).unwrap();
    assert_eq!(frame.pdu, [23, 0, 7, 0, 1, 0, 7, 0, 1, 2, 3, 0x84]);
    let reply = wrap(Mode::Tcp, frame.transaction, frame.unit, &[23, 2, 1, 0xF4]);
    bench.kernel.reply(exchange.ticket, Ok(&reply)).unwrap();
    assert_eq!(
        bench.last_answer().unwrap(),
        json!({"point": "limit", "value": 50.0})
    );
    assert_eq!(bench.last("limit"), Some(ValueBuf::Float(50.0)));
}
