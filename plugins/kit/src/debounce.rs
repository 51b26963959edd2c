//! Contacts that bounce.

use serde::{Deserialize, Serialize};
use weihe_sdk::{Duration, Timestamp};

/// Makes one change out of the many edges of a contact: a change counts when the contact has then been steady for a span.
/// It goes by the times of the edges, not by when they are looked at. (The crates for this, such as `debouncr`, sample a
/// pin with a period instead, and would keep the device awake.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debounce {
    steady: bool,
    /// What it may have become, and since when.
    pending: Option<(bool, Timestamp)>,
}

impl Debounce {
    /// A contact that is in a state.
    pub fn new(active: bool) -> Self {
        Debounce {
            steady: active,
            pending: None,
        }
    }

    /// Whether it is active, as far as that is certain.
    pub fn is_active(&self) -> bool {
        self.steady
    }

    /// Takes an edge. Returns the change before it that this edge's time proves to have been steady, with the time at
    /// which it began.
    pub fn edge(
        &mut self,
        active: bool,
        time: Timestamp,
        span: Duration,
    ) -> Option<(bool, Timestamp)> {
        let before = self.due(time, span);
        match self.pending {
            // The same once more: one between was missed, or the line was read. The first counts.
            Some((pending, _)) if pending == active => {}
            _ => self.pending = (active != self.steady).then_some((active, time)),
        }
        before
    }

    /// The change that has become certain by now.
    pub fn due(&mut self, now: Timestamp, span: Duration) -> Option<(bool, Timestamp)> {
        let (active, since) = self.pending?;
        if now.since(since) < span {
            return None;
        }
        self.pending = None;
        self.steady = active;
        Some((active, since))
    }

    /// When to look next, if no edge comes.
    pub fn next(&self, span: Duration) -> Option<Timestamp> {
        self.pending.map(|(_, since)| since + span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Timestamp {
        Timestamp::from_nanos(count * 1_000_000)
    }

    const SPAN: Duration = Duration::from_millis(5);

    #[test]
    fn a_bouncing_contact_changes_once_and_when_it_settled() {
        let mut contact = Debounce::new(false);
        for (time, active) in [(10, true), (11, false), (12, true), (13, false), (14, true)] {
            assert_eq!(contact.edge(active, ms(time), SPAN), None);
        }
        assert_eq!(contact.next(SPAN), Some(ms(19)));
        assert_eq!(contact.due(ms(18), SPAN), None);
        assert_eq!(contact.due(ms(19), SPAN), Some((true, ms(14))));
        assert_eq!((contact.is_active(), contact.next(SPAN)), (true, None));
    }

    #[test]
    fn a_spike_is_nothing() {
        let mut contact = Debounce::new(false);
        assert_eq!(contact.edge(true, ms(10), SPAN), None);
        assert_eq!(contact.edge(false, ms(11), SPAN), None);
        assert_eq!(
            (contact.next(SPAN), contact.due(ms(99), SPAN)),
            (None, None)
        );
    }

    #[test]
    fn edges_that_come_late_count_by_their_times() {
        let mut contact = Debounce::new(false);
        assert_eq!(contact.edge(true, ms(10), SPAN), None);
        assert_eq!(contact.edge(false, ms(80), SPAN), Some((true, ms(10))));
        assert_eq!(contact.due(ms(85), SPAN), Some((false, ms(80))));
    }

    #[test]
    fn without_a_span_every_edge_counts() {
        let mut contact = Debounce::new(false);
        contact.edge(true, ms(1), Duration::ZERO);
        assert_eq!(contact.due(ms(1), Duration::ZERO), Some((true, ms(1))));
    }
}
