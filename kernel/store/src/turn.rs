//! Turns as the writer keeps them: waiting, held, finished.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::executor::Acting;
use crate::message::{HostWrite, Refusal, TurnId, TurnNumber, Work};

/// A device that holds the write turn.
pub(crate) struct Turn {
    pub id: TurnId,
    pub acting: Acting,
    pub began: Instant,
    /// When it is taken back.
    pub until: Instant,
    /// Rows it has changed.
    pub rows: u64,
}

/// A turn that waits for its time.
pub(crate) struct Waiting {
    pub since: Instant,
    pub what: Asked,
}

pub(crate) enum Asked {
    Turn {
        acting: Acting,
        turn: TurnNumber,
        work: Box<dyn Work>,
    },
    Host(HostWrite),
}

/// A finished turn whose COMMIT is still to come.
pub(crate) struct Pending {
    /// The device, none for the host.
    pub device: Option<Arc<str>>,
    pub since: Instant,
    pub rows: u64,
    pub answer: oneshot::Sender<Result<(), String>>,
}

/// The outer transaction.
#[derive(Default)]
pub(crate) struct Group {
    pub is_open: bool,
    pub pending: Vec<Pending>,
    /// When its first turn was finished.
    pub since: Option<Instant>,
    /// Whether no other turn may join.
    pub alone: bool,
}

impl Waiting {
    /// The device that waits; none for the host.
    pub fn device(&self) -> Option<&Arc<str>> {
        match &self.what {
            Asked::Turn { acting, .. } => Some(&acting.subject.device),
            Asked::Host(_) => None,
        }
    }

    /// Answers without having begun.
    pub fn refuse(self, error: StoreError) {
        match self.what {
            Asked::Turn { work, .. } => work.refuse(Refusal(error)),
            Asked::Host(write) => {
                let _ = write.answer.send(Err(error.to_string()));
            }
        }
    }
}
