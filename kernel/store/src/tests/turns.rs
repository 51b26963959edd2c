use super::*;
use crate::limits::GROUP_TURNS;

const INSERT: &str = "INSERT INTO t VALUES (?1, ?2)";

/// Writes one row of a device in one turn, so many times.
async fn write(mut session: Session, device: i64, turns: i64) {
    for turn in 0..turns {
        let row = vec![Value::Integer(device), Value::Integer(turn)];
        session.execute(INSERT.into(), row).await.unwrap();
        session.commit().await.unwrap();
    }
}

#[tokio::test]
async fn devices_that_write_at_once_share_commits() {
    const DEVICES: i64 = 8;
    const TURNS: i64 = 25;
    let mut rig = Rig::new();
    let mut soil = rig.with_table().await;
    let before = rig.store().statistics();
    let mut tasks = tokio::task::JoinSet::new();
    for device in 0..DEVICES {
        let session = rig.session(&format!("d{device}"), "tables = ['t']");
        tasks.spawn(write(session, device, TURNS));
    }
    soon(tasks.join_all()).await;
    let after = rig.store().statistics();
    let commits = after.commits - before.commits;
    let groups = after.groups - before.groups;
    assert_eq!(commits, (DEVICES * TURNS) as u64);
    assert!(
        groups < commits / 2,
        "{groups} groups for {commits} commits"
    );
    assert_eq!(after.rows - before.rows, commits);
    assert!(after.commit_p50_us > 0 && after.commit_p50_us <= after.commit_p99_us);
    assert_eq!(after.last_error, None);
    let pairs = "SELECT count(DISTINCT a * 1000 + b) FROM t";
    assert_eq!(number(&mut soil, pairs).await, DEVICES * TURNS);
    drop(soil);
    rig.reopen();
    let mut soil = rig.session("soil", "read = ['t']");
    assert_eq!(number(&mut soil, pairs).await, DEVICES * TURNS);
}

#[tokio::test]
async fn a_group_holds_the_turns_that_waited_and_one_failure_stays_its_own() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    let mut devices: Vec<Session> = (0..3)
        .map(|i| rig.session(&format!("d{i}"), "tables = ['t']"))
        .collect();
    let groups = rig.store().statistics().groups;
    change(&mut soil, "INSERT INTO t VALUES (100, 0)")
        .await
        .unwrap();
    let mut tasks = Vec::new();
    for (index, mut session) in devices.drain(..).enumerate() {
        tasks.push(tokio::spawn(async move {
            change(&mut session, &format!("INSERT INTO t VALUES ({index}, 0)"))
                .await
                .unwrap();
            if index == 1 {
                session.rollback().await;
                Err("rolled back by itself".into())
            } else {
                session.commit().await
            }
        }));
        // Each asks for its turn in this order.
        tokio::task::yield_now().await;
    }
    soil.commit().await.unwrap();
    let results: Vec<_> = [
        tasks.remove(0).await,
        tasks.remove(0).await,
        tasks.remove(0).await,
    ]
    .into_iter()
    .map(|joined| joined.unwrap().is_ok())
    .collect();
    assert_eq!(results, [true, false, true]);
    let order = rows(&mut soil, "SELECT a FROM t ORDER BY rowid")
        .await
        .unwrap();
    assert_eq!(
        order,
        [
            [Value::Integer(100)],
            [Value::Integer(0)],
            [Value::Integer(2)]
        ]
    );
    let statistics = rig.store().statistics();
    assert!(statistics.groups - groups <= 3);
    assert_eq!(statistics.rollbacks, 1);
}

#[tokio::test]
async fn no_group_is_larger_than_its_bound() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    let groups = rig.store().statistics().groups;
    change(&mut soil, "INSERT INTO t VALUES (1, 0)")
        .await
        .unwrap();
    let count = 2 * GROUP_TURNS + 1;
    let mut tasks = tokio::task::JoinSet::new();
    for device in 0..count {
        let session = rig.session(&format!("d{device}"), "tables = ['t']");
        tasks.spawn(write(session, 0, 1));
    }
    soil.commit().await.unwrap();
    soon(tasks.join_all()).await;
    assert!(rig.store().statistics().groups - groups >= 3);
    assert_eq!(
        number(&mut soil, "SELECT count(*) FROM t").await,
        i64::from(count) + 1
    );
}

#[tokio::test]
async fn a_turn_held_too_long_is_taken_back() {
    let rig = Rig::with(Times {
        turn: Duration::from_millis(100),
        ..Times::default()
    });
    let mut soil = rig.with_table().await;
    let mut other = rig.session("other", "tables = ['t']");
    change(&mut soil, "INSERT INTO t VALUES (1, 0)")
        .await
        .unwrap();
    // It would wait for ever for a device that never ends its turn.
    soon(change(&mut other, "INSERT INTO t VALUES (2, 0)"))
        .await
        .unwrap();
    soon(other.commit()).await.unwrap();
    // The device learns it at its next statement, and its commit fails.
    assert!(soil.is_dirty());
    let error = change(&mut soil, "INSERT INTO t VALUES (3, 0)")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("held the write turn"), "{error}");
    let error = number_of(&mut soil).await.unwrap_err();
    assert!(error.to_string().contains("held the write turn"), "{error}");
    let error = soil.commit().await.unwrap_err();
    assert!(error.contains("held the write turn"), "{error}");
    // And the next handler call starts afresh.
    change(&mut soil, "INSERT INTO t VALUES (4, 0)")
        .await
        .unwrap();
    soil.commit().await.unwrap();
    assert_eq!(number(&mut soil, "SELECT sum(a) FROM t").await, 6);
    assert_eq!(rig.store().statistics().rollbacks, 1);
}

async fn number_of(session: &mut Session) -> Result<Vec<Row>, StoreError> {
    rows(session, "SELECT count(*) FROM t").await
}

#[tokio::test]
async fn a_write_that_is_stopped_spoils_a_group_only_once() {
    let rig = Rig::with(Times {
        statement: Duration::from_millis(100),
        ..Times::default()
    });
    let mut soil = rig.with_table().await;
    let mut wild = rig.session("wild", "tables = ['t']");
    let endless = "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                   SELECT max(i), 0 FROM n";
    let mut lost = 0;
    for _ in 0..3 {
        change(&mut soil, "INSERT INTO t VALUES (1, 0)")
            .await
            .unwrap();
        // The wild one waits for its turn while soil commits: they would share a group.
        let (stopped, committed) = tokio::join!(change(&mut wild, endless), soil.commit());
        let error = stopped.unwrap_err();
        assert!(matches!(error, StoreError::TooLarge(_)), "{error:?}");
        let error = change(&mut wild, "INSERT INTO t VALUES (5, 0)")
            .await
            .unwrap_err();
        assert!(error.to_string().contains("rolled back"), "{error}");
        let error = wild.commit().await.unwrap_err();
        assert!(error.contains("was stopped after"), "{error}");
        lost += usize::from(committed.is_err());
    }
    // What soil was told is true.
    assert!(lost <= 1);
    assert_eq!(
        number(&mut soil, "SELECT sum(a) FROM t").await,
        3 - lost as i64
    );
    // A device that behaves again is served.
    change(&mut wild, "INSERT INTO t VALUES (5, 0)")
        .await
        .unwrap();
    wild.commit().await.unwrap();
}

#[tokio::test]
async fn a_constraint_put_off_to_the_commit_fails_its_own_turn_alone_in_the_end() {
    let rig = Rig::new();
    // No device can make such a table; an operator can.
    rig.stranger()
        .execute_batch(
            "CREATE TABLE p (id INTEGER PRIMARY KEY);
                        CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED);",
        )
        .unwrap();
    let mut good = rig.with_table().await;
    let mut bad = rig.session("bad", "tables = ['c']\nread = ['p']");
    for round in 0..2 {
        change(&mut good, "INSERT INTO t VALUES (1, 0)")
            .await
            .unwrap();
        let other = async {
            change(&mut bad, "INSERT INTO c VALUES (7)").await.unwrap();
            bad.commit().await
        };
        let (refused, committed) = tokio::join!(other, good.commit());
        assert!(
            refused
                .unwrap_err()
                .contains("FOREIGN KEY constraint failed")
        );
        if committed.is_err() {
            assert_eq!(round, 0, "from then on they commit alone");
        }
    }
}

#[tokio::test]
async fn a_state_is_saved_beside_the_turns_of_devices() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    change(&mut soil, "INSERT INTO t VALUES (1, 0)")
        .await
        .unwrap();
    let state = crate::SavedState {
        version: 1,
        bytes: vec![1, 2, 3],
    };
    let saved = rig.store().save_state("air", state.clone());
    let (saved, committed) = soon(async { tokio::join!(saved, soil.commit()) }).await;
    assert_eq!((saved, committed), (Ok(()), Ok(())));
    assert_eq!(rig.store().load_state("air").await, Ok(Some(state)));
}

#[tokio::test]
async fn nobody_waits_for_a_device_that_holds_its_turns_long() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    let mut slow = rig.session("slow", "tables = ['t']");
    let hold = Duration::from_millis(50);
    // It shows its manners once.
    change(&mut slow, "INSERT INTO t VALUES (0, 0)")
        .await
        .unwrap();
    tokio::time::sleep(hold).await;
    slow.commit().await.unwrap();
    for _ in 0..3 {
        change(&mut soil, "INSERT INTO t VALUES (1, 0)")
            .await
            .unwrap();
        let (released, committed) = tokio::sync::oneshot::channel::<()>();
        let holds = async {
            change(&mut slow, "INSERT INTO t VALUES (2, 0)")
                .await
                .unwrap();
            // It ends its turn only after soil has its answer.
            soon(committed).await.unwrap();
            tokio::time::sleep(hold).await;
            slow.commit().await.unwrap();
        };
        let commits = async {
            soil.commit().await.unwrap();
            released.send(()).unwrap();
        };
        tokio::join!(holds, commits);
    }
    assert_eq!(number(&mut soil, "SELECT count(*) FROM t").await, 7);
}
