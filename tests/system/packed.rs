//! Packed batches, written and read by a plugin that knows nothing but the WIT.

use serde_json::json;
use weihe_kernel::event::Value;
use weihe_tests::Rig;

const PACKED: &str = r#"
[plugin]
packed = "weihe-guest-packed"

[device.packed]
plugin = "packed"
"#;

#[tokio::test]
async fn every_kind_of_value_passes_the_border_unharmed_with_its_cause() {
    let rig = Rig::start(PACKED).await;
    let (mut sent, mut out) = (
        rig.watch("plugin/packed/in"),
        rig.watch("plugin/packed/out"),
    );
    let values = [
        Value::None,
        Value::Boolean(true),
        Value::Integer(-1),
        Value::Integer(i64::MIN),
        Value::Float(f64::NAN),
        Value::Float(-0.1),
        Value::Text("Wärme 微核".into()),
        Value::Text("".into()),
        Value::Bytes([0, 255, 7].into()),
        Value::Json(r#"{"a": [1, null]}"#.into()),
    ];
    rig.publish("plugin/packed/in", values);
    for _ in 0..10 {
        let (sent, passed) = (sent.next().await, out.next().await);
        assert_eq!((&passed.kind, &passed.value), (&sent.kind, &sent.value));
        assert_eq!(passed.cause, Some(("test".to_owned(), sent.sequence)));
        assert_eq!((passed.time, passed.quality), (sent.time, sent.quality));
    }
    rig.shutdown().await;
}

#[tokio::test]
async fn what_an_event_caused_is_dropped_when_the_plugin_rejects_the_event() {
    let rig = Rig::start(PACKED).await;
    let mut out = rig.watch("plugin/packed/out");
    let mut dead = rig.watch("$dead/packed");
    let texts = ["one", "reject", "two"].map(|text| Value::Text(text.into()));
    rig.publish("plugin/packed/in", texts);
    assert_eq!(out.next().await.value, "one");
    assert_eq!(out.next().await.value, "two");
    assert_eq!(dead.next().await.value["input"]["value"], "reject");
    rig.shutdown().await;
}

#[tokio::test]
async fn what_is_published_singly_out_of_several_events_hangs_on_none_of_them() {
    let rig = Rig::start(PACKED).await;
    let mut refused = rig.watch("plugin/packed/refused");
    let texts = ["reject", "fault: kind"].map(|text| Value::Text(text.into()));
    rig.publish("plugin/packed/in", texts);
    // It would be dropped with the first event if that were its cause.
    assert_eq!(refused.next().await.cause, None);
    rig.order("packed", "fault: kind");
    assert_eq!(refused.next().await.cause.unwrap().0, "test");
    rig.shutdown().await;
}

#[tokio::test]
async fn a_batch_that_breaks_the_layout_is_refused_whole_and_told_why() {
    let rig = Rig::start(PACKED).await;
    let mut refused = rig.watch("plugin/packed/refused");
    let mut out = rig.watch("plugin/packed/out");
    for (fault, said) in [
        ("version", "version 2"),
        ("stride", "5 words"),
        ("count", "says 19"),
        ("empty", "version 0"),
        ("short", "9 words"),
        ("kind", "event 1: an unknown kind 9"),
        ("boolean", "event 1: a boolean of 2"),
        ("quality", "event 1: an unknown quality 7"),
        ("offset", "event 1"),
        ("length", "event 1"),
        ("utf-8", "event 1"),
        ("topic", "event 1"),
    ] {
        rig.order("packed", &format!("fault: {fault}"));
        let event = refused.next().await;
        let text = event.value.as_str().unwrap();
        assert!(
            text.starts_with(fault) && text.contains("Invalid") && text.contains(said),
            "{text}"
        );
    }
    assert_eq!(
        out.so_far(),
        [],
        "not even the sound half of a broken batch is published"
    );
    rig.order("packed", "fault: none");
    assert_eq!(refused.next().await.value, json!("none: nothing"));
    assert_eq!(out.next().await.value, 1.5);
    rig.shutdown().await;
}
