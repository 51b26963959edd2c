//! State over traps and restarts of the host.

use serde_json::json;
use weihe_kernel::event::Value;
use weihe_tests::Rig;

const COUNTER: &str = r#"
[plugin]
raw = "weihe-guest-raw"

[device.counter]
plugin = "raw"

[device.counter.limits]
checkpoint = "1 ms"
"#;

async fn handle(rig: &Rig, count: i64) {
    let mut bus = rig.watch("plugin/counter/echo");
    bus.so_far();
    rig.publish("plugin/counter/in", (1..=count).map(Value::Integer));
    bus.value("plugin/counter/echo", count).await;
}

#[tokio::test]
async fn state_survives_a_restart_of_the_host() {
    let rig = Rig::start(COUNTER).await;
    let mut bus = rig.watch("plugin/counter/restored");
    bus.value("plugin/counter/restored", false).await;
    handle(&rig, 3).await;
    let rig = rig.restart(COUNTER).await;
    let mut bus = rig.watch("plugin/counter/restored");
    bus.value("plugin/counter/restored", true).await;
    assert_eq!(rig.ask("counter", "count", json!({})).await, 3);
    rig.shutdown().await;
}

#[tokio::test]
async fn a_fresh_instance_starts_from_the_last_checkpoint() {
    let rig = Rig::start(COUNTER).await;
    handle(&rig, 5).await;
    let database = rusqlite::Connection::open(rig.database()).unwrap();
    let stored = || -> Option<Vec<u8>> {
        let query = "SELECT bytes FROM weihe_state WHERE device = 'counter'";
        database.query_row(query, [], |row| row.get(0)).ok()
    };
    rig.until("the checkpoint", |_| {
        stored().is_some_and(|bytes| bytes == 5_u64.to_le_bytes())
    })
    .await;
    rig.call("counter", "trap", json!({})).await.unwrap_err();
    assert_eq!(rig.ask("counter", "count", json!({})).await, 5);
    rig.shutdown().await;
}

#[tokio::test]
async fn a_device_that_traps_on_its_state_starts_without_and_says_so() {
    let rig = Rig::start(COUNTER).await;
    handle(&rig, 2).await;
    rig.ask("counter", "poison", json!({})).await;
    let rig = rig.restart(COUNTER).await;
    let mut bus = rig.watch("plugin/counter/#");
    bus.value("plugin/counter/restored", false).await;
    let error = rig.device("counter").last_error.unwrap().message;
    assert!(
        error.contains("trapped on its state and starts without"),
        "{error}"
    );
    assert_eq!(rig.ask("counter", "count", json!({})).await, 0);
    handle(&rig, 1).await;
    rig.shutdown().await;
}
