//! Trails without a disk.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use super::{Audit, AuditStatus, Entry};

/// Keeps nothing: for tools that start a kernel on which nothing runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAudit;

impl Audit for NoAudit {
    fn record(&self, _: Entry) {}

    fn settled(&self) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        Box::pin(std::future::ready(true))
    }

    fn status(&self) -> Option<AuditStatus> {
        None
    }
}

/// Keeps every entry in memory, whatever its pace: for tests.
#[derive(Debug, Default)]
pub struct MemoryAudit(Mutex<Vec<Entry>>);

impl MemoryAudit {
    /// What was recorded, in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What was recorded of an action, in order.
    pub fn of(&self, action: &str) -> Vec<Entry> {
        let mut entries = self.entries();
        entries.retain(|entry| entry.action == action);
        entries
    }
}

impl Audit for MemoryAudit {
    fn record(&self, entry: Entry) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(entry);
    }

    fn settled(&self) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        Box::pin(std::future::ready(true))
    }

    fn status(&self) -> Option<AuditStatus> {
        None
    }
}
