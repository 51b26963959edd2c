//! What sessions send to the writer and the reader.

use std::time::Instant;

use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::executor::{Acting, Executor, SessionId};

/// A piece of work for a connection's thread, which answers its sender itself.
pub(crate) trait Work: Send {
    /// Whether nobody waits for the answer any more: the handler call was ended.
    fn is_abandoned(&self) -> bool;

    /// Does it.
    fn run(self: Box<Self>, executor: &mut Executor<'_>);

    /// Answers without doing it.
    fn refuse(self: Box<Self>, refusal: Refusal);
}

/// Why work was not done at all.
#[derive(Debug, Clone)]
pub(crate) struct Refusal(pub StoreError);

/// What became of a piece of work: refused, or done with this result.
pub(crate) type Answer<T> = Result<Result<T, StoreError>, Refusal>;

/// Work made of a closure.
pub(crate) struct Task<T, F> {
    pub answer: oneshot::Sender<Answer<T>>,
    pub run: F,
}

impl<T, F> Work for Task<T, F>
where
    T: Send,
    F: FnOnce(&mut Executor<'_>) -> Result<T, StoreError> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(self: Box<Self>, executor: &mut Executor<'_>) {
        let result = (self.run)(executor);
        // The receiver may have gone in the meantime.
        let _ = self.answer.send(Ok(result));
    }

    fn refuse(self: Box<Self>, refusal: Refusal) {
        let _ = self.answer.send(Err(refusal));
    }
}

/// Numbers the turns of a session.
pub(crate) type TurnNumber = u64;

/// One turn of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TurnId {
    pub session: SessionId,
    pub number: TurnNumber,
}

/// What the writer is asked.
pub(crate) enum ToWriter {
    /// Take the write turn when its time comes, and do the first work in it.
    Begin {
        acting: Acting,
        turn: TurnNumber,
        since: Instant,
        work: Box<dyn Work>,
    },
    /// Do more work in the turn.
    Work { turn: TurnId, work: Box<dyn Work> },
    /// The turn is over; answer when its writes are durable.
    Commit {
        turn: TurnId,
        since: Instant,
        answer: oneshot::Sender<Result<(), String>>,
    },
    /// The turn failed; undo its writes.
    Rollback {
        turn: TurnId,
        answer: Option<oneshot::Sender<()>>,
    },
    /// The session ends; undo what it has not committed.
    Close { session: SessionId },
    /// A write of the host's own: a turn of one piece of work.
    Host(HostWrite),
    /// The store is closed: finish what is committed, and end.
    Stop,
}

/// What the host writes.
pub(crate) type HostWork = Box<dyn FnOnce(&mut Executor<'_>) -> Result<(), StoreError> + Send>;

/// A write of the host's own, answered when it is durable.
pub(crate) struct HostWrite {
    pub since: Instant,
    pub work: HostWork,
    pub answer: oneshot::Sender<Result<(), String>>,
}

/// What the reader is asked.
pub(crate) enum ToReader {
    /// Do this.
    Read { acting: Acting, work: Box<dyn Work> },
    /// Do this for the host.
    Host(Box<dyn Work>),
    /// The session ends.
    Close { session: SessionId },
    /// The store is closed.
    Stop,
}
