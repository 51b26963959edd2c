//! The outer transaction: its COMMIT, and its loss.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::Writer;
use crate::error::StoreError;
use crate::limits::CHECKPOINT_PAGES;
use crate::turn::{Group, Pending};

impl Writer<'_> {
    /// A turn is finished: it waits for the COMMIT.
    pub(super) fn pend(&mut self, pending: Pending) {
        self.group.since.get_or_insert_with(Instant::now);
        self.group.pending.push(pending);
    }

    /// COMMIT: the group becomes durable, and is answered.
    pub(super) fn commit(&mut self) {
        if self.group.pending.is_empty() {
            // Every turn was rolled back.
            if let Err(error) = self.executor.plain("ROLLBACK") {
                self.counters.failed(&error.to_string());
            }
            self.group = Group::default();
            return;
        }
        match self.executor.plain("COMMIT") {
            Ok(()) => {
                let group = std::mem::take(&mut self.group);
                self.counters.groups.fetch_add(1, Relaxed);
                for pending in group.pending {
                    self.counters.commits.fetch_add(1, Relaxed);
                    self.counters.rows.fetch_add(pending.rows, Relaxed);
                    self.counters.latency.count(pending.since.elapsed());
                    let _ = pending.answer.send(Ok(()));
                }
                self.copy_log();
            }
            Err(error) => {
                // A constraint that was put off to the COMMIT belongs to one of them: each tries
                // again alone.
                if matches!(error, StoreError::Constraint(_)) {
                    for device in self
                        .group
                        .pending
                        .iter()
                        .filter_map(|turn| turn.device.clone())
                    {
                        self.company.spoilt(device);
                    }
                }
                self.lose_group(&error.to_string(), false);
            }
        }
    }

    /// The outer transaction is gone: all that were in it learn it.
    pub(super) fn lose_group(&mut self, cause: &str, by_turn: bool) {
        if !self.executor.connection().is_autocommit()
            && let Err(error) = self.executor.plain("ROLLBACK")
        {
            tracing::error!(file = self.executor.file(), "{error}");
        }
        self.counters.failed_groups.fetch_add(1, Relaxed);
        self.counters.failed(cause);
        let group = std::mem::take(&mut self.group);
        let culprit = self.turn.take();
        tracing::warn!(
            file = self.executor.file(),
            device = culprit.as_ref().map(|turn| &*turn.acting.subject.device),
            others = group.pending.len(),
            "transaction rolled back: {cause}"
        );
        for pending in group.pending {
            self.counters.rollbacks.fetch_add(1, Relaxed);
            let _ = pending.answer.send(Err(format!("rolled back: {cause}")));
        }
        if let Some(turn) = culprit {
            self.counters.rollbacks.fetch_add(1, Relaxed);
            if by_turn {
                self.company.spoilt(turn.acting.subject.device.clone());
            }
            let reason = format!("the handler's writes were rolled back: {cause}");
            self.lost.insert(turn.id.session, (turn.id.number, reason));
        }
    }

    /// Copies the write-ahead log into the database, once the group has been answered.
    fn copy_log(&mut self) {
        if self.log_pages.load(Relaxed) < CHECKPOINT_PAGES {
            return;
        }
        self.log_pages.store(0, Relaxed);
        let copied =
            self.executor
                .connection()
                .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = copied {
            // The log keeps everything; the next commit tries again.
            self.counters.failed(&error.to_string());
            tracing::warn!(
                file = self.executor.file(),
                "cannot copy the write-ahead log: {error}"
            );
        }
    }
}
