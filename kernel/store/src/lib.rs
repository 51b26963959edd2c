//! Persistence for Weihe plugins: SQL and key-value over embedded SQLite.
//!
//! All that a handler call writes, rows and keys, is one transaction. It begins with the first
//! write, when the device takes the *write turn*, and is durable when its commit is answered.
//! Devices that write at the same time share one COMMIT and its fsync (see `writer.rs`).
//!
//! ```
//! # use std::sync::Arc;
//! # use weihe_store::{Grant, Store, Value};
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! # let directory = tempfile::tempdir().unwrap();
//! let store = Store::open(&directory.path().join("weihe.db")).unwrap();
//! let grant = Grant::from_table(&toml::from_str("tables = ['readings']").unwrap()).unwrap();
//! let mut soil = store.session("soil", Arc::new(grant));
//!
//! soil.execute("CREATE TABLE readings (value REAL)".into(), vec![]).await.unwrap();
//! soil.execute("INSERT INTO readings VALUES (?1)".into(), vec![Value::Real(21.5)]).await.unwrap();
//! soil.commit().await.unwrap();
//!
//! let found = soil.query("SELECT value FROM readings".into(), vec![]).await.unwrap();
//! assert_eq!(found.rows, [[Value::Real(21.5)]]);
//! # });
//! ```

mod authorize;
mod capability;
mod company;
mod error;
mod executor;
mod file;
mod grant;
pub mod guest;
mod keys;
mod letters;
mod lexer;
pub mod limits;
mod message;
mod reader;
mod session;
mod state;
mod statement;
mod statistics;
mod store;
mod turn;
mod value;
mod watch;
mod writer;

pub use capability::StoreCapability;
pub use error::{OpenError, StoreError};
pub use grant::{Grant, InvalidGrant};
pub use session::{Bucket, MAIN, Session};
pub use state::SavedState;
pub use statistics::StoreStatistics;
pub use store::Store;
pub use value::{KeyPage, Row, Rows, Value};

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
