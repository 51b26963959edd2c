//! The states of devices: the last one of each, and the last one that its plugin refused.

use std::sync::Arc;

use rusqlite::OptionalExtension;
use rusqlite::limits::Limit;
use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::executor::Executor;
use crate::limits::STATE_BYTES;
use crate::message::{Refusal, Task};
use crate::store::Store;

/// A device's state as it was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedState {
    /// The version of the packing.
    pub version: u32,
    /// The packed state.
    pub bytes: Vec<u8>,
}

/// Under which name a device's refused state is kept in `weihe_state`: no device can have it.
fn refused(device: &str) -> String {
    format!("{device}/refused")
}

/// SQLite's limit for a row with a state in it.
const STATE_LIMIT: i32 = (STATE_BYTES + (64 << 10)) as i32;

impl Store {
    /// The state of a device as it was last saved.
    pub fn load_state(
        &self,
        device: &str,
    ) -> impl Future<Output = Result<Option<SavedState>, String>> + Send + use<> {
        let name: Arc<str> = device.into();
        let (answer, answered) = oneshot::channel();
        let wanted = name.clone();
        let run = move |executor: &mut Executor<'_>| {
            with_states(executor, |executor| executor.load_state(&wanted))
        };
        self.read(Box::new(Task { answer, run }));
        async move {
            let result = match answered.await {
                Ok(Ok(result)) => result,
                Ok(Err(Refusal(error))) => Err(error),
                Err(_) => Err(StoreError::Unavailable("the store is closed".into())),
            };
            result.map_err(|error| format!("cannot load the state of device `{name}`: {error}"))
        }
    }

    /// Saves the state of a device; ends when it is durable. Shares its COMMIT with devices.
    pub fn save_state(
        &self,
        device: &str,
        state: SavedState,
    ) -> impl Future<Output = Result<(), String>> + Send + use<> {
        let name: Arc<str> = device.into();
        let written = self.write_state(device.to_owned(), state);
        async move {
            written
                .await
                .map_err(|error| format!("cannot save the state of device `{name}`: {error}"))
        }
    }

    /// Keeps a state that a device's plugin refused, in place of the one refused before; tells
    /// where when it is durable.
    pub fn set_state_aside(
        &self,
        device: &str,
        state: SavedState,
    ) -> impl Future<Output = Result<String, String>> + Send + use<> {
        let name = refused(device);
        let place = format!(
            "in `{}`: SELECT version, bytes FROM weihe_state WHERE device = '{name}'",
            self.file().display()
        );
        let written = self.write_state(name, state);
        async move { written.await.map(|()| place) }
    }

    fn write_state(
        &self,
        name: String,
        state: SavedState,
    ) -> impl Future<Output = Result<(), String>> + Send + use<> {
        let size = state.bytes.len();
        let work = move |executor: &mut Executor<'_>| {
            with_states(executor, |executor| {
                executor.save_state(&name, state.version, &state.bytes)
            })
        };
        let sent = if size > STATE_BYTES {
            Err(format!("it has {size} bytes, and may have {STATE_BYTES}"))
        } else {
            Ok(self.write(Box::new(work)))
        };
        async move { sent?.await }
    }
}

/// Lets rows be as large as states, which may be larger than what devices may write at once.
fn with_states<'c, T>(executor: &mut Executor<'c>, work: impl FnOnce(&mut Executor<'c>) -> T) -> T {
    let connection = executor.connection();
    let usual = connection.limit(Limit::SQLITE_LIMIT_LENGTH);
    let _ = connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, STATE_LIMIT);
    let result = work(executor);
    let _ = usual.and_then(|usual| connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, usual));
    result
}

impl Executor<'_> {
    /// The state that is kept under a name.
    fn load_state(&mut self, name: &str) -> Result<Option<SavedState>, StoreError> {
        self.as_host();
        let sql = "SELECT version, bytes FROM weihe_state WHERE device = ?1";
        self.with(sql, |_, _, statement| {
            let state = |row: &rusqlite::Row<'_>| {
                Ok(SavedState {
                    version: row.get(0)?,
                    bytes: row.get(1)?,
                })
            };
            Ok(statement.query_row([name], state).optional()?)
        })
    }

    /// Replaces the state that is kept under a name.
    fn save_state(&mut self, name: &str, version: u32, bytes: &[u8]) -> Result<(), StoreError> {
        self.as_host();
        let sql = "INSERT INTO weihe_state (device, version, bytes) VALUES (?1, ?2, ?3)
                   ON CONFLICT (device) DO UPDATE SET version = excluded.version, bytes = excluded.bytes";
        self.with(sql, |_, _, statement| {
            statement.execute((name, version, bytes))?;
            Ok(())
        })
    }
}
