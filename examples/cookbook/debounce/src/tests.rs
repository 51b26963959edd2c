#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const CONFIG: &str = r#"{ "input": "door/raw", "settle": "20 ms" }"#;

fn start(setup: Setup<Debounce>) -> TestKernel<Debounce> {
    setup.device("door").start(CONFIG).unwrap()
}

/// Levels of the contact, 2 ms apart, and then quiet.
fn contact(kernel: &mut TestKernel<Debounce>, levels: &[bool]) {
    for level in levels {
        kernel.event("door/raw", *level).unwrap();
        kernel.advance(Duration::from_millis(2)).unwrap();
    }
    kernel.advance(Duration::from_millis(20)).unwrap();
}

/// What was published on the contact's own topic since this was last asked.
fn closed(kernel: &mut TestKernel<Debounce>) -> Vec<ValueBuf> {
    let published = kernel.take_published().into_iter();
    let output = published.filter(|sample| sample.topic == "plugin/door/closed");
    output.map(|sample| sample.value).collect()
}

#[weihe_sdk::test(sandbox)]
fn bounces_become_one_edge_each(setup: Setup<Debounce>) {
    let mut kernel = start(setup);
    contact(&mut kernel, &[false]);
    contact(&mut kernel, &[true, false, true, false, true]);
    contact(&mut kernel, &[false, true, false]);
    assert_eq!(
        kernel.last("plugin/door/count"),
        Some(ValueBuf::Integer(1)),
        "it closed once"
    );
    assert_eq!(
        closed(&mut kernel),
        [false, true, false].map(ValueBuf::Boolean)
    );
}

#[weihe_sdk::test(sandbox)]
fn a_spike_is_no_edge(setup: Setup<Debounce>) {
    let mut kernel = start(setup);
    contact(&mut kernel, &[false]);
    closed(&mut kernel);
    contact(&mut kernel, &[true, false]);
    assert!(closed(&mut kernel).is_empty());
}

#[weihe_sdk::test(sandbox)]
fn an_edge_has_the_time_of_its_last_bounce(setup: Setup<Debounce>) {
    let mut kernel = start(setup);
    contact(&mut kernel, &[false]);
    kernel.take_published();
    let began = kernel.now();
    contact(&mut kernel, &[true, false, true]);
    let edge = kernel.take_published().pop().unwrap();
    assert_eq!(edge.time.since(began), Duration::from_millis(4));
}

#[weihe_sdk::test(sandbox)]
fn a_contact_that_reports_its_level_again_and_again_settles_all_the_same(setup: Setup<Debounce>) {
    let mut kernel = start(setup);
    contact(&mut kernel, &[false]);
    closed(&mut kernel);
    for _ in 0..15 {
        kernel.event("door/raw", true).unwrap();
        kernel.advance(Duration::from_millis(2)).unwrap();
    }
    assert_eq!(closed(&mut kernel), [ValueBuf::Boolean(true)]);
}

#[weihe_sdk::test(sandbox)]
fn a_broken_wire_is_neither_open_nor_closed(setup: Setup<Debounce>) {
    let mut kernel = start(setup);
    contact(&mut kernel, &[false]);
    kernel.take_published();
    let broken = Sample::new(Value::None).quality(Quality::Bad);
    kernel.event("door/raw", broken).unwrap();
    let unknown = kernel.take_published().pop().unwrap();
    assert_eq!(
        (unknown.value, unknown.quality),
        (ValueBuf::None, Quality::Bad)
    );
    contact(&mut kernel, &[true]);
    assert_eq!(closed(&mut kernel), [ValueBuf::Boolean(true)]);
    assert_eq!(
        kernel.last("plugin/door/count"),
        None,
        "nobody saw it close"
    );
}

#[weihe_sdk::test(sandbox)]
fn the_count_survives_a_swap(setup: Setup<Debounce>) {
    let mut kernel = start(setup);
    for level in [false, true, false] {
        contact(&mut kernel, &[level]);
    }
    kernel.restart(CONFIG).unwrap();
    contact(&mut kernel, &[true]);
    assert_eq!(kernel.last("plugin/door/count"), Some(ValueBuf::Integer(2)));
}

#[weihe_sdk::test(sandbox)]
fn a_swap_in_the_middle_of_a_movement_does_not_lose_it(setup: Setup<Debounce>) {
    let mut kernel = start(setup);
    contact(&mut kernel, &[false]);
    kernel.event("door/raw", true).unwrap();
    kernel.restart(CONFIG).unwrap();
    kernel.advance(Duration::from_millis(20)).unwrap();
    assert_eq!(
        kernel.last("plugin/door/closed"),
        Some(ValueBuf::Boolean(true))
    );
}

#[weihe_sdk::test(sandbox)]
fn what_is_no_boolean_is_refused_with_its_topic(setup: Setup<Debounce>) {
    let error = start(setup).event("door/raw", "shut").unwrap_err();
    assert_eq!(
        error,
        Error::rejected("`door/raw`: expected a boolean, found text \"shut\"")
    );
}

#[weihe_sdk::test(sandbox)]
fn an_input_with_wildcards_is_refused(setup: Setup<Debounce>) {
    let error = setup
        .device("door")
        .start(r#"{ "input": "door/+" }"#)
        .unwrap_err();
    assert!(error.text().contains("`input`: \"door/+\""), "{error}");
}
