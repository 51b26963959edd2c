//! A thread that looks at lines which cannot raise edges, every few milliseconds, or for chips that have vanished.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often lines are looked at. A key that is pressed stays so for 30 ms and more, and bounces for 5; a look at one
/// line takes about a microsecond, so a hundred of them take a fortieth of a core.
pub(super) const PERIOD: Duration = Duration::from_millis(4);

/// What a line is seen to be, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// What it counts as.
    value: bool,
    /// What it has been since a time, when that is something else.
    other_since: Option<u64>,
}

impl Seen {
    /// A line that is this to begin with.
    pub(super) fn new(value: bool) -> Self {
        Self {
            value,
            other_since: None,
        }
    }

    /// Takes a look into account; gives what the line has become when that counts now: when it has been steady for
    /// so many nanoseconds.
    pub(super) fn look(&mut self, value: bool, now: u64, steady: u64) -> Option<bool> {
        if value == self.value {
            self.other_since = None;
            return None;
        }
        let since = *self.other_since.get_or_insert(now);
        if now.saturating_sub(since) < steady {
            return None;
        }
        *self = Self::new(value);
        Some(value)
    }
}

/// Something that is looked at; false when it needs not be any more.
pub(super) type Look = Box<dyn FnMut() -> bool + Send>;

/// The thread. It is started when it is needed first.
#[derive(Default)]
pub(super) struct Watchman(Mutex<Option<Arc<Shared>>>);

#[derive(Default)]
struct Shared {
    rounds: Mutex<Rounds>,
    changed: Condvar,
}

#[derive(Default)]
struct Rounds {
    entries: Vec<Entry>,
    ended: bool,
}

struct Entry {
    wanted: Arc<AtomicBool>,
    look: Look,
    period: Duration,
    due: Instant,
}

/// Ends looking when it is dropped.
pub(super) struct Looking(Arc<AtomicBool>);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Watchman {
    /// Looks once in a period until what is returned is dropped.
    pub(super) fn watch(&self, period: Duration, look: Look) -> io::Result<Looking> {
        let wanted = Arc::new(AtomicBool::new(true));
        self.add(period, wanted.clone(), look)?;
        Ok(Looking(wanted))
    }

    /// Does something soon, on the thread.
    pub(super) fn soon(&self, mut task: impl FnMut() + Send + 'static) -> io::Result<()> {
        let look: Look = Box::new(move || {
            task();
            false
        });
        self.add(Duration::ZERO, Arc::new(AtomicBool::new(true)), look)
    }

    fn add(&self, period: Duration, wanted: Arc<AtomicBool>, look: Look) -> io::Result<()> {
        let mut thread = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = match &*thread {
            Some(shared) => shared,
            None => thread.insert(Shared::start()?),
        };
        shared.rounds().entries.push(Entry {
            wanted,
            look,
            period,
            due: Instant::now() + period,
        });
        shared.changed.notify_one();
        Ok(())
    }
}

impl Drop for Watchman {
    fn drop(&mut self) {
        let thread = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = thread.take() {
            shared.rounds().ended = true;
            shared.changed.notify_one();
        }
    }
}

impl Shared {
    fn start() -> io::Result<Arc<Self>> {
        let shared = Arc::new(Self::default());
        let own = shared.clone();
        std::thread::Builder::new()
            .name("weihe-polls".to_owned())
            .spawn(move || own.run())?;
        Ok(shared)
    }

    fn rounds(&self) -> MutexGuard<'_, Rounds> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut rounds = self.rounds();
        while !rounds.ended {
            let Some(due) = rounds.entries.iter().map(|entry| entry.due).min() else {
                let woken = self.changed.wait(rounds);
                rounds = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let now = Instant::now();
            if due > now {
                let woken = self.changed.wait_timeout(rounds, due - now);
                rounds = woken.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            // A look may take its time, and may lead to another one.
            let entries = rounds.entries.extract_if(.., |entry| entry.due <= now);
            let mut looks: Vec<Entry> = entries.collect();
            drop(rounds);
            looks.retain_mut(|entry| {
                entry.due = now + entry.period;
                entry.wanted.load(Ordering::Relaxed) && (entry.look)()
            });
            rounds = self.rounds();
            rounds.entries.append(&mut looks);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_bounce_counts_for_nothing_where_steadiness_is_asked_for() {
        let mut seen = Seen::new(false);
        assert_eq!(seen.look(true, 10, 0), Some(true), "at once without");
        assert_eq!(seen.look(true, 20, 0), None);
        let mut seen = Seen::new(false);
        assert_eq!(seen.look(true, 10, 8), None);
        assert_eq!(seen.look(false, 14, 8), None);
        assert_eq!(seen.look(true, 18, 8), None, "it begins anew");
        assert_eq!(seen.look(true, 25, 8), None);
        assert_eq!(seen.look(true, 26, 8), Some(true));
    }

    #[test]
    fn looking_goes_on_until_it_is_not_wanted_any_more() {
        let watchman = Watchman::default();
        let (sender, looked) = mpsc::channel();
        let looking = watchman
            .watch(PERIOD, Box::new(move || sender.send(()).is_ok()))
            .unwrap();
        for _ in 0..3 {
            looked.recv().unwrap();
        }
        drop(looking);
        while looked.recv().is_ok() {}
        let (sender, looked) = mpsc::channel();
        let _once = watchman
            .watch(PERIOD, Box::new(move || sender.send(()).is_err()))
            .unwrap();
        looked.recv().unwrap();
        assert!(
            looked.recv().is_err(),
            "it said that it needs not be looked at again"
        );
    }
}
