//! Batches of which some events fail, in a plugin that takes them one by one.

use weihe_kernel::event::Value;
use weihe_tests::Rig;

const LEDGER: &str = r#"
[plugin]
ledger = "weihe-guest-ledger"

[device.ledger]
plugin = "ledger"

[device.ledger.grants.store]
tables = ["ledger"]
"#;

#[tokio::test]
async fn what_an_event_wrote_is_undone_with_it_and_its_neighbours_rows_stay() {
    let rig = Rig::start(LEDGER).await;
    let (mut out, mut dead) = (rig.watch("plugin/ledger/out"), rig.watch("$dead/ledger"));
    let texts = ["one", "reject", "two", "retry", "three"];
    rig.publish(
        "plugin/ledger/in",
        texts.map(|text| Value::Text(text.into())),
    );
    for expected in ["one", "two", "three", "retry"] {
        assert_eq!(out.next().await.value, expected);
    }
    assert_eq!(dead.next().await.value["input"]["value"], "reject");
    let database = rusqlite::Connection::open(rig.database()).unwrap();
    let mut query = database
        .prepare("SELECT text, attempt FROM ledger ORDER BY rowid")
        .unwrap();
    let rows: Vec<(String, i64)> = query
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let row = |text: &str, attempt| (text.to_owned(), attempt);
    assert_eq!(
        rows,
        [
            row("one", 2),
            row("two", 2),
            row("three", 2),
            row("retry", 2)
        ]
    );
    let device = rig.device("ledger");
    assert_eq!((device.traps, device.incarnations), (0, 1));
    assert_eq!(device.retries, 4);
    rig.shutdown().await;
}
