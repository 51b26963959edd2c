//! What is going to happen, and when.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use weihe_kernel::Clock;

use super::core::Core;

/// The most that waits. What people and tests start is far less; beyond it things do not happen.
const WAITING: usize = 1 << 20;

/// Something that happens, at the time of the monotonic clock at which it was due.
pub type Happening = Box<dyn FnOnce(&Core, u64) + Send>;

/// What is going to happen.
pub struct Timeline {
    clock: Arc<dyn Clock>,
    waiting: Mutex<Waiting>,
    /// When the first of it is due; the largest number for never. Read before everything that the board
    /// does, so that nothing is locked where nothing waits.
    next: AtomicU64,
    /// Held by whoever makes things happen, so that they happen in order.
    turn: Mutex<()>,
    changed: Notify,
    driven: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    due: BTreeMap<(u64, u64), Happening>,
    serial: u64,
}

impl Timeline {
    /// One on which nothing waits.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            waiting: Mutex::default(),
            next: AtomicU64::new(u64::MAX),
            turn: Mutex::default(),
            changed: Notify::new(),
            driven: AtomicBool::new(false),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has something happen at a time of the monotonic clock. What is due at one time happens in the order
    /// in which it was put here.
    pub fn put(&self, due: u64, happening: Happening) {
        let mut waiting = self.waiting();
        if waiting.due.len() >= WAITING {
            return;
        }
        waiting.serial += 1;
        let key = (due, waiting.serial);
        waiting.due.insert(key, happening);
        let first = waiting.due.keys().next().map_or(u64::MAX, |(due, _)| *due);
        self.next.store(first, Ordering::Release);
        drop(waiting);
        self.changed.notify_one();
    }

    /// Makes everything happen that is due.
    pub fn catch_up(&self, core: &Core) {
        let next = self.next.load(Ordering::Acquire);
        if next == u64::MAX || next > self.clock.monotonic() {
            return;
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.monotonic();
        while let Some((due, happening)) = self.take(now) {
            happening(core, due);
            core.react();
        }
    }

    fn take(&self, now: u64) -> Option<(u64, Happening)> {
        let mut waiting = self.waiting();
        let entry = waiting.due.first_entry()?;
        if entry.key().0 > now {
            return None;
        }
        let ((due, _), happening) = entry.remove_entry();
        let first = waiting.due.keys().next().map_or(u64::MAX, |(due, _)| *due);
        self.next.store(first, Ordering::Release);
        Some((due, happening))
    }

    /// Lets a task of the runtime at hand make things happen in time. Without a runtime they happen when the
    /// board is touched next.
    pub fn drive(self: &Arc<Self>, core: &Arc<Core>) {
        // First the flag: this is asked whenever a line is opened.
        if self.driven.load(Ordering::Relaxed) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if self.driven.swap(true, Ordering::AcqRel) {
            return;
        }
        let driver = Driver(self.clone());
        runtime.spawn(driver.run(Arc::downgrade(core)));
    }

    /// Wakes the driver, so that it ends when the board has.
    pub fn end(&self) {
        self.changed.notify_one();
    }
}

/// The task that makes things happen. When its runtime ends another one may take over.
struct Driver(Arc<Timeline>);

impl Driver {
    async fn run(self, core: Weak<Core>) {
        let timeline = &self.0;
        loop {
            match core.upgrade() {
                Some(core) => timeline.catch_up(&core),
                None => return,
            }
            let next = timeline.next.load(Ordering::Acquire);
            let changed = timeline.changed.notified();
            if next == u64::MAX {
                changed.await;
            } else {
                tokio::select! {
                    () = timeline.clock.sleep_until(next) => {}
                    () = changed => {}
                }
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.driven.store(false, Ordering::Release);
    }
}
