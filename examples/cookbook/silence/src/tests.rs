#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const CONFIG: &str = r#"{ "topics": ["tank/level", "greenhouse/+"], "within": "30 s" }"#;

fn start(setup: Setup<Silence>) -> TestKernel<Silence> {
    setup.device("watch").start(CONFIG).unwrap()
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn alarm(kernel: &TestKernel<Silence>, topic: &str) -> Option<ValueBuf> {
    kernel.last(&format!("plugin/watch/silent/{topic}"))
}

fn count(kernel: &TestKernel<Silence>) -> i64 {
    let count = kernel.last("plugin/watch/count").unwrap();
    count.as_value().as_i64().unwrap()
}

#[weihe_sdk::test(sandbox)]
fn a_topic_that_speaks_is_not_silent_and_one_that_ceases_is(setup: Setup<Silence>) {
    let mut kernel = start(setup);
    for _ in 0..5 {
        kernel.event("tank/level", 1.0).unwrap();
        kernel.advance(secs(29)).unwrap();
    }
    assert_eq!((alarm(&kernel, "tank/level"), count(&kernel)), (None, 0));
    kernel.advance(secs(1)).unwrap();
    assert_eq!(alarm(&kernel, "tank/level"), Some(ValueBuf::Boolean(true)));
    assert_eq!(count(&kernel), 1);
    kernel.event("tank/level", 1.0).unwrap();
    assert_eq!(alarm(&kernel, "tank/level"), Some(ValueBuf::Boolean(false)));
    assert_eq!(count(&kernel), 0);
}

#[weihe_sdk::test(sandbox)]
fn a_topic_that_is_named_is_expected_and_one_of_a_filter_from_its_first_event_on(
    setup: Setup<Silence>,
) {
    let mut kernel = start(setup);
    kernel.advance(secs(30)).unwrap();
    assert_eq!(count(&kernel), 1, "tank/level has never come");
    kernel.event("greenhouse/light", 1).unwrap();
    kernel.event("greenhouse/air", 1).unwrap();
    kernel.advance(secs(20)).unwrap();
    kernel.event("greenhouse/air", 2).unwrap();
    kernel.advance(secs(10)).unwrap();
    assert_eq!(
        alarm(&kernel, "greenhouse/light"),
        Some(ValueBuf::Boolean(true))
    );
    assert_eq!(alarm(&kernel, "greenhouse/air"), None);
    kernel.advance(secs(20)).unwrap();
    assert_eq!(count(&kernel), 3);
}

#[weihe_sdk::test(sandbox)]
fn a_driver_that_reports_only_errors_is_silent(setup: Setup<Silence>) {
    let mut kernel = start(setup);
    kernel.event("greenhouse/air", 20.5).unwrap();
    for _ in 0..3 {
        kernel.advance(secs(10)).unwrap();
        let bad = Sample::new(Value::None).quality(Quality::Bad);
        kernel.event("greenhouse/air", bad).unwrap();
    }
    assert_eq!(
        alarm(&kernel, "greenhouse/air"),
        Some(ValueBuf::Boolean(true))
    );
}

#[weihe_sdk::test(sandbox)]
fn a_retained_value_is_as_old_as_its_time_says(setup: Setup<Silence>) {
    let mut kernel = start(setup);
    let old = kernel.now() - secs(3_600);
    kernel
        .event("greenhouse/air", Sample::new(20.5).at(old))
        .unwrap();
    kernel.advance(Duration::ZERO).unwrap();
    assert_eq!(
        alarm(&kernel, "greenhouse/air"),
        Some(ValueBuf::Boolean(true))
    );
}

#[weihe_sdk::test(sandbox)]
fn its_own_alarms_are_not_watched(setup: Setup<Silence>) {
    let setup = setup.device("watch");
    let mut kernel = setup
        .start(r##"{ "topics": ["#"], "within": 5 }"##)
        .unwrap();
    kernel.event("plugin/watch/count", 0).unwrap();
    kernel.advance(secs(5)).unwrap();
    assert_eq!(count(&kernel), 0);
}

#[weihe_sdk::test(sandbox)]
fn a_bus_with_too_many_topics_does_not_fill_the_memory(setup: Setup<Silence>) {
    let setup = setup.device("watch");
    let mut kernel = setup
        .start(r##"{ "topics": ["#"], "within": 5 }"##)
        .unwrap();
    for number in 0..MOST {
        kernel.event(&format!("t/{number}"), 0).unwrap();
    }
    let error = kernel.event("one/more", 0).unwrap_err();
    assert!(error.text().contains("`one/more`: 1000 topics"), "{error}");
    assert!(kernel.event("t/0", 0).is_ok());
}

#[weihe_sdk::test(sandbox)]
fn an_operator_is_told_which_and_since_when(setup: Setup<Silence>) {
    let mut kernel = start(setup);
    kernel.advance(secs(30)).unwrap();
    let answer = kernel.call("silent", "{}").unwrap().unwrap();
    assert_eq!(
        answer,
        r#"{"silent":{"tank/level":"2026-01-01T00:00:00.000Z"},"watched":1}"#
    );
}

#[test]
fn a_topic_without_a_grant_is_named_by_its_place() {
    let setup = FakeKernel::<Silence>::setup("watch").deny("greenhouse/+");
    let error = setup.start(CONFIG).unwrap_err();
    assert!(error.text().starts_with("config: `topics[1]`"), "{error}");
}
