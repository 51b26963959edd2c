//! One device's use of the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::Sender;
use std::time::Instant;

use tokio::sync::oneshot;

use crate::authorize::Subject;
use crate::error::StoreError;
use crate::executor::{Acting, Executor};
use crate::keys::{check_key, check_value};
use crate::message::{Answer, Task, ToReader, ToWriter, TurnId, TurnNumber, Work};
use crate::value::{KeyPage, Row, Rows};

/// The database that is embedded in the host.
pub const MAIN: &str = "main";

/// The ways to the store's two threads.
#[derive(Clone)]
pub(crate) struct Ways {
    pub writer: Sender<ToWriter>,
    pub reader: Sender<ToReader>,
    /// Sessions that wait for an answer.
    pub waiting: Arc<AtomicUsize>,
}

/// Counts a session as waiting for an answer, until it has taken it.
struct Waits(Arc<AtomicUsize>);

impl Ways {
    fn wait(&self) -> Waits {
        self.waiting.fetch_add(1, Relaxed);
        Waits(self.waiting.clone())
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// One device's use of the store. All that it writes between two commits is one transaction,
/// which begins with the first write: the *write turn*. Dropping the session undoes what was not
/// committed.
pub struct Session {
    ways: Ways,
    acting: Acting,
    /// The turn that was asked for, held or lost, until it is committed or rolled back.
    turn: Option<TurnNumber>,
    turns: TurnNumber,
}

impl Session {
    pub(crate) fn new(ways: Ways, acting: Acting) -> Self {
        Self {
            ways,
            acting,
            turn: None,
            turns: 0,
        }
    }

    /// The name of the device.
    pub fn device(&self) -> &str {
        &self.acting.subject.device
    }

    /// Whether there are writes that wait for [`Session::commit`].
    pub fn is_dirty(&self) -> bool {
        self.turn.is_some()
    }

    /// Runs one statement that changes something. Parameters replace `?1`, `?2`, … in order.
    /// Returns the number of rows changed.
    pub async fn execute(&mut self, statement: String, parameters: Row) -> Result<u64, StoreError> {
        self.write(move |executor| executor.execute(&statement, &parameters))
            .await
    }

    /// Runs one statement for each row of parameters; when one fails, none of them has changed
    /// anything. Returns the number of rows changed in all.
    pub async fn execute_many(
        &mut self,
        statement: String,
        rows: Vec<Row>,
    ) -> Result<u64, StoreError> {
        self.write(move |executor| executor.execute_many(&statement, &rows))
            .await
    }

    /// Runs one statement that only reads. Sees the session's own uncommitted writes.
    pub async fn query(&mut self, statement: String, parameters: Row) -> Result<Rows, StoreError> {
        self.read(move |executor| executor.query(&statement, &parameters))
            .await
    }

    /// The name under which the store keeps a bucket, for the operations on keys. The empty
    /// identifier stands for the device's own.
    pub fn bucket(&self, identifier: &str) -> Result<Bucket, StoreError> {
        let Subject { device, grant } = &self.acting.subject;
        let name = grant.bucket(device, identifier).ok_or_else(|| {
            StoreError::Denied(if identifier.is_empty() {
                format!("device `{device}` has no bucket of its own: its store grant has no `keys = true`")
            } else {
                format!("device `{device}` may not use bucket `{identifier}`: its store grant does not name it in `buckets`")
            })
        })?;
        Ok(Bucket(name.into()))
    }

    /// The value of a key; none when it is not there.
    pub async fn get(
        &mut self,
        bucket: &Bucket,
        key: String,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let bucket = bucket.clone();
        self.read(move |executor| executor.get(&bucket.0, &key))
            .await
    }

    /// Sets a key.
    pub async fn set(
        &mut self,
        bucket: &Bucket,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), StoreError> {
        check_key(&key)?;
        check_value(&key, &value)?;
        let bucket = bucket.clone();
        self.write(move |executor| executor.set(&bucket.0, &key, &value))
            .await
    }

    /// Removes a key; nothing happens when it is not there.
    pub async fn delete(&mut self, bucket: &Bucket, key: String) -> Result<(), StoreError> {
        let bucket = bucket.clone();
        self.write(move |executor| executor.delete(&bucket.0, &key))
            .await
    }

    /// Whether a key is there.
    pub async fn exists(&mut self, bucket: &Bucket, key: String) -> Result<bool, StoreError> {
        let bucket = bucket.clone();
        self.read(move |executor| executor.exists(&bucket.0, &key))
            .await
    }

    /// Keys in byte order, a page at a time.
    pub async fn list_keys(
        &mut self,
        bucket: &Bucket,
        cursor: Option<String>,
    ) -> Result<KeyPage, StoreError> {
        let bucket = bucket.clone();
        self.read(move |executor| executor.list_keys(&bucket.0, cursor.as_deref()))
            .await
    }

    /// Makes all writes since the last commit durable. On an error they are rolled back, and the
    /// text says why.
    pub async fn commit(&mut self) -> Result<(), String> {
        let Some(number) = self.turn.take() else {
            return Ok(());
        };
        let _waits = self.ways.wait();
        let (answer, answered) = oneshot::channel();
        let message = ToWriter::Commit {
            turn: self.id(number),
            since: Instant::now(),
            answer,
        };
        if self.ways.writer.send(message).is_err() {
            return Err(closed().to_string());
        }
        answered.await.unwrap_or_else(|_| Err(closed().to_string()))
    }

    /// Undoes all writes since the last commit.
    pub async fn rollback(&mut self) {
        let Some(number) = self.turn.take() else {
            return;
        };
        let _waits = self.ways.wait();
        let (answer, answered) = oneshot::channel();
        let message = ToWriter::Rollback {
            turn: self.id(number),
            answer: Some(answer),
        };
        if self.ways.writer.send(message).is_ok() {
            // An error says that the writer has ended, and its transaction with it.
            let _ = answered.await;
        }
    }

    fn id(&self, number: TurnNumber) -> TurnId {
        TurnId {
            session: self.acting.session,
            number,
        }
    }

    /// Work in the turn, which begins now if it has not.
    async fn write<T, F>(&mut self, run: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Executor<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let _waits = self.ways.wait();
        let (work, answered) = task(run);
        let begun = self.turn;
        let message = match begun {
            Some(number) => ToWriter::Work {
                turn: self.id(number),
                work,
            },
            None => {
                self.turns += 1;
                self.turn = Some(self.turns);
                ToWriter::Begin {
                    acting: self.acting.clone(),
                    turn: self.turns,
                    since: Instant::now(),
                    work,
                }
            }
        };
        self.ways.writer.send(message).map_err(|_| closed())?;
        match answered.await {
            Ok(Ok(result)) => result,
            Ok(Err(refusal)) => {
                if begun.is_none() {
                    // The turn was never given.
                    self.turn = None;
                }
                Err(refusal.0)
            }
            Err(_) => Err(closed()),
        }
    }

    /// Work in the turn if there is one, else on the reader's connection.
    async fn read<T, F>(&mut self, run: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Executor<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        if self.turn.is_some() {
            return self.write(run).await;
        }
        let _waits = self.ways.wait();
        let (work, answered) = task(run);
        let message = ToReader::Read {
            acting: self.acting.clone(),
            work,
        };
        self.ways.reader.send(message).map_err(|_| closed())?;
        match answered.await {
            Ok(Ok(result)) => result,
            Ok(Err(refusal)) => Err(refusal.0),
            Err(_) => Err(closed()),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // When the threads have ended there is nothing left to undo.
        let session = self.acting.session;
        let _ = self.ways.writer.send(ToWriter::Close { session });
        let _ = self.ways.reader.send(ToReader::Close { session });
    }
}

/// A bucket that a session may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket(Arc<str>);

type Answered<T> = oneshot::Receiver<Answer<T>>;

fn task<T, F>(run: F) -> (Box<dyn Work>, Answered<T>)
where
    T: Send + 'static,
    F: FnOnce(&mut Executor<'_>) -> Result<T, StoreError> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    (Box::new(Task { answer, run }), answered)
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}
