//! The thread that writes: one turn at a time, several turns to a COMMIT.
//!
//! A *turn* is what one handler call writes. It runs inside a savepoint, and turns follow one
//! another in the order in which devices asked. A *group* is the outer transaction around turns:
//! while devices wait, the next one's turn is taken into it; then one COMMIT, with one fsync,
//! makes all of them durable, and only then are they answered. A device whose commit is pending
//! cannot begin a turn, so a group holds at most one committed turn of each device.

mod group;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Instant;

use tokio::sync::oneshot;

use crate::company::Company;
use crate::error::StoreError;
use crate::executor::{Executor, SessionId};
use crate::limits::{BUSY_RETRY, GROUP_TIME, GROUP_TURNS, Times};
use crate::message::{HostWrite, Refusal, ToWriter, TurnId, TurnNumber, Work};
use crate::statistics::Counters;
use crate::turn::{Asked, Group, Pending, Turn, Waiting};

/// The writer's state.
pub(crate) struct Writer<'c> {
    executor: Executor<'c>,
    times: Times,
    counters: Arc<Counters>,
    /// Pages in the write-ahead log, as SQLite told at the last commit.
    log_pages: Arc<AtomicU32>,
    waiting: VecDeque<Waiting>,
    turn: Option<Turn>,
    group: Group,
    /// Turns that were taken away from their devices, with the reason, until the device knows.
    lost: HashMap<SessionId, (TurnNumber, String)>,
    company: Company,
    /// Since when another process has held the database.
    locked_since: Option<Instant>,
    retry_at: Instant,
    stopped: bool,
}

impl<'c> Writer<'c> {
    pub fn new(
        executor: Executor<'c>,
        times: Times,
        counters: Arc<Counters>,
        log_pages: Arc<AtomicU32>,
    ) -> Self {
        Self {
            executor,
            times,
            counters,
            log_pages,
            waiting: VecDeque::new(),
            turn: None,
            group: Group::default(),
            lost: HashMap::new(),
            company: Company::default(),
            locked_since: None,
            retry_at: Instant::now(),
            stopped: false,
        }
    }

    /// Serves until the store is closed.
    pub fn run(mut self, inbox: &Receiver<ToWriter>) {
        loop {
            // Everything that is there is known before anything is decided: who has already asked
            // for a turn belongs to this group.
            loop {
                match inbox.try_recv() {
                    Ok(message) => self.take(message),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        self.stopped = true;
                        break;
                    }
                }
            }
            if self.stopped {
                return self.finish();
            }
            self.take_back_held_turn();
            if self.turn.is_none() {
                if self.may_admit() {
                    self.admit();
                    continue;
                }
                if self.group.is_open {
                    self.commit();
                    continue;
                }
            }
            let message = match self.next_deadline() {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => inbox.recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            match message {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.stopped = true,
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        match &self.turn {
            Some(turn) => Some(turn.until),
            None if !self.waiting.is_empty() => Some(self.retry_at),
            None => None,
        }
    }

    fn take(&mut self, message: ToWriter) {
        match message {
            ToWriter::Begin {
                acting,
                turn,
                since,
                work,
            } => self.waiting.push_back(Waiting {
                since,
                what: Asked::Turn { acting, turn, work },
            }),
            ToWriter::Host(write) => self.waiting.push_back(Waiting {
                since: write.since,
                what: Asked::Host(write),
            }),
            ToWriter::Work { turn, work } => {
                if self.turn.as_ref().is_some_and(|current| current.id == turn) {
                    self.work(work);
                } else {
                    work.refuse(Refusal(StoreError::Unavailable(self.reason(turn))));
                }
            }
            ToWriter::Commit {
                turn,
                since,
                answer,
            } => self.release(turn, since, answer),
            ToWriter::Rollback { turn, answer } => {
                self.abandon(turn.session);
                if let Some(answer) = answer {
                    let _ = answer.send(());
                }
            }
            ToWriter::Close { session } => {
                self.abandon(session);
                self.executor.forget(session);
            }
            ToWriter::Stop => self.stopped = true,
        }
    }

    /// Why a turn is not held any more.
    fn reason(&self, turn: TurnId) -> String {
        match self.lost.get(&turn.session) {
            Some((number, reason)) if *number == turn.number => reason.clone(),
            _ => "the write turn is not held any more".into(),
        }
    }

    /// Whether the next waiting turn may begin now.
    fn may_admit(&self) -> bool {
        let Some(next) = self.waiting.front() else {
            return false;
        };
        if !self.group.is_open {
            return self.locked_since.is_none() || Instant::now() >= self.retry_at;
        }
        let room = (self.group.pending.len() as u32) < GROUP_TURNS
            && self
                .group
                .since
                .is_none_or(|since| since.elapsed() < GROUP_TIME);
        let joins = next
            .device()
            .is_none_or(|device| self.company.may_join(device));
        room && !self.group.alone && (joins || self.group.pending.is_empty())
    }

    /// Begins the next waiting turn.
    fn admit(&mut self) {
        let Some(next) = self.waiting.pop_front() else {
            return;
        };
        if let Asked::Turn { work, .. } = &next.what
            && work.is_abandoned()
        {
            return;
        }
        if !self.group.is_open {
            if !self.executor.connection().is_autocommit() {
                // A failing disk has refused even the ROLLBACK before.
                let _ = self.executor.plain("ROLLBACK");
            }
            match self.executor.plain("BEGIN IMMEDIATE") {
                Ok(()) => {
                    self.locked_since = None;
                    self.group.is_open = true;
                }
                Err(StoreError::Busy(text)) => return self.locked(next, &text),
                Err(error) => {
                    self.counters.failed(&error.to_string());
                    return next.refuse(error);
                }
            }
        }
        match next.what {
            Asked::Turn { acting, turn, work } => {
                if let Err(error) = self.executor.plain("SAVEPOINT turn") {
                    work.refuse(Refusal(error.clone()));
                    return self.lose_group(&error.to_string(), false);
                }
                self.group.alone = self.company.begin(&acting.subject.device);
                let id = TurnId {
                    session: acting.session,
                    number: turn,
                };
                self.lost.remove(&id.session);
                let now = Instant::now();
                self.turn = Some(Turn {
                    id,
                    acting,
                    began: now,
                    until: now + self.times.turn,
                    rows: 0,
                });
                self.work(work);
            }
            Asked::Host(write) => self.write_for_host(write),
        }
    }

    /// Another process holds the database: whoever has waited for it long enough is told.
    fn locked(&mut self, next: Waiting, text: &str) {
        let now = Instant::now();
        let since = *self.locked_since.get_or_insert(now);
        self.retry_at = now + BUSY_RETRY;
        self.waiting.push_front(next);
        let mut still = VecDeque::with_capacity(self.waiting.len());
        for waiting in self.waiting.drain(..) {
            if now.saturating_duration_since(since.max(waiting.since)) >= self.times.busy {
                self.counters.busy.fetch_add(1, Relaxed);
                self.counters.failed(text);
                waiting.refuse(StoreError::Busy(text.to_owned()));
            } else {
                still.push_back(waiting);
            }
        }
        if still.is_empty() {
            self.locked_since = None;
        }
        self.waiting = still;
    }

    /// Does work in the current turn.
    fn work(&mut self, work: Box<dyn Work>) {
        if work.is_abandoned() {
            return;
        }
        let Some(turn) = &mut self.turn else {
            return;
        };
        self.executor.begin(Some(turn.acting.clone()));
        work.run(&mut self.executor);
        turn.rows += self.executor.take_changed();
        self.executor.end();
        if let Some(fault) = self.executor.fault() {
            self.counters.failed(&fault);
        }
        self.check_transaction();
    }

    /// Some errors make SQLite undo the whole transaction: a full disk, a failing one, a write
    /// that was interrupted.
    fn check_transaction(&mut self) {
        if self.group.is_open && self.executor.connection().is_autocommit() {
            let cause = self.executor.failure();
            let cause = cause.unwrap_or_else(|| "a statement undid it".into());
            self.lose_group(&cause, true);
        }
    }

    fn write_for_host(&mut self, write: HostWrite) {
        self.executor.begin(None);
        let result = (write.work)(&mut self.executor);
        self.executor.take_changed();
        self.executor.end();
        match result {
            Ok(()) => self.pend(Pending {
                device: None,
                since: write.since,
                rows: 0,
                answer: write.answer,
            }),
            Err(error) => {
                self.counters.failed(&error.to_string());
                let _ = write.answer.send(Err(error.to_string()));
            }
        }
        self.check_transaction();
    }

    /// The current turn is over: it waits for the group's COMMIT.
    fn release(&mut self, id: TurnId, since: Instant, answer: oneshot::Sender<Result<(), String>>) {
        match self.end_turn(|turn| turn.id == id) {
            Some(turn) => match self.executor.plain("RELEASE turn") {
                Ok(()) => self.pend(Pending {
                    device: Some(turn.acting.subject.device),
                    since,
                    rows: turn.rows,
                    answer,
                }),
                Err(error) => {
                    let _ = answer.send(Err(error.to_string()));
                    self.lose_group(&error.to_string(), false);
                }
            },
            None => {
                let reason = self.reason(id);
                self.lost.remove(&id.session);
                let _ = answer.send(Err(reason));
            }
        }
    }

    /// Undoes what a session has not committed, and forgets what it asked for.
    fn abandon(&mut self, session: SessionId) {
        self.lost.remove(&session);
        self.waiting.retain(
            |waiting| !matches!(&waiting.what, Asked::Turn { acting, .. } if acting.session == session),
        );
        if self.end_turn(|turn| turn.id.session == session).is_some() {
            self.undo_turn();
        }
    }

    /// Takes the turn from its holder, if it is the one that is meant.
    fn end_turn(&mut self, is_meant: impl FnOnce(&Turn) -> bool) -> Option<Turn> {
        let turn = self.turn.take_if(|turn| is_meant(turn))?;
        self.company
            .end(&turn.acting.subject.device, turn.began.elapsed());
        Some(turn)
    }

    /// Rolls back to where the current turn began.
    fn undo_turn(&mut self) {
        self.counters.rollbacks.fetch_add(1, Relaxed);
        if let Err(error) = self.executor.plain("ROLLBACK TO turn; RELEASE turn") {
            self.lose_group(&error.to_string(), false);
        }
    }

    fn take_back_held_turn(&mut self) {
        let now = Instant::now();
        if let Some(turn) = self.end_turn(|turn| turn.until <= now) {
            let reason = format!(
                "the handler held the write turn for more than {} s after its first write, so its \
                 writes were rolled back; write after waiting, not before",
                self.times.turn.as_secs()
            );
            tracing::warn!(device = %turn.acting.subject.device, "{reason}");
            self.lost.insert(turn.id.session, (turn.id.number, reason));
            self.undo_turn();
        }
    }

    /// The store is closed: what was committed is made durable, the rest is undone.
    fn finish(mut self) {
        if self.turn.take().is_some() {
            self.undo_turn();
        }
        if self.group.is_open {
            self.commit();
        }
        for waiting in self.waiting.drain(..) {
            waiting.refuse(StoreError::Unavailable("the store is closed".into()));
        }
    }
}
