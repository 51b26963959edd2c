//! The rule on a kernel that is played, in milliseconds; with `--features sandbox` in the real one, too.

use super::*;

const CONFIG: &str = r#"{ "input": "tank/level", "limit": 80, "hysteresis": 5 }"#;

#[weihe_sdk::test(sandbox)]
fn the_alarm_begins_above_the_limit_and_ends_well_below_it(setup: Setup<Rule>) {
    let mut kernel = setup.device("overflow").start(CONFIG).unwrap();
    let mut alarm = |level: f64| {
        kernel.event("tank/level", level).unwrap();
        kernel.last("plugin/overflow/alarm")
    };
    assert_eq!(alarm(79.0), Some(ValueBuf::Boolean(false)));
    assert_eq!(alarm(81.0), Some(ValueBuf::Boolean(true)));
    assert_eq!(
        alarm(78.0),
        Some(ValueBuf::Boolean(true)),
        "within the hysteresis"
    );
    assert_eq!(alarm(74.0), Some(ValueBuf::Boolean(false)));
}

#[weihe_sdk::test(sandbox)]
fn an_alarm_outlives_a_swap(setup: Setup<Rule>) {
    let mut kernel = setup.device("overflow").start(CONFIG).unwrap();
    kernel.event("tank/level", 81.0).unwrap();
    kernel.take_published();
    kernel.restart(CONFIG).unwrap();
    assert_eq!(
        kernel.last("plugin/overflow/alarm"),
        Some(ValueBuf::Boolean(true))
    );
    kernel.event("tank/level", 74.0).unwrap();
    assert_eq!(
        kernel.last("plugin/overflow/alarm"),
        Some(ValueBuf::Boolean(false))
    );
}

#[weihe_sdk::test(sandbox)]
fn without_a_reading_the_alarm_stays_and_is_of_bad_quality(setup: Setup<Rule>) {
    let mut kernel = setup.device("overflow").start(CONFIG).unwrap();
    kernel.event("tank/level", 81.0).unwrap();
    kernel.take_published();
    // As the template `driver` says that it has no answer, again and again.
    let mut said = |sample: Sample<'_>| -> Vec<_> {
        kernel.event("tank/level", sample).unwrap();
        let published = kernel.take_published().into_iter();
        published
            .map(|alarm| (alarm.value, alarm.quality))
            .collect()
    };
    let lost = || Sample::new(Value::None).quality(Quality::Bad);
    assert_eq!(said(lost()), [(ValueBuf::Boolean(true), Quality::Bad)]);
    assert_eq!(said(lost()), []);
    // A number that is bad is no reading either, nor is nothing at all.
    assert_eq!(said(Sample::new(10.0).quality(Quality::Bad)), []);
    assert_eq!(said(Sample::new(Value::None)), []);
    assert_eq!(
        said(Sample::new(78.0)),
        [(ValueBuf::Boolean(true), Quality::Good)]
    );
    assert_eq!(
        said(Sample::new(74.0).quality(Quality::Uncertain)),
        [(ValueBuf::Boolean(false), Quality::Uncertain)]
    );
}

#[weihe_sdk::test(sandbox)]
fn what_is_no_number_is_refused(setup: Setup<Rule>) {
    let mut kernel = setup.device("overflow").start(CONFIG).unwrap();
    let error = kernel.event("tank/level", "full").unwrap_err();
    assert!(error.to_string().contains("tank/level"), "{error}");
}
