//! Where operations wait for real wires.
//!
//! A device whose grant names one bus lives on that bus's lane, and its operations run right there: no
//! other thread is waited for. Everything else that may wait for hardware goes to a thread of the bus, the
//! chip or the port, so that nobody else on the lane waits. What is done on one thread is done in the order
//! in which it was asked for.

use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use weihe_kernel::current_lane;

use crate::error::HalError;
use crate::limits::QUEUE;

type Work = Box<dyn FnOnce() + Send>;

/// The lane of a bus.
pub fn lane_of(bus: &str) -> String {
    bus.replace('/', "-")
}

/// The thread of a bus, a chip or a port. It is started when it is needed first, and ends with this.
pub struct Worker {
    /// What it is the thread of.
    name: String,
    /// The lane that does its work itself.
    lane: Option<String>,
    thread: Mutex<Option<mpsc::SyncSender<Arc<Slot>>>>,
}

/// Work in the queue; none any more when nobody waits for it.
struct Slot(Mutex<Option<Work>>);

impl Slot {
    fn take(&self) -> Option<Work> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Whoever waits for work. When that ends, what has not begun is dropped, with all that it holds. The queue alone
/// holds work, so that nobody waits for what was in the queue of a thread that has ended.
struct Waiting(Weak<Slot>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(slot) = self.0.upgrade() {
            slot.take();
        }
    }
}

/// Who asked for work, as it sees them.
pub struct Caller<'a>(Option<&'a dyn Fn() -> bool>);

impl Caller<'_> {
    /// One that waits right here.
    pub const HERE: Self = Self(None);

    /// Whether nobody waits for the work any more, which has begun.
    pub fn has_left(&self) -> bool {
        self.0.is_some_and(|has_left| has_left())
    }
}

impl Worker {
    /// That of a bus, which has a lane.
    pub fn new(bus: &str) -> Arc<Self> {
        Self::start(bus, Some(lane_of(bus)))
    }

    /// That of something without a lane of its own.
    pub fn apart(name: &str) -> Arc<Self> {
        Self::start(name, None)
    }

    fn start(name: &str, lane: Option<String>) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            lane,
            thread: Mutex::default(),
        })
    }

    fn is_here(&self) -> bool {
        let lane = current_lane();
        lane.is_some_and(|here| self.lane.as_deref() == Some(&*here))
    }

    /// Carries out work that may wait for wires: here when this is the lane of the bus, on its thread
    /// otherwise. Work that has begun is carried out to its end, whether it is waited for or not; work that
    /// has not is dropped when it is not waited for any more.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Caller<'_>) -> T + Send + 'static,
    ) -> Result<T, HalError> {
        if self.is_here() {
            return Ok(work(&Caller::HERE));
        }
        let (done, outcome) = oneshot::channel();
        // Serial ports belong to the runtime of their device.
        let runtime = Handle::try_current().ok();
        let slot = self.send(Box::new(move || {
            // Nobody waits for it any more: what comes so late could undo a safe value, or reach what
            // another device has by now.
            if !done.is_closed() {
                let _inside = runtime.as_ref().map(Handle::enter);
                let outcome = work(&Caller(Some(&|| done.is_closed())));
                let _ = done.send(outcome);
            }
        }))?;
        let _waiting = Waiting(slot);
        let ended = |_| HalError::Failed(format!("the thread of {} has ended", self.name));
        outcome.await.map_err(ended)
    }

    /// Has work done in its turn that nobody waits for; here when this is the lane of the bus, or when there
    /// is no room.
    pub fn post(&self, work: impl FnOnce() + Send + 'static) {
        if self.is_here() {
            return work();
        }
        let work = Arc::new(Mutex::new(Some(work)));
        let take = |work: &Mutex<Option<_>>| {
            let mut work = work.lock().unwrap_or_else(PoisonError::into_inner);
            work.take()
        };
        let queued = work.clone();
        let sent = self.send(Box::new(move || {
            if let Some(work) = take(&queued) {
                work();
            }
        }));
        if sent.is_err()
            && let Some(work) = take(&work)
        {
            work();
        }
    }

    fn send(&self, work: Work) -> Result<Weak<Slot>, HalError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = Arc::new(Slot(Mutex::new(Some(work))));
        let waiting = Arc::downgrade(&slot);
        if let Some(sender) = &*thread {
            match sender.try_send(slot.clone()) {
                Ok(()) => return Ok(waiting),
                Err(mpsc::TrySendError::Full(_)) => {
                    return Err(HalError::Busy {
                        name: self.name.clone(),
                        waiting: QUEUE,
                    });
                }
                // It has ended: the next one takes its place.
                Err(mpsc::TrySendError::Disconnected(_)) => {}
            }
        }
        let (sender, receiver) = mpsc::sync_channel::<Arc<Slot>>(QUEUE);
        let started = std::thread::Builder::new()
            .name(format!("weihe-{}", lane_of(&self.name)))
            .spawn(move || {
                for work in receiver.iter().filter_map(|slot| slot.take()) {
                    work();
                }
            });
        started.map_err(|error| {
            HalError::Failed(format!(
                "no thread for {} can be started: {error}",
                self.name
            ))
        })?;
        // It is empty.
        let _ = sender.try_send(slot);
        *thread = Some(sender);
        Ok(waiting)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use super::*;
    use weihe_kernel::Lane;

    async fn thread_of(worker: &Worker) -> String {
        let name = |_: &Caller<'_>| std::thread::current().name().map(str::to_owned);
        worker.run(name).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn work_runs_on_the_lane_of_the_bus_or_on_its_thread() {
        let worker = Worker::new("i2c/1");
        assert_eq!(thread_of(&worker).await, "weihe-i2c-1");
        let lane = Lane::start("i2c-1").unwrap();
        let (done, on) = oneshot::channel();
        lane.spawn(move || async move { done.send(thread_of(&worker).await).unwrap() });
        assert_eq!(on.await.unwrap(), "lane-i2c-1");
        // A chip has no lane, whatever somebody calls one.
        let chip = Worker::apart("i2c/1");
        let (done, on) = oneshot::channel();
        lane.spawn(move || async move { done.send(thread_of(&chip).await).unwrap() });
        assert_eq!(on.await.unwrap(), "weihe-i2c-1");
        lane.end();
    }

    /// Work is in the queue once it was asked for.
    async fn ask<F: Future>(future: &mut std::pin::Pin<Box<F>>) -> bool {
        poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
    }

    #[tokio::test]
    async fn a_bus_that_hangs_is_busy_by_name_and_keeps_nothing_of_those_who_left() {
        let worker = Worker::new("i2c/7");
        let (go, gate) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel::<()>();
        let mut hangs = Box::pin(worker.run(move |_| {
            begun.send(()).unwrap();
            gate.recv().is_ok()
        }));
        assert!(ask(&mut hangs).await);
        has_begun.recv().unwrap();
        let held = Arc::new(());
        let mut waiting = Vec::new();
        for _ in 0..QUEUE {
            let held = held.clone();
            let mut next = Box::pin(worker.run(move |_| drop(held)));
            assert!(ask(&mut next).await);
            waiting.push(next);
        }
        let refused = worker.run(|_| ()).await.unwrap_err().to_string();
        assert!(
            refused.starts_with(&format!("i2c/7 is busy: {QUEUE} operations wait")),
            "{refused}"
        );
        assert_eq!(Arc::strong_count(&held), QUEUE + 1);
        drop(waiting);
        assert_eq!(Arc::strong_count(&held), 1, "nobody waits for them");
        go.send(()).unwrap();
        assert!(hangs.await.unwrap());
        // The thread goes on with what comes next.
        loop {
            match worker.run(|_| 5).await {
                Ok(five) => break assert_eq!(five, 5),
                Err(error) => assert!(matches!(error, HalError::Busy { .. }), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn work_that_has_begun_sees_that_nobody_waits_for_it_any_more() {
        let worker = Worker::apart("gpio/chip");
        let (go, gate) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel::<()>();
        let (seen, saw) = mpsc::channel();
        let mut late = Box::pin(worker.run(move |caller| {
            let before = caller.has_left();
            begun.send(()).unwrap();
            gate.recv().unwrap();
            seen.send((before, caller.has_left())).unwrap();
        }));
        assert!(ask(&mut late).await);
        has_begun.recv().unwrap();
        drop(late);
        go.send(()).unwrap();
        assert_eq!(saw.recv().unwrap(), (false, true));
    }
}
