#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const CONFIG: &str = r#"{ "counter": "meter/pulses", "pulses-per-litre": 10, "wraps-at": 65536 }"#;

fn start(setup: Setup<Totaliser>) -> TestKernel<Totaliser> {
    setup.device("water").start(CONFIG).unwrap()
}

fn read(kernel: &mut TestKernel<Totaliser>, counter: i64) -> f64 {
    kernel.event("meter/pulses", counter).unwrap();
    litres(kernel)
}

fn litres(kernel: &TestKernel<Totaliser>) -> f64 {
    let litres = kernel.last("plugin/water/litres").unwrap();
    litres.as_value().as_f64().unwrap()
}

#[weihe_sdk::test(sandbox)]
fn pulses_become_litres(setup: Setup<Totaliser>) {
    let mut kernel = start(setup);
    assert_eq!(litres(&kernel), 0.0, "it is said at the start");
    assert_eq!(read(&mut kernel, 400), 0.0, "what was before is not known");
    assert_eq!(read(&mut kernel, 423), 2.3);
    assert_eq!(read(&mut kernel, 423), 2.3);
}

#[weihe_sdk::test(sandbox)]
fn a_counter_that_goes_over_its_end_loses_nothing(setup: Setup<Totaliser>) {
    let mut kernel = start(setup);
    read(&mut kernel, 65_530);
    assert_eq!(read(&mut kernel, 4), 1.0);
}

#[weihe_sdk::test(sandbox)]
fn a_counter_that_lost_its_power_begins_anew_and_the_litres_do_not(setup: Setup<Totaliser>) {
    let mut kernel = start(setup);
    read(&mut kernel, 1_000);
    read(&mut kernel, 1_100);
    assert_eq!(read(&mut kernel, 20), 12.0);
    let logs = kernel.logs();
    assert!(logs[0].message.contains("from 1100 to 20"), "{logs:?}");
}

#[weihe_sdk::test(sandbox)]
fn pulses_during_a_restart_are_counted_and_the_same_reading_twice_is_not(setup: Setup<Totaliser>) {
    let mut kernel = start(setup);
    read(&mut kernel, 100);
    read(&mut kernel, 150);
    kernel.restart(CONFIG).unwrap();
    assert_eq!(litres(&kernel), 5.0);
    assert_eq!(read(&mut kernel, 150), 5.0, "the last value, told again");
    assert_eq!(read(&mut kernel, 180), 8.0);
}

#[test]
fn state_of_the_version_before_is_taken_over() {
    let begin = |version, state: &str| {
        let setup = FakeKernel::<Totaliser>::setup("water").state(version, state);
        setup.start(CONFIG)
    };
    let mut kernel = begin(1, r#"{ "total": 70, "last": 40 }"#).unwrap();
    assert_eq!(litres(&kernel), 7.0);
    assert_eq!(read(&mut kernel, 50), 8.0);
    let mut kernel = begin(1, r#"{ "total": 70, "last": -1 }"#).unwrap();
    assert_eq!(read(&mut kernel, 50), 7.0);
    let error = begin(3, "{}").unwrap_err();
    assert!(error.text().contains("version 3"), "{error}");
}

#[weihe_sdk::test(sandbox)]
fn an_operator_resets_it_to_what_stands_on_the_meter(setup: Setup<Totaliser>) {
    let mut kernel = start(setup);
    read(&mut kernel, 0);
    read(&mut kernel, 25);
    let answer = kernel.call("reset", r#"{ "litres": 100.5 }"#).unwrap();
    assert_eq!(answer.unwrap(), r#"{"litres":2.5,"since":null}"#);
    assert_eq!(litres(&kernel), 100.5);
    assert_eq!(read(&mut kernel, 26), 100.6);
    let error = kernel.call("reset", r#"{ "litres": -1 }"#).unwrap_err();
    assert_eq!(error.text(), "reset: `litres`: -1 is no volume");
}

#[weihe_sdk::test(sandbox)]
fn readings_that_no_such_counter_gives_are_refused(setup: Setup<Totaliser>) {
    let mut kernel = start(setup);
    for wrong in [
        Value::Integer(-1),
        Value::Integer(65_536),
        Value::Float(1.0),
    ] {
        let error = kernel.event("meter/pulses", wrong).unwrap_err();
        assert!(error.text().contains("from 0 to 65535"), "{error}");
    }
}

#[weihe_sdk::test(sandbox)]
fn a_bad_reading_is_made_up_for_by_the_next(setup: Setup<Totaliser>) {
    let mut kernel = start(setup);
    read(&mut kernel, 10);
    let bad = Sample::new(0).quality(Quality::Bad);
    kernel.event("meter/pulses", bad).unwrap();
    assert_eq!(read(&mut kernel, 30), 2.0);
}
