//! Whatever happens in whatever order: the device recovers, and every caller is answered once.

use std::collections::VecDeque;

use crate::bench::Bench;
use proptest::prelude::*;
use weihe_modbus::{Mode, Table};
use weihe_sdk::prelude::*;
use weihe_sdk::testing::Submitted;

const CONFIG: &str = r#"{"retries": 1, "max-registers": 4, "groups": {"fast": {"period": "100 ms"}},
    "points": [
        {"name": "a", "address": 0, "type": "u32"}, {"name": "b", "address": 2, "type": "f32"},
        {"name": "c", "address": 4, "type": "f64"}, {"name": "d", "address": 9, "bits": [3, 5]},
        {"name": "e", "table": "coil", "address": 0, "group": "fast"},
        {"name": "f", "table": "discrete", "address": 3, "group": "fast"},
        {"name": "g", "table": "input", "address": 77}]}"#;

const POINTS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];

#[derive(Debug, Clone)]
enum Step {
    Tick(bool),
    Reply,
    Lose(u8),
    Garble(Vec<u8>),
    Link(bool),
    Write(usize),
    Pass(u64),
    Missing(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<bool>().prop_map(Step::Tick),
        8 => Just(Step::Reply),
        3 => (0u8..6).prop_map(Step::Lose),
        2 => prop::collection::vec(any::<u8>(), 0..20).prop_map(Step::Garble),
        1 => any::<bool>().prop_map(Step::Link),
        3 => (0..POINTS.len()).prop_map(Step::Write),
        1 => (1u64..8000).prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::Missing),
    ]
}

fn failure(kind: u8) -> Failure {
    match kind {
        0 => Failure::Timeout(Vec::new()),
        1 => Failure::Timeout(vec![1, 2, 3]),
        2 => Failure::Expired,
        3 => Failure::LinkDown("reset".to_owned()),
        4 => Failure::QueueFull,
        _ => Failure::Framing("too long".to_owned()),
    }
}

struct Storm {
    bench: Bench,
    line: VecDeque<Submitted>,
    pending: usize,
}

impl Storm {
    fn take(&mut self) {
        self.line.extend(self.bench.kernel.take_submitted());
        let polls = |exchange: &&Submitted| exchange.request.priority == Priority::Poll;
        let commands = self.line.len() - self.line.iter().filter(polls).count();
        assert!(commands <= 1, "{commands} commands on the line");
    }

    fn finish(&mut self, outcome: impl FnOnce(&mut Bench, &Submitted) -> Result<Vec<u8>, Failure>) {
        if let Some(exchange) = self.line.pop_front() {
            let outcome = outcome(&mut self.bench, &exchange);
            let outcome = outcome.as_deref().map_err(Clone::clone);
            self.bench.kernel.reply(exchange.ticket, outcome).unwrap();
        }
    }

    fn go(&mut self, step: Step) {
        let kernel = &mut self.bench.kernel;
        match step {
            Step::Tick(fast) => {
                kernel
                    .tick(if fast { "fast" } else { "default" }, 1)
                    .unwrap();
            }
            Step::Reply => self.finish(|bench, exchange| Ok(bench.answer(exchange))),
            Step::Lose(kind) => self.finish(|_, _| Err(failure(kind))),
            Step::Garble(bytes) => self.finish(|_, _| Ok(bytes)),
            Step::Link(true) => kernel.link("line", LinkState::Up, "").unwrap(),
            Step::Link(false) => {
                kernel.link("line", LinkState::Down, "cut").unwrap();
                // The connection gives back what it holds.
                for exchange in std::mem::take(&mut self.line) {
                    let outcome = Err(Failure::LinkDown("cut".to_owned()));
                    self.bench.kernel.reply(exchange.ticket, outcome).unwrap();
                }
            }
            Step::Write(point) => {
                let arguments = format!(r#"{{"point": "{}", "value": 1}}"#, POINTS[point]);
                if matches!(kernel.call("write", &arguments), Ok(None)) {
                    self.pending += 1;
                }
            }
            Step::Pass(millis) => kernel.advance(Duration::from_millis(millis)).unwrap(),
            Step::Missing(gone) => {
                if gone {
                    self.bench.unit.missing.insert((Table::Holding, 2));
                } else {
                    self.bench.unit.missing.clear();
                }
            }
        }
        self.take();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_device_recovers_from_anything(
        rtu in any::<bool>(),
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let bench = Bench::up(if rtu { Mode::Rtu } else { Mode::Tcp }, CONFIG);
        let mut storm = Storm { bench, line: VecDeque::new(), pending: 0 };
        storm.take();
        for step in steps {
            storm.go(step);
        }
        // The sun comes out.
        storm.go(Step::Link(true));
        storm.go(Step::Missing(false));
        while !storm.line.is_empty() {
            storm.go(Step::Reply);
        }
        for fast in [true, false] {
            storm.go(Step::Tick(fast));
            while !storm.line.is_empty() {
                storm.go(Step::Reply);
            }
        }
        prop_assert_eq!(storm.bench.status(), "ok");
        for point in POINTS {
            prop_assert_ne!(storm.bench.last(point), Some(ValueBuf::None), "{}", point);
        }
        let mut answered: Vec<CallId> =
            storm.bench.kernel.answers().into_iter().map(|(call, _)| call).collect();
        prop_assert_eq!(answered.len(), storm.pending);
        answered.dedup();
        prop_assert_eq!(answered.len(), storm.pending);
    }
}
