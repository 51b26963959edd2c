#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const CONFIG: &str = r#"{
    "steps": [
        { "device": "valve", "on": { "point": "inlet", "value": true }, "off": { "point": "inlet", "value": false }, "pause": "3 s" },
        { "device": "pump", "on": { "point": "motor", "value": true }, "off": { "point": "motor", "value": false } }
    ],
    "interlocks": ["tank/level-ok"]
}"#;

/// The pump, with the calls that have been seen.
struct Bench {
    kernel: TestKernel<PumpSequence>,
    seen: usize,
}

impl Bench {
    /// One that stands, in a tank with water.
    fn new(setup: Setup<PumpSequence>) -> Self {
        let kernel = setup.device("feed").start(CONFIG).unwrap();
        let mut bench = Bench { kernel, seen: 0 };
        bench.agree("pump=false");
        bench.agree("valve=false");
        assert_eq!(bench.state(), "stopped");
        bench.level_ok(true);
        bench
    }

    fn running(setup: Setup<PumpSequence>) -> Self {
        let mut bench = Bench::new(setup);
        bench.kernel.call("start", "{}").unwrap();
        bench.agree("valve=true");
        bench.wait(3);
        bench.agree("pump=true");
        assert_eq!(bench.state(), "running");
        bench
    }

    /// The next call, which has to be there, is answered.
    fn answer(&mut self, expected: &str, answer: Result<&str, &str>) {
        let calls = self.kernel.calls();
        let call = calls
            .get(self.seen)
            .unwrap_or_else(|| panic!("no call of {expected}"));
        let value = &call.arguments["value"];
        assert_eq!(format!("{}={value}", call.device), expected);
        self.seen += 1;
        self.kernel.answer(call.id, answer).unwrap();
    }

    fn agree(&mut self, expected: &str) {
        self.answer(expected, Ok("null"));
    }

    fn level_ok(&mut self, ok: bool) {
        self.kernel.event("tank/level-ok", ok).unwrap();
    }

    fn wait(&mut self, seconds: u64) {
        self.kernel.advance(Duration::from_secs(seconds)).unwrap();
    }

    fn state(&self) -> String {
        let state = self.kernel.last("plugin/feed/state").unwrap();
        state.as_value().as_str().unwrap().to_owned()
    }

    fn fault(&self) -> String {
        let fault = self.kernel.last("plugin/feed/fault").unwrap();
        fault.as_value().as_str().unwrap().to_owned()
    }

    fn answered(&self) -> Result<String, CallError> {
        self.kernel.answers().pop().unwrap().1
    }
}

#[weihe_sdk::test(sandbox)]
fn it_starts_step_by_step_and_stops_backwards(setup: Setup<PumpSequence>) {
    let mut bench = Bench::new(setup);
    assert_eq!(bench.kernel.call("start", "{}"), Ok(None));
    bench.agree("valve=true");
    bench.wait(2);
    assert_eq!(
        bench.kernel.calls().len(),
        bench.seen,
        "the pump waits for the valve"
    );
    bench.wait(1);
    bench.agree("pump=true");
    assert_eq!(bench.answered().unwrap(), r#"{"state":"running"}"#);
    assert_eq!(bench.kernel.call("stop", "{}"), Ok(None));
    bench.agree("pump=false");
    bench.agree("valve=false");
    assert_eq!(bench.answered().unwrap(), r#"{"state":"stopped"}"#);
    assert_eq!(bench.state(), "stopped");
}

#[weihe_sdk::test(sandbox)]
fn a_step_that_fails_takes_all_back(setup: Setup<PumpSequence>) {
    let mut bench = Bench::new(setup);
    bench.kernel.call("start", "{}").unwrap();
    bench.agree("valve=true");
    bench.wait(3);
    bench.answer("pump=true", Err("no answer within 5 s"));
    bench.agree("pump=false");
    bench.agree("valve=false");
    assert_eq!(
        bench.answered().unwrap_err().text(),
        "`pump`: no answer within 5 s"
    );
    assert_eq!(
        (bench.state(), bench.fault()),
        ("stopped".into(), "`pump`: no answer within 5 s".into())
    );
}

#[weihe_sdk::test(sandbox)]
fn a_stop_overtakes_a_start_and_both_are_answered(setup: Setup<PumpSequence>) {
    let mut bench = Bench::new(setup);
    bench.kernel.call("start", "{}").unwrap();
    bench.seen += 1;
    assert_eq!(bench.kernel.call("stop", "{}"), Ok(None));
    assert_eq!(bench.answered().unwrap_err().text(), "it was stopped");
    let error = bench.kernel.call("start", "{}").unwrap_err();
    assert_eq!(error.text(), "it is stopping now");
    bench.agree("pump=false");
    bench.agree("valve=false");
    assert_eq!(bench.answered().unwrap(), r#"{"state":"stopped"}"#);
}

#[weihe_sdk::test(sandbox)]
fn an_interlock_that_drops_stops_it_at_once(setup: Setup<PumpSequence>) {
    let mut bench = Bench::running(setup);
    bench.level_ok(false);
    bench.agree("pump=false");
    bench.agree("valve=false");
    assert_eq!(bench.fault(), "interlock `tank/level-ok`: boolean false");
    let error = bench.kernel.call("start", "{}").unwrap_err();
    assert_eq!(error.text(), "interlock `tank/level-ok` does not hold");
    bench.level_ok(true);
    assert_eq!(bench.kernel.call("start", "{}"), Ok(None));
    assert_eq!(bench.fault(), "");
}

#[weihe_sdk::test(sandbox)]
fn an_interlock_of_which_nothing_is_known_does_not_hold(setup: Setup<PumpSequence>) {
    let mut bench = Bench::running(setup);
    let unknown = Sample::new(true).quality(Quality::Bad);
    bench.kernel.event("tank/level-ok", unknown).unwrap();
    bench.agree("pump=false");
}

#[weihe_sdk::test(sandbox)]
fn an_interlock_that_drops_during_the_start_overtakes_it(setup: Setup<PumpSequence>) {
    let mut bench = Bench::new(setup);
    bench.kernel.call("start", "{}").unwrap();
    let opening = bench.kernel.calls().pop().unwrap().id;
    bench.seen += 1;
    bench.level_ok(false);
    // The answer to the step that was given up comes late, and does not start the pump.
    bench.kernel.answer(opening, Ok("null")).unwrap();
    bench.agree("pump=false");
    bench.agree("valve=false");
    bench.wait(60);
    assert_eq!(bench.kernel.calls().len(), bench.seen);
}

#[weihe_sdk::test(sandbox)]
fn what_cannot_be_stopped_is_tried_again_and_the_rest_is_stopped(setup: Setup<PumpSequence>) {
    let mut bench = Bench::running(setup);
    bench.kernel.call("stop", "{}").unwrap();
    bench.answer("pump=false", Err("the link is down"));
    bench.agree("valve=false");
    assert_eq!(bench.state(), "stopping");
    assert!(
        bench
            .kernel
            .logs()
            .iter()
            .any(|log| log.message == "`pump` is not stopped: the link is down")
    );
    bench.wait(2);
    bench.agree("pump=false");
    bench.agree("valve=false");
    assert_eq!(bench.state(), "stopped");
    assert!(bench.answered().is_ok());
}

#[weihe_sdk::test(sandbox)]
fn a_new_instance_begins_with_all_off(setup: Setup<PumpSequence>) {
    let mut bench = Bench::running(setup);
    bench.kernel.restart(CONFIG).unwrap();
    assert_eq!(bench.state(), "stopping");
    bench.agree("pump=false");
    bench.agree("valve=false");
    assert_eq!(bench.state(), "stopped");
}

#[test]
fn wrong_configurations_name_their_key() {
    for (from, to, culprit) in [
        ("\"pause\": \"3 s\"", "\"timeout\": 0", "`steps[0].timeout`"),
        ("tank/level-ok", "tank/+", "`interlocks[0]`: \"tank/+\""),
        ("\"pause\"", "\"puase\"", "`steps[0].puase`"),
    ] {
        let error =
            FakeKernel::<PumpSequence>::start("feed", &CONFIG.replace(from, to)).unwrap_err();
        assert!(error.text().contains(culprit), "{error}");
    }
    let error = FakeKernel::<PumpSequence>::start("feed", r#"{ "steps": [] }"#).unwrap_err();
    assert_eq!(error.text(), "config: `steps` is empty");
}
