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
            self.run_out().await;
            if store.waiting() == 0 {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the thread has nothing to do. It rests on this of tokio: where a `LocalSet` has taken as many
    /// tasks as it takes at a time and others are left, the thread is woken again, and only looks at its timers
    /// instead of being parked. The tests below hold tokio to that.
    async fn run_out(&self) {
        self.wanted.store(true, Ordering::Release);
        self.reached.notified().await;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::sync::Arc;

    use super::*;

    /// Far more than the 61 that a `LocalSet` takes at a time.
    const TASKS: usize = 5_000;

    /// Runs something on a thread as the sandbox does.
    fn on_one_thread(test: impl AsyncFnOnce(&Rest)) {
        let rest = Arc::new(Rest::default());
        let parked = rest.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_park(move || parked.reached())
            .build()
            .unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, test(&rest));
    }

    #[test]
    fn a_crowd_that_is_woken_together_is_done_when_there_is_rest() {
        on_one_thread(async |rest| {
            let (done, go) = (Rc::new(Cell::new(0)), Rc::new(Notify::new()));
            for _ in 0..TASKS {
                let (done, go) = (done.clone(), go.clone());
                tokio::task::spawn_local(async move {
                    go.notified().await;
                    // Each goes to the end of the queue once more.
                    tokio::task::yield_now().await;
                    done.set(done.get() + 1);
                });
            }
            rest.run_out().await;
            assert_eq!(done.get(), 0, "all of them wait");
            go.notify_waiters();
            rest.run_out().await;
            assert_eq!(done.get(), TASKS);
        });
    }

    #[test]
    fn a_chain_in_which_each_wakes_the_next_is_done_when_there_is_rest() {
        on_one_thread(async |rest| {
            let done = Rc::new(Cell::new(0));
            let first = Rc::new(Notify::new());
            let mut before = first.clone();
            for _ in 0..TASKS {
                let (done, after) = (done.clone(), Rc::new(Notify::new()));
                let (own, next) = (before, after.clone());
                tokio::task::spawn_local(async move {
                    own.notified().await;
                    done.set(done.get() + 1);
                    next.notify_one();
                });
                before = after;
            }
            rest.run_out().await;
            assert_eq!(done.get(), 0, "all of them wait");
            first.notify_one();
            rest.run_out().await;
            assert_eq!(done.get(), TASKS);
        });
    }

    #[test]
    fn what_the_database_is_doing_is_waited_for() {
        on_one_thread(async |rest| {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&folder.path().join("weihe.db")).unwrap();
            let grant = toml::from_str("tables = ['t']").unwrap();
            let grant = weihe_store::Grant::from_table(&grant).unwrap();
            let mut session = store.session("device", Arc::new(grant));
            let done = Rc::new(Cell::new(false));
            let is_done = done.clone();
            tokio::task::spawn_local(async move {
                let create = "CREATE TABLE t (value INTEGER)";
                session.execute(create.into(), vec![]).await.unwrap();
                session.commit().await.unwrap();
                is_done.set(true);
            });
            rest.wait(&store).await;
            assert!(done.get());
        });
    }
}
