//! The one way to read time. Nothing else in the kernel looks at a clock, so that tests and
//! replay run in virtual time.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A future that ends at a point in time.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A source of time.
pub trait Clock: Send + Sync + 'static {
    /// Wall-clock time, in nanoseconds since 1970-01-01T00:00:00Z. May jump when it is set.
    fn now(&self) -> u64;

    /// Time for measuring spans, in nanoseconds since an arbitrary start. Never goes back.
    fn monotonic(&self) -> u64;

    /// Ends when [`Clock::monotonic`] has reached `monotonic`.
    fn sleep_until(&self, monotonic: u64) -> Sleep;

    /// Ends `nanoseconds` from now.
    fn sleep(&self, nanoseconds: u64) -> Sleep {
        self.sleep_until(self.monotonic().saturating_add(nanoseconds))
    }

    /// Keeps the thread busy for so long, where time passes by itself meanwhile; false where it does
    /// not, and nothing was waited for. For waits that are shorter than timers are exact.
    fn spin(&self, _nanoseconds: u64) -> bool {
        false
    }
}

/// The operating system's clocks.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        // A board without a battery may wake up before 1970 has been corrected: zero, not a panic.
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
    }

    fn monotonic(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn spin(&self, nanoseconds: u64) -> bool {
        let end = self.monotonic().saturating_add(nanoseconds);
        while self.monotonic() < end {
            std::hint::spin_loop();
        }
        true
    }

    fn sleep_until(&self, monotonic: u64) -> Sleep {
        let deadline = self.start.checked_add(Duration::from_nanos(monotonic));
        Box::pin(async move {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                // Beyond what the operating system can count: never.
                None => std::future::pending().await,
            }
        })
    }
}

/// A clock that stands still until it is told to advance.
///
/// Sleepers wake in the order of their deadlines, one deadline at a time: a task that wakes and
/// sleeps again within the advanced span is woken again.
#[derive(Clone)]
pub struct VirtualClock {
    shared: Arc<Mutex<Virtual>>,
}

struct Virtual {
    /// Wall-clock time when the monotonic time was 0. Signed: the clock may be set to before.
    epoch: i128,
    monotonic: u64,
    next_id: u64,
    sleepers: BTreeMap<(u64, u64), Option<Waker>>,
}

impl VirtualClock {
    /// A clock that shows `epoch` nanoseconds since 1970.
    pub fn new(epoch: u64) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Virtual {
                epoch: epoch.into(),
                monotonic: 0,
                next_id: 0,
                sleepers: BTreeMap::new(),
            })),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Virtual> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the wall clock to `epoch` nanoseconds since 1970, as an operator or NTP would; spans go on.
    pub fn set(&self, epoch: u64) {
        let mut shared = self.lock();
        shared.epoch = i128::from(epoch) - i128::from(shared.monotonic);
    }

    /// The deadline of the earliest sleeper, in monotonic nanoseconds.
    pub fn next_deadline(&self) -> Option<u64> {
        self.lock().sleepers.keys().next().map(|(at, _)| *at)
    }

    /// Moves time forward without letting tasks run in between; sleepers up to the new time are
    /// woken in order.
    pub fn advance(&self, nanoseconds: u64) {
        let mut shared = self.lock();
        shared.monotonic = shared.monotonic.saturating_add(nanoseconds);
        let now = shared.monotonic;
        let later = shared.sleepers.split_off(&(now.saturating_add(1), 0));
        let due = std::mem::replace(&mut shared.sleepers, later);
        drop(shared);
        for waker in due.into_values().flatten() {
            waker.wake();
        }
    }

    /// Moves time forward from deadline to deadline and lets woken tasks of this runtime run after
    /// each, so that whoever sleeps again within the span is woken again.
    pub async fn run(&self, nanoseconds: u64) {
        let end = self.monotonic().saturating_add(nanoseconds);
        settle().await;
        while let Some(at) = self.next_deadline().filter(|at| *at <= end) {
            self.advance(at.saturating_sub(self.monotonic()));
            settle().await;
        }
        self.advance(end.saturating_sub(self.monotonic()));
        settle().await;
    }
}

/// Lets every task that is ready on a current-thread runtime run until none is.
async fn settle() {
    // A yield runs each ready task once; chains of wake-ups between tasks need a few rounds.
    const ROUNDS: usize = 64;
    for _ in 0..ROUNDS {
        tokio::task::yield_now().await;
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> u64 {
        let shared = self.lock();
        let now = shared.epoch + i128::from(shared.monotonic);
        u64::try_from(now).unwrap_or(u64::MAX)
    }

    fn monotonic(&self) -> u64 {
        self.lock().monotonic
    }

    fn sleep_until(&self, monotonic: u64) -> Sleep {
        Box::pin(VirtualSleep {
            clock: self.clone(),
            until: monotonic,
            id: None,
        })
    }
}

struct VirtualSleep {
    clock: VirtualClock,
    until: u64,
    id: Option<u64>,
}

impl Future for VirtualSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut shared = clock.lock();
        if shared.monotonic >= self.until {
            return Poll::Ready(());
        }
        let id = match self.id {
            Some(id) => id,
            None => {
                let id = shared.next_id;
                shared.next_id += 1;
                self.id = Some(id);
                id
            }
        };
        shared
            .sleepers
            .insert((self.until, id), Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for VirtualSleep {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let until = self.until;
            self.clock.lock().sleepers.remove(&(until, id));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn virtual_sleepers_wake_in_order_and_again() {
        let clock = VirtualClock::new(1_000);
        let seen = Arc::new(Mutex::new(Vec::new()));
        for (name, period) in [("slow", 30), ("fast", 10)] {
            let (clock, seen) = (clock.clone(), seen.clone());
            tokio::spawn(async move {
                loop {
                    clock.sleep(period).await;
                    seen.lock().unwrap().push((name, clock.monotonic()));
                }
            });
        }
        clock.run(30).await;
        let mut seen = seen.lock().unwrap().clone();
        seen.sort_by_key(|(name, at)| (*at, *name));
        assert_eq!(
            seen,
            [("fast", 10), ("fast", 20), ("fast", 30), ("slow", 30)]
        );
        assert_eq!(clock.now(), 1_030);
    }

    #[tokio::test]
    async fn a_dropped_sleep_leaves_nothing_behind() {
        let clock = VirtualClock::new(0);
        let mut sleep = clock.sleep(5);
        assert!(std::future::poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx).is_pending())).await);
        assert_eq!(clock.next_deadline(), Some(5));
        drop(sleep);
        assert_eq!(clock.next_deadline(), None);
    }
}
