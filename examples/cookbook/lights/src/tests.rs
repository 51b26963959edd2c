#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const CONFIG: &str = r#"{ "device": "relays", "point": "hall", "on": "06:30", "off": "22:00", "hours-ahead-of-utc": 8 }"#;

/// In Beijing.
fn at(time: &str) -> Timestamp {
    format!("{time}:00+08:00").parse().unwrap()
}

/// 2026-01-05 was a Monday.
fn start(setup: Setup<Lights>, time: &str) -> TestKernel<Lights> {
    let setup = setup.device("hall").now(at(time));
    setup.start(CONFIG).unwrap()
}

fn until(kernel: &mut TestKernel<Lights>, time: &str) {
    kernel.advance(at(time).since(kernel.now())).unwrap();
}

fn on(kernel: &TestKernel<Lights>) -> bool {
    assert!(
        kernel
            .calls()
            .iter()
            .all(|call| call.device == "relays" && call.command == "write")
    );
    let asked = kernel.calls().pop().unwrap().arguments;
    assert_eq!(asked["point"], "hall");
    let said = kernel.last("plugin/hall/on");
    assert_eq!(said, asked["value"].as_bool().map(ValueBuf::Boolean));
    asked["value"].as_bool().unwrap()
}

// In the sandbox calls that nobody answers end by themselves, and are made again.
#[weihe_sdk::test]
fn it_is_light_on_working_days_in_local_time(setup: Setup<Lights>) {
    let mut kernel = start(setup, "2026-01-05T00:00");
    for day in 5..=9 {
        until(&mut kernel, &format!("2026-01-{day:02}T06:29"));
        assert!(!on(&kernel), "{day}");
        until(&mut kernel, &format!("2026-01-{day:02}T06:30"));
        assert!(on(&kernel), "{day}");
        until(&mut kernel, &format!("2026-01-{day:02}T22:00"));
        assert!(!on(&kernel), "{day}");
    }
    let calls = kernel.calls().len();
    until(&mut kernel, "2026-01-12T06:29");
    assert_eq!(kernel.calls().len(), calls, "nothing happens on a weekend");
}

#[test]
fn a_start_in_the_middle_of_the_day_leaves_nobody_in_the_dark() {
    assert!(on(&start(FakeKernel::setup("test"), "2026-01-05T12:00")));
    assert!(
        !on(&start(FakeKernel::setup("test"), "2026-01-04T12:00")),
        "a Sunday"
    );
}

#[test]
fn a_missed_tick_is_made_up_for_by_any_other() {
    let mut kernel = start(FakeKernel::setup("test"), "2026-01-05T05:00");
    // The machine slept, and both ticks come late.
    let late = |kernel: &mut TestKernel<Lights>, timer| kernel.tick(timer, 1).unwrap();
    kernel.advance(Duration::from_secs(60)).unwrap();
    late(&mut kernel, "off");
    late(&mut kernel, "on");
    assert!(!on(&kernel), "the clock counts, not the tick");
}

#[weihe_sdk::test(sandbox)]
fn ticks_that_were_missed_come_once(setup: Setup<Lights>) {
    let kernel = start(setup, "2026-01-05T05:00");
    let crons: Vec<_> = kernel
        .timers()
        .into_iter()
        .filter_map(|(_, timer)| timer.cron)
        .collect();
    assert_eq!(crons, ["0 14 * * *", "30 22 * * 0,1,2,3,4"]);
}

#[weihe_sdk::test(sandbox)]
fn an_override_ends_by_itself(setup: Setup<Lights>) {
    let mut kernel = start(setup, "2026-01-05T12:00");
    let answer = kernel
        .call("override", r#"{ "on": false, "for": "1 h" }"#)
        .unwrap();
    assert_eq!(answer.unwrap(), r#"{"on":false}"#);
    until(&mut kernel, "2026-01-05T12:59");
    assert!(!on(&kernel));
    until(&mut kernel, "2026-01-05T13:00");
    assert!(on(&kernel));
}

#[weihe_sdk::test(sandbox)]
fn an_override_outlives_a_swap_but_not_its_end(setup: Setup<Lights>) {
    let mut kernel = start(setup, "2026-01-05T12:00");
    kernel
        .call("override", r#"{ "on": false, "for": "1 h" }"#)
        .unwrap();
    kernel.restart(CONFIG).unwrap();
    assert!(!on(&kernel));
    until(&mut kernel, "2026-01-05T13:00");
    assert!(on(&kernel));
    kernel
        .call("override", r#"{ "on": false, "for": "1 h" }"#)
        .unwrap();
    kernel.call("auto", "{}").unwrap();
    assert!(on(&kernel));
}

#[weihe_sdk::test(sandbox)]
fn a_failed_call_is_made_again(setup: Setup<Lights>) {
    let mut kernel = start(setup, "2026-01-05T12:00");
    let first = kernel.calls().pop().unwrap().id;
    kernel.answer(first, Err("the link is down")).unwrap();
    assert!(
        kernel.logs()[0]
            .message
            .contains("`relays`: the link is down")
    );
    kernel.advance(Duration::from_secs(10)).unwrap();
    assert_eq!(kernel.calls().len(), 2);
    assert!(on(&kernel));
    let second = kernel.calls().pop().unwrap().id;
    kernel.answer(second, Ok("null")).unwrap();
    kernel.advance(Duration::from_secs(59)).unwrap();
    assert_eq!(kernel.calls().len(), 2);
}

#[weihe_sdk::test(sandbox)]
fn relays_that_went_to_their_safe_values_are_switched_again_within_a_minute(setup: Setup<Lights>) {
    let mut kernel = start(setup, "2026-01-05T12:00");
    let first = kernel.calls().pop().unwrap().id;
    kernel.answer(first, Ok("null")).unwrap();
    kernel.take_published();
    kernel.advance(Duration::from_secs(60)).unwrap();
    assert_eq!(kernel.calls().len(), 2);
    assert_eq!(kernel.calls()[1].arguments["value"], true);
    assert!(kernel.take_published().is_empty(), "nothing new is said");
}

#[test]
fn lights_through_the_night_belong_to_the_day_they_began_on() {
    let night = Calendar::new("20:00", "02:00", vec![Day::Fri], 8).unwrap();
    let light = |time: &str| night.is_light(at(time));
    assert!(!light("2026-01-09T01:00"), "Thursday's night");
    assert!(light("2026-01-09T20:00") && light("2026-01-10T01:59"));
    assert!(!light("2026-01-10T02:00") && !light("2026-01-10T20:00"));
}

#[test]
fn wrong_times_name_their_key() {
    for (wrong, culprit) in [
        (CONFIG.replace("06:30", "6h"), "`on`: \"6h\""),
        (CONFIG.replace("22:00", "24:00"), "`off`: \"24:00\""),
        (CONFIG.replace("22:00", "06:30"), "`off` is the same"),
        (CONFIG.replace(": 8", ": 15"), "`hours-ahead-of-utc`: 15"),
    ] {
        let error = FakeKernel::<Lights>::start("hall", &wrong).unwrap_err();
        assert!(error.text().contains(culprit), "{error}");
    }
    let error = start(FakeKernel::setup("test"), "2026-01-05T12:00")
        .call("override", r#"{ "on": true, "for": 0 }"#);
    assert!(error.unwrap_err().text().contains("`for`"));
}
