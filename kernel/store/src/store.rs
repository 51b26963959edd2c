//! The store: a database file, its two threads, and the sessions of devices.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use rusqlite::limits::Limit;
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::oneshot;

use crate::authorize::{Rules, Subject};
use crate::error::OpenError;
use crate::executor::{Acting, Executor, SessionId, Watch};
use crate::file::{Lock, beside, open_reader, open_writer};
use crate::grant::Grant;
use crate::limits::{STATE_BYTES, THREAD_STACK};
use crate::message::{HostWrite, ToReader, ToWriter};
use crate::reader;
use crate::session::{Session, Ways};
use crate::statistics::{Counters, StoreStatistics};
use crate::writer::Writer;

/// An open database. Closed when it is dropped: what is committed is durable, what is not is
/// undone, and sessions that are left answer every call with an error.
pub struct Store {
    file: PathBuf,
    ways: Ways,
    counters: Arc<Counters>,
    next_session: AtomicU64,
    threads: Vec<JoinHandle<()>>,
    /// Given back last, when both connections are closed.
    _lock: Lock,
}

/// A device's state as it was last saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedState {
    /// The version of the packing.
    pub version: u32,
    /// The packed state.
    pub bytes: Vec<u8>,
}

impl Store {
    /// Opens a database, and makes it if it is missing. Blocks for the time of the check.
    pub fn open(file: &Path) -> Result<Self, OpenError> {
        Self::open_with(file, |_| Ok(()))
    }

    /// [`Store::open`] with a last word on the connection that writes.
    pub(crate) fn open_with(
        file: &Path,
        prepare: impl FnOnce(&mut Connection) -> rusqlite::Result<()>,
    ) -> Result<Self, OpenError> {
        let lock = Lock::take(file)?;
        let mut writer = open_writer(file)?;
        let mut reader = open_reader(file)?;
        let failed = |error: rusqlite::Error| OpenError::sqlite(file, &error);
        prepare(&mut writer).map_err(failed)?;
        // The writer waits for other processes itself, so that it can serve meanwhile.
        writer
            .busy_timeout(std::time::Duration::ZERO)
            .map_err(failed)?;
        let log_pages = Arc::new(AtomicU32::new(0));
        let pages = log_pages.clone();
        writer
            .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, count| {
                pages.store(u32::try_from(count).unwrap_or(0), Relaxed);
                Ok(())
            }))
            .map_err(failed)?;

        let counters = Arc::new(Counters::default());
        let name: Arc<str> = file.display().to_string().into();
        let (to_writer, writer_inbox) = channel();
        let (to_reader, reader_inbox) = channel();
        let mut threads = Vec::new();

        let (rules, watch) = hooked(&mut writer).map_err(failed)?;
        let (count, named) = (counters.clone(), name.clone());
        let run = move || {
            let executor = Executor::new(&writer, rules, watch, named);
            Writer::new(executor, count, log_pages).run(&writer_inbox);
        };
        threads.push(spawn("weihe-store-write", run).map_err(|error| no_thread(file, &error))?);

        let (rules, watch) = hooked(&mut reader).map_err(failed)?;
        let count = counters.clone();
        let run = move || reader::run(&reader, rules, watch, name, &reader_inbox, &count);
        threads.push(spawn("weihe-store-read", run).map_err(|error| no_thread(file, &error))?);

        Ok(Self {
            file: file.to_owned(),
            ways: Ways {
                writer: to_writer,
                reader: to_reader,
            },
            counters,
            next_session: AtomicU64::new(1),
            threads,
            _lock: lock,
        })
    }

    /// The database file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// A session for a device with this grant.
    pub fn session(&self, device: &str, grant: Arc<Grant>) -> Session {
        let session: SessionId = self.next_session.fetch_add(1, Relaxed);
        let subject = Subject {
            device: device.into(),
            grant,
        };
        Session::new(self.ways.clone(), Acting { session, subject })
    }

    /// What the store has done so far.
    pub fn statistics(&self) -> StoreStatistics {
        let size = |file: &Path| std::fs::metadata(file).map_or(0, |about| about.len());
        StoreStatistics {
            file_bytes: size(&self.file),
            log_bytes: size(&beside(&self.file, "-wal")),
            ..self.counters.snapshot()
        }
    }

    /// The state of a device as it was last saved. Blocks for a short read of the file.
    pub fn load_state(&self, device: &str) -> Result<Option<SavedState>, String> {
        let load = || {
            let connection = open_reader(&self.file).map_err(|error| error.to_string())?;
            let read = || {
                connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, STATE_LIMIT)?;
                let sql = "SELECT version, bytes FROM weihe_state WHERE device = ?1";
                let state = |row: &rusqlite::Row<'_>| {
                    Ok(SavedState {
                        version: row.get(0)?,
                        bytes: row.get(1)?,
                    })
                };
                connection.query_row(sql, [device], state).optional()
            };
            read().map_err(|error| format!("{}: {error}", self.file.display()))
        };
        load().map_err(|error| format!("cannot load the state of device `{device}`: {error}"))
    }

    /// Saves the state of a device; ends when it is durable. Shares its COMMIT with devices.
    pub fn save_state(
        &self,
        device: &str,
        state: SavedState,
    ) -> impl Future<Output = Result<(), String>> + Send + 'static {
        let (answer, answered) = oneshot::channel();
        let name: Arc<str> = device.into();
        let size = state.bytes.len();
        let saved = name.clone();
        let work = move |executor: &mut Executor<'_>| {
            // States may be larger than what devices may write at once.
            let connection = executor.connection();
            let usual = connection.limit(Limit::SQLITE_LIMIT_LENGTH);
            let _ = connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, STATE_LIMIT);
            let result = executor.save_state(&saved, state.version, &state.bytes);
            let _ = usual.and_then(|usual| connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, usual));
            result
        };
        let sent = if size > STATE_BYTES {
            Err(format!("it has {size} bytes, and may have {STATE_BYTES}"))
        } else {
            let message = ToWriter::Host(HostWrite {
                since: Instant::now(),
                work: Box::new(work),
                answer,
            });
            let sent = self.ways.writer.send(message);
            sent.map_err(|_| "the store is closed".to_owned())
        };
        async move {
            let result = match sent {
                Ok(()) => answered
                    .await
                    .unwrap_or_else(|_| Err("the store is closed".into())),
                Err(error) => Err(error),
            };
            result.map_err(|error| format!("cannot save the state of device `{name}`: {error}"))
        }
    }
}

/// SQLite's limit for a row with a state in it.
const STATE_LIMIT: i32 = (STATE_BYTES + (64 << 10)) as i32;

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.ways.writer.send(ToWriter::Stop);
        let _ = self.ways.reader.send(ToReader::Stop);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!(file = %self.file.display(), "a thread of the store panicked");
            }
        }
    }
}

fn hooked(connection: &mut Connection) -> rusqlite::Result<(Rules, Watch)> {
    let (rules, watch) = (Rules::default(), Watch::new());
    Executor::hooks(connection, &rules, &watch)?;
    Ok((rules, watch))
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new()
        .name(name.into())
        .stack_size(THREAD_STACK)
        .spawn(run)
}

fn no_thread(file: &Path, error: &io::Error) -> OpenError {
    OpenError::Failed {
        file: file.to_owned(),
        reason: format!("no thread: {error}"),
    }
}
