#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const CONFIG: &str = r#"{ "inputs": ["p/a", "p/b", "p/c"], "tolerance": 0.2, "max-age": "10 s" }"#;

fn start(setup: Setup<Vote>) -> TestKernel<Vote> {
    setup.device("pressure").start(CONFIG).unwrap()
}

fn feed(kernel: &mut TestKernel<Vote>, values: [f64; 3]) {
    for (topic, value) in ["p/a", "p/b", "p/c"].into_iter().zip(values) {
        kernel.event(topic, value).unwrap();
    }
}

/// What was voted last.
fn result(kernel: &TestKernel<Vote>) -> (ValueBuf, Quality) {
    let published = kernel.published();
    let mut newest_first = published.into_iter().rev();
    let last = newest_first.find(|sample| sample.topic == "plugin/pressure/value");
    let last = last.unwrap();
    (last.value, last.quality)
}

fn alarm(kernel: &TestKernel<Vote>) -> String {
    let alarm = kernel.last("plugin/pressure/alarm").unwrap();
    alarm.as_value().as_str().unwrap().to_owned()
}

#[weihe_sdk::test(sandbox)]
fn three_that_agree_give_the_middle_one(setup: Setup<Vote>) {
    let mut kernel = start(setup);
    feed(&mut kernel, [5.1, 5.0, 5.2]);
    assert_eq!(result(&kernel), (ValueBuf::Float(5.1), Quality::Good));
    assert_eq!(alarm(&kernel), "");
}

#[weihe_sdk::test(sandbox)]
fn one_that_drifts_is_outvoted_and_named(setup: Setup<Vote>) {
    let mut kernel = start(setup);
    feed(&mut kernel, [5.0, 5.1, 9.5]);
    assert_eq!(result(&kernel), (ValueBuf::Float(5.1), Quality::Good));
    assert_eq!(alarm(&kernel), "`p/c` is off: 9.5");
    assert_eq!(
        kernel.last("plugin/pressure/spread"),
        Some(ValueBuf::Float(4.5))
    );
    feed(&mut kernel, [5.0, 5.1, 5.1]);
    assert_eq!(alarm(&kernel), "");
}

#[weihe_sdk::test(sandbox)]
fn two_are_enough_where_they_agree_but_not_certain(setup: Setup<Vote>) {
    let mut kernel = start(setup);
    feed(&mut kernel, [4.0, 5.0, 4.0]);
    kernel
        .event("p/b", Sample::new(Value::None).quality(Quality::Bad))
        .unwrap();
    assert_eq!(result(&kernel), (ValueBuf::Float(4.0), Quality::Uncertain));
    assert_eq!(alarm(&kernel), "`p/b` gives no good value");
    kernel.event("p/a", 7.0).unwrap();
    assert_eq!(result(&kernel), (ValueBuf::None, Quality::Bad));
    assert!(alarm(&kernel).contains("`p/a` agrees with no other: 7"));
}

#[weihe_sdk::test(sandbox)]
fn three_that_all_differ_decide_nothing(setup: Setup<Vote>) {
    let mut kernel = start(setup);
    feed(&mut kernel, [1.0, 5.0, 9.0]);
    assert_eq!(result(&kernel), (ValueBuf::None, Quality::Bad));
}

#[weihe_sdk::test(sandbox)]
fn a_sensor_that_fell_silent_does_not_vote(setup: Setup<Vote>) {
    let mut kernel = start(setup);
    feed(&mut kernel, [5.0, 5.0, 5.0]);
    for _ in 0..3 {
        kernel.advance(Duration::from_secs(6)).unwrap();
        kernel.event("p/a", 5.0).unwrap();
        kernel.event("p/b", 5.0).unwrap();
    }
    assert_eq!(result(&kernel), (ValueBuf::Float(5.0), Quality::Uncertain));
    assert_eq!(alarm(&kernel), "`p/c` gives no good value");
    kernel.advance(Duration::from_secs(20)).unwrap();
    assert_eq!(result(&kernel), (ValueBuf::None, Quality::Bad));
}

#[weihe_sdk::test(sandbox)]
fn what_is_no_number_is_refused_and_the_vote_goes_on(setup: Setup<Vote>) {
    let mut kernel = start(setup);
    feed(&mut kernel, [5.0, 5.0, 5.0]);
    let error = kernel.event("p/a", "high").unwrap_err();
    assert!(
        error.text().starts_with("`p/a`: expected a number"),
        "{error}"
    );
    assert_eq!(result(&kernel), (ValueBuf::Float(5.0), Quality::Good));
}

#[test]
fn one_sensor_named_twice_is_refused() {
    let twice = CONFIG.replace("p/b", "p/a");
    let error = FakeKernel::<Vote>::start("pressure", &twice).unwrap_err();
    assert!(error.text().contains("`inputs[1]`: \"p/a\""), "{error}");
    let two = CONFIG.replace(r#", "p/c""#, "");
    let error = FakeKernel::<Vote>::start("pressure", &two).unwrap_err();
    assert!(error.text().contains("`inputs"), "{error}");
}
