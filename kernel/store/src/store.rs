//! The store: a database file, its two threads, and the sessions of devices.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use tokio::sync::oneshot;

use crate::authorize::Subject;
use crate::error::OpenError;
use crate::executor::{Acting, Executor, SessionId};
use crate::file::{Lock, beside, open_reader, open_writer};
use crate::grant::Grant;
use crate::limits::{THREAD_STACK, Times};
use crate::message::{HostWork, HostWrite, ToReader, ToWriter, Work};
use crate::reader;
use crate::session::{Session, Ways};
use crate::statistics::{Counters, StoreStatistics};
use crate::watch::Hooks;
use crate::writer::Writer;

/// An open database. Closed when it is dropped: what is committed is durable, what is not is
/// undone, and sessions that are left answer every call with an error.
pub struct Store {
    file: PathBuf,
    ways: Ways,
    counters: Arc<Counters>,
    next_session: AtomicU64,
    reads: Option<JoinHandle<()>>,
    writes: Option<JoinHandle<()>>,
    /// Given back last, when both connections are closed.
    _lock: Lock,
}

impl Store {
    /// Opens a database, and makes it if it is missing. Blocks for the time of the check.
    pub fn open(file: &Path) -> Result<Self, OpenError> {
        Self::open_with(file, Times::default())
    }

    /// [`Store::open`] with other spans of time.
    pub(crate) fn open_with(file: &Path, times: Times) -> Result<Self, OpenError> {
        let lock = Lock::take(file)?;
        let mut writer = open_writer(file)?;
        let mut reader = open_reader(file)?;
        let failed = |error: rusqlite::Error| OpenError::sqlite(file, &error);
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
        let hooks = Hooks::set(&mut writer).map_err(failed)?;
        let (count, named) = (counters.clone(), name.clone());
        let run = move || {
            let executor = Executor::new(&writer, hooks, times.statement, named);
            Writer::new(executor, times, count, log_pages).run(&writer_inbox);
        };
        let writes = spawn("weihe-store-write", run).map_err(|error| no_thread(file, &error))?;

        let hooks = Hooks::set(&mut reader).map_err(failed)?;
        let count = counters.clone();
        let run = move || {
            let executor = Executor::new(&reader, hooks, times.statement, name);
            reader::run(executor, &reader_inbox, &count);
        };
        let reads = spawn("weihe-store-read", run).map_err(|error| no_thread(file, &error))?;

        Ok(Self {
            file: file.to_owned(),
            ways: Ways {
                writer: to_writer,
                reader: to_reader,
                waiting: Arc::default(),
            },
            counters,
            next_session: AtomicU64::new(1),
            reads: Some(reads),
            writes: Some(writes),
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

    /// How many sessions wait for an answer now. While a device waits, it does nothing else.
    pub fn waiting(&self) -> usize {
        self.ways.waiting.load(Relaxed)
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

    /// A write of the host's own; ends when it is durable.
    pub(crate) fn write(
        &self,
        work: HostWork,
    ) -> impl Future<Output = Result<(), String>> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        let message = ToWriter::Host(HostWrite {
            since: Instant::now(),
            work,
            answer,
        });
        // A message that cannot be sent drops the answer's sender.
        let _ = self.ways.writer.send(message);
        async move {
            answered
                .await
                .unwrap_or_else(|_| Err("the store is closed".into()))
        }
    }

    /// A read of the host's own.
    pub(crate) fn read(&self, work: Box<dyn Work>) {
        // A message that cannot be sent drops the answer's sender.
        let _ = self.ways.reader.send(ToReader::Host(work));
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // One after the other: the last connection to close copies the log into the database, and
        // neither would if both saw the other still there.
        let _ = self.ways.reader.send(ToReader::Stop);
        self.join(|store| &mut store.reads);
        let _ = self.ways.writer.send(ToWriter::Stop);
        self.join(|store| &mut store.writes);
    }
}

impl Store {
    fn join(&mut self, thread: fn(&mut Self) -> &mut Option<JoinHandle<()>>) {
        if thread(self)
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            tracing::error!(file = %self.file.display(), "a thread of the store panicked");
        }
    }
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
