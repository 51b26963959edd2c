//! Inputs that are delivered again, in their order.

use std::collections::VecDeque;

use crate::clock::Clock;
use crate::device::supervision::retry_pause;

/// What an input has behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Past {
    /// How often it was put off: a commit failed, or the plugin asked for it. Without limit.
    pub postponed: u16,
    /// How many instances ended with it in hand.
    pub traps: u16,
}

impl Past {
    pub(super) fn postponed(self) -> Self {
        Self {
            postponed: self.postponed.saturating_add(1),
            ..self
        }
    }

    pub(super) fn trapped(self) -> Self {
        Self {
            traps: self.traps.saturating_add(1),
            ..self
        }
    }

    /// How long it waits before it is delivered again, in nanoseconds.
    pub(super) fn pause(self) -> u64 {
        retry_pause(self.postponed)
    }
}

/// Inputs that are delivered again, in their order.
#[derive(Debug)]
pub(super) struct Kept<T> {
    inputs: VecDeque<(T, Past)>,
    /// Not before this monotonic time: the next delivery.
    at: u64,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            inputs: VecDeque::new(),
            at: 0,
        }
    }
}

impl<T> Kept<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// When the first is to be delivered.
    pub(super) fn at(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.at)
    }

    /// Takes the first, when it is time. The clock is only read when there is one.
    pub(super) fn take_due(&mut self, clock: &dyn Clock) -> Option<(T, Past)> {
        if self.is_empty() || clock.monotonic() < self.at {
            return None;
        }
        self.inputs.pop_front()
    }

    /// Puts inputs before the others, which came later; the first is delivered at `at`.
    pub(super) fn put_back(&mut self, inputs: Vec<(T, Past)>, at: u64) {
        self.at = at;
        for input in inputs.into_iter().rev() {
            self.inputs.push_front(input);
        }
    }

    /// Takes all.
    pub(super) fn take(&mut self) -> impl Iterator<Item = T> + use<T> {
        std::mem::take(&mut self.inputs)
            .into_iter()
            .map(|(input, _)| input)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.inputs.iter().map(|(input, _)| input)
    }
}
