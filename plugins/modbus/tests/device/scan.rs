//! Which units are on the line.

use std::collections::BTreeMap;

use crate::bench::Bench;
use serde_json::{Value, json};
use weihe_modbus::{Direction, Frame, Mode, Object, wrap};
use weihe_sdk::prelude::*;
use weihe_sdk::testing::Submitted;

/// How the units of a line answer.
#[derive(Clone, Copy)]
enum Manner {
    /// Reads and 43/14.
    Full,
    /// Reads, and exception 1 to 43/14.
    Old,
    /// Exception 2 to the read, and silence to 43/14.
    Shy,
    /// Bytes that are no frame.
    Garbled,
}

/// A line whose device has unit 1 and no points.
struct Street {
    bench: Bench,
    mode: Mode,
    units: BTreeMap<u8, Manner>,
    /// Each request: unit and function.
    asked: Vec<(u8, u8)>,
}

impl Street {
    fn new(mode: Mode, units: &[(u8, Manner)]) -> Street {
        let mut bench = Bench::up(mode, r#"{"points": []}"#);
        bench.unit.objects = vec![
            Object::new(0, "Weihe"),
            Object::new(1, "SOIL-1"),
            Object::new(2, "V2"),
        ];
        Street {
            bench,
            mode,
            units: units.iter().copied().collect(),
            asked: Vec::new(),
        }
    }

    /// What becomes of one exchange.
    fn outcome(&mut self, exchange: &Submitted) -> Result<Vec<u8>, Failure> {
        let frame = Frame::parse(self.mode, Direction::Request, &exchange.request.bytes).unwrap();
        let (unit, function) = (frame.unit, frame.pdu[0]);
        self.asked.push((unit, function));
        let say = |pdu: &[u8]| Ok(wrap(self.mode, frame.transaction, unit, pdu));
        let silence = Err(Failure::Timeout(Vec::new()));
        match (self.units.get(&unit), function) {
            (None, _) => silence,
            (Some(Manner::Garbled), _) => Ok(vec![unit, 3, 2, 0, 0, 0, 0]),
            (Some(Manner::Shy), 43) => silence,
            (Some(Manner::Shy), _) => say(&[function | 0x80, 2]),
            (Some(Manner::Old), 43) => say(&[43 | 0x80, 1]),
            _ => Ok(self.bench.reply_to(&exchange.request.bytes)),
        }
    }

    /// Answers one request after the other, as far as there are any, or up to so many.
    fn serve(&mut self, most: usize) {
        for _ in 0..most {
            let mut submitted = self.bench.kernel.take_submitted();
            let Some(exchange) = submitted.pop() else {
                return;
            };
            assert!(submitted.is_empty(), "one at a time");
            assert_eq!(exchange.request.priority, Priority::Poll);
            let outcome = self.outcome(&exchange);
            let outcome = outcome.as_deref().map_err(Clone::clone);
            self.bench.kernel.reply(exchange.ticket, outcome).unwrap();
        }
    }

    fn begin(&mut self, arguments: &str) {
        assert_eq!(self.bench.kernel.call("scan", arguments).unwrap(), None);
    }

    fn answer(&mut self) -> Value {
        self.bench.last_answer().unwrap()
    }
}

#[test]
fn units_are_found_one_by_one_with_what_they_say_they_are() {
    for mode in [Mode::Tcp, Mode::Rtu] {
        let units = [(2, Manner::Full), (4, Manner::Old), (7, Manner::Shy)];
        let mut street = Street::new(mode, &units);
        street.begin(r#"{"from": 2, "to": 8}"#);
        street.serve(usize::MAX);
        let who = json!({"vendor-name": "Weihe", "product-code": "SOIL-1", "revision": "V2"});
        let refused = "function 43 (Encapsulated Interface Transport) is refused with exception 1 \
                       (illegal function)";
        assert_eq!(
            street.answer(),
            json!({"from": 2, "to": 8, "complete": true, "found": [
                {"unit": 2, "reply": "read", "identification": who},
                {"unit": 4, "reply": "read", "identification": null, "reason": refused},
                {"unit": 7, "reply": "exception 2 (illegal data address)", "identification": null,
                    "reason": "no reply to function 43"},
            ]})
        );
        assert_eq!(
            street.asked,
            [
                (2, 3),
                (2, 43),
                (3, 3),
                (4, 3),
                (4, 43),
                (5, 3),
                (6, 3),
                (7, 3),
                (7, 43),
                (8, 3)
            ]
        );
        let timers = street.bench.kernel.timers();
        assert!(timers.is_empty(), "nothing is left behind: {timers:?}");
        let log: Vec<String> = street
            .bench
            .kernel
            .logs()
            .into_iter()
            .map(|log| log.message)
            .collect();
        assert!(
            log.iter().any(|line| line.contains("unit 4 is there")),
            "{log:?}"
        );
    }
}

#[test]
fn a_gateway_that_says_nobody_is_there_is_not_taken_for_a_unit() {
    let mut bench = Bench::up(Mode::Tcp, r#"{"points": []}"#);
    bench
        .kernel
        .call("scan", r#"{"from": 3, "to": 4}"#)
        .unwrap();
    bench.refuse(11);
    assert_eq!(bench.last_answer().unwrap()["found"], json!([]));
}

#[test]
fn a_reply_that_cannot_be_read_is_shown_since_two_units_may_have_one_address() {
    let mut street = Street::new(Mode::Rtu, &[(3, Manner::Garbled)]);
    street.begin(r#"{"from": 3, "to": 3}"#);
    street.serve(usize::MAX);
    let answer = street.answer();
    let reply = answer["found"][0]["reply"].as_str().unwrap();
    assert!(reply.contains("CRC"), "{answer}");
    assert_eq!(street.asked, [(3, 3)]);
}

#[test]
fn each_unit_gets_little_time_but_the_devices_own_gets_what_its_polls_get() {
    let mut bench = Bench::up(
        Mode::Rtu,
        r#"{"unit": 2, "timeout": "700 ms", "points": []}"#,
    );
    bench
        .kernel
        .call("scan", r#"{"from": 1, "to": 2, "timeout": "50 ms"}"#)
        .unwrap();
    let mut waits = Vec::new();
    while let Some(exchange) = bench.kernel.take_submitted().pop() {
        waits.push((exchange.request.timeout, exchange.request.turnaround));
        let silence = Err(Failure::Timeout(Vec::new()));
        bench.kernel.reply(exchange.ticket, silence).unwrap();
    }
    let ms = Duration::from_millis;
    assert_eq!(waits, [(ms(50), ms(50)), (ms(700), ms(700))]);
    assert_eq!(
        bench.call("stats", "{}").unwrap()["counters"]["timeouts"],
        0
    );
    // Over TCP a gateway needs the whole time-out to find that nobody is there.
    let mut bench = Bench::up(
        Mode::Tcp,
        r#"{"unit": 9, "timeout": "700 ms", "points": []}"#,
    );
    bench.kernel.call("scan", "{}").unwrap();
    let first = bench.kernel.take_submitted().remove(0).request;
    assert_eq!((first.timeout, first.turnaround), (ms(700), Duration::ZERO));
}

#[test]
fn what_is_found_in_the_time_of_the_call_is_answered_with_where_to_go_on() {
    let mut street = Street::new(Mode::Rtu, &[(2, Manner::Full)]);
    street.begin("{}");
    street.serve(5);
    assert_eq!(street.bench.call("stats", "{}").unwrap()["scan"]["unit"], 5);
    street
        .bench
        .kernel
        .advance(Duration::from_secs(10))
        .unwrap();
    let answer = street.answer();
    assert_eq!(
        (&answer["complete"], &answer["next"]),
        (&json!(false), &json!(5))
    );
    assert_eq!(answer["found"][0]["unit"], 2);
    assert!(
        answer["reason"].as_str().unwrap().contains("`next`"),
        "{answer}"
    );
    assert_eq!(
        street.bench.call("stats", "{}").unwrap()["scan"],
        Value::Null
    );
    // A reply that was under way changes nothing.
    street.serve(1);
    assert_eq!(street.bench.kernel.answers().len(), 1);
    street.begin(r#"{"from": 5, "to": 5}"#);
    street.serve(usize::MAX);
    assert_eq!(street.answer()["complete"], true);
}

#[test]
fn there_is_one_scan_at_a_time_and_it_can_be_stopped() {
    let mut street = Street::new(Mode::Rtu, &[(1, Manner::Old)]);
    street.begin("{}");
    street.serve(4);
    let error = street.bench.kernel.call("scan", "{}").unwrap_err();
    assert!(
        matches!(&error, CallError::Unavailable(text) if text.contains("at unit 4 of 1 to 247")),
        "{error}"
    );
    let flying = street.bench.kernel.submitted()[0].ticket;
    let stopped = street.bench.call("stop-scan", "{}").unwrap();
    assert_eq!(stopped, json!({"stopped": true, "found": 1}));
    assert_eq!(street.bench.kernel.cancelled(), [flying]);
    let answer = street.answer();
    assert_eq!(
        (&answer["next"], &answer["found"][0]["unit"]),
        (&json!(4), &json!(1))
    );
    let stopped = street.bench.call("stop-scan", "{}").unwrap();
    assert_eq!(stopped, json!({"stopped": false, "found": null}));
}

#[test]
fn a_scan_ends_with_the_link_and_polls_and_commands_go_on_beside_it() {
    let points = r#"{"points": [{"name": "a", "address": 7}]}"#;
    let mut bench = Bench::up(Mode::Rtu, points);
    bench.serve();
    bench.kernel.call("scan", r#"{"from": 5}"#).unwrap();
    let scan = bench.kernel.take_submitted().remove(0);
    bench
        .unit
        .registers
        .insert((weihe_modbus::Table::Holding, 7), 33);
    bench.poll();
    assert_eq!(bench.last("a"), Some(ValueBuf::Integer(33)));
    bench.call("write", r#"{"point":"a","value":4}"#).unwrap();
    let broken = Err(Failure::LinkDown("reset".into()));
    bench.kernel.reply(scan.ticket, broken).unwrap();
    let answer = bench.last_answer().unwrap();
    assert_eq!(answer["complete"], false);
    assert!(
        answer["reason"].as_str().unwrap().contains("reset"),
        "{answer}"
    );
    bench.kernel.link("line", LinkState::Down, "reset").unwrap();
    let error = bench.kernel.call("scan", "{}").unwrap_err();
    assert!(matches!(error, CallError::Unavailable(_)), "{error}");
}

#[test]
fn the_log_tells_how_far_a_long_scan_is() {
    let mut street = Street::new(Mode::Rtu, &[(20, Manner::Old)]);
    street.begin(r#"{"from": 1, "to": 60, "timeout": 0.02}"#);
    street.serve(usize::MAX);
    assert_eq!(street.answer()["complete"], true);
    let logs = street.bench.kernel.logs();
    let told: Vec<&str> = logs
        .iter()
        .map(|log| log.message.as_str())
        .filter(|line| line.contains("units asked"))
        .collect();
    assert_eq!(
        told,
        [
            "scan: 16 of 60 units asked, 0 found",
            "scan: 32 of 60 units asked, 1 found",
            "scan: 48 of 60 units asked, 1 found"
        ]
    );
}

#[test]
fn wrong_arguments_are_named_and_the_plugins_timer_is_no_group() {
    let mut street = Street::new(Mode::Rtu, &[]);
    for (arguments, words) in [
        (r#"{"from": 0}"#, "units from 1 to 247"),
        (r#"{"to": 248}"#, "units from 1 to 247"),
        (r#"{"from": 9, "to": 8}"#, "the lowest first"),
        (r#"{"timeout": "1 ms"}"#, "at least 20 ms"),
        (r#"{"table": "coils"}"#, "coils"),
        (r#"{"first": 1}"#, "first"),
    ] {
        let error = street.bench.kernel.call("scan", arguments).unwrap_err();
        assert!(error.text().contains(words), "{arguments}: {error}");
    }
    let error = crate::bench::refusal(r#"{"groups": {"scan-is-over": {"period": "1 s"}}}"#);
    assert!(error.contains("`scan-is-over`"), "{error}");
}
