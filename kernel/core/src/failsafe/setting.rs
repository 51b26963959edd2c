//! How outputs go to their safe values: all of them, those that came late, and lines that nobody uses any more.

use std::sync::{Arc, Mutex, PoisonError};

use super::line::SafeLine;
use super::output::{Due, Lines};
use super::outputs::Outputs;
use super::sending::send;
use super::status::SafeState;

impl Outputs {
    /// No version of the device has a use for a line any more: it is set to its safe value and taken back,
    /// or stays listed where it cannot be set.
    pub fn retire(self: &Arc<Self>, line: &str) {
        let (run, due) = {
            let mut held = self.lock();
            let now = self.clock.now();
            let Some(output) = held.line(line) else {
                return;
            };
            output.retires = true;
            let due = match output.state {
                SafeState::Applying => None,
                SafeState::Applied => {
                    held.forget(line);
                    None
                }
                SafeState::Armed | SafeState::Pending | SafeState::Failed => output.begin(now),
            };
            (self.run.borrow().number, due)
        };
        tracing::info!(device = %self.device, "no version uses {line} any more");
        self.set_lines(run, due.into_iter().collect());
        self.tell();
    }

    /// A version that was to bring a failed device back is refused: what it has declared goes to its safe
    /// value like all the rest.
    pub fn stay_safe(self: &Arc<Self>) {
        let (run, due) = {
            let mut held = self.lock();
            if held.cause.is_none() {
                return;
            }
            let now = self.clock.now();
            (self.run.borrow().number, held.begin_rest(now))
        };
        if !due.is_empty() {
            self.set_lines(run, due);
            self.tell();
        }
    }

    /// A line was declared by work that the plugin could not wait for. When the others were set meanwhile, it is
    /// set, too: whatever it has become, nobody minds it now.
    pub fn came_late(self: &Arc<Self>, line: &str) {
        let (run, due) = {
            let mut held = self.lock();
            if held.cause.is_none() {
                return;
            }
            let now = self.clock.now();
            let due = held.line(line).and_then(|output| output.begin(now));
            (self.run.borrow().number, due)
        };
        self.set_lines(run, due.into_iter().collect());
        self.tell();
    }

    /// Sets lines: at once, or on a thread where it may take long.
    fn set_lines(self: &Arc<Self>, run: u64, lines: Lines) {
        let set = move |outputs: &Self, (id, line): (u64, Arc<dyn SafeLine>)| {
            // The device may have been revived since.
            if outputs.run.borrow().number != run {
                return;
            }
            let outcome = line.apply();
            // Whoever is told that it is done may find it free.
            drop(line);
            outputs.note(run, id, outcome, SafeState::Failed);
        };
        let (slow, quick): (Lines, Lines) = lines.into_iter().partition(|(_, line)| line.blocks());
        for line in quick {
            set(self, line);
        }
        if slow.is_empty() {
            return;
        }
        let slow = Arc::new(Mutex::new(slow));
        let take = |slow: &Mutex<Lines>| {
            std::mem::take(&mut *slow.lock().unwrap_or_else(PoisonError::into_inner))
        };
        let (outputs, on_thread) = (self.clone(), slow.clone());
        let thread = std::thread::Builder::new().name("weihe-safe".into());
        let started = thread.spawn(move || {
            for line in take(&on_thread) {
                set(&outputs, line);
                outputs.tell();
            }
        });
        if let Err(error) = started {
            tracing::warn!("there is no thread for slow lines, and others wait for them: {error}");
            for line in take(&slow) {
                set(self, line);
            }
        }
    }

    /// Sets all safe values, because of `cause`: lines at once, frames on the runtime of their
    /// connections. A second call changes nothing. The device loses its places at the connections that
    /// frames go over, with all that it had queued there.
    pub fn apply(self: &Arc<Self>, cause: &str) {
        let (run, Due { lines, frames }) = {
            let mut held = self.lock();
            if held.cause.is_some() {
                return;
            }
            held.cause = Some(cause.into());
            if held.outputs.is_empty() {
                return;
            }
            (self.run.borrow().number, held.begin(self.clock.now()))
        };
        tracing::info!(device = %self.device, "outputs go to their safe values: {cause}");
        self.set_lines(run, lines);
        for (seat, frames) in frames {
            match seat.succeed(&self.device) {
                Some(seat) => {
                    let work = send(self.clone(), run, seat.clone(), frames);
                    seat.spawn(work);
                }
                None => {
                    for (id, _) in frames {
                        let closed = Err("the connection is closed".to_owned());
                        self.note(run, id, closed, SafeState::Failed);
                    }
                }
            }
        }
        self.tell();
    }

    /// Takes down what became of an attempt.
    pub(super) fn note(
        &self,
        run: u64,
        id: u64,
        outcome: Result<(), String>,
        otherwise: SafeState,
    ) {
        let now = self.clock.now();
        let mut held = self.lock();
        if self.run.borrow().number != run {
            return;
        }
        let held = &mut *held;
        let Some(output) = held.outputs.iter_mut().find(|output| output.id == id) else {
            return;
        };
        let (what, on) = (output.how.what(), output.how.on());
        let before = std::mem::take(&mut output.error);
        let state = match outcome {
            Ok(()) => {
                held.applied += 1;
                tracing::info!(device = %self.device, "safe: {what} on {on}");
                SafeState::Applied
            }
            Err(error) => {
                held.failures += 1;
                if error != before {
                    tracing::error!(device = %self.device, "not safe: {what} on {on}: {error}");
                }
                output.error = error;
                otherwise
            }
        };
        if output.state != state {
            output.state = state;
            output.since = now;
        }
        if held.removed {
            output.let_go();
        }
        if output.retires && state == SafeState::Applied {
            held.outputs.retain(|output| output.id != id);
        }
        self.changed.notify_waiters();
    }
}
