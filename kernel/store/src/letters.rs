//! Dead letters of devices: the latest of each, within bounds.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{OptionalExtension, Row};
use tokio::sync::oneshot;
use weihe_kernel::device::{
    DeadLetters, KeptLetter, Letter, MAX_LETTER_BYTES, MAX_LETTERS, MAX_LISTED, SHOWN_BYTES,
    Sorting,
};

use crate::error::StoreError;
use crate::executor::Executor;
use crate::message::{Refusal, Task};
use crate::store::Store;

/// The table. Ids are never used twice, or an operator could drop what was not meant.
pub(crate) const LETTERS: &str = "
    CREATE TABLE IF NOT EXISTS weihe_dead (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        device TEXT NOT NULL,
        time INTEGER NOT NULL,      -- nanoseconds since 1970
        reason TEXT NOT NULL,
        head TEXT NOT NULL,         -- JSON: what the input was
        payload BLOB NOT NULL,      -- the octets of its value
        bytes INTEGER NOT NULL      -- of all three
    ) STRICT;
    CREATE INDEX IF NOT EXISTS weihe_dead_device ON weihe_dead (device, id);
";

/// Inserts a letter.
const KEEP: &str = "INSERT INTO weihe_dead (device, time, reason, head, payload, bytes)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Removes the oldest letters of a device beyond a number and a size.
const BOUND: &str = "DELETE FROM weihe_dead WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER latest AS place, sum(bytes) OVER latest AS total
        FROM weihe_dead WHERE device = ?1 WINDOW latest AS (ORDER BY id DESC)
    ) WHERE place > ?2 OR total > ?3)";

/// The latest letters, the latest first, with the beginnings of their payloads.
const LIST: &str = "SELECT id, device, time, reason, head, substr(payload, 1, ?2), length(payload)
    FROM weihe_dead WHERE ?1 IS NULL OR device = ?1 ORDER BY id DESC LIMIT ?3";

const LOAD: &str = "SELECT id, device, time, reason, head, payload, length(payload)
    FROM weihe_dead WHERE device = ?1 AND id = ?2";

const REMOVE: &str = "DELETE FROM weihe_dead WHERE device = ?1 AND id = ?2";

/// Sizes and ids as SQLite holds them. Neither comes near its end.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn letter(row: &Row<'_>) -> rusqlite::Result<KeptLetter> {
    let number = |column| {
        row.get(column)
            .map(|number: i64| number.max(0).unsigned_abs())
    };
    Ok(KeptLetter {
        id: number(0)?,
        device: row.get(1)?,
        letter: Letter {
            time: number(2)?,
            reason: row.get(3)?,
            head: row.get(4)?,
            payload: row.get::<_, Vec<u8>>(5)?.into(),
        },
        bytes: number(6)?,
    })
}

impl Executor<'_> {
    fn keep_letter(&mut self, device: &str, letter: &Letter) -> Result<u64, StoreError> {
        self.as_host();
        let size = signed(letter.size() as u64);
        self.with(KEEP, |_, _, statement| {
            statement.execute((
                device,
                signed(letter.time),
                &letter.reason,
                &letter.head,
                &letter.payload[..],
                size,
            ))?;
            Ok(())
        })?;
        self.with(BOUND, |_, _, statement| {
            let lost = statement.execute((device, MAX_LETTERS as i64, MAX_LETTER_BYTES as i64))?;
            Ok(lost as u64)
        })
    }

    fn list_letters(&mut self, device: Option<&str>) -> Result<Vec<KeptLetter>, StoreError> {
        self.as_host();
        self.with(LIST, |_, _, statement| {
            let rows =
                statement.query_map((device, SHOWN_BYTES as i64, MAX_LISTED as i64), letter)?;
            let mut letters = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            letters.reverse();
            Ok(letters)
        })
    }

    fn load_letter(&mut self, device: &str, id: u64) -> Result<Option<KeptLetter>, StoreError> {
        self.as_host();
        self.with(LOAD, |_, _, statement| {
            Ok(statement
                .query_row((device, signed(id)), letter)
                .optional()?)
        })
    }

    fn remove_letters(&mut self, device: &str, ids: &[u64]) -> Result<Vec<u64>, StoreError> {
        self.as_host();
        let mut removed = Vec::new();
        for id in ids {
            let found = self.with(REMOVE, |_, _, statement| {
                Ok(statement.execute((device, signed(*id)))? > 0)
            })?;
            if found {
                removed.push(*id);
            }
        }
        Ok(removed)
    }
}

impl Store {
    /// A read of letters.
    fn look<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Executor<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Sorting<T> {
        let (answer, answered) = oneshot::channel();
        self.read(Box::new(Task { answer, run }));
        Box::pin(async move {
            let result = match answered.await {
                Ok(Ok(result)) => result,
                Ok(Err(Refusal(error))) => Err(error),
                Err(_) => Err(StoreError::Unavailable("the store is closed".into())),
            };
            result.map_err(|error| error.to_string())
        })
    }

    /// A change of letters; ends when it is durable. Shares its COMMIT with devices.
    fn change<T: Default + Send + 'static>(
        &self,
        run: impl FnOnce(&mut Executor<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Sorting<T> {
        let result = Arc::new(Mutex::new(T::default()));
        let place = result.clone();
        let written = self.write(Box::new(move |executor| {
            let value = run(executor)?;
            *place.lock().unwrap_or_else(PoisonError::into_inner) = value;
            Ok(())
        }));
        Box::pin(async move {
            written.await?;
            let mut result = result.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(std::mem::take(&mut *result))
        })
    }
}

impl DeadLetters for Store {
    fn keep(&self, device: &str, letter: Letter) -> Sorting<u64> {
        if letter.size() > MAX_LETTER_BYTES {
            return Box::pin(std::future::ready(Ok(1)));
        }
        let device = device.to_owned();
        self.change(move |executor| executor.keep_letter(&device, &letter))
    }

    fn list(&self, device: Option<&str>) -> Sorting<Vec<KeptLetter>> {
        let device = device.map(str::to_owned);
        self.look(move |executor| executor.list_letters(device.as_deref()))
    }

    fn load(&self, device: &str, id: u64) -> Sorting<Option<KeptLetter>> {
        let device = device.to_owned();
        self.look(move |executor| executor.load_letter(&device, id))
    }

    fn remove(&self, device: &str, ids: Vec<u64>) -> Sorting<Vec<u64>> {
        let device = device.to_owned();
        self.change(move |executor| executor.remove_letters(&device, &ids))
    }
}
