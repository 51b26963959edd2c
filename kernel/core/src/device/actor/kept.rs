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

/// Inputs that are delivered again, in their order. A `T` is what one delivery hands over.
#[derive(Debug)]
pub(super) struct Kept<T> {
    deliveries: VecDeque<Delivery<T>>,
}

#[derive(Debug)]
struct Delivery<T> {
    inputs: T,
    past: Past,
    /// Not before this monotonic time.
    at: u64,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            deliveries: VecDeque::new(),
        }
    }
}

impl<T> Kept<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.deliveries.is_empty()
    }

    /// When the first is to be delivered.
    pub(super) fn at(&self) -> Option<u64> {
        self.deliveries.front().map(|delivery| delivery.at)
    }

    /// Takes the first, when it is time. Those behind it wait for it. The clock is only read when there is
    /// one.
    pub(super) fn take_due(&mut self, clock: &dyn Clock) -> Option<(T, Past)> {
        let due = |delivery: &mut Delivery<T>| delivery.at <= clock.monotonic();
        let delivery = self.deliveries.pop_front_if(due)?;
        Some((delivery.inputs, delivery.past))
    }

    /// Puts deliveries before the others, which came later; they are made from `at` on.
    pub(super) fn put_back(
        &mut self,
        deliveries: impl DoubleEndedIterator<Item = T>,
        past: Past,
        at: u64,
    ) {
        for inputs in deliveries.rev() {
            self.deliveries.push_front(Delivery { inputs, past, at });
        }
    }

    /// Takes all.
    pub(super) fn take(&mut self) -> impl Iterator<Item = T> + use<T> {
        std::mem::take(&mut self.deliveries)
            .into_iter()
            .map(|delivery| delivery.inputs)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.deliveries.iter().map(|delivery| &delivery.inputs)
    }
}
