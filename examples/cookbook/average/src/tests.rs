#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use weihe_sdk::testing::Published;

fn minute(setup: Setup<Average>) -> TestKernel<Average> {
    let setup = setup.device("power");
    setup
        .start(r#"{ "input": "meter/power", "window": "1 min" }"#)
        .unwrap()
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// The means since this was last asked.
fn means(kernel: &mut TestKernel<Average>) -> Vec<(ValueBuf, Quality)> {
    let published = kernel.take_published().into_iter();
    published
        .map(|Published { value, quality, .. }| (value, quality))
        .collect()
}

#[weihe_sdk::test(sandbox)]
fn a_sample_counts_for_as_long_as_it_held(setup: Setup<Average>) {
    let mut kernel = minute(setup);
    kernel.event("meter/power", 100.0).unwrap();
    kernel.advance(secs(45)).unwrap();
    kernel.event("meter/power", 20).unwrap();
    kernel.advance(secs(15)).unwrap();
    assert_eq!(means(&mut kernel), [(ValueBuf::Float(80.0), Quality::Good)]);
}

#[weihe_sdk::test(sandbox)]
fn a_busy_second_does_not_outweigh_a_quiet_minute(setup: Setup<Average>) {
    let mut kernel = minute(setup);
    kernel.event("meter/power", 10.0).unwrap();
    kernel.advance(secs(59)).unwrap();
    for _ in 0..1000 {
        kernel.event("meter/power", 70.0).unwrap();
        kernel.advance(Duration::from_millis(1)).unwrap();
    }
    let mean = means(&mut kernel)[0].0.as_value().as_f64().unwrap();
    // Adding up a thousand floats rounds a little.
    assert!((mean - 11.0).abs() < 1e-9, "{mean}");
}

#[weihe_sdk::test(sandbox)]
fn a_value_holds_into_the_next_window_until_it_is_too_old(setup: Setup<Average>) {
    let mut kernel = minute(setup);
    kernel.advance(secs(50)).unwrap();
    kernel.event("meter/power", 5.0).unwrap();
    kernel.advance(secs(130)).unwrap();
    assert_eq!(
        means(&mut kernel),
        [
            // Ten seconds of it, fifty of it, and then it was a minute old.
            (ValueBuf::Float(5.0), Quality::Uncertain),
            (ValueBuf::Float(5.0), Quality::Good),
            (ValueBuf::None, Quality::Bad),
        ]
    );
}

#[weihe_sdk::test(sandbox)]
fn a_bad_sample_begins_a_gap_and_an_uncertain_one_spoils_its_window(setup: Setup<Average>) {
    let mut kernel = minute(setup);
    kernel.event("meter/power", 8.0).unwrap();
    kernel.advance(secs(40)).unwrap();
    let bad = Sample::new(Value::None).quality(Quality::Bad);
    kernel.event("meter/power", bad).unwrap();
    kernel.advance(secs(20)).unwrap();
    assert_eq!(means(&mut kernel), [(ValueBuf::Float(8.0), Quality::Good)]);
    let doubtful = Sample::new(8.0).quality(Quality::Uncertain);
    kernel.event("meter/power", doubtful).unwrap();
    kernel.advance(secs(60)).unwrap();
    assert_eq!(
        means(&mut kernel),
        [(ValueBuf::Float(8.0), Quality::Uncertain)]
    );
}

#[weihe_sdk::test(sandbox)]
fn the_times_of_samples_count_and_late_ones_are_left_out(setup: Setup<Average>) {
    let mut kernel = minute(setup);
    let began = kernel.now();
    kernel.advance(secs(30)).unwrap();
    // Taken at the beginning, delivered now: a logger that had lost its line.
    for (second, value) in [(0, 10.0), (20, 40.0), (10, 999.0)] {
        let sample = Sample::new(value).at(began + secs(second));
        kernel.event("meter/power", sample).unwrap();
    }
    kernel.advance(secs(30)).unwrap();
    assert_eq!(means(&mut kernel), [(ValueBuf::Float(30.0), Quality::Good)]);
}

#[weihe_sdk::test(sandbox)]
fn what_is_no_number_is_refused_with_its_topic(setup: Setup<Average>) {
    let mut kernel = minute(setup);
    for wrong in [Value::Text("much"), Value::Float(f64::NAN)] {
        let error = kernel.event("meter/power", wrong).unwrap_err();
        assert!(
            error.text().starts_with("`meter/power`: expected a number"),
            "{error}"
        );
    }
}
