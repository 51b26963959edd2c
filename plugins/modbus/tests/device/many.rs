//! More points than one handler call may publish.

use std::collections::BTreeMap;

use crate::bench::{Bench, refusal};
use weihe_modbus::{Mode, Table};
use weihe_sdk::prelude::*;
use weihe_sdk::testing::Published;

const POINTS: u16 = 10_000;

/// What one handler call may publish in a kernel with default limits.
const LIMIT: usize = 4_096;

/// A device with many registers that have been read, and their topics.
fn many() -> Bench {
    let points: Vec<String> = (0..POINTS)
        .map(|n| format!(r#"{{"name": "p{n}", "address": {n}}}"#))
        .collect();
    let mut bench = Bench::up(
        Mode::Tcp,
        &format!(r#"{{"retries": 1, "points": [{}]}}"#, points.join(",")),
    );
    bench
        .unit
        .set(Table::Holding, 0, &(0..POINTS).collect::<Vec<u16>>());
    assert_eq!(bench.serve(), 80);
    bench.kernel.take_published();
    bench
}

/// What is published now and with time, in handler calls that publish no more than they may.
fn rest(bench: &mut Bench) -> Vec<Published> {
    let mut all = bench.kernel.take_published();
    assert!(all.len() <= LIMIT, "{} in one handler call", all.len());
    loop {
        bench.kernel.advance(Duration::from_millis(1)).unwrap();
        let portion = bench.kernel.take_published();
        if portion.is_empty() {
            return all;
        }
        assert!(portion.len() <= LIMIT, "{} in one tick", portion.len());
        all.extend(portion);
    }
}

/// The last sample of each point.
fn newest(samples: &[Published]) -> BTreeMap<&str, &Published> {
    let points = samples
        .iter()
        .filter(|sample| !sample.topic.ends_with("status"));
    points
        .map(|sample| (sample.topic.as_str(), sample))
        .collect()
}

fn assert_all_bad(samples: &[Published]) {
    let newest = newest(samples);
    assert_eq!(newest.len(), usize::from(POINTS));
    assert!(
        newest
            .values()
            .all(|sample| sample.quality == Quality::Bad && sample.value == ValueBuf::None)
    );
    let points = samples
        .iter()
        .filter(|sample| !sample.topic.ends_with("status"));
    assert_eq!(points.count(), usize::from(POINTS), "each once");
}

#[test]
fn when_the_link_breaks_every_point_is_told_bad_once() {
    let mut bench = many();
    bench.kernel.link("line", LinkState::Down, "reset").unwrap();
    bench
        .kernel
        .link("line", LinkState::Connecting, "")
        .unwrap();
    assert_all_bad(&rest(&mut bench));
    assert_eq!(bench.call("points", "{}").unwrap()[9_999]["quality"], "bad");
}

#[test]
fn when_the_unit_falls_silent_every_point_is_told_bad_once() {
    let mut bench = many();
    bench.kernel.tick("default", 1).unwrap();
    let mut told = Vec::new();
    loop {
        let lost = bench.kernel.take_submitted();
        if lost.is_empty() {
            break;
        }
        for exchange in lost {
            let silence = Err(Failure::Timeout(Vec::new()));
            bench.kernel.reply(exchange.ticket, silence).unwrap();
            let portion = bench.kernel.take_published();
            assert!(portion.len() <= LIMIT, "{} in one call", portion.len());
            told.extend(portion);
        }
    }
    told.extend(rest(&mut bench));
    assert_all_bad(&told);
}

#[test]
fn points_that_recover_before_their_loss_was_told_end_with_their_value() {
    let mut bench = many();
    bench.kernel.link("line", LinkState::Down, "reset").unwrap();
    bench.kernel.link("line", LinkState::Up, "").unwrap();
    bench.serve();
    assert_eq!(bench.status(), "ok");
    let mut told = bench.kernel.take_published();
    told.extend(rest(&mut bench));
    let newest = newest(&told);
    assert_eq!(newest.len(), usize::from(POINTS));
    for n in 0..POINTS {
        let sample = newest[format!("plugin/d/p{n}").as_str()];
        assert_eq!(sample.value, ValueBuf::Integer(n.into()));
    }
}

#[test]
fn a_reply_with_more_values_than_one_call_may_publish_is_told_whole() {
    let mut points: Vec<String> = Vec::new();
    for n in 0..POINTS {
        let (address, bit) = (n / 16 % 100, n % 16);
        points.push(format!(
            r#"{{"name": "p{n}", "address": {address}, "bit": {bit}}}"#
        ));
    }
    let config = format!(r#"{{"points": [{}]}}"#, points.join(","));
    let mut bench = Bench::up(Mode::Tcp, &config);
    bench.unit.set(Table::Holding, 0, &[0xFFFF; 100]);
    assert_eq!(bench.serve(), 1);
    let told = rest(&mut bench);
    let newest = newest(&told);
    assert_eq!(newest.len(), usize::from(POINTS));
    assert!(
        newest
            .values()
            .all(|sample| sample.value == ValueBuf::Boolean(true))
    );
}

#[test]
fn the_timer_that_tells_the_rest_is_not_taken_for_a_group() {
    let error = refusal(r#"{"groups": {"tell-the-rest": {"period": "1 s"}}}"#);
    assert!(error.contains("`tell-the-rest`"), "{error}");
}
