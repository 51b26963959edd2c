//! The topics that a device has made on the bus: those it publishes on, and those of its timers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::bus::{Bus, BusError};
use crate::event::TopicId;

/// What the topics of timers begin with.
const TIMER: &str = "$timer/";

/// Why a device gets no topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicRefused {
    /// It has as many as it may.
    #[error(
        "device `{device}` may make {limit} topics, those of its timers included, and `{topic}` is one more (limit `topics`)"
    )]
    Limit {
        /// Which device.
        device: Arc<str>,
        /// How many it may make.
        limit: u32,
        /// The topic.
        topic: String,
    },
    /// The bus says no.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// The topics of one device. They outlive its instances as they do on the bus, which keeps each
/// topic for good; so the device's limit is all that keeps it from filling the bus.
#[derive(Debug)]
pub(super) struct Topics {
    device: Arc<str>,
    limit: u32,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    published: HashMap<Arc<str>, TopicId>,
    /// By the names of the timers.
    timers: HashMap<Arc<str>, TopicId>,
}

impl Topics {
    pub(super) fn new(device: Arc<str>, limit: u32) -> Self {
        Self {
            device,
            limit,
            known: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        let known = self.lock();
        known.published.len() + known.timers.len()
    }

    /// A topic to publish on.
    pub(super) fn published(&self, bus: &Bus, topic: &str) -> Result<TopicId, TopicRefused> {
        let mut known = self.lock();
        if let Some(id) = known.published.get(topic) {
            return Ok(*id);
        }
        let id = self.make(&known, bus, topic)?;
        // The bus's own copy of the name.
        let name = bus.topic_name(id).unwrap_or_else(|| topic.into());
        known.published.insert(name, id);
        Ok(id)
    }

    /// The topic of a timer's ticks.
    pub(super) fn timer(&self, bus: &Bus, timer: &str) -> Result<TopicId, TopicRefused> {
        let mut known = self.lock();
        if let Some(id) = known.timers.get(timer) {
            return Ok(*id);
        }
        let id = self.make(&known, bus, &format!("{TIMER}{timer}"))?;
        known.timers.insert(timer.into(), id);
        Ok(id)
    }

    /// Whether a topic is that of one of its timers.
    pub(super) fn has_timer(&self, topic: &str) -> bool {
        topic
            .strip_prefix(TIMER)
            .is_some_and(|timer| self.lock().timers.contains_key(timer))
    }

    fn make(&self, known: &Known, bus: &Bus, topic: &str) -> Result<TopicId, TopicRefused> {
        if known.published.len() + known.timers.len() >= self.limit as usize {
            return Err(TopicRefused::Limit {
                device: self.device.clone(),
                limit: self.limit,
                topic: topic.to_owned(),
            });
        }
        Ok(bus.topic(topic)?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_device_makes_so_many_topics_and_timers_and_uses_them_again_for_ever() {
        let bus = Bus::new(1);
        let topics = Topics::new("soil".into(), 3);
        let first = topics.published(&bus, "plugin/soil/a").unwrap();
        topics.published(&bus, "plugin/soil/b").unwrap();
        let poll = topics.timer(&bus, "poll").unwrap();
        let count = bus.topic_count();
        let text = topics.timer(&bus, "look").unwrap_err().to_string();
        assert!(
            text.contains("device `soil` may make 3 topics") && text.contains("`$timer/look`"),
            "{text}"
        );
        topics.published(&bus, "plugin/soil/c").unwrap_err();
        assert_eq!(bus.topic_count(), count, "nothing was made");
        assert_eq!(topics.published(&bus, "plugin/soil/a"), Ok(first));
        assert_eq!(topics.timer(&bus, "poll"), Ok(poll));
    }
}
