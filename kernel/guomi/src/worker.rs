//! Where work is done that is too long for a lane, or waits for hardware.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::error::GuomiError;
use weihe_sm::sm4::Backend;

use crate::limits::{INLINE_BYTES, INLINE_BYTES_PORTABLE, THREADS, WAITING};

type Work = Box<dyn FnOnce() + Send>;

/// How much a piece of work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A pass over so many bytes.
    Bytes(usize),
    /// One operation with a key of SM2, in software: some hundred microseconds.
    Point,
    /// It waits for hardware, nobody knows how long.
    Hardware,
}

/// Up to how many bytes a pass is short on this processor.
fn inline_bytes() -> usize {
    match Backend::here().has_instructions() {
        true => INLINE_BYTES,
        false => INLINE_BYTES_PORTABLE,
    }
}

impl Effort {
    fn is_long(self) -> bool {
        match self {
            Self::Bytes(bytes) => bytes > inline_bytes(),
            Self::Point => false,
            Self::Hardware => true,
        }
    }

    /// One operation with a key of SM2 after a pass over so many bytes.
    pub fn point_and(bytes: usize) -> Self {
        match Self::Bytes(bytes) {
            pass if pass.is_long() => pass,
            _ => Self::Point,
        }
    }

    /// That of a key: its hardware's, or else this.
    pub fn or_hardware(self, in_hardware: bool) -> Self {
        if in_hardware { Self::Hardware } else { self }
    }
}

/// Threads for work that would hold up a lane. They are started when they are needed first, and end with this.
pub struct Workers {
    shared: Option<Arc<Shared>>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    more: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Work>,
    threads: usize,
    idle: usize,
    ended: bool,
}

impl Workers {
    /// Threads, as many as there are processors, up to [`THREADS`].
    pub fn new() -> Self {
        Self {
            shared: Some(Arc::default()),
        }
    }

    /// None: all is done where it is asked for. For a kernel on one thread, whose time stands still.
    pub fn none() -> Self {
        Self { shared: None }
    }

    /// Carries out work: here when it is short, on a thread otherwise. Work that has begun is carried out to its
    /// end, whether it is waited for or not; work that has not is dropped when it is not waited for any more.
    pub async fn run<T: Send + 'static>(
        &self,
        effort: Effort,
        work: impl FnOnce() -> Result<T, GuomiError> + Send + 'static,
    ) -> Result<T, GuomiError> {
        let Some(shared) = self.shared.as_ref().filter(|_| effort.is_long()) else {
            return work();
        };
        let (done, outcome) = oneshot::channel();
        shared.send(Box::new(move || {
            if !done.is_closed() {
                let _ = done.send(work());
            }
        }))?;
        let ended = |_| GuomiError::Unavailable("the host failed in the midst of it".to_owned());
        outcome.await.map_err(ended)?
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(self: &Arc<Self>, work: Work) -> Result<(), GuomiError> {
        let mut queue = self.lock();
        if queue.waiting.len() >= WAITING {
            return Err(GuomiError::Busy(format!(
                "{WAITING} pieces of work wait for a thread already"
            )));
        }
        queue.waiting.push_back(work);
        let most = std::thread::available_parallelism().map_or(1, |count| count.get().min(THREADS));
        if queue.idle < queue.waiting.len() && queue.threads < most {
            let shared = self.clone();
            let started = std::thread::Builder::new()
                .name(format!("weihe-guomi-{}", queue.threads + 1))
                .spawn(move || shared.serve());
            match started {
                Ok(_) => queue.threads += 1,
                Err(error) if queue.threads == 0 => {
                    queue.waiting.pop_back();
                    return Err(GuomiError::Unavailable(format!(
                        "no thread for cryptography can be started: {error}"
                    )));
                }
                // Those that run get to it.
                Err(_) => {}
            }
        }
        drop(queue);
        self.more.notify_one();
        Ok(())
    }

    fn serve(&self) {
        let mut queue = self.lock();
        loop {
            match queue.waiting.pop_front() {
                Some(work) => {
                    drop(queue);
                    // Work that panics fails for who asked for it. Were the thread lost with it, long work would wait for
                    // ever after a few of them; and it owns what it works on, so nothing half done is left.
                    let _ = catch_unwind(AssertUnwindSafe(work));
                    queue = self.lock();
                }
                None if queue.ended => return,
                None => {
                    queue.idle += 1;
                    queue = self
                        .more
                        .wait(queue)
                        .unwrap_or_else(PoisonError::into_inner);
                    queue.idle -= 1;
                }
            }
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.lock().ended = true;
            shared.more.notify_all();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    async fn thread_of(workers: &Workers, effort: Effort) -> String {
        let name = || {
            let name = std::thread::current().name().map(str::to_owned);
            Ok(name.unwrap_or_default())
        };
        workers.run(effort, name).await.unwrap()
    }

    #[tokio::test]
    async fn short_work_stays_where_it_is_and_long_work_does_not() {
        let workers = Workers::new();
        let here = std::thread::current().name().unwrap_or_default().to_owned();
        assert_eq!(
            thread_of(&workers, Effort::Bytes(inline_bytes())).await,
            here
        );
        assert_eq!(thread_of(&workers, Effort::Point).await, here);
        for effort in [Effort::Bytes(inline_bytes() + 1), Effort::Hardware] {
            let there = thread_of(&workers, effort).await;
            assert!(there.starts_with("weihe-guomi-"), "{there}");
        }
        assert_eq!(thread_of(&Workers::none(), Effort::Hardware).await, here);
    }

    #[tokio::test]
    async fn work_that_panics_costs_no_thread() {
        let workers = Workers::new();
        for _ in 0..=THREADS {
            let panics = || -> Result<(), GuomiError> { panic!("as a fault of a library would") };
            let ended = workers.run(Effort::Hardware, panics).await;
            assert!(
                matches!(ended, Err(GuomiError::Unavailable(_))),
                "{ended:?}"
            );
        }
        let there = thread_of(&workers, Effort::Hardware).await;
        assert!(there.starts_with("weihe-guomi-"), "{there}");
    }

    #[tokio::test]
    async fn who_comes_when_too_many_wait_is_told_so() {
        let workers = Arc::new(Workers::new());
        let (go, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let mut waiting = Vec::new();
        let mut refused = None;
        // As many as threads take at once, as many as may wait, and one.
        for _ in 0..=WAITING + THREADS {
            let (workers, held) = (workers.clone(), held.clone());
            let work = move || {
                let _ = held.lock().map(|held| held.recv());
                Ok(())
            };
            let mut task = Box::pin(async move { workers.run(Effort::Hardware, work).await });
            match futures_poll(&mut task).await {
                Some(outcome) => {
                    refused = Some(outcome);
                    break;
                }
                None => waiting.push(task),
            }
        }
        assert!(
            matches!(refused, Some(Err(GuomiError::Busy(_)))),
            "{refused:?}"
        );
        drop(go);
        for task in waiting {
            task.await.unwrap();
        }
    }

    /// Polls once.
    async fn futures_poll<F: Future + Unpin>(task: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut *task).poll(context) {
                std::task::Poll::Ready(outcome) => Some(outcome),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
