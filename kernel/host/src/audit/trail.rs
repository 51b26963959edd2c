//! The trail of a running host, and the thread that writes it.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use weihe_kernel::Clock;
use weihe_kernel::audit::{Audit, AuditStatus, Entry};
use weihe_kernel::bus::Bus;
use weihe_kernel::device::KERNEL_SOURCE;
use weihe_kernel::event::{Event, Quality, Value};

use super::folder::{self, TrailFile};
use super::own;
use super::queue::Queue;
use super::record::Record;
use super::recover::{LastEnd, end_of};
use super::writer::{Medium, Open, Rotation, Timed, Writer};

/// How long a record may wait to be on the disk when nobody waits for it; also the pause before a disk
/// that refused is tried again.
const SYNC: Duration = Duration::from_secs(1);

/// How a trail is kept.
pub type TrailOptions = Rotation;

/// Why there is no trail.
#[derive(Debug, thiserror::Error)]
#[error("the audit trail in {} cannot be opened: {source}", .folder.display())]
pub struct TrailError {
    /// Where it is.
    folder: PathBuf,
    /// What the operating system says.
    source: io::Error,
}

/// The trail of a running host. Ends when it is dropped.
pub struct Trail {
    queue: Arc<Queue>,
    clock: Arc<dyn Clock>,
    bus: Arc<OnceLock<Arc<Bus>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    last_end: LastEnd,
}

impl Trail {
    /// Goes on with the trail in a folder, which is made when it is missing.
    pub fn open(
        folder: &Path,
        options: TrailOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TrailError> {
        let open = |file: &TrailFile| file.append().map(|file| Box::new(file) as Box<dyn Medium>);
        Self::with(folder, options, clock, Box::new(open))
    }

    pub(super) fn with(
        folder: &Path,
        options: TrailOptions,
        clock: Arc<dyn Clock>,
        open: Open,
    ) -> Result<Self, TrailError> {
        let fail = |source| TrailError {
            folder: folder.to_owned(),
            source,
        };
        folder::make(folder).map_err(fail)?;
        let end = end_of(folder).map_err(fail)?;
        let last_end = end.last_end;
        let writer = Writer::new(folder.to_owned(), end, options, open);
        let queue = Arc::new(Queue::default());
        show(&queue, &writer, None);
        let bus = Arc::default();
        let work = Work {
            queue: queue.clone(),
            clock: clock.clone(),
            bus: Arc::clone(&bus),
            writer,
            backlog: VecDeque::new(),
            waiters: Vec::new(),
            unsynced_since: None,
            problem: None,
        };
        let thread = std::thread::Builder::new().name("weihe-audit".into());
        let thread = thread.spawn(move || work.run()).map_err(fail)?;
        Ok(Self {
            queue,
            clock,
            bus,
            thread: Mutex::new(Some(thread)),
            last_end,
        })
    }

    /// How the host before ended.
    pub fn last_end(&self) -> LastEnd {
        self.last_end
    }

    /// Publishes records from now on, on `$audit/<action>`.
    pub fn publish_on(&self, bus: Arc<Bus>) {
        // Set once, when the system starts.
        let _ = self.bus.set(bus);
    }

    /// Writes what was recorded, and ends. What is recorded later is lost.
    pub fn close(&self) {
        self.queue.end();
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.close();
    }
}

impl Audit for Trail {
    fn record(&self, entry: Entry) {
        self.queue
            .record(entry, self.clock.now(), self.clock.monotonic());
    }

    fn settled(&self) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        let settled = self.queue.wait_for_disk();
        Box::pin(async move { settled.await.unwrap_or(false) })
    }

    fn status(&self) -> Option<AuditStatus> {
        Some(self.queue.lock().status.clone())
    }
}

/// Shows to `ps` how far the trail is.
fn show(queue: &Queue, writer: &Writer, problem: Option<String>) {
    let (sequence, head) = writer.head();
    let mut state = queue.lock();
    state.status.sequence = sequence;
    head.clone_into(&mut state.status.head);
    state.status.problem = problem;
}

/// What the thread does.
struct Work {
    queue: Arc<Queue>,
    clock: Arc<dyn Clock>,
    bus: Arc<OnceLock<Arc<Bus>>>,
    writer: Writer,
    /// Taken from the queue and not written yet.
    backlog: VecDeque<Timed>,
    /// Who waits for the disk.
    waiters: Vec<oneshot::Sender<bool>>,
    /// When the oldest record was written that may not be on the disk.
    unsynced_since: Option<Instant>,
    /// Why the disk refuses.
    problem: Option<String>,
}

impl Work {
    fn run(mut self) {
        while self.round() {}
    }

    /// Writes what there is; returns whether there will be more.
    fn round(&mut self) -> bool {
        let (lost, caught_up, ending) = {
            let stuck = self.problem.is_some();
            let has_windows = !self.queue.lock().sparing.is_idle();
            let patience = match self.unsynced_since {
                // They wait for what is still in the queue.
                _ if !self.waiters.is_empty() => Some(Duration::ZERO),
                Some(since) if !stuck => Some(SYNC.saturating_sub(since.elapsed())),
                _ => (stuck || has_windows).then_some(SYNC),
            };
            let mut state = self.queue.wait(patience, stuck);
            let ending = state.ending;
            let now = (!ending).then(|| self.clock.monotonic());
            let counted = state.sparing.ended(now);
            for entry in counted {
                state.push(self.clock.now(), entry);
            }
            self.waiters.append(&mut state.waiters);
            let caught_up = self.backlog.is_empty();
            let mut lost = 0;
            if caught_up {
                self.backlog = state.take();
                lost = std::mem::take(&mut state.lost);
            }
            (lost, caught_up, ending)
        };
        if lost > 0 {
            // Behind those that found room: that is where the others are missing.
            let entry = Entry::host(own::GAP, "audit").detail("lost", lost);
            self.backlog.push_back((self.clock.now(), entry));
        }
        let mut written = Vec::new();
        let mut result = self.writer.write(&mut self.backlog, &mut written);
        let due = self
            .unsynced_since
            .is_some_and(|since| since.elapsed() >= SYNC);
        // What was only just written may wait for more, unless somebody waits for it.
        if result.is_ok() && (!self.waiters.is_empty() || ending || due) {
            result = self.writer.sync();
        }
        self.unsynced_since = match self.unsynced_since {
            _ if !self.writer.is_unsynced() => None,
            None => Some(Instant::now()),
            since => since,
        };
        self.note(result.as_ref().err());
        for record in written {
            self.publish(&record);
        }
        if caught_up || result.is_err() {
            for waiter in self.waiters.drain(..) {
                // Whoever waited may be gone.
                let _ = waiter.send(result.is_ok());
            }
        }
        // What had to wait for the disk may be all that is left.
        !ending || (!caught_up && result.is_ok())
    }

    /// Says once that the disk refuses, and that it takes records again.
    fn note(&mut self, error: Option<&io::Error>) {
        let problem = error.map(ToString::to_string);
        if problem != self.problem {
            match &problem {
                Some(problem) => tracing::error!(
                    "the audit trail cannot be written: {problem}; the host goes on, and what is missing will be recorded"
                ),
                None => tracing::info!("the audit trail is written again"),
            }
        }
        self.problem.clone_from(&problem);
        show(&self.queue, &self.writer, problem);
    }

    fn publish(&self, record: &Record) {
        let Some(bus) = self.bus.get() else { return };
        let topic = bus.topic(&format!("$audit/{}", record.action));
        let (Ok(topic), Ok(source), Ok(text)) = (
            topic,
            bus.source(KERNEL_SOURCE),
            serde_json::to_string(record),
        ) else {
            return;
        };
        let mut run = [Event {
            topic,
            source,
            time: record.time,
            sequence: 0,
            cause: None,
            attempt: 1,
            quality: Quality::Good,
            value: Value::Json(text.into()),
        }];
        // The trail waits for no subscriber.
        drop(bus.publish(source, &mut run));
    }
}
