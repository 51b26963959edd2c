//! Keys and values, and the checkpoints of devices' states: the host's own tables.

use rusqlite::OptionalExtension;

use crate::error::StoreError;
use crate::executor::Executor;
use crate::limits::{KEY_BYTES, KEYS_PAGE, VALUE_BYTES};
use crate::value::KeyPage;

/// The tables of schema version 1.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE weihe_keys (
        bucket TEXT NOT NULL,   -- device/NAME or bucket/NAME
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (bucket, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE weihe_state (
        device TEXT NOT NULL PRIMARY KEY,   -- NAME, or NAME/refused
        version INTEGER NOT NULL,
        bytes BLOB NOT NULL
    ) STRICT;
";

/// Checks a key before it travels.
pub(crate) fn check_key(key: &str) -> Result<(), StoreError> {
    if key.is_empty() {
        return Err(StoreError::Invalid("the key is empty".into()));
    }
    if key.len() > KEY_BYTES {
        return Err(StoreError::TooLarge(format!(
            "the key has {} bytes; it may have {KEY_BYTES}",
            key.len()
        )));
    }
    Ok(())
}

/// Checks a value before it travels.
pub(crate) fn check_value(key: &str, value: &[u8]) -> Result<(), StoreError> {
    if value.len() > VALUE_BYTES {
        return Err(StoreError::TooLarge(format!(
            "the value of `{key}` has {} bytes; it may have {VALUE_BYTES}",
            value.len()
        )));
    }
    Ok(())
}

impl Executor<'_> {
    /// The value of a key.
    pub fn get(&mut self, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.as_host();
        let sql = "SELECT value FROM weihe_keys WHERE bucket = ?1 AND key = ?2";
        self.with(sql, |_, _, statement| {
            let found = statement.query_row([bucket, key], |row| row.get(0));
            Ok(found.optional()?)
        })
    }

    /// Sets a key.
    pub fn set(&mut self, bucket: &str, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.as_host();
        let sql = "INSERT INTO weihe_keys (bucket, key, value) VALUES (?1, ?2, ?3)
                   ON CONFLICT (bucket, key) DO UPDATE SET value = excluded.value";
        self.with(sql, |_, _, statement| {
            statement.execute((bucket, key, value))?;
            Ok(())
        })
    }

    /// Removes a key, if it is there.
    pub fn delete(&mut self, bucket: &str, key: &str) -> Result<(), StoreError> {
        self.as_host();
        let sql = "DELETE FROM weihe_keys WHERE bucket = ?1 AND key = ?2";
        self.with(sql, |_, _, statement| {
            statement.execute([bucket, key])?;
            Ok(())
        })
    }

    /// Whether a key is there.
    pub fn exists(&mut self, bucket: &str, key: &str) -> Result<bool, StoreError> {
        self.as_host();
        let sql = "SELECT 1 FROM weihe_keys WHERE bucket = ?1 AND key = ?2";
        self.with(sql, |_, _, statement| Ok(statement.exists([bucket, key])?))
    }

    /// A page of keys, those after `cursor` in byte order.
    pub fn list_keys(&mut self, bucket: &str, cursor: Option<&str>) -> Result<KeyPage, StoreError> {
        self.as_host();
        // No key is empty, so the first page starts after the empty one.
        let sql = "SELECT key FROM weihe_keys WHERE bucket = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
        // One more than a page tells whether there is a next one.
        let limit = KEYS_PAGE as i64 + 1;
        let mut keys = self.with(sql, |_, _, statement| {
            let found =
                statement.query_map((bucket, cursor.unwrap_or(""), limit), |row| row.get(0))?;
            Ok(found.collect::<Result<Vec<String>, _>>()?)
        })?;
        let more = keys.len() > KEYS_PAGE;
        keys.truncate(KEYS_PAGE);
        let cursor = keys.last().filter(|_| more).cloned();
        Ok(KeyPage { keys, cursor })
    }
}
