use super::*;

/// A device that may write `mine` and read `theirs`, beside a table that it knows nothing of.
async fn neighbours() -> (Rig, Session) {
    let rig = Rig::new();
    let mut other = rig.session(
        "other",
        "tables = ['theirs', 'secret', 'peek']\nkeys = true",
    );
    change(&mut other, "CREATE TABLE theirs (a, b)")
        .await
        .unwrap();
    change(&mut other, "CREATE TABLE secret (a INTEGER PRIMARY KEY, b)")
        .await
        .unwrap();
    change(&mut other, "CREATE VIEW peek AS SELECT a FROM secret")
        .await
        .unwrap();
    change(&mut other, "INSERT INTO secret VALUES (1, 'x')")
        .await
        .unwrap();
    other.commit().await.unwrap();
    let mut soil = rig.session(
        "soil",
        "tables = ['mine', 'mine2', 'v']\nread = ['theirs', 'peek']\nkeys = true",
    );
    change(&mut soil, "CREATE TABLE mine (a, b)").await.unwrap();
    soil.commit().await.unwrap();
    (rig, soil)
}

#[tokio::test]
async fn what_is_granted_works() {
    let (_rig, mut soil) = neighbours().await;
    for sql in [
        "INSERT INTO mine VALUES (1, 2)",
        "INSERT INTO MINE SELECT a, b FROM theirs",
        "UPDATE main.mine SET a = 3 WHERE b = 2",
        "CREATE INDEX mine_a ON mine (a)",
        "CREATE UNIQUE INDEX IF NOT EXISTS mine_b ON mine (b) WHERE b > 7",
        "CREATE VIEW v AS SELECT m.a FROM mine m JOIN theirs t ON m.a = t.a",
        "ALTER TABLE mine ADD COLUMN c NOT NULL DEFAULT 1",
        "ALTER TABLE mine ADD COLUMN d CHECK (d > 0)",
        "ALTER TABLE mine RENAME COLUMN c TO e",
        "ALTER TABLE mine DROP COLUMN d",
        "CREATE TABLE mine2 (id INTEGER PRIMARY KEY AUTOINCREMENT, x UNIQUE, CHECK (x > 0))",
        "INSERT INTO mine2 (x) VALUES (7)",
        "DROP INDEX mine_a",
        "DROP VIEW v",
        "DROP TABLE mine2",
        "CREATE TABLE IF NOT EXISTS mine (a)",
        "CREATE TABLE mine2 AS SELECT * FROM theirs",
        "WITH c AS (SELECT 5 AS x) INSERT INTO mine2 (a) SELECT x FROM c",
        "INSERT INTO mine2 (a) VALUES (1) RETURNING a",
        "DELETE FROM mine2",
    ] {
        change(&mut soil, sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    soil.commit().await.unwrap();
    for sql in [
        "SELECT * FROM theirs",
        "SELECT count(*) FROM theirs",
        "SELECT name FROM sqlite_master",
        "SELECT sql FROM main.sqlite_schema WHERE name = 'mine'",
        "PRAGMA table_info(mine)",
        "SELECT name FROM pragma_table_info('mine')",
        "WITH c AS (SELECT 1) SELECT count(*) FROM c",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT count(*) FROM n",
        "SELECT count(*) FROM (SELECT a FROM mine)",
        "SELECT value FROM json_each('[1, 2]')",
        "SELECT 1 FROM mine AS secret",
        "SELECT sum(a) OVER (ORDER BY b) FROM mine",
        "SELECT strftime('%Y', 'now'), random(), json_extract('{\"a\": 1}', '$.a')",
        "SELECT name, \"notnull\", dflt_value IS NULL, pk FROM pragma_table_info('mine')",
        "EXPLAIN QUERY PLAN SELECT * FROM mine WHERE a = 1",
        "VALUES (1), (2)",
    ] {
        rows(&mut soil, sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

#[tokio::test]
async fn what_is_not_granted_is_denied_with_device_and_table() {
    let (rig, mut soil) = neighbours().await;
    let before =
        rig.stranger()
            .query_row("SELECT group_concat(sql) FROM sqlite_schema", [], |row| {
                row.get::<_, String>(0)
            });
    for (sql, names) in [
        ("INSERT INTO theirs VALUES (1, 2)", "write table `theirs`"),
        ("UPDATE theirs SET a = 1", "write table `theirs`"),
        ("DELETE FROM theirs", "write table `theirs`"),
        (
            "INSERT INTO mine SELECT a, b FROM secret",
            "read table `secret`",
        ),
        (
            "INSERT INTO mine SELECT count(*), 1 FROM secret",
            "read table `secret`",
        ),
        (
            "DELETE FROM mine WHERE a IN (SELECT a FROM secret)",
            "read table `secret`",
        ),
        ("UPDATE secret SET b = 1", "write table `secret`"),
        ("REPLACE INTO secret VALUES (1, 2)", "write table `secret`"),
        ("CREATE TABLE other (a)", "create, alter or drop `other`"),
        (
            "CREATE TABLE weihe_x (a)",
            "create, alter or drop `weihe_x`",
        ),
        (
            "CREATE TABLE mine2 AS SELECT * FROM secret",
            "read table `secret`",
        ),
        (
            "CREATE INDEX i ON secret (a)",
            "create, alter or drop `secret`",
        ),
        ("CREATE INDEX weihe_i ON mine (a)", "the name is reserved"),
        ("DROP TABLE secret", "drop `secret`"),
        ("DROP TABLE weihe_keys", "drop `weihe_keys`"),
        ("ALTER TABLE secret ADD COLUMN c", "alter or drop `secret`"),
        ("ALTER TABLE mine RENAME TO mine2", "rename tables"),
        ("CREATE TEMP TABLE x (a)", "temporary table `x`"),
        ("CREATE TEMP VIEW x AS SELECT 1", "x"),
        (
            "CREATE TRIGGER x AFTER INSERT ON mine BEGIN SELECT 1; END",
            "trigger `x`",
        ),
        (
            "CREATE TEMP TRIGGER x AFTER INSERT ON mine BEGIN SELECT 1; END",
            "trigger `x`",
        ),
        (
            "CREATE VIRTUAL TABLE mine2 USING fts5(a)",
            "virtual table `mine2`",
        ),
        ("ATTACH '/tmp/x.db' AS x", "attach"),
        ("DETACH main", "attach"),
        ("BEGIN", "transactions"),
        ("COMMIT", "transactions"),
        ("SAVEPOINT x", "transactions"),
        ("RELEASE turn", "transactions"),
        ("ROLLBACK", "`ROLLBACK` is not allowed"),
        (
            "INSERT OR ROLLBACK INTO mine VALUES (1, 2)",
            "`ROLLBACK` is not allowed",
        ),
        (
            "CREATE TABLE mine2 (a REFERENCES mine DEFERRABLE INITIALLY DEFERRED)",
            "`DEFERRABLE`",
        ),
        ("PRAGMA user_version = 7", "PRAGMA user_version"),
        ("PRAGMA journal_mode = DELETE", "PRAGMA journal_mode"),
        ("PRAGMA synchronous = OFF", "PRAGMA synchronous"),
        ("PRAGMA writable_schema = ON", "PRAGMA writable_schema"),
        ("PRAGMA wal_checkpoint", "PRAGMA wal_checkpoint"),
        ("ANALYZE", "`sqlite_stat1`"),
        ("REINDEX mine", ""),
        (
            "INSERT INTO weihe_keys VALUES ('device/other', 'k', x'00')",
            "write table `weihe_keys`",
        ),
        ("DELETE FROM weihe_state", "write table `weihe_state`"),
    ] {
        let error = change(&mut soil, sql).await;
        let Err(StoreError::Denied(text)) = &error else {
            // Nothing to reindex is nothing done.
            assert!(names.is_empty(), "{sql}: {error:?}");
            continue;
        };
        assert!(text.contains(names), "{sql}: {text}");
    }
    // SQLite's own tables it protects itself.
    for sql in [
        "DELETE FROM sqlite_master",
        "UPDATE sqlite_master SET sql = 'x'",
        "VACUUM",
        "VACUUM INTO '/tmp/x.db'",
    ] {
        assert!(change(&mut soil, sql).await.is_err(), "{sql}");
        soil.rollback().await;
        assert!(rows(&mut soil, sql).await.is_err(), "{sql}");
    }
    for sql in [
        "SELECT * FROM secret",
        "SELECT count(*) FROM secret",
        "SELECT 1 FROM secret",
        "SELECT count(*) FROM main.secret",
        "SELECT EXISTS (SELECT 1 FROM secret)",
        "SELECT mine.a FROM mine, secret",
        "SELECT a FROM mine ORDER BY (SELECT count(*) FROM Secret)",
        "SELECT a FROM peek",
        "SELECT count(*) FROM peek",
        "SELECT value FROM weihe_keys",
        "SELECT count(*) FROM weihe_state",
        "SELECT count(*) FROM dbstat",
        "SELECT * FROM dbstat",
        "SELECT * FROM pragma_database_list",
        "SELECT load_extension('x')",
        "PRAGMA cache_size",
        "EXPLAIN SELECT * FROM secret",
        "WITH secret AS (SELECT * FROM secret) SELECT * FROM secret",
    ] {
        for in_turn in [false, true] {
            if in_turn {
                change(&mut soil, "INSERT INTO mine VALUES (1, 2)")
                    .await
                    .unwrap();
            }
            let result = rows(&mut soil, sql).await;
            let denied = matches!(result, Err(StoreError::Denied(_)));
            let circular =
                matches!(&result, Err(StoreError::Invalid(text)) if text.contains("circular"));
            assert!(denied || circular, "{sql}: {result:?}");
            soil.rollback().await;
        }
    }
    soil.rollback().await;
    let after =
        rig.stranger()
            .query_row("SELECT group_concat(sql) FROM sqlite_schema", [], |row| {
                row.get::<_, String>(0)
            });
    assert_eq!(before, after);
    let text = change(&mut soil, "DELETE FROM theirs")
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "device `soil` may not write table `theirs`: its store grant names it in `read`, not in `tables`"
    );
}

#[tokio::test]
async fn a_statement_prepared_for_one_device_is_not_open_to_another() {
    let (rig, mut soil) = neighbours().await;
    let mut other = rig.session("other", "read = ['secret']");
    for sql in ["SELECT b FROM secret", "SELECT count(*) FROM secret"] {
        rows(&mut other, sql).await.unwrap();
        let error = rows(&mut soil, sql).await.unwrap_err();
        assert!(matches!(error, StoreError::Denied(_)), "{sql}: {error:?}");
        rows(&mut other, sql).await.unwrap();
    }
}

#[tokio::test]
async fn a_kept_statement_is_checked_again_when_the_schema_changes() {
    let (rig, mut soil) = neighbours().await;
    let mut other = rig.session("other", "tables = ['theirs', 'secret']");
    let (sum, count) = ("SELECT a FROM theirs", "SELECT a FROM theirs LIMIT 1");
    rows(&mut soil, sum).await.unwrap();
    rows(&mut soil, count).await.unwrap();
    // The table that soil may read becomes a view of one that it may not.
    change(&mut other, "DROP TABLE theirs").await.unwrap();
    change(
        &mut other,
        "CREATE VIEW theirs AS SELECT count(*) AS a FROM secret",
    )
    .await
    .unwrap();
    other.commit().await.unwrap();
    for sql in [sum, count] {
        let error = rows(&mut soil, sql).await.unwrap_err();
        assert!(matches!(error, StoreError::Denied(_)), "{sql}: {error:?}");
    }
    // Harmless changes are followed.
    let common = "WITH c AS (SELECT a FROM mine) SELECT count(*) FROM c";
    rows(&mut soil, common).await.unwrap();
    change(&mut soil, "CREATE TABLE mine2 (a)").await.unwrap();
    soil.commit().await.unwrap();
    rows(&mut soil, common).await.unwrap();
}
