//! A host that is killed while it writes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use super::*;

/// Names the file to the child; without it [`child`] has nothing to do.
const FILE: &str = "WEIHE_STORE_CRASH_FILE";
const DEVICES: i64 = 3;
const ROWS: i64 = 5;

/// Runs one test of this binary in a process of its own.
pub(super) fn child_of(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// What the child process does: several devices write turns, each turn some rows and a key, and
/// tell each turn that was acknowledged.
#[tokio::test]
async fn child() {
    let Some(file) = std::env::var_os(FILE) else {
        return;
    };
    let store = Store::open(file.as_ref()).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for device in 0..DEVICES {
        let session = store.session(
            &format!("d{device}"),
            granted("tables = ['t']\nkeys = true"),
        );
        tasks.spawn(write_for_ever(session, device));
    }
    tasks.join_all().await;
}

async fn write_for_ever(mut session: Session, device: i64) {
    change(&mut session, "CREATE TABLE IF NOT EXISTS t (device, turn)")
        .await
        .unwrap();
    session.commit().await.unwrap();
    let sql = format!("SELECT coalesce(max(turn), -1) FROM t WHERE device = {device}");
    let first = number(&mut session, &sql).await + 1;
    let own = session.bucket("").unwrap();
    for turn in first.. {
        for _ in 0..ROWS {
            let row = vec![Value::Integer(device), Value::Integer(turn)];
            session
                .execute("INSERT INTO t VALUES (?1, ?2)".into(), row)
                .await
                .unwrap();
        }
        let text = turn.to_string().into_bytes();
        session.set(&own, "last".into(), text).await.unwrap();
        if turn % 7 == 3 {
            // Some handlers fail.
            session.rollback().await;
            continue;
        }
        session.commit().await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nack {device} {turn}").unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9_and_turns_are_whole() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("weihe.db");
    let mut acknowledged: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for round in 1..=4 {
        let mut child = child_of("tests::crash::child")
            .env(FILE, &file)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let (mut seen, mut line) = (0, String::new());
        // Killed at another point of its work each time.
        while seen < 37 * round {
            line.clear();
            assert_ne!(
                lines.read_line(&mut line).unwrap(),
                0,
                "the child has ended by itself"
            );
            seen += count(&line, &mut acknowledged);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        for line in rest.split_inclusive('\n') {
            count(line, &mut acknowledged);
        }
        check(&file, &acknowledged).await;
    }
}

/// Notes an acknowledged turn. A line that the kill has cut off does not count.
fn count(line: &str, acknowledged: &mut BTreeMap<i64, Vec<i64>>) -> usize {
    let Some(told) = line
        .strip_prefix("ack ")
        .and_then(|told| told.strip_suffix('\n'))
    else {
        return 0;
    };
    let (device, turn) = told.split_once(' ').unwrap();
    acknowledged
        .entry(device.parse().unwrap())
        .or_default()
        .push(turn.parse().unwrap());
    1
}

async fn check(file: &std::path::Path, acknowledged: &BTreeMap<i64, Vec<i64>>) {
    // The lock of the killed process is gone.
    let store = Store::open(file).unwrap();
    for (device, turns) in acknowledged {
        let mut session =
            store.session(&format!("d{device}"), granted("read = ['t']\nkeys = true"));
        let sql = format!("SELECT turn, count(*) FROM t WHERE device = {device} GROUP BY turn");
        let mut found = BTreeMap::new();
        for row in rows(&mut session, &sql).await.unwrap() {
            let [Value::Integer(turn), Value::Integer(count)] = row[..] else {
                panic!("{row:?}");
            };
            assert_eq!(count, ROWS, "turn {turn} of device {device} is not whole");
            found.insert(turn, count);
        }
        for turn in turns {
            assert!(
                found.contains_key(turn),
                "turn {turn} of device {device} is lost"
            );
        }
        let (last, _) = found.last_key_value().unwrap();
        let own = session.bucket("").unwrap();
        let key = session.get(&own, "last".into()).await.unwrap().unwrap();
        assert_eq!(
            key,
            last.to_string().into_bytes(),
            "key and rows of one turn"
        );
    }
}
