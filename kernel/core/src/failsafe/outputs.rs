//! The outputs of one device.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use tokio::sync::{Notify, watch};

use crate::bus::Bus;
use crate::clock::Clock;
use crate::connection::Seat;
use crate::event::SourceId;

use super::board::Board;
use super::charges::Told;
use super::frame::SafeFrame;
use super::guard::Change;
use super::limits::STOP_TIME;
use super::line::SafeLine;
use super::output::{Due, Held, How, Lines, Output};
use super::sending::send;
use super::status::{SafeState, SafeStatus};
use super::telling::Untold;

/// What a device holds that has a safe value.
pub struct Outputs {
    pub(super) device: Arc<str>,
    pub(super) source: SourceId,
    pub(super) bus: Arc<Bus>,
    pub(super) clock: Arc<dyn Clock>,
    held: Mutex<Held>,
    /// What the guard knows of them.
    charged: Mutex<Told>,
    /// What was published last. Held while more is: what is told last must be how it stands.
    pub(super) told: Mutex<Option<SafeStatus>>,
    pub(super) untold: Untold,
    run: watch::Sender<Run>,
    /// Told when an output's state has changed.
    changed: Notify,
    /// Nobody waits for the outputs beyond this monotonic time.
    give_up: AtomicU64,
    board: OnceLock<Weak<Board>>,
}

/// What sends frames looks at this.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Run {
    /// Rises when what is under way is called off.
    pub(super) number: u64,
    /// Nothing is sent for now.
    pub(super) held_back: bool,
}

impl Outputs {
    /// None yet.
    pub fn new(
        device: Arc<str>,
        source: SourceId,
        bus: Arc<Bus>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            device,
            source,
            bus,
            clock,
            held: Mutex::default(),
            charged: Mutex::default(),
            told: Mutex::default(),
            untold: Untold::default(),
            run: watch::Sender::default(),
            changed: Notify::new(),
            give_up: AtomicU64::new(u64::MAX),
            board: OnceLock::new(),
        })
    }

    /// Who holds them.
    pub fn device(&self) -> &Arc<str> {
        &self.device
    }

    pub(super) fn belongs_to(&self, board: Weak<Board>) {
        // A device has one kernel.
        let _ = self.board.set(board);
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers the frames of a connection, in place of those that were registered there. They have
    /// been checked ([`super::check`]).
    pub fn set_frames(&self, seat: &Seat, frames: Vec<SafeFrame>) {
        {
            let mut held = self.lock();
            let held = &mut *held;
            if held.has(seat, &frames) {
                // As after each restart.
                return;
            }
            let connection = seat.connection();
            let place = held
                .outputs
                .iter()
                .position(|output| output.how.is_on(connection))
                .unwrap_or(held.outputs.len());
            held.outputs.retain(|output| !output.how.is_on(connection));
            let since = self.clock.now();
            let fresh: Vec<Output> = frames
                .into_iter()
                .map(|frame| {
                    let how = How::Frame {
                        seat: seat.clone(),
                        frame: Arc::new(frame),
                    };
                    held.next += 1;
                    Output::new(held.next, how, since)
                })
                .collect();
            held.outputs.splice(place..place, fresh);
        }
        self.tell();
    }

    /// A connection that was opened anew has another place for the device.
    pub fn reseat(&self, seat: &Seat) {
        let mut moved = false;
        for output in &mut self.lock().outputs {
            if output.how.is_on(seat.connection())
                && let How::Frame { seat: held, .. } = &mut output.how
            {
                *held = seat.clone();
                moved = true;
            }
        }
        if moved {
            self.refresh();
        }
    }

    /// Declares the safe value of a line that was handed out; one of the same name is replaced. One that
    /// says the same stays as it is, also where it was set.
    pub fn declare(&self, line: Arc<dyn SafeLine>) {
        {
            let mut held = self.lock();
            match held.line(line.name()) {
                // As after each restart.
                Some(known) if known.how.what() == line.describe() && !known.retires => {
                    known.how = How::Line(line);
                }
                _ => {
                    held.forget(line.name());
                    held.next += 1;
                    let output = Output::new(held.next, How::Line(line), self.clock.now());
                    held.outputs.push(output);
                }
            }
        }
        self.tell_at_the_end();
    }

    /// A line was taken back: its safe value is nobody's business any more.
    pub fn release(&self, line: &str) {
        self.lock().forget(line);
        self.tell_at_the_end();
    }

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

    /// The device was removed: its lines are free once they have been set.
    pub fn let_go(&self) {
        {
            let mut held = self.lock();
            held.removed = true;
            for output in &mut held.outputs {
                output.let_go();
            }
        }
        self.tell();
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

    /// Another device has taken the place of this one, which has ended: its outputs are that one's.
    pub(super) fn abandon(&self) {
        {
            let mut held = self.lock();
            held.outputs.clear();
            held.cause = None;
            self.run.send_modify(|run| run.number += 1);
        }
        self.changed.notify_waiters();
        self.tell();
    }

    /// The device works again: what is still to be set is not set.
    pub fn call_off(&self) {
        {
            let mut held = self.lock();
            if held.cause.take().is_none() {
                return;
            }
            let now = self.clock.now();
            held.outputs.retain(|output| !output.retires);
            for output in &mut held.outputs {
                output.state = SafeState::Armed;
                output.since = now;
                output.error.clear();
            }
            self.run.send_modify(|run| run.number += 1);
        }
        self.changed.notify_waiters();
        self.tell();
    }

    pub(super) fn run(&self) -> watch::Receiver<Run> {
        self.run.subscribe()
    }

    /// Nothing more is sent while another device of this name starts, which may take its place.
    pub(super) fn hold_back(&self, held_back: bool) {
        self.run
            .send_if_modified(|run| std::mem::replace(&mut run.held_back, held_back) != held_back);
    }

    /// The device begins to start: what one of its name has left to be set waits for the outcome, so that
    /// it does not undo what this one begins with.
    pub fn starting(self: &Arc<Self>) {
        if let Some(board) = self.board() {
            board.hold_back(self, true);
        }
    }

    /// The device could not start: what one of its name has left to be set is set.
    pub fn not_started(self: &Arc<Self>) {
        if let Some(board) = self.board() {
            board.hold_back(self, false);
        }
    }

    /// The device works: what one of its name has left to be set is not set any more.
    pub fn started(self: &Arc<Self>) {
        if let Some(board) = self.board() {
            board.taken_over(self);
        }
    }

    /// Nobody waits for the outputs beyond `at` (monotonic): the host stops.
    pub fn expect_end(&self, at: u64) {
        self.give_up.store(at, Ordering::Relaxed);
    }

    /// Waits until each safe value has been set or could not be for now, for [`STOP_TIME`] at most.
    pub async fn settled(&self) {
        let patience = self.clock.monotonic().saturating_add(STOP_TIME);
        let at = patience.min(self.give_up.load(Ordering::Relaxed));
        let settled = async {
            loop {
                let mut changed = std::pin::pin!(self.changed.notified());
                changed.as_mut().enable();
                let under_way = |output: &Output| output.state == SafeState::Applying;
                if !self.lock().outputs.iter().any(under_way) {
                    return;
                }
                changed.await;
            }
        };
        tokio::select! {
            biased;
            () = settled => {}
            () = self.clock.sleep_until(at) => {}
        }
    }

    /// The connections that frames go over.
    pub(crate) fn connections(&self) -> BTreeSet<Arc<str>> {
        let held = self.lock();
        held.outputs
            .iter()
            .filter_map(|output| output.how.connection().cloned())
            .collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lock().outputs.is_empty()
    }

    /// Whether a frame goes over this connection.
    pub(super) fn uses(&self, connection: &str) -> bool {
        let held = self.lock();
        held.outputs
            .iter()
            .any(|output| output.how.is_on(connection))
    }

    /// How it stands with them; none when there never were any.
    pub fn status(&self) -> Option<SafeStatus> {
        let held = self.lock();
        if held.outputs.is_empty() {
            return None;
        }
        let state = held.outputs.iter().map(|output| output.state).max();
        Some(SafeStatus {
            device: self.device.to_string(),
            state: state.unwrap_or(SafeState::Armed),
            cause: held.cause.as_deref().unwrap_or_default().to_owned(),
            applied: held.applied,
            failures: held.failures,
            outputs: held.outputs.iter().map(Output::status).collect(),
        })
    }

    /// What has changed since the guard was told last what it has to do for them if the host dies. Charges get
    /// their numbers from `next`.
    pub(super) fn changes(&self, next: &mut u64) -> Vec<Change> {
        let mut charged = self.charged.lock().unwrap_or_else(PoisonError::into_inner);
        charged.changes(&self.lock(), &self.device, next)
    }

    pub(super) fn refresh(&self) {
        if let Some(board) = self.board() {
            board.refresh(self);
        }
    }

    fn board(&self) -> Option<Arc<Board>> {
        self.board.get().and_then(Weak::upgrade)
    }
}
