//! One thread that looks at lines which cannot raise edges, every few milliseconds.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
    looks: Vec<(Arc<AtomicBool>, Look)>,
    ended: bool,
}

/// Ends looking when it is dropped.
pub(super) struct Looking(Arc<AtomicBool>);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Watchman {
    /// Looks until what is returned is dropped.
    pub(super) fn watch(&self, look: Look) -> io::Result<Looking> {
        let wanted = Arc::new(AtomicBool::new(true));
        let mut thread = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = match &*thread {
            Some(shared) => shared,
            None => thread.insert(Shared::start()?),
        };
        shared.rounds().looks.push((wanted.clone(), look));
        shared.changed.notify_one();
        Ok(Looking(wanted))
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
            if rounds.looks.is_empty() {
                let woken = self.changed.wait(rounds);
                rounds = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            // A look may take its time, and may lead to another one.
            let mut looks = std::mem::take(&mut rounds.looks);
            drop(rounds);
            looks.retain_mut(|(wanted, look)| wanted.load(Ordering::Relaxed) && look());
            rounds = self.rounds();
            looks.append(&mut rounds.looks);
            rounds.looks = looks;
            if rounds.ended {
                break;
            }
            let woken = self.changed.wait_timeout(rounds, PERIOD);
            rounds = woken.unwrap_or_else(PoisonError::into_inner).0;
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
            .watch(Box::new(move || sender.send(()).is_ok()))
            .unwrap();
        for _ in 0..3 {
            looked.recv().unwrap();
        }
        drop(looking);
        while looked.recv().is_ok() {}
        let (sender, looked) = mpsc::channel();
        let _once = watchman
            .watch(Box::new(move || sender.send(()).is_err()))
            .unwrap();
        looked.recv().unwrap();
        assert!(
            looked.recv().is_err(),
            "it said that it needs not be looked at again"
        );
    }
}
