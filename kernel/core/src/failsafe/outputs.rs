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
use super::output::{Held, How, Output};
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
    pub(super) run: watch::Sender<Run>,
    /// Told when an output's state has changed.
    pub(super) changed: Notify,
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

    pub(super) fn lock(&self) -> MutexGuard<'_, Held> {
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
