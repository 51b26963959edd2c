use super::*;
use crate::limits::{RESULT_ROWS, STATEMENT_BYTES, VALUE_BYTES};

#[tokio::test]
async fn every_kind_of_value_comes_back_as_it_went() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    let row = vec![
        Value::Null,
        Value::Integer(i64::MIN),
        Value::Real(-0.5),
        Value::Text("微核 \0 x".into()),
        Value::Blob(vec![0, 255]),
    ];
    let found = soil
        .query("SELECT ?1, ?2, ?3, ?4, ?5".into(), row.clone())
        .await
        .unwrap();
    assert_eq!(found.rows, [row]);
    let found = soil
        .query("SELECT a AS first, b FROM t".into(), vec![])
        .await
        .unwrap();
    assert_eq!(found.columns, ["first", "b"]);
    assert!(found.rows.is_empty());
    // SQLite has no NaN.
    let found = soil
        .query("SELECT ?1".into(), vec![Value::Real(f64::NAN)])
        .await
        .unwrap();
    assert_eq!(found.rows, [[Value::Null]]);
}

#[tokio::test]
async fn writes_are_seen_by_their_device_at_once_and_by_others_after_the_commit() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    let mut other = rig.session("other", "read = ['t']");
    assert_eq!(
        change(&mut soil, "INSERT INTO t VALUES (1, 2), (3, 4)").await,
        Ok(2)
    );
    assert!(soil.is_dirty());
    assert_eq!(number(&mut soil, "SELECT count(*) FROM t").await, 2);
    assert_eq!(number(&mut other, "SELECT count(*) FROM t").await, 0);
    soil.commit().await.unwrap();
    assert!(!soil.is_dirty());
    assert_eq!(number(&mut other, "SELECT count(*) FROM t").await, 2);
}

#[tokio::test]
async fn a_rollback_or_a_dropped_session_leaves_nothing() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    change(&mut soil, "INSERT INTO t VALUES (1, 2)")
        .await
        .unwrap();
    soil.rollback().await;
    assert_eq!(number(&mut soil, "SELECT count(*) FROM t").await, 0);

    let mut gone = rig.session("soil", "tables = ['t']");
    change(&mut gone, "INSERT INTO t VALUES (1, 2)")
        .await
        .unwrap();
    drop(gone);
    // The turn is free again.
    soon(change(&mut soil, "INSERT INTO t VALUES (5, 6)"))
        .await
        .unwrap();
    soil.commit().await.unwrap();
    assert_eq!(
        rows(&mut soil, "SELECT a FROM t").await.unwrap(),
        [[Value::Integer(5)]]
    );
}

#[tokio::test]
async fn committed_rows_are_there_after_reopening() {
    let mut rig = Rig::new();
    let mut soil = rig.with_table().await;
    change(&mut soil, "INSERT INTO t VALUES (1, 2)")
        .await
        .unwrap();
    soil.commit().await.unwrap();
    change(&mut soil, "INSERT INTO t VALUES (3, 4)")
        .await
        .unwrap();
    rig.reopen();
    let error = change(&mut soil, "INSERT INTO t VALUES (5, 6)")
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(soil.commit().await.is_err());
    let mut soil = rig.session("soil", "tables = ['t']");
    assert_eq!(number(&mut soil, "SELECT count(*) FROM t").await, 1);
}

#[tokio::test]
async fn statements_say_how_many_rows_they_changed() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    let sql = "INSERT INTO t VALUES (?1, ?2)";
    let many = (0..100)
        .map(|i| vec![Value::Integer(i), Value::Null])
        .collect();
    assert_eq!(soil.execute_many(sql.into(), many).await, Ok(100));
    assert_eq!(change(&mut soil, "CREATE INDEX i ON t (a)").await, Ok(0));
    assert_eq!(
        change(&mut soil, "UPDATE t SET b = 1 WHERE a < 10").await,
        Ok(10)
    );
    assert_eq!(
        change(&mut soil, "UPDATE t SET b = 1 WHERE a < 0").await,
        Ok(0)
    );
    assert_eq!(
        change(&mut soil, "DELETE FROM t RETURNING a").await,
        Ok(100)
    );
    assert_eq!(soil.execute_many(sql.into(), vec![]).await, Ok(0));
    soil.commit().await.unwrap();
    assert_eq!(rig.store().statistics().rows, 210);
}

#[tokio::test]
async fn execute_many_changes_all_or_nothing() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    change(&mut soil, "CREATE UNIQUE INDEX one ON t (a)")
        .await
        .unwrap();
    change(&mut soil, "INSERT INTO t VALUES (7, 0)")
        .await
        .unwrap();
    let many = (0..10)
        .map(|i| vec![Value::Integer(i), Value::Null])
        .collect();
    let error = soil
        .execute_many("INSERT INTO t VALUES (?1, ?2)".into(), many)
        .await
        .unwrap_err();
    assert_eq!(
        error,
        StoreError::Constraint("UNIQUE constraint failed: t.a".into())
    );
    assert_eq!(number(&mut soil, "SELECT count(*) FROM t").await, 1);
    soil.commit().await.unwrap();
    assert_eq!(number(&mut soil, "SELECT count(*) FROM t").await, 1);
}

#[tokio::test]
async fn wrong_statements_are_explained() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    for (sql, wanted) in [
        (
            "INSERT INTO t VALUES (?1, ?2)",
            "the statement has 2 parameters, and 0 were given",
        ),
        (
            "INSERT INTO t VALUES (1, 2); DELETE FROM t",
            "more than one statement",
        ),
        ("SELECT a FROM t", "run it with `query`"),
        (
            "INSERT INTO t VALUES (1)",
            "table t has 2 columns but 1 values were supplied",
        ),
        (
            "INSRT INTO t",
            "near \"INSRT\": syntax error (at byte 0 of the statement)",
        ),
        ("  -- nothing", "no statement"),
        ("INSERT INTO nowhere VALUES (1)", "no such table: nowhere"),
        // A text in double quotes is a name.
        ("INSERT INTO t VALUES (\"x\", 1)", "no such column: \"x\""),
    ] {
        let error = change(&mut soil, sql).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid(_)), "{sql}: {error:?}");
        assert!(error.to_string().contains(wanted), "{sql}: {error}");
    }
    let error = rows(&mut soil, "DELETE FROM t").await.unwrap_err();
    assert!(
        error.to_string().contains("run it with `execute`"),
        "{error}"
    );
    let error = rows(&mut soil, "SELECT CAST(x'ff' AS TEXT) AS odd")
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`odd` holds text that is not UTF-8"),
        "{error}"
    );
    // None of it has spoilt the turn.
    change(&mut soil, "INSERT INTO t VALUES (1, 2)")
        .await
        .unwrap();
    soil.commit().await.unwrap();
}

#[tokio::test]
async fn foreign_keys_are_checked_with_each_statement() {
    let rig = Rig::new();
    let mut soil = rig.session("soil", "tables = ['beds', 'samples']");
    change(&mut soil, "CREATE TABLE beds (id INTEGER PRIMARY KEY)")
        .await
        .unwrap();
    change(&mut soil, "CREATE TABLE samples (bed REFERENCES beds)")
        .await
        .unwrap();
    let error = change(&mut soil, "INSERT INTO samples VALUES (1)")
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Constraint(_)), "{error:?}");
}

#[tokio::test]
async fn large_things_are_refused_with_their_limit() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let error = rows(&mut soil, endless).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains(&format!("more than {RESULT_ROWS} rows")),
        "{error}"
    );
    let wide = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                SELECT randomblob(100000) FROM n LIMIT 100";
    let error = rows(&mut soil, wide).await.unwrap_err();
    assert!(error.to_string().contains("bytes at row"), "{error}");
    let error = rows(&mut soil, "SELECT zeroblob(1000000000)")
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::TooLarge(_)), "{error:?}");
    let long = format!("SELECT 1 {}", " ".repeat(STATEMENT_BYTES));
    let error = rows(&mut soil, &long).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge(_)), "{error:?}");
    let sql = "INSERT INTO t VALUES (?1, 1)";
    let fits = vec![Value::Blob(vec![0; VALUE_BYTES])];
    assert_eq!(soil.execute(sql.into(), fits).await, Ok(1));
    let more = vec![Value::Blob(vec![0; 2 * VALUE_BYTES])];
    let error = soil.execute(sql.into(), more).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge(_)), "{error:?}");
    let deep = format!("SELECT {}1", "1 + ".repeat(500));
    let error = rows(&mut soil, &deep).await.unwrap_err();
    assert!(matches!(error, StoreError::Invalid(_)), "{error:?}");
    soil.commit().await.unwrap();
}

#[tokio::test]
async fn an_endless_query_is_stopped_and_harms_nobody() {
    let rig = Rig::with(Times {
        statement: Duration::from_millis(200),
        ..Times::default()
    });
    let mut soil = rig.with_table().await;
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    // Outside of a turn.
    let error = soon(rows(&mut soil, endless)).await.unwrap_err();
    assert!(error.to_string().contains("was stopped after"), "{error}");
    // Inside of one, whose writes stay.
    change(&mut soil, "INSERT INTO t VALUES (1, 2)")
        .await
        .unwrap();
    let error = soon(rows(&mut soil, endless)).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge(_)), "{error:?}");
    soil.commit().await.unwrap();
    assert_eq!(number(&mut soil, "SELECT count(*) FROM t").await, 1);
}

#[tokio::test]
async fn a_call_that_was_given_up_is_not_done() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    let mut other = rig.session("other", "tables = ['t']");
    change(&mut soil, "INSERT INTO t VALUES (1, 0)")
        .await
        .unwrap();
    // It waits for its turn, and is dropped like a handler call that takes too long.
    let waits = change(&mut other, "INSERT INTO t VALUES (2, 0)");
    assert!(
        tokio::time::timeout(Duration::from_millis(1), waits)
            .await
            .is_err()
    );
    other.rollback().await;
    soil.commit().await.unwrap();
    assert_eq!(number(&mut other, "SELECT sum(a) FROM t").await, 1);
    soon(change(&mut other, "INSERT INTO t VALUES (4, 0)"))
        .await
        .unwrap();
    other.commit().await.unwrap();
    assert_eq!(number(&mut other, "SELECT sum(a) FROM t").await, 5);
}

#[tokio::test]
async fn deep_nesting_of_any_kind_is_answered_and_ends_no_thread() {
    let rig = Rig::new();
    let mut soil = rig.with_table().await;
    let nested = |open: &str, core: &str, close: &str, depth: usize| {
        format!("{}{core}{}", open.repeat(depth), close.repeat(depth))
    };
    for depth in [10, 50, 90, 200, 1000, 4000] {
        let chain: Vec<String> = (1..depth)
            .map(|i| format!("c{i} AS (SELECT * FROM c{})", i - 1))
            .collect();
        let statements = [
            nested("SELECT * FROM (", "SELECT 1", ")", depth),
            nested("SELECT (", "SELECT 1", ")", depth),
            format!("SELECT {}", nested("(", "1", ")", depth)),
            format!("SELECT {}", nested("- ", "1", "", depth)),
            format!("SELECT {}", nested("abs(", "1", ")", depth)),
            format!("SELECT {}", nested("NOT EXISTS (SELECT ", "1", ")", depth)),
            format!("SELECT {}", nested("CASE WHEN 1 THEN ", "1", " END", depth)),
            format!("SELECT {}", vec!["1"; depth].join(" + ")),
            format!("SELECT {}", vec!["1"; depth].join(" || ")),
            vec!["SELECT 1"; depth].join(" UNION ALL "),
            vec!["SELECT 1"; depth].join(" EXCEPT "),
            format!("SELECT * FROM {}", vec!["t"; depth].join(", ")),
            format!("SELECT * FROM {}", nested("(", "t", ")", depth)),
            format!("SELECT 1 WHERE 1 IN ({})", vec!["1"; depth].join(",")),
            format!(
                "WITH c0 AS (SELECT 1), {} SELECT * FROM c{}",
                chain.join(", "),
                depth - 1
            ),
            nested("WITH c AS (", "SELECT 1", ") SELECT * FROM c", depth),
        ];
        for sql in statements {
            let outside = soon(rows(&mut soil, &sql)).await;
            change(&mut soil, "INSERT INTO t VALUES (1, 2)")
                .await
                .unwrap();
            let inside = soon(rows(&mut soil, &sql)).await;
            soil.rollback().await;
            assert_eq!(
                outside.is_ok(),
                inside.is_ok(),
                "{depth} {}",
                &sql[..sql.len().min(60)]
            );
        }
    }
    // Both threads are alive.
    number(&mut soil, "SELECT count(*) FROM t").await;
    change(&mut soil, "INSERT INTO t VALUES (1, 2)")
        .await
        .unwrap();
    soil.commit().await.unwrap();
}
