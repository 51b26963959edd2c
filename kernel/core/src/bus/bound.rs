//! How much fits into a queue, and into a batch.

/// Payload bytes that a subscription queues when nobody says otherwise; the default of a device's
/// limit `queue-bytes`, which gives the reason.
pub const QUEUE_BYTES: usize = 4 << 20;

/// How much a queue holds. Both bounds hold at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Events; at least one.
    pub events: usize,
    /// Bytes of their payloads. One event is held however large it is.
    pub bytes: usize,
}

impl Bound {
    pub(super) fn at_least_one(self) -> Self {
        Self {
            events: self.events.max(1),
            bytes: self.bytes.max(1),
        }
    }
}

impl From<usize> for Bound {
    fn from(events: usize) -> Self {
        let bytes = QUEUE_BYTES;
        Self { events, bytes }
    }
}

/// What a batch that is being collected has room for.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    events: usize,
    bytes: usize,
    taken: usize,
    since: Option<u64>,
}

impl Room {
    /// Room for so many events with so many bytes of payload; the first event with a payload fits
    /// however large it is.
    pub fn new(events: usize, bytes: usize) -> Self {
        Self {
            events,
            bytes,
            taken: 0,
            since: None,
        }
    }

    /// Events that still fit, if their payloads do.
    pub fn events(&self) -> usize {
        self.events
    }

    /// Bytes of payloads that were taken.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// When the event that waited longest was published, as far as that is known.
    pub fn since(&self) -> Option<u64> {
        self.since
    }

    /// Notes when an event that was taken had been published.
    pub(super) fn waited(&mut self, since: u64) {
        self.since = Some(self.since.map_or(since, |other| other.min(since)));
    }

    /// Takes the room of so many events without payloads; there must be as much.
    pub(super) fn take_scalars(&mut self, events: usize) {
        self.events = self.events.saturating_sub(events);
    }

    /// Takes the room of one event, if it fits. When it does not, the batch is full: nothing may
    /// go in before the event that has to wait.
    pub fn take(&mut self, payload: usize) -> bool {
        let fits = payload == 0 || self.taken == 0 || self.taken + payload <= self.bytes;
        if fits && self.events > 0 {
            self.events -= 1;
            self.taken += payload;
            return true;
        }
        self.events = 0;
        false
    }
}
