//! Stored state that the plugin does not take.

use serde_json::json;
use weihe_kernel::event::Value;
use weihe_tests::Rig;

const COUNTER: &str = r#"
[plugin]
raw = "weihe-guest-raw"

[device.counter]
plugin = "raw"
limits.checkpoint = "1 ms"
"#;

#[tokio::test]
async fn state_that_a_plugin_refuses_is_kept_where_the_operator_is_told() {
    let rig = Rig::start(COUNTER).await;
    rig.kernel()
        .remove_device("counter", "the test is over")
        .await
        .unwrap();
    // What another version of the plugin might have left.
    let database = rusqlite::Connection::open(rig.database()).unwrap();
    let change = "INSERT OR REPLACE INTO weihe_state VALUES ('counter', 9, x'0102')";
    assert_eq!(database.execute(change, []), Ok(1));
    drop(database);
    let rig = rig.restart(COUNTER).await;
    let error = rig.device("counter").last_error.unwrap().message;
    assert!(
        error.contains("starts without its state") && error.contains("version 9, 2 bytes"),
        "{error}"
    );
    // The new instance's state takes the place of the old one.
    let mut bus = rig.watch("plugin/counter/echo");
    rig.publish("plugin/counter/in", [Value::Integer(1)]);
    bus.value("plugin/counter/echo", 1).await;
    let rig = rig.restart(COUNTER).await;
    assert_eq!(rig.ask("counter", "count", json!({})).await, 1);
    let sql = &error[error.find("SELECT").unwrap()..];
    let database = rusqlite::Connection::open(rig.database()).unwrap();
    let kept: (u32, Vec<u8>) = database
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(kept, (9, vec![1, 2]));
    rig.shutdown().await;
}
