//! The way of a capability's events to one device: edges of its lines.

use std::sync::Arc;

use crate::bus::{Bus, BusError, Filter, Overflow};
use crate::event::{Event, Quality, SourceId, TopicId, Value};

use super::mailbox::TooManySubscriptions;
use super::shared::Device;

/// What the topics of edges begin with; the device's name and that of the line follow.
pub const EDGE: &str = "$edge/";

/// Edges that wait for a device at least, whatever its other subscriptions hold: 80 ms of 50,000 a second. On a
/// machine that is busy a lane gets its processor that late, and the kernel's own queue holds sixteen.
const WAITING: u32 = 4_096;

/// Whether a topic is that of one of the device's edges.
pub(super) fn is_of(device: &str, topic: &str) -> bool {
    topic
        .strip_prefix(EDGE)
        .and_then(|rest| rest.strip_prefix(device))
        .is_some_and(|rest| rest.starts_with('/'))
}

/// Why a device cannot be brought events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InletRefused {
    /// It has as many subscriptions as it may.
    #[error(transparent)]
    Subscriptions(#[from] TooManySubscriptions),
    /// The bus says no.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// What a capability brings events to one device with.
#[derive(Clone)]
pub struct Inlet {
    device: Arc<Device>,
}

impl Inlet {
    /// That of a device.
    pub fn new(device: Arc<Device>) -> Self {
        Self { device }
    }

    /// The device's name.
    pub fn device(&self) -> &str {
        &self.device.name
    }

    /// The topic of what is brought under a name.
    pub fn topic(&self, name: &str) -> String {
        format!("{EDGE}{}/{name}", self.device.name)
    }

    /// Opens a way for events under a name, from a source of its own: their sequence is that of the
    /// source. The device is subscribed to all that is brought to it, once, with the bound of its
    /// subscriptions or 4,096, whichever is more; what it does not fetch in time is dropped, the
    /// oldest first, and counted.
    /// To be called whenever an instance asks for the events, since subscriptions that a new version
    /// does not renew end.
    pub fn open(&self, name: &str, source: &str) -> Result<Feed, InletRefused> {
        let bus = &self.device.bus;
        let topic = bus.topic(&self.topic(name))?;
        let filter: Filter = format!("{EDGE}{}/#", self.device.name)
            .parse()
            .map_err(BusError::Topic)?;
        let room = self.device.spec.limits.queue.max(WAITING);
        self.device
            .subscribe(filter, Overflow::DropOldest, room, false)?;
        Ok(Feed {
            bus: bus.clone(),
            topic,
            source: bus.source(source)?,
        })
    }
}

/// A sample as a capability took it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When, in nanoseconds since 1970.
    pub time: u64,
    /// What.
    pub value: Value,
    /// How many were missed just before it.
    pub missed: u64,
}

/// An open way for events to a device. It outlives instances.
#[derive(Clone)]
pub struct Feed {
    bus: Arc<Bus>,
    topic: TopicId,
    source: SourceId,
}

impl Feed {
    /// Publishes samples in their order. What was missed leaves a gap in the sequence of the source, and
    /// the sample behind it is uncertain. The bus never waits for the device.
    pub fn publish(&self, samples: impl IntoIterator<Item = Sample>) {
        let mut run = Vec::new();
        for sample in samples {
            if sample.missed > 0 {
                self.send(&mut run);
                self.bus.sequences(self.source, sample.missed);
            }
            run.push(Event {
                topic: self.topic,
                source: self.source,
                time: sample.time,
                sequence: 0,
                cause: None,
                attempt: 1,
                quality: if sample.missed > 0 {
                    Quality::Uncertain
                } else {
                    Quality::Good
                },
                value: sample.value,
            });
        }
        self.send(&mut run);
    }

    fn send(&self, run: &mut Vec<Event>) {
        if !run.is_empty() {
            // Whoever subscribes with `block` vouches for devices' circles only: edges do not wait.
            drop(self.bus.publish(self.source, run));
            run.clear();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::bus::Wake;

    #[test]
    fn missed_samples_leave_a_gap_and_make_the_next_one_uncertain() {
        let bus = Bus::new(0);
        let all = bus.subscribe(
            "test",
            "$edge/#".parse().unwrap(),
            Overflow::DropOldest,
            16,
            false,
            Arc::new(Wake::default()),
        );
        let feed = Feed {
            topic: bus.topic("$edge/button/gpio/A3").unwrap(),
            source: bus.source("gpio/A3").unwrap(),
            bus: bus.clone(),
        };
        let sample = |time, missed| Sample {
            time,
            value: Value::Boolean(true),
            missed,
        };
        feed.publish([sample(1, 0), sample(2, 0), sample(9, 3), sample(10, 0)]);
        let mut events = Vec::new();
        all.try_take(&mut events, 16);
        let seen: Vec<_> = events
            .iter()
            .map(|event| (event.time, event.sequence, event.quality))
            .collect();
        assert_eq!(
            seen,
            [
                (1, 1, Quality::Good),
                (2, 2, Quality::Good),
                (9, 6, Quality::Uncertain),
                (10, 7, Quality::Good),
            ]
        );
    }

    #[test]
    fn edges_belong_to_the_device_in_their_topic() {
        assert!(is_of("button", "$edge/button/gpio/A3"));
        assert!(!is_of("button", "$edge/button2/gpio/A3"));
        assert!(!is_of("button", "$edge/button"));
        assert!(!is_of("button", "button/x"));
    }
}
