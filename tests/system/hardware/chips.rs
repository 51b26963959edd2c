//! What tests of chips have in common.

use weihe_kernel::event::Quality;
use weihe_tests::Workbench;

/// Whether the last number on a topic is good and as near as wanted.
#[track_caller]
pub fn near(bench: &Workbench, topic: &str, wanted: f64, by: f64) {
    let event = bench.last(topic);
    let value = event.as_ref().and_then(|event| event.value.as_f64());
    let is_near = value.is_some_and(|value| (value - wanted).abs() <= by);
    let is_good = event
        .as_ref()
        .is_some_and(|event| event.quality == Quality::Good);
    assert!(
        is_near && is_good,
        "{topic} is not {wanted} ± {by}: {event:?}"
    );
}

/// Whether a topic says that nothing is known, as the chip does not answer.
#[track_caller]
pub fn bad(bench: &Workbench, topic: &str) {
    let event = bench.last(topic);
    let is_bad = event
        .as_ref()
        .is_some_and(|event| event.quality == Quality::Bad && event.value.is_null());
    assert!(is_bad, "{topic} says something: {event:?}");
}

/// Whether the state of a device is bad for a reason that names something.
#[track_caller]
pub fn ails(bench: &Workbench, topic: &str, names: &str) {
    let event = bench.last(topic);
    let ails = event.as_ref().is_some_and(|event| {
        let text = event.value.as_str().unwrap_or_default();
        event.quality == Quality::Bad && text.contains(names)
    });
    assert!(ails, "{topic} does not name {names}: {event:?}");
}
