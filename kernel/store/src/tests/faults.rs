//! A disk that is full or fails, and a database that another process holds.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::crash::child_of;
use super::*;

const FILE: &str = "WEIHE_STORE_FAULT_FILE";

/// Lets the database have so many pages; as many as there are when it is fewer.
async fn pages(rig: &Rig, pages: u32) {
    let sql = format!("PRAGMA max_page_count = {pages}");
    rig.store()
        .write(Box::new(move |executor| executor.plain(&sql)))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_full_disk_is_told_nothing_committed_is_lost_and_it_goes_on_when_there_is_room() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    pages(&rig, 100).await;
    let row = || vec![Value::Blob(vec![1; 10_000])];
    let (mut kept, refused) = loop_until_full(&mut soil, row).await;
    assert!(
        refused.contains("no room to write") && refused.contains("weihe.db"),
        "{refused}"
    );
    assert!(kept > 10);
    // Told again as long as it lasts; reading goes on.
    let (more, refused) = loop_until_full(&mut soil, row).await;
    assert!(refused.contains("no room to write"), "{refused}");
    kept += more;
    assert_eq!(number(&mut soil, "SELECT count(*) FROM t").await, kept);
    let statistics = rig.store().statistics();
    assert!(statistics.last_error.unwrap().contains("no room to write"));
    // Room again.
    pages(&rig, 10_000).await;
    soil.execute("INSERT INTO t (a) VALUES (?1)".into(), row())
        .await
        .unwrap();
    soil.commit().await.unwrap();
    assert_eq!(number(&mut soil, "SELECT count(*) FROM t").await, kept + 1);
}

/// Writes a row a turn until it fails; how many were committed, and what was said.
async fn loop_until_full(session: &mut Session, row: impl Fn() -> Row) -> (i64, String) {
    for kept in 0.. {
        let written = session
            .execute("INSERT INTO t (a) VALUES (?1)".into(), row())
            .await;
        let committed = session.commit().await;
        match (written, committed) {
            (Ok(_), Ok(())) => {}
            (Err(error), _) => {
                assert!(matches!(error, StoreError::Full(_)), "{error:?}");
                return (kept, error.to_string());
            }
            (Ok(_), Err(error)) => return (kept, error),
        }
    }
    unreachable!()
}

#[tokio::test]
async fn a_full_disk_is_told_to_every_device_of_the_group_truly() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    let mut greedy = rig.session("greedy", "tables = ['t']");
    pages(&rig, 50).await;
    change(&mut soil, "INSERT INTO t VALUES (1, 1)")
        .await
        .unwrap();
    let fill = async {
        let row = vec![Value::Blob(vec![1; 500_000])];
        let written = greedy
            .execute("INSERT INTO t (a) VALUES (?1)".into(), row)
            .await;
        (written, greedy.commit().await)
    };
    let ((written, filled), committed) = soon(async { tokio::join!(fill, soil.commit()) }).await;
    assert!(matches!(written, Err(StoreError::Full(_))), "{written:?}");
    assert!(filled.unwrap_err().contains("no room to write"));
    let expected = i64::from(committed.is_ok());
    assert_eq!(number(&mut soil, "SELECT count(*) FROM t").await, expected);
    if let Err(error) = committed {
        assert!(error.contains("no room to write"), "{error}");
    }
    // A small write still fits.
    change(&mut soil, "INSERT INTO t VALUES (2, 2)")
        .await
        .unwrap();
    soil.commit().await.unwrap();
}

/// What a process does that holds the database until its input ends.
#[test]
fn holder() {
    let Some(file) = std::env::var_os(FILE) else {
        return;
    };
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    println!("\nheld");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// Another process that holds the database.
fn hold(rig: &Rig) -> Child {
    let mut child = child_of("tests::faults::holder")
        .env(FILE, rig.file())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while line != "held\n" {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0);
    }
    child.stdout = Some(out.into_inner());
    child
}

#[tokio::test]
async fn a_database_that_another_process_holds_is_busy_and_nothing_is_lost() {
    let busy = Duration::from_millis(300);
    let rig = Rig::with(Times {
        busy,
        ..Times::default()
    });
    let mut soil = rig.with_table().await;
    let mut other = rig.session("other", "tables = ['t']");
    change(&mut soil, "INSERT INTO t VALUES (1, 0)")
        .await
        .unwrap();
    soil.commit().await.unwrap();
    let mut holder = hold(&rig);

    let start = Instant::now();
    let (first, second) = soon(async {
        tokio::join!(
            change(&mut soil, "INSERT INTO t VALUES (2, 0)"),
            change(&mut other, "INSERT INTO t VALUES (3, 0)"),
        )
    })
    .await;
    assert!(start.elapsed() >= busy);
    for result in [first, second] {
        let Err(StoreError::Busy(text)) = result else {
            panic!("{result:?}");
        };
        assert!(
            text.contains("another process holds") && text.contains("weihe.db"),
            "{text}"
        );
    }
    // No turn was had, so there is nothing to commit; reading goes on.
    assert!(!soil.is_dirty());
    assert_eq!(number(&mut soil, "SELECT sum(a) FROM t").await, 1);
    assert!(
        soon(rig.store().save_state(
            "air",
            crate::SavedState {
                version: 1,
                bytes: vec![]
            }
        ))
        .await
        .unwrap_err()
        .contains("another process")
    );
    assert_eq!(rig.store().statistics().busy, 3);

    writeln!(holder.stdin.take().unwrap()).unwrap();
    holder.wait().unwrap();
    change(&mut soil, "INSERT INTO t VALUES (2, 0)")
        .await
        .unwrap();
    soil.commit().await.unwrap();
    assert_eq!(number(&mut soil, "SELECT sum(a) FROM t").await, 3);
}

#[tokio::test]
async fn a_device_waits_for_a_process_that_lets_go_in_time() {
    let rig = Rig::with(Times {
        busy: PATIENCE,
        ..Times::default()
    });
    let mut soil = rig.with_table().await;
    let mut holder = hold(&rig);
    let mut write = Box::pin(change(&mut soil, "INSERT INTO t VALUES (1, 0)"));
    // It is waiting by now, or will soon be.
    assert!(
        tokio::time::timeout(Duration::from_millis(50), &mut write)
            .await
            .is_err()
    );
    holder.kill().unwrap();
    holder.wait().unwrap();
    soon(write).await.unwrap();
    soil.commit().await.unwrap();
}

/// What a process does whose files cannot grow any more: it writes until it is refused, and tells
/// how many rows were acknowledged and why it ended.
#[tokio::test]
async fn starved() {
    let Some(file) = std::env::var_os(FILE) else {
        return;
    };
    let store = Store::open(file.as_ref()).unwrap();
    let mut session = store.session("soil", granted("tables = ['t']"));
    change(&mut session, "CREATE TABLE t (a)").await.unwrap();
    session.commit().await.unwrap();
    let row = || vec![Value::Blob(vec![1; 10_000])];
    for acknowledged in 0.. {
        let written = session
            .execute("INSERT INTO t (a) VALUES (?1)".into(), row())
            .await;
        let committed = session.commit().await;
        if let Err(error) = written.map_err(|error| error.to_string()).and(committed) {
            assert_eq!(
                number(&mut session, "SELECT count(*) FROM t").await,
                acknowledged
            );
            println!("\nended {acknowledged} {error}");
            return;
        }
    }
}

#[tokio::test]
async fn a_disk_that_refuses_writes_loses_nothing_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("weihe.db");
    // Files end at some 300 KiB; a write beyond is an error of the system, not a signal.
    let output = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 600; exec \"$0\" --exact tests::faults::starved --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(FILE, &file)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let ended = text
        .lines()
        .find_map(|line| line.strip_prefix("ended "))
        .expect(&text);
    let (acknowledged, error) = ended.split_once(' ').unwrap();
    assert!(error.contains("weihe.db"), "{error}");
    let acknowledged: i64 = acknowledged.parse().unwrap();
    assert!(acknowledged > 5);
    let store = Store::open(&file).unwrap();
    let mut session = store.session("soil", granted("tables = ['t']"));
    let found = number(&mut session, "SELECT count(*) FROM t").await;
    assert!(
        found == acknowledged || found == acknowledged + 1,
        "{found} of {acknowledged}"
    );
    change(&mut session, "INSERT INTO t VALUES (1)")
        .await
        .unwrap();
    session.commit().await.unwrap();
}
