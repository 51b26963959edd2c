//! Queues between real components: publishers that wait, backlogs of large events, and what is
//! dropped.

use serde_json::json;
use weihe_kernel::device::DeviceState;
use weihe_kernel::event::Value;
use weihe_tests::Rig;

/// A device that echoes what it is told, and one behind it that makes it wait: its queue holds two
/// events, and it takes one at a time.
fn edge(block: &str, slow: &str) -> String {
    format!(
        r#"
        [plugin]
        raw = "weihe-guest-raw"

        [device.fast]
        plugin = "raw"
        limits.block = "{block}"

        [device.slow]
        plugin = "raw"
        config = {{ input = "plugin/fast/echo", overflow = "block", capacity = 2 }}
        grants.subscribe = ["plugin/fast/#"]
        limits.batch = 1
        {slow}
        "#
    )
}

fn texts(range: std::ops::Range<u32>) -> impl Iterator<Item = Value> {
    range.map(|number| Value::Text(format!("t{number}").into()))
}

#[tokio::test]
async fn a_publisher_waits_for_a_blocking_subscriber_and_nothing_is_lost() {
    for lane in ["", "lane = \"its-own\""] {
        let rig = Rig::start(&edge("60 s", &format!("acyclic = true\n{lane}"))).await;
        let mut handled = rig.watch("plugin/slow/echo");
        rig.publish("plugin/fast/in", texts(0..200));
        for number in 0..200 {
            let value = handled.next().await.value;
            assert_eq!(value, format!("t{number} 1 1"), "in order, once");
        }
        assert_eq!(rig.device("slow").dropped, 0);
        assert_eq!(rig.ask("fast", "count", json!({})).await, 200);
        rig.shutdown().await;
    }
}

#[tokio::test]
async fn a_publisher_waits_for_a_stuck_subscriber_only_for_its_limit() {
    let rig = Rig::start(&edge("50 ms", "acyclic = true")).await;
    rig.publish("plugin/fast/echo", [Value::Text("never".into())]);
    rig.until_device("slow", "stuck", |device| {
        device.state == DeviceState::Waiting
    })
    .await;
    rig.publish("plugin/fast/in", texts(0..10));
    let slow = rig
        .until_device("slow", "all but two dropped", |device| device.dropped >= 8)
        .await;
    assert_eq!(slow.dropped, 8);
    assert_eq!(rig.ask("fast", "count", json!({})).await, 10, "it goes on");
    assert_eq!(rig.device("fast").state, DeviceState::Running);
    rig.shutdown().await;
}

#[tokio::test]
async fn a_device_that_nobody_vouches_for_may_not_make_publishers_wait() {
    let rig = Rig::bare();
    let error = rig.try_add(&edge("50 ms", "")).await.unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("`slow`") && error.contains("acyclic = true"),
        "{error}"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn a_circle_that_somebody_vouched_for_costs_its_device_events_and_time_but_not_the_host() {
    let circle = r#"
        [plugin]
        raw = "weihe-guest-raw"

        [device.circle]
        plugin = "raw"
        acyclic = true
        config = { input = "plugin/circle/#", overflow = "block", capacity = 1, tick = 1_000_000 }
        limits.block = "10 ms"

        [device.other]
        plugin = "raw"
    "#;
    let rig = Rig::start(circle).await;
    // Each event and each tick leads to an event for itself, and its queue holds one.
    let circle = rig
        .until_device("circle", "events dropped", |device| device.dropped > 3)
        .await;
    assert_eq!((circle.state, circle.traps), (DeviceState::Running, 0));
    rig.ask("circle", "count", json!({})).await;
    rig.ask("other", "count", json!({})).await;
    rig.shutdown().await;
}

#[tokio::test]
async fn a_backlog_of_large_events_is_stored_without_a_trap() {
    let history = r#"
        [plugin]
        historian = "weihe-plugin-historian"

        [device.history]
        plugin = "historian"
        config.topics = ["plugin/source/#"]
        grants.subscribe = ["plugin/source/#"]
        grants.store.tables = ["readings"]
        limits.queue-bytes = "64 MiB"
    "#;
    let rig = Rig::start(history).await;
    // Three times what one host call may carry.
    let document = json!({ "text": "\"".repeat(12_000) }).to_string();
    let documents = (0..512).map(|_| Value::Json(document.as_str().into()));
    rig.publish("plugin/source/documents", documents);
    let history = rig
        .until_device("history", "everything stored", |device| {
            device.events == 512
        })
        .await;
    assert_eq!((history.traps, history.dropped), (0, 0));
    assert!(history.batches > 10, "{} batches", history.batches);
    let database = rusqlite::Connection::open(rig.database()).unwrap();
    let count: i64 = database
        .query_row("SELECT count(*) FROM readings", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 512);
    rig.shutdown().await;
}

#[tokio::test]
async fn a_queue_that_reaches_its_bytes_drops_the_oldest_and_shows_it() {
    let narrow = r#"
        [plugin]
        raw = "weihe-guest-raw"

        [device.narrow]
        plugin = "raw"
        limits.queue-bytes = "4 KiB"
    "#;
    let rig = Rig::start(narrow).await;
    let mut bus = rig.watch("plugin/narrow/echo");
    let text = |letter: &str| Value::Text(letter.repeat(1_500).into());
    rig.publish("plugin/narrow/in", ["a", "b", "c", "d"].map(text));
    for letter in ["c", "d"] {
        let value = bus.next().await.value;
        assert_eq!(value, format!("{} 1", letter.repeat(1_500)));
    }
    assert_eq!(rig.device("narrow").dropped, 2);
    rig.shutdown().await;
}

#[tokio::test]
async fn what_a_failed_device_left_in_its_queue_is_shown_as_dropped() {
    let once = r#"
        [plugin]
        raw = "weihe-guest-raw"

        [device.once]
        plugin = "raw"
        config.start = "once"
        limits = { batch = 1, attempts = 1 }
    "#;
    let rig = Rig::start(once).await;
    let mut dead = rig.watch("$dead/once");
    let orders = ["trap", "one", "two", "three"].map(|text| Value::Text(text.into()));
    rig.publish("plugin/once/in", orders);
    let device = rig
        .until_device("once", "failed", |device| {
            device.state == DeviceState::Failed
        })
        .await;
    assert_eq!((device.dead, device.dropped, device.events), (1, 3, 0));
    assert_eq!(dead.next().await.value["input"]["value"], "trap");
    rig.shutdown().await;
}
