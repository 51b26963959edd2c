//! A database that another process holds.

use std::process::Command;

use weihe_kernel::device::DeviceState;
use weihe_tests::{DEADLINE, Process, Rig};

const HISTORY: &str = r#"
[plugin]
raw = "weihe-guest-raw"
historian = "weihe-plugin-historian"

[device.history]
plugin = "historian"
config.topics = ["plugin/ticker/echo"]

[device.history.grants]
subscribe = ["plugin/ticker/#"]

[device.history.grants.store]
tables = ["readings"]

[device.ticker]
plugin = "raw"
config.tick = 10_000_000
"#;

/// Names the database to the process that holds it; without it [`another_process`] does nothing.
const HELD: &str = "WEIHE_TESTS_HELD_DATABASE";

/// What another process does: it holds the database for writing until its input ends.
#[test]
fn another_process() {
    let Some(file) = std::env::var_os(HELD) else {
        return;
    };
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.busy_timeout(DEADLINE).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    println!("\nheld");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[tokio::test]
async fn while_another_process_holds_the_database_events_wait_and_are_then_stored_once() {
    let rig = Rig::bare();
    let (mut bus, mut dead) = (rig.watch("plugin/ticker/echo"), rig.watch("$dead/#"));
    rig.add(HISTORY).await;
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = rusqlite::Connection::open_with_flags(rig.database(), flags).unwrap();
    let count = || {
        database
            .query_row("SELECT count(*) FROM readings", [], |row| row.get(0))
            .unwrap_or(0)
    };
    rig.until("the first rows", |_| count() > 5).await;

    let mut holder = Process::start(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "database::another_process", "--nocapture"])
            .env(HELD, rig.database()),
    );
    holder.line_where(|line| line == "held");
    let held: i64 = count();
    let history = rig
        .until_device("history", "waiting", |device| {
            device.state == DeviceState::Waiting
        })
        .await;
    let error = history.last_error.unwrap().message;
    assert!(
        error.contains("weihe.db") && error.contains("another process"),
        "{error}"
    );
    assert_eq!(
        count(),
        held,
        "nobody else writes while the database is held"
    );
    assert_eq!(rig.device("ticker").state, DeviceState::Running);
    holder.kill();

    rig.until_device("history", "running again", |device| {
        device.state == DeviceState::Running
    })
    .await;
    rig.kernel()
        .remove_device("ticker", "the test is over")
        .await
        .unwrap();
    let published: Vec<u64> = bus.so_far().iter().map(|event| event.sequence).collect();
    rig.until("every event in the table", |_| {
        count() >= published.len() as i64
    })
    .await;
    let mut query = database
        .prepare("SELECT sequence FROM readings ORDER BY sequence")
        .unwrap();
    let sequence = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0).map(i64::cast_unsigned);
    let stored: Vec<u64> = query
        .query_map([], sequence)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(stored, published);
    assert_eq!(dead.so_far(), []);
    rig.shutdown().await;
}
