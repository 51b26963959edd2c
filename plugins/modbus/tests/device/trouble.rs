//! What happens when the unit, the line or the link fails.

use crate::bench::Bench;
use weihe_modbus::{Mode, Table};
use weihe_sdk::prelude::*;

const TWO: &str = r#"{"retries": 1, "timeout": "200 ms", "points": [
    {"name": "a", "address": 0}, {"name": "b", "address": 100}]}"#;

#[test]
fn a_silent_unit_goes_bad_once_and_costs_one_time_out_a_period() {
    let mut bench = Bench::up(Mode::Tcp, TWO);
    bench.serve();
    bench.kernel.take_published();
    bench.kernel.tick("default", 1).unwrap();
    bench.silence();
    let samples = bench.kernel.take_published();
    let bad: Vec<&str> = samples
        .iter()
        .filter(|sample| sample.quality == Quality::Bad && sample.value == ValueBuf::None)
        .map(|sample| sample.topic.as_str())
        .collect();
    assert_eq!(bad, ["plugin/d/a", "plugin/d/b"]);
    assert!(
        samples
            .iter()
            .any(|sample| sample.topic == "plugin/d/status"
                && sample.value
                    == ValueBuf::Text(
                        "holding 0: no reply from unit 1 within 200 ms (and 1 more)".into()
                    )),
        "{samples:?}"
    );
    for _ in 0..3 {
        bench.kernel.tick("default", 1).unwrap();
        assert_eq!(bench.silence(), 1);
    }
    assert!(bench.kernel.take_published().is_empty(), "told once");
    bench.poll();
    assert_eq!(bench.status(), "ok");
    assert_eq!(bench.last("b"), Some(ValueBuf::Integer(0)));
}

#[test]
fn one_lost_reply_is_repeated_and_nobody_notices() {
    let mut bench = Bench::up(Mode::Rtu, r#"{"points": [{"name": "a", "address": 0}]}"#);
    for failure in [
        Failure::Timeout(vec![1, 3]),
        Failure::Framing("too long".to_owned()),
    ] {
        let lost = bench.kernel.take_submitted();
        bench.kernel.reply(lost[0].ticket, Err(failure)).unwrap();
        assert_eq!(bench.serve(), 1);
        assert_eq!(bench.status(), "ok");
        bench.kernel.tick("default", 1).unwrap();
    }
    // A reply with a wrong CRC is handed over by the codec, and repeated at once.
    let lost = bench.kernel.take_submitted();
    let mut corrupt = bench.answer(&lost[0]);
    corrupt[3] ^= 1;
    bench.kernel.reply(lost[0].ticket, Ok(&corrupt)).unwrap();
    assert_eq!(bench.serve(), 1);
    let counters = &bench.call("stats", "{}").unwrap()["counters"];
    assert_eq!(
        (
            &counters["retries"],
            &counters["wrong-replies"],
            &counters["timeouts"]
        ),
        (&3.into(), &2.into(), &1.into())
    );
    assert!(
        bench
            .kernel
            .published()
            .iter()
            .all(|sample| sample.quality == Quality::Good)
    );
}

#[test]
fn on_a_serial_line_the_same_request_follows_a_time_out_before_any_other() {
    let mut bench = Bench::up(Mode::Rtu, TWO);
    for lost in [true, false, true, false] {
        let submitted = bench.kernel.take_submitted();
        assert_eq!(submitted.len(), 1, "one poll at a time");
        let outcome = match lost {
            true => Err(Failure::Timeout(Vec::new())),
            false => Ok(bench.answer(&submitted[0])),
        };
        let again = submitted[0].request.bytes.clone();
        let ticket = submitted[0].ticket;
        bench
            .kernel
            .reply(ticket, outcome.as_deref().map_err(Clone::clone))
            .unwrap();
        if lost {
            assert_eq!(bench.kernel.submitted()[0].request.bytes, again);
        }
    }
    assert_eq!(bench.serve(), 0);
    assert_eq!(bench.status(), "ok");
}

#[test]
fn a_serial_line_is_held_after_a_time_out_and_a_tcp_connection_is_not() {
    for (mode, settle, held) in [
        (Mode::Tcp, "", 0),
        (Mode::Rtu, "", 200),
        (Mode::Rtu, r#""settle": "50 ms","#, 50),
        (Mode::Rtu, r#""settle": 0,"#, 0),
        (Mode::Tcp, r#""settle": "50 ms","#, 50),
    ] {
        let config = TWO.replacen('{', &format!("{{{settle}"), 1);
        let mut bench = Bench::up(mode, &config);
        bench
            .kernel
            .call("write", r#"{"point": "a", "value": 1}"#)
            .unwrap();
        for submitted in bench.kernel.take_submitted() {
            assert_eq!(
                submitted.request.turnaround,
                Duration::from_millis(held),
                "{mode} {settle}"
            );
        }
    }
}

#[test]
fn an_exception_makes_only_its_points_bad_and_is_not_repeated() {
    let mut bench = Bench::up(Mode::Tcp, TWO);
    bench.unit.missing.insert((Table::Holding, 100));
    assert_eq!(bench.serve(), 2);
    assert_eq!(bench.last("a"), Some(ValueBuf::Integer(0)));
    assert_eq!(bench.last("b"), Some(ValueBuf::None));
    assert_eq!(
        bench.status(),
        "holding 100: function 3 (Read Holding Registers) is refused with exception 2 (illegal data address)"
    );
    bench.unit.missing.clear();
    bench.poll();
    assert_eq!(
        (bench.last("b"), bench.status().as_str()),
        (Some(ValueBuf::Integer(0)), "ok")
    );
}

#[test]
fn a_busy_unit_is_asked_again() {
    let mut bench = Bench::up(Mode::Tcp, r#"{"points": [{"name": "a", "address": 0}]}"#);
    let exchange = bench.kernel.take_submitted().remove(0);
    let mut busy = exchange.request.bytes[..6].to_vec();
    busy[5] = 3;
    busy.extend([1, 0x83, 6]);
    bench.kernel.reply(exchange.ticket, Ok(&busy)).unwrap();
    assert_eq!(bench.serve(), 1);
    assert_eq!(bench.status(), "ok");
}

#[test]
fn a_unit_behind_a_gateway_that_says_it_is_silent_costs_one_request_a_period() {
    let points: Vec<String> = (0..20)
        .map(|n| format!(r#"{{"name": "p{n}", "address": {}}}"#, n * 10))
        .collect();
    let points = points.join(",");
    for code in [10, 11] {
        let mut bench = Bench::up(
            Mode::Tcp,
            &format!(r#"{{"retries": 1, "points": [{points}]}}"#),
        );
        assert_eq!(bench.serve(), 20);
        bench.kernel.take_published();
        bench.kernel.tick("default", 1).unwrap();
        assert!(
            bench.refuse(code) <= 8,
            "those at the gateway, each repeated at most once"
        );
        let bad = bench.kernel.take_published();
        let bad = bad.iter().filter(|sample| sample.quality == Quality::Bad);
        assert_eq!(bad.count(), 20, "exception {code}");
        for _ in 0..3 {
            bench.kernel.tick("default", 1).unwrap();
            assert_eq!(bench.refuse(code), 1, "exception {code}");
        }
        assert_eq!(bench.poll(), 20, "it answers again");
        assert_eq!(bench.status(), "ok");
    }
}

#[test]
fn a_unit_that_is_busy_is_not_taken_for_dead() {
    let mut bench = Bench::up(Mode::Tcp, TWO);
    assert_eq!(bench.refuse(6), 4, "each of the two is repeated");
    bench.kernel.tick("default", 1).unwrap();
    assert_eq!(bench.refuse(6), 4);
}

#[test]
fn a_link_that_is_down_makes_all_points_bad_once_and_polls_resume_when_it_is_up() {
    let mut bench = Bench::up(Mode::Tcp, TWO);
    bench.serve();
    bench.kernel.tick("default", 1).unwrap();
    let flying = bench.kernel.take_submitted();
    bench.kernel.take_published();
    bench
        .kernel
        .link("line", LinkState::Down, "connection reset")
        .unwrap();
    bench
        .kernel
        .link("line", LinkState::Connecting, "")
        .unwrap();
    bench
        .kernel
        .link("line", LinkState::Down, "connection refused")
        .unwrap();
    bench
        .kernel
        .reply(flying[0].ticket, Err(Failure::LinkDown("gone".into())))
        .unwrap();
    bench.kernel.tick("default", 1).unwrap();
    assert!(
        bench.kernel.take_submitted().is_empty(),
        "nothing is polled while the link is down"
    );
    let bad = bench
        .kernel
        .published()
        .iter()
        .filter(|sample| sample.value == ValueBuf::None)
        .count();
    assert_eq!(bad, 2);
    assert_eq!(bench.status(), "link down: connection refused");
    bench.kernel.link("line", LinkState::Up, "").unwrap();
    assert_eq!(
        bench.kernel.submitted().len(),
        2,
        "at once, without waiting for the timer"
    );
    bench.serve();
    assert_eq!(bench.status(), "ok");
    assert_eq!(bench.last("a"), Some(ValueBuf::Integer(0)));
}

#[test]
fn a_link_that_never_came_up_is_told_too() {
    let mut bench = Bench::down(Mode::Tcp, TWO);
    bench
        .kernel
        .link("line", LinkState::Connecting, "")
        .unwrap();
    assert!(bench.kernel.published().is_empty());
    bench
        .kernel
        .link("line", LinkState::Down, "no route")
        .unwrap();
    assert_eq!(bench.last("a"), Some(ValueBuf::None));
    assert_eq!(bench.status(), "link down: no route");
    let error = bench.kernel.call("read", r#"{"point":"a"}"#).unwrap_err();
    assert_eq!(error, CallError::Unavailable("link down: no route".into()));
}

#[test]
fn failures_of_the_line_are_shown_and_not_repeated() {
    let mut bench = Bench::up(Mode::Tcp, r#"{"points": [{"name": "a", "address": 0}]}"#);
    assert_eq!(bench.fail(&Failure::Expired), 1);
    assert!(
        bench.status().contains("not free before the deadline"),
        "{}",
        bench.status()
    );
    assert_eq!(bench.last("a"), Some(ValueBuf::None));
}

#[test]
fn a_new_instance_ignores_replies_to_the_one_before() {
    let mut bench = Bench::up(Mode::Tcp, TWO);
    let before = bench.kernel.take_submitted();
    bench.kernel.restart(TWO).unwrap();
    bench.kernel.link("line", LinkState::Up, "").unwrap();
    for exchange in before {
        bench
            .kernel
            .reply(exchange.ticket, Err(Failure::Cancelled))
            .unwrap();
    }
    bench.serve();
    assert_eq!(bench.status(), "ok");
    assert!(
        bench
            .kernel
            .published()
            .iter()
            .all(|sample| sample.quality == Quality::Good)
    );
}
