//! Where operations wait for real wires.
//!
//! A device whose grant names one bus lives on that bus's lane, and its operations run right there: no
//! other thread is waited for. Operations of other devices, on other lanes, go to a thread of the bus, so
//! that nobody else on their lanes waits.

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use tokio::sync::oneshot;
use weihe_kernel::current_lane;

use crate::error::HalError;

type Work = Box<dyn FnOnce() + Send>;

/// The lane of a bus.
pub fn lane_of(bus: &str) -> String {
    bus.replace('/', "-")
}

/// The thread of a bus. It is started when it is needed first, and ends with this.
pub struct Worker {
    lane: String,
    thread: Mutex<Option<mpsc::Sender<Work>>>,
}

impl Worker {
    /// That of a bus.
    pub fn new(bus: &str) -> Arc<Self> {
        Arc::new(Self {
            lane: lane_of(bus),
            thread: Mutex::default(),
        })
    }

    /// Carries out work that may wait for wires: here when this is the lane of the bus, on its thread
    /// otherwise. Work that has begun is carried out to its end, whether it is waited for or not; work that
    /// has not is dropped when it is not waited for any more.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HalError> {
        if current_lane().is_some_and(|lane| *lane == *self.lane) {
            return Ok(work());
        }
        let (done, outcome) = oneshot::channel();
        self.send(Box::new(move || {
            // Nobody waits for it any more: what comes so late could undo a safe value, or reach what
            // another device has by now.
            if !done.is_closed() {
                let _ = done.send(work());
            }
        }))?;
        let ended = |_| HalError::Failed(format!("the thread of {} has ended", self.lane));
        outcome.await.map_err(ended)
    }

    fn send(&self, work: Work) -> Result<(), HalError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let work = match &*thread {
            Some(sender) => match sender.send(work) {
                Ok(()) => return Ok(()),
                Err(mpsc::SendError(work)) => work,
            },
            None => work,
        };
        let (sender, receiver) = mpsc::channel::<Work>();
        let started = std::thread::Builder::new()
            .name(format!("weihe-{}", self.lane))
            .spawn(move || {
                for work in receiver {
                    work();
                }
            });
        started.map_err(|error| {
            HalError::Failed(format!(
                "no thread for {} can be started: {error}",
                self.lane
            ))
        })?;
        let _ = sender.send(work);
        *thread = Some(sender);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use weihe_kernel::Lane;

    async fn thread_of(worker: &Worker) -> String {
        let name = || std::thread::current().name().map(str::to_owned);
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
        lane.end();
    }
}
