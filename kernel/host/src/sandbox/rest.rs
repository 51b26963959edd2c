//! Knows when a kernel on one thread has nothing left to do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use weihe_store::Store;

/// How often a database is looked at while a device waits for it, which no other task can be told of.
const LOOK: Duration = Duration::from_micros(200);

/// Tells when the thread has run out of tasks: the runtime calls [`Rest::reached`] before it sleeps.
#[derive(Debug, Default)]
pub struct Rest {
    wanted: AtomicBool,
    reached: Notify,
}

impl Rest {
    /// The thread has nothing to do.
    pub fn reached(&self) {
        if self.wanted.swap(false, Ordering::AcqRel) {
            self.reached.notify_one();
        }
    }

    /// Waits until the thread has nothing to do, and no device waits for the database, whose threads are its
    /// own. What still waits then waits for the clock or for the test.
    pub(super) async fn wait(&self, store: &Store) {
        loop {
            self.wanted.store(true, Ordering::Release);
            self.reached.notified().await;
            if store.waiting() == 0 {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
