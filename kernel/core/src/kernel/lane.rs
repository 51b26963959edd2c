//! Lanes: threads on which devices live, each with a current-thread runtime.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::mpsc;

thread_local! {
    /// The lane that this thread is.
    static CURRENT: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// The name of the lane that this thread is; none on other threads.
pub fn current_lane() -> Option<Arc<str>> {
    CURRENT.with_borrow(Clone::clone)
}

type Task = Pin<Box<dyn Future<Output = ()>>>;
pub(super) type MakeTask = Box<dyn FnOnce() -> Task + Send>;

/// A thread on which devices live. What runs there shares no lock with other lanes but those of the
/// bus's queues.
pub struct Lane {
    tasks: Option<mpsc::UnboundedSender<MakeTask>>,
    thread: Option<JoinHandle<()>>,
}

impl Lane {
    /// Starts a lane.
    pub fn start(name: &str) -> io::Result<Self> {
        let (tasks, incoming) = mpsc::unbounded_channel::<MakeTask>();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let own: Arc<str> = name.into();
        let thread = std::thread::Builder::new()
            .name(format!("lane-{name}"))
            .spawn(move || {
                CURRENT.set(Some(own));
                let local = tokio::task::LocalSet::new();
                local.block_on(&runtime, run(incoming));
            })?;
        Ok(Self {
            tasks: Some(tasks),
            thread: Some(thread),
        })
    }

    /// A lane on a thread that somebody else runs.
    pub(super) fn elsewhere(tasks: mpsc::UnboundedSender<MakeTask>) -> Self {
        Self {
            tasks: Some(tasks),
            thread: None,
        }
    }

    /// Runs a task on the lane; the future is made there, so it need not be `Send`.
    pub fn spawn<F: Future<Output = ()> + 'static>(
        &self,
        make: impl FnOnce() -> F + Send + 'static,
    ) {
        if let Some(tasks) = &self.tasks {
            let make: MakeTask = Box::new(move || Box::pin(make()));
            // The lane ends only with its owner.
            let _ = tasks.send(make);
        }
    }

    /// Ends the lane when its tasks have ended.
    pub fn end(mut self) {
        drop(self.tasks.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Runs what comes, on this thread, until nothing can come any more and all of it has ended.
pub(super) async fn run(mut incoming: mpsc::UnboundedReceiver<MakeTask>) {
    let mut running = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            make = incoming.recv() => match make {
                Some(make) => { running.spawn_local(make()); }
                None => break,
            },
            Some(ended) = running.join_next() => {
                if let Err(error) = ended {
                    // A host bug in one actor must not take its neighbours down.
                    tracing::error!("an actor ended unexpectedly: {error}");
                }
            }
        }
    }
    while running.join_next().await.is_some() {}
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn a_lane_goes_on_when_a_task_panics_and_ends_in_order() {
        let lane = Lane::start("test").unwrap();
        let (held, dropped) = oneshot::channel::<()>();
        lane.spawn(move || async move {
            let _held = held;
            panic!("on purpose");
        });
        dropped.blocking_recv().unwrap_err();
        let (done, finished) = oneshot::channel();
        lane.spawn(move || async move { done.send(()).unwrap() });
        finished.blocking_recv().unwrap();
        lane.end();
    }
}
