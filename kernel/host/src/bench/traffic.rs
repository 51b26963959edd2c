//! A stream of events at a steady rate, and what devices make of it: for each event that a device publishes
//! because of one of ours, when ours was sent and when the device published.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use weihe_kernel::Clock;
use weihe_kernel::bus::{Bus, Overflow, Subscription};
use weihe_kernel::event::{Event, Quality, SourceId, TopicId, Value};

use super::BenchError;

/// The longest run that is published at once: after a stall of the machine the stream catches up.
const RUN: u64 = 512;

/// Between two runs. At 100,000 events a second they have ten events.
const PAUSE: Duration = Duration::from_micros(100);

/// Runs whose times are kept: twenty seconds at the fastest.
const RUNS: usize = 200_000;

/// Events that may wait for the listener; it takes them every half millisecond.
const CAPACITY: usize = 65_536;

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// An event that went through a device.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    /// Which device.
    pub device: SourceId,
    /// The sequence of the event that went in.
    pub sequence: u64,
    /// When it went in, in nanoseconds since 1970.
    pub sent: u64,
    /// When the device published what came out.
    pub time: u64,
}

struct Sent {
    /// The sequence of the last event of the run.
    last: u64,
    time: u64,
}

struct Shared {
    bus: Arc<Bus>,
    clock: Arc<dyn Clock>,
    topic: TopicId,
    source: SourceId,
    rate: AtomicU64,
    over: AtomicBool,
    count: AtomicU64,
    dropped: AtomicU64,
    sent: Mutex<VecDeque<Sent>>,
    passes: Mutex<Vec<Pass>>,
}

/// The stream.
pub struct Traffic {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Traffic {
    /// A stream that stands still.
    pub fn start(bus: &Arc<Bus>, clock: Arc<dyn Clock>, topic: &str) -> Result<Self, BenchError> {
        let wrong = |error: weihe_kernel::bus::BusError| BenchError::Bus(error.to_string());
        let filter = "plugin/#"
            .parse()
            .map_err(|error| BenchError::Bus(format!("{error}")))?;
        let listener = bus.subscribe(
            "bench",
            filter,
            Overflow::DropOldest,
            CAPACITY,
            false,
            Arc::default(),
        );
        let shared = Arc::new(Shared {
            bus: bus.clone(),
            clock,
            topic: bus.topic(topic).map_err(wrong)?,
            source: bus.source("bench-stream").map_err(wrong)?,
            rate: AtomicU64::new(0),
            over: AtomicBool::new(false),
            count: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            sent: Mutex::default(),
            passes: Mutex::default(),
        });
        let (publisher, hearer) = (shared.clone(), shared.clone());
        let mut traffic = Self {
            shared,
            threads: Vec::new(),
        };
        traffic.thread("bench-publish", move || publisher.publish())?;
        traffic.thread("bench-listen", move || hearer.listen(&listener))?;
        Ok(traffic)
    }

    fn thread(
        &mut self,
        name: &str,
        run: impl FnOnce() + Send + 'static,
    ) -> Result<(), BenchError> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
        let thread = thread.map_err(|source| BenchError::Io {
            what: format!("the thread {name} cannot be started"),
            source,
        })?;
        self.threads.push(thread);
        Ok(())
    }

    /// Sets how many events a second it has from now on.
    pub fn set_rate(&self, rate: u64) {
        self.shared.rate.store(rate, Ordering::Relaxed);
    }

    /// Sends one event of another kind between the others; returns when.
    pub fn send(&self, value: Value) -> u64 {
        self.shared.send(vec![value])
    }

    /// Events sent so far.
    pub fn sent(&self) -> u64 {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// Passes that were missed by the listener itself.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// What went through since it was asked before.
    pub fn take(&self) -> Vec<Pass> {
        std::mem::take(&mut *lock(&self.shared.passes))
    }

    /// Waits until something of the kind that is wanted has gone through a device; returns the first. It stays
    /// to be taken, as does what went through before it.
    pub async fn first(
        &self,
        device: SourceId,
        wanted: impl Fn(&Pass) -> bool,
    ) -> Result<Pass, BenchError> {
        let search = async {
            loop {
                let first = |pass: &&Pass| pass.device == device && wanted(pass);
                let found = lock(&self.shared.passes).iter().find(first).copied();
                if let Some(pass) = found {
                    return pass;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, search).await;
        found.map_err(|_| BenchError::Silent)
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn send(&self, values: Vec<Value>) -> u64 {
        // Held over the publication, so that the listener finds the run of whatever it hears.
        let mut sent = lock(&self.sent);
        let time = self.clock.now();
        let event = |value| Event {
            topic: self.topic,
            source: self.source,
            time,
            sequence: 0,
            cause: None,
            attempt: 1,
            quality: Quality::Good,
            value,
        };
        let mut run: Vec<Event> = values.into_iter().map(event).collect();
        // No device here may make publishers wait.
        drop(self.bus.publish(self.source, &mut run));
        if let Some(last) = run.last() {
            sent.push_back(Sent {
                last: last.sequence,
                time,
            });
        }
        if sent.len() > RUNS {
            sent.pop_front();
        }
        self.count.fetch_add(run.len() as u64, Ordering::Relaxed);
        time
    }

    fn publish(&self) {
        let (mut rate, mut since, mut count) = (0, 0, 0);
        let mut number = 0;
        while !self.is_over() {
            let now = self.clock.monotonic();
            let wanted = self.rate.load(Ordering::Relaxed);
            if wanted != rate {
                (rate, since, count) = (wanted, now, 0);
            }
            let due = u128::from(now.saturating_sub(since)) * u128::from(rate) / 1_000_000_000;
            let due = u64::try_from(due).unwrap_or(u64::MAX).saturating_sub(count);
            let run = due.min(RUN);
            if run > 0 {
                let values = (0..run).map(|index| Value::Integer(number + index as i64));
                self.send(values.collect());
                number += run as i64;
                count += run;
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn listen(&self, listener: &Subscription) {
        let mut run = Vec::new();
        while !self.is_over() {
            run.clear();
            listener.try_take(&mut run, CAPACITY);
            self.dropped.store(listener.dropped(), Ordering::Relaxed);
            let passes: Vec<Pass> = {
                let sent = lock(&self.sent);
                run.iter()
                    .filter_map(|event| self.pass(&sent, event))
                    .collect()
            };
            lock(&self.passes).extend(passes);
            std::thread::sleep(5 * PAUSE);
        }
    }

    fn pass(&self, sent: &VecDeque<Sent>, event: &Event) -> Option<Pass> {
        let cause = event.cause.filter(|cause| cause.source == self.source)?;
        let run = sent.get(sent.partition_point(|run| run.last < cause.sequence))?;
        Some(Pass {
            device: event.source,
            sequence: cause.sequence,
            sent: run.time,
            time: event.time,
        })
    }
}

/// The longest time in which nothing came out.
pub fn silence(passes: &[Pass]) -> u64 {
    let gaps = passes
        .windows(2)
        .map(|pair| pair[1].time.saturating_sub(pair[0].time));
    gaps.max().unwrap_or(0)
}

/// The time between the last that came out before a moment and the first after it.
pub fn silence_around(passes: &[Pass], moment: u64) -> Option<u64> {
    let after = passes.partition_point(|pass| pass.time < moment);
    let before = passes.get(after.checked_sub(1)?)?;
    Some(passes.get(after)?.time.saturating_sub(before.time))
}

/// The longest wait of an event that was sent between two moments.
pub fn longest_wait(passes: &[Pass], from: u64, to: u64) -> Option<u64> {
    let sent = passes
        .iter()
        .filter(|pass| (from..=to).contains(&pass.sent));
    sent.map(|pass| pass.time.saturating_sub(pass.sent)).max()
}

/// From sending to publishing.
pub fn latencies(passes: &[Pass]) -> impl Iterator<Item = u64> {
    passes
        .iter()
        .map(|pass| pass.time.saturating_sub(pass.sent))
}
