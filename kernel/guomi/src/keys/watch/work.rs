//! The thread that looks where nobody else may wait.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use weihe_kernel::audit::{Audit, Entry};

use super::{Eyes, Unexplained};

/// How many tasks wait at most; a plugin can be refused as often as it likes.
const WAITING: usize = 256;
/// How long a command has to write down what it did to a file: a few milliseconds, unless its disk is busy.
const GRACE: Duration = Duration::from_secs(2);
/// How often it is looked meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// What is to be done.
pub(super) enum Task {
    /// Look again at what no command has written down so far.
    Look,
    /// Wait until the trail has what was taken up on its disk, and let go of the journal then.
    Confirm,
    /// Look, once for this version in this state, and record that it was refused.
    Refused(Box<Entry>, String),
}

impl Task {
    /// What is asked for often and needs to be done once.
    fn once(&self) -> u8 {
        match self {
            Self::Look => 1,
            Self::Confirm => 2,
            Self::Refused(..) => 0,
        }
    }
}

/// The way to the thread, which ends after this.
#[derive(Default)]
pub(super) struct Work {
    tasks: Mutex<Option<SyncSender<Task>>>,
    /// What waits already: a bit each.
    waiting: Arc<AtomicU8>,
}

impl Work {
    /// Hands a task over, and never waits.
    ///
    /// # Errors
    /// The task, where there is no room or no thread for it.
    pub(super) fn give(&self, eyes: &Arc<Eyes>, task: Task) -> Result<(), Task> {
        let once = task.once();
        if once != 0 && self.waiting.fetch_or(once, Ordering::SeqCst) & once != 0 {
            return Ok(());
        }
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.is_none() {
            *tasks = start(eyes.clone(), self.waiting.clone());
        }
        let given = match &*tasks {
            Some(tasks) => tasks.try_send(task).map_err(|error| match error {
                TrySendError::Full(task) | TrySendError::Disconnected(task) => task,
            }),
            None => Err(task),
        };
        given.inspect_err(|_| {
            self.waiting.fetch_and(!once, Ordering::SeqCst);
        })
    }
}

fn start(eyes: Arc<Eyes>, waiting: Arc<AtomicU8>) -> Option<SyncSender<Task>> {
    let (tasks, todo) = sync_channel(WAITING);
    let thread = std::thread::Builder::new().name("weihe-keys".to_owned());
    match thread.spawn(move || serve(&eyes, &todo, &waiting)) {
        Ok(_) => Some(tasks),
        Err(error) => {
            tracing::warn!("no thread that looks after keys can be started: {error}");
            None
        }
    }
}

fn serve(eyes: &Eyes, todo: &Receiver<Task>, waiting: &AtomicU8) {
    let mut told = BTreeSet::new();
    while let Ok(task) = todo.recv() {
        // What comes from now on may need another look.
        waiting.fetch_and(!task.once(), Ordering::SeqCst);
        match task {
            Task::Look => eyes.look_out(),
            Task::Confirm => {}
            Task::Refused(entry, version) => {
                if told.insert(version) {
                    eyes.look_out();
                }
                eyes.audit.record(*entry);
            }
        }
        eyes.confirm();
    }
}

impl Eyes {
    /// Says what has changed, and gives commands the time to write down what they did.
    fn look_out(&self) {
        for _ in 0..GRACE.as_millis() / LOOK.as_millis() {
            if self.look(Unexplained::Later) {
                return;
            }
            std::thread::sleep(LOOK);
        }
        self.look(Unexplained::Now);
    }

    fn confirm(&self) {
        let Some(journal) = self.journal.as_ref().filter(|one| one.is_unconfirmed()) else {
            return;
        };
        let taken = journal.taken();
        if wait(self.audit.as_ref()) {
            journal.let_go(&taken);
        }
    }
}

/// Whether the trail has brought to its disk what was recorded.
fn wait(audit: &dyn Audit) -> bool {
    match tokio::runtime::Builder::new_current_thread().build() {
        Ok(runtime) => runtime.block_on(audit.settled()),
        Err(_) => false,
    }
}
