//! The order in which an output was asked to be set. It is kept where operations run on several threads: what was
//! asked for before something else that was set already comes too late.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::HalError;

/// Gives numbers to what an output is asked to be.
#[derive(Debug, Default)]
pub(crate) struct Orders(AtomicU64);

/// The number of something that was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order(u64);

impl Orders {
    /// The number of what is asked for now.
    pub(crate) fn next(&self) -> Order {
        Order(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl Order {
    /// Takes down that something is being set; an error when what was asked for later has been set before.
    pub(crate) fn follow(&mut self, order: Self, name: &str) -> Result<(), HalError> {
        if order < *self {
            return Err(HalError::Failed(format!(
                "{name}: it was set to something else since this was asked for, and stays that"
            )));
        }
        *self = order;
        Ok(())
    }
}
