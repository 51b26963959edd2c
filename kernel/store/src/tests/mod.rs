//! The store as its users see it, without wasm.

mod capability;
mod crash;
mod faults;
mod grants;
mod keys;
mod letters;
mod model;
mod opening;
mod sql;
mod turns;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::limits::Times;
use crate::{Grant, Row, Session, Store, StoreError, Value};

/// A store in a directory of its own.
struct Rig {
    store: Option<Store>,
    directory: tempfile::TempDir,
}

/// Long enough for any answer on a busy machine; a test that waits so long has found a hang.
const PATIENCE: Duration = Duration::from_secs(60);

impl Rig {
    fn new() -> Self {
        Self::with(Times::default())
    }

    fn with(times: Times) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open_with(&directory.path().join("weihe.db"), times).unwrap();
        Self {
            store: Some(store),
            directory,
        }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("weihe.db")
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// Closes the store and opens it again.
    fn reopen(&mut self) {
        self.store = None;
        self.store = Some(Store::open(&self.file()).unwrap());
    }

    fn session(&self, device: &str, grant: &str) -> Session {
        self.store().session(device, granted(grant))
    }

    /// A device that has made table `t (a, b)` and committed it.
    async fn with_table(&self) -> Session {
        let mut session = self.session("soil", "tables = ['t']\nkeys = true");
        change(&mut session, "CREATE TABLE t (a, b)").await.unwrap();
        session.commit().await.unwrap();
        session
    }

    /// Another process's (or another program's) connection to the file.
    fn stranger(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).unwrap()
    }
}

fn granted(grant: &str) -> Arc<Grant> {
    Arc::new(Grant::from_table(&toml::from_str(grant).unwrap()).unwrap())
}

async fn change(session: &mut Session, sql: &str) -> Result<u64, StoreError> {
    session.execute(sql.into(), vec![]).await
}

async fn rows(session: &mut Session, sql: &str) -> Result<Vec<Row>, StoreError> {
    Ok(session.query(sql.into(), vec![]).await?.rows)
}

async fn number(session: &mut Session, sql: &str) -> i64 {
    match rows(session, sql).await.unwrap()[0][0] {
        Value::Integer(number) => number,
        ref other => panic!("{other:?}"),
    }
}

/// What a future gives, or a failed test instead of a hang.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("hangs")
}
