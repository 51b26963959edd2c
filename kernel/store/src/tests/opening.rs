use std::fs;

use super::*;
use crate::OpenError;

#[tokio::test]
async fn a_second_host_is_refused_and_told_by_whom() {
    let mut rig = Rig::new();
    let Err(error) = Store::open(&rig.file()) else {
        panic!("opened twice");
    };
    let text = error.to_string();
    assert!(matches!(error, OpenError::InUse { .. }), "{text}");
    assert!(
        text.contains("weihe.db is in use by another host"),
        "{text}"
    );
    assert!(text.contains(&std::process::id().to_string()), "{text}");
    // A lock file without a host behind it is nothing.
    rig.store = None;
    assert!(rig.directory.path().join("weihe.db-lock").exists());
    rig.reopen();
}

/// Why a file with this content cannot be opened.
fn refusal(content: &[u8]) -> OpenError {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("weihe.db");
    fs::write(&file, content).unwrap();
    let Err(error) = Store::open(&file) else {
        panic!("opened");
    };
    assert!(error.to_string().contains("weihe.db"), "{error}");
    assert_eq!(
        fs::read(&file).unwrap(),
        content,
        "a file that is not ours is left as it is"
    );
    error
}

#[test]
fn other_files_are_refused_with_file_and_reason() {
    let error = refusal(&b"This is a letter, not a database. ".repeat(200));
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("restore a backup"), "{error}");

    let content = |sql: &str| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("other.db");
        rusqlite::Connection::open(&file)
            .unwrap()
            .execute_batch(sql)
            .unwrap();
        fs::read(file).unwrap()
    };
    let error = refusal(&content("CREATE TABLE contacts (name)"));
    assert!(
        matches!(error, OpenError::Foreign { found: 0, .. }),
        "{error}"
    );
    let error = refusal(&content(
        "PRAGMA application_id = 7; CREATE TABLE contacts (name)",
    ));
    assert!(
        matches!(error, OpenError::Foreign { found: 7, .. }),
        "{error}"
    );
    let weihe = "PRAGMA application_id = 1464158536; CREATE TABLE x (a);";
    let error = refusal(&content(&format!("{weihe} PRAGMA user_version = 99")));
    assert!(
        matches!(
            error,
            OpenError::Newer {
                found: 99,
                known: 1,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn an_empty_file_becomes_a_database_and_a_missing_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("weihe.db");
    fs::write(&file, b"").unwrap();
    drop(Store::open(&file).unwrap());
    drop(Store::open(&file).unwrap());
    let Err(error) = Store::open(&directory.path().join("missing/weihe.db")) else {
        panic!("opened");
    };
    assert!(
        error.to_string().contains("missing/weihe.db-lock"),
        "{error}"
    );
}

#[tokio::test]
async fn a_damaged_file_is_refused_or_says_so_when_it_is_read() {
    let rig = Rig::new();
    let file = rig.file();
    let mut soil = rig.with_table().await;
    let rows = (0..2000)
        .map(|i| vec![Value::Integer(i), Value::Text("x".repeat(100))])
        .collect();
    soil.execute_many("INSERT INTO t VALUES (?1, ?2)".into(), rows)
        .await
        .unwrap();
    soil.commit().await.unwrap();
    let Rig { store, directory } = rig;
    drop((store, soil));
    let whole = fs::read(&file).unwrap();

    let mut holed = whole.clone();
    let middle = whole.len() / 2;
    holed[middle..middle + 8192].fill(0xa5);
    fs::write(&file, &holed).unwrap();
    let Err(error) = Store::open(&file) else {
        panic!("opened");
    };
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");

    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let Err(error) = Store::open(&file) else {
        panic!("opened");
    };
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");

    fs::write(&file, &whole).unwrap();
    drop(Store::open(&file).unwrap());
    drop(directory);
}

#[test]
fn the_size_of_files_is_told() {
    let rig = Rig::new();
    let statistics = rig.store().statistics();
    assert!(
        statistics.file_bytes > 0 && statistics.log_bytes > 0,
        "{statistics:?}"
    );
    let text = serde_json::to_value(&statistics).unwrap();
    assert_eq!(text["last-error"], serde_json::Value::Null);
}
