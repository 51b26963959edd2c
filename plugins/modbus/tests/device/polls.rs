//! What is polled, and what is published of it.

use crate::bench::Bench;
use weihe_modbus::{Direction, Frame, Mode, Table};
use weihe_sdk::prelude::*;

const POINTS: &str = r#"{"unit": 3, "points": [
    {"name": "valve", "table": "coil", "address": 0},
    {"name": "door", "table": "discrete", "address": 7},
    {"name": "u16", "table": "input", "address": 0},
    {"name": "s16", "table": "input", "address": 1, "type": "s16", "scale": 0.1},
    {"name": "u32", "table": "input", "address": 2, "type": "u32"},
    {"name": "s32", "table": "input", "address": 4, "type": "s32", "word-order": "little"},
    {"name": "u64", "table": "input", "address": 6, "type": "u64"},
    {"name": "s64", "table": "input", "address": 10, "type": "s64", "byte-order": "swapped"},
    {"name": "f32", "table": "input", "address": 14, "type": "f32"},
    {"name": "f64", "table": "input", "address": 16, "type": "f64"},
    {"name": "bool", "table": "input", "address": 20, "type": "bool"},
    {"name": "bit", "table": "input", "address": 21, "bit": 3},
    {"name": "bits", "table": "input", "address": 21, "bits": [4, 7]},
    {"name": "text", "table": "input", "address": 22, "type": "text", "length": 3},
    {"name": "set-point", "address": 100}
]}"#;

fn fill(bench: &mut Bench) {
    bench.unit.bits.insert((Table::Coil, 0), true);
    bench.unit.bits.insert((Table::Discrete, 7), true);
    let content = [
        7,
        0xFFF6,
        0x0001,
        0x0002,
        0xFFFE,
        0xFFFF,
        0,
        0,
        1,
        0,
        0xFFFF,
        0xFFFF,
        0xFFFF,
        0xFEFF,
        0x41C8,
        0,
        0x3FF8,
        0,
        0,
        0,
        5,
        0b1010_1000,
        0x534F,
        0x494C,
        0,
    ];
    bench.unit.set(Table::Input, 0, &content);
    bench.unit.set(Table::Holding, 100, &[42]);
}

#[test]
fn every_table_and_type_is_read_with_one_request_a_table() {
    for mode in [Mode::Tcp, Mode::Rtu] {
        let mut bench = Bench::up(mode, POINTS);
        fill(&mut bench);
        assert_eq!(bench.serve(), 4);
        let mut functions = bench.unit.functions.clone();
        functions.sort_unstable();
        assert_eq!(functions, [1, 2, 3, 4]);
        for (point, value) in [
            ("valve", ValueBuf::Boolean(true)),
            ("door", ValueBuf::Boolean(true)),
            ("u16", ValueBuf::Integer(7)),
            ("s16", ValueBuf::Float(-1.0)),
            ("u32", ValueBuf::Integer(65538)),
            ("s32", ValueBuf::Integer(-2)),
            ("u64", ValueBuf::Integer(65536)),
            ("s64", ValueBuf::Integer(-2)),
            ("f32", ValueBuf::Float(25.0)),
            ("f64", ValueBuf::Float(1.5)),
            ("bool", ValueBuf::Boolean(true)),
            ("bit", ValueBuf::Boolean(true)),
            ("bits", ValueBuf::Integer(10)),
            ("text", ValueBuf::Text("SOIL".to_owned())),
            ("set-point", ValueBuf::Integer(42)),
            ("status", ValueBuf::Text("ok".to_owned())),
        ] {
            assert_eq!(bench.last(point), Some(value), "{point}");
        }
    }
}

#[test]
fn requests_are_polls_of_the_configured_unit_with_its_own_transactions() {
    let mut bench = Bench::up(
        Mode::Tcp,
        r#"{"unit": 9, "timeout": "300 ms", "points": [
        {"name": "a", "address": 0}, {"name": "b", "address": 500}]}"#,
    );
    let submitted = bench.kernel.take_submitted();
    assert_eq!(submitted.len(), 2);
    let mut transactions = Vec::new();
    for exchange in &submitted {
        assert_eq!(exchange.request.priority, Priority::Poll);
        assert_eq!(exchange.request.timeout, Duration::from_millis(300));
        let frame = Frame::parse(Mode::Tcp, Direction::Request, &exchange.request.bytes).unwrap();
        assert_eq!(frame.unit, 9);
        transactions.push(frame.transaction);
    }
    assert_eq!(transactions[1], transactions[0].wrapping_add(1));
}

#[test]
fn a_poll_that_waited_for_its_turn_still_has_its_whole_time_out() {
    let mut bench = Bench::up(
        Mode::Tcp,
        r#"{"timeout": "15 s", "points": [{"name": "a", "address": 0}]}"#,
    );
    let request = bench.kernel.take_submitted().remove(0).request;
    assert_eq!(request.deadline, Duration::from_secs(25));
}

#[test]
fn groups_have_periods_of_their_own() {
    let mut bench = Bench::up(
        Mode::Tcp,
        r#"{"period": "2 s",
        "groups": {"slow": {"period": "1 min", "jitter": "1 s"}},
        "points": [
            {"name": "a", "address": 0},
            {"name": "b", "address": 1, "group": "slow"},
            {"name": "c", "address": 2, "period": "100 ms"},
            {"name": "d", "address": 3, "access": "write"}]}"#,
    );
    let timers: Vec<(String, Option<u64>)> = bench
        .kernel
        .timers()
        .into_iter()
        .map(|(name, timer)| (name, timer.period))
        .collect();
    assert_eq!(
        timers,
        [
            ("default".to_owned(), Some(2_000_000_000)),
            ("every 100 ms".to_owned(), Some(100_000_000)),
            ("slow".to_owned(), Some(60_000_000_000)),
        ]
    );
    assert_eq!(bench.serve(), 3);
    bench.kernel.tick("slow", 1).unwrap();
    assert_eq!(bench.serve(), 1);
}

#[test]
fn a_poll_whose_predecessor_is_under_way_is_skipped_and_counted() {
    let mut bench = Bench::up(Mode::Tcp, r#"{"points": [{"name": "a", "address": 0}]}"#);
    bench.kernel.tick("default", 1).unwrap();
    bench.kernel.tick("default", 1).unwrap();
    assert_eq!(bench.serve(), 1);
    let stats = bench.call("stats", "{}").unwrap();
    assert_eq!(stats["counters"]["skipped-polls"], 2);
    assert_eq!(bench.poll(), 1);
}

#[test]
fn the_connection_never_holds_more_than_a_window_of_polls() {
    let points: Vec<String> = (0..20)
        .map(|n| format!(r#"{{"name": "p{n}", "address": {}}}"#, n * 10))
        .collect();
    let mut bench = Bench::up(
        Mode::Tcp,
        &format!(r#"{{"points": [{}]}}"#, points.join(",")),
    );
    assert_eq!(bench.kernel.submitted().len(), 4);
    assert_eq!(bench.serve(), 20);
    let mut bench = Bench::up(
        Mode::Tcp,
        &format!(r#"{{"max-gap": 9, "points": [{}]}}"#, points.join(",")),
    );
    assert_eq!(bench.serve(), 2, "191 registers need two requests");
    let mut bench = Bench::up(
        Mode::Tcp,
        &format!(
            r#"{{"max-gap": 9, "max-registers": 50, "holes": [{{"table": "holding", "address": 95}}],
            "points": [{}]}}"#,
            points.join(",")
        ),
    );
    assert_eq!(bench.serve(), 4);
}

#[test]
fn topics_and_times_are_those_of_the_reply() {
    let mut bench = Bench::up(
        Mode::Tcp,
        r#"{"topic-prefix": "greenhouse/bed-1", "points": [
        {"name": "moisture", "address": 0},
        {"name": "temperature", "address": 1, "topic": "weather/air"}]}"#,
    );
    bench.serve();
    let now = bench.kernel.now();
    let samples = bench.kernel.take_published();
    let topics: Vec<&str> = samples.iter().map(|sample| sample.topic.as_str()).collect();
    assert_eq!(
        topics,
        [
            "greenhouse/bed-1/moisture",
            "weather/air",
            "plugin/d/status"
        ]
    );
    assert!(
        samples
            .iter()
            .all(|sample| sample.time == now && sample.quality == Quality::Good)
    );
}

#[test]
fn on_change_and_dead_bands_keep_quiet() {
    let mut bench = Bench::up(
        Mode::Tcp,
        r#"{"points": [
        {"name": "always", "address": 0},
        {"name": "change", "address": 0, "on-change": true},
        {"name": "band", "address": 0, "scale": 0.1, "dead-band": 0.5}]}"#,
    );
    let mut seen = Vec::new();
    for content in [100, 100, 104, 106, 106] {
        bench.unit.set(Table::Holding, 0, &[content]);
        if bench.serve() == 0 {
            bench.poll();
        }
        let names: Vec<String> = bench
            .kernel
            .take_published()
            .into_iter()
            .filter(|sample| sample.topic != "plugin/d/status")
            .map(|sample| sample.topic.replace("plugin/d/", ""))
            .collect();
        seen.push(names.join(" "));
    }
    assert_eq!(
        seen,
        [
            "always change band",
            "always",
            "always change",
            "always change band",
            "always"
        ]
    );
}

#[test]
fn after_the_longest_silence_a_point_is_published_though_it_has_not_changed() {
    let mut bench = Bench::up(
        Mode::Tcp,
        r#"{"on-change": true, "max-silence": "10 s", "period": "4 s", "points": [
        {"name": "steady", "address": 0},
        {"name": "short", "address": 0, "dead-band": 5, "max-silence": "4 s"},
        {"name": "lost", "address": 5, "group": "apart"},
        {"name": "quiet", "address": 5, "on-change": true, "group": "apart", "max-silence": "1 h"}],
        "groups": {"apart": {"period": "4 s"}}}"#,
    );
    bench.unit.missing.insert((Table::Holding, 5));
    bench.serve();
    bench.kernel.take_published();
    let mut seen = Vec::new();
    for round in 1..=6 {
        bench.kernel.advance(Duration::from_secs(4)).unwrap();
        // A change within the dead band is told with the silence's sample.
        bench.unit.set(Table::Holding, 0, &[u16::from(round == 5)]);
        bench.serve();
        let names: Vec<String> = bench
            .kernel
            .take_published()
            .into_iter()
            .map(|sample| sample.topic.replace("plugin/d/", ""))
            .collect();
        seen.push(names.join(" "));
    }
    assert_eq!(
        seen,
        [
            "short",
            "short",
            "lost steady short",
            "short",
            "steady short",
            "lost steady short",
        ]
    );
}

#[test]
fn what_is_no_number_is_published_as_bad_once() {
    let mut bench = Bench::up(
        Mode::Tcp,
        r#"{"points": [{"name": "t", "address": 0, "type": "f32"}]}"#,
    );
    bench.unit.set(Table::Holding, 0, &[0x7FC0, 0]);
    bench.serve();
    bench.poll();
    let samples = bench.samples("plugin/d/t");
    assert_eq!(samples.len(), 1);
    assert_eq!(
        (samples[0].quality, &samples[0].value),
        (Quality::Bad, &ValueBuf::None)
    );
    bench.unit.set(Table::Holding, 0, &[0x41C8, 0]);
    bench.poll();
    assert_eq!(bench.last("t"), Some(ValueBuf::Float(25.0)));
    let points = bench.call("points", "{}").unwrap();
    assert_eq!(
        (&points[0]["value"], &points[0]["quality"]),
        (&25.0.into(), &"good".into())
    );
}
