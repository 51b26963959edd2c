//! Events as handlers see them: borrowed from the batch they came in.

use crate::bindings::imports::weihe::plugin::types;
use crate::kernel::Kernel;
use crate::packed::{LayoutError, Reader};
use crate::{Quality, Timestamp, Value, ValueBuf};
use std::cell::RefCell;

/// What names an event for good: no two events of one host ever share it.
///
/// ```
/// # use weihe_sdk::Event;
/// /// An event can come twice, but never two under one identity.
/// fn key(event: &Event<'_>) -> String {
///     format!("{}/{}", event.id.source, event.id.sequence)
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The device (or host service, starting with `$`) that published it.
    pub source: &'a str,
    /// Its place in the source's order.
    pub sequence: u64,
}

/// A timestamped, typed sample on a topic.
///
/// ```
/// # use weihe_sdk::{Event, Identity, Quality, Timestamp, Value};
/// # let event = Event {
/// #     topic: "tank/level",
/// #     time: Timestamp::from_nanos(1),
/// #     id: Identity { source: "tank", sequence: 7 },
/// #     attempt: 1,
/// #     cause: None,
/// #     quality: Quality::Good,
/// #     value: Value::Float(3.2),
/// # };
/// if event.quality == Quality::Good && event.attempt == 1 {
///     assert_eq!(event.value.as_f64(), Some(3.2));
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event<'a> {
    /// Levels separated by `/`, as in MQTT.
    pub topic: &'a str,
    /// When the sample was taken.
    pub time: Timestamp,
    /// Who published it, and its place in that source's order.
    pub id: Identity<'a>,
    /// 1 on the first delivery; more when a handler trapped or asked for a retry.
    pub attempt: u32,
    /// The event in whose handling this one was published.
    pub cause: Option<Identity<'a>>,
    /// How far the value can be trusted.
    pub quality: Quality,
    /// The sample.
    pub value: Value<'a>,
}

impl Event<'_> {
    /// A copy that owns its texts.
    ///
    /// ```
    /// # use weihe_sdk::{Event, Identity, Quality, Timestamp, Value};
    /// # let event = Event {
    /// #     topic: "tank/level",
    /// #     time: Timestamp::from_nanos(1),
    /// #     id: Identity { source: "tank", sequence: 7 },
    /// #     attempt: 1,
    /// #     cause: None,
    /// #     quality: Quality::Good,
    /// #     value: Value::Float(3.2),
    /// # };
    /// // To keep it beyond the handler.
    /// let kept = event.to_buf();
    /// assert_eq!(kept.as_event(), event);
    /// ```
    pub fn to_buf(&self) -> EventBuf {
        let id = |id: Identity<'_>| IdentityBuf {
            source: id.source.to_owned(),
            sequence: id.sequence,
        };
        EventBuf {
            topic: self.topic.to_owned(),
            time: self.time,
            id: id(self.id),
            attempt: self.attempt,
            cause: self.cause.map(id),
            quality: self.quality,
            value: self.value.to_buf(),
        }
    }
}

/// An [`Identity`] that owns its text.
///
/// ```
/// # use weihe_sdk::IdentityBuf;
/// let id = IdentityBuf { source: "meter-3".to_owned(), sequence: 41 };
/// assert_ne!(id, IdentityBuf { sequence: 42, ..id.clone() });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityBuf {
    /// The device (or host service) that published the event.
    pub source: String,
    /// Its place in the source's order.
    pub sequence: u64,
}

impl IdentityBuf {
    fn as_identity(&self) -> Identity<'_> {
        Identity {
            source: &self.source,
            sequence: self.sequence,
        }
    }
}

/// An [`Event`] that owns its texts.
///
/// ```
/// # use weihe_sdk::{Event, EventBuf};
/// /// The newest event of each of some topics.
/// #[derive(Default)]
/// struct Newest(Vec<EventBuf>);
///
/// impl Newest {
///     fn keep(&mut self, event: Event<'_>) {
///         match self.0.iter_mut().find(|kept| kept.topic == event.topic) {
///             Some(kept) => *kept = event.to_buf(),
///             None => self.0.push(event.to_buf()),
///         }
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EventBuf {
    /// Levels separated by `/`.
    pub topic: String,
    /// When the sample was taken.
    pub time: Timestamp,
    /// Who published it, and its place in that source's order.
    pub id: IdentityBuf,
    /// 1 on the first delivery.
    pub attempt: u32,
    /// The event in whose handling this one was published.
    pub cause: Option<IdentityBuf>,
    /// How far the value can be trusted.
    pub quality: Quality,
    /// The sample.
    pub value: ValueBuf,
}

impl EventBuf {
    /// The event, borrowed.
    ///
    /// ```
    /// # use weihe_sdk::{Event, Identity, Quality, Timestamp, Value};
    /// # let event = Event {
    /// #     topic: "tank/level",
    /// #     time: Timestamp::from_nanos(1),
    /// #     id: Identity { source: "tank", sequence: 7 },
    /// #     attempt: 1,
    /// #     cause: None,
    /// #     quality: Quality::Good,
    /// #     value: Value::Float(3.2),
    /// # };
    /// let kept = event.to_buf();
    /// assert_eq!(kept.as_event().value, Value::Float(3.2));
    /// ```
    pub fn as_event(&self) -> Event<'_> {
        Event {
            topic: &self.topic,
            time: self.time,
            id: self.id.as_identity(),
            attempt: self.attempt,
            cause: self.cause.as_ref().map(IdentityBuf::as_identity),
            quality: self.quality,
            value: self.value.as_value(),
        }
    }
}

impl From<types::Event> for EventBuf {
    fn from(event: types::Event) -> Self {
        let id = |id: types::Identity| IdentityBuf {
            source: id.source,
            sequence: id.sequence,
        };
        EventBuf {
            topic: event.topic,
            time: Timestamp::from_nanos(event.time),
            id: id(event.id),
            attempt: event.attempt,
            cause: event.cause.map(id),
            quality: event.quality,
            value: event.value,
        }
    }
}

/// Names by id, asked for once in the life of an instance.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Ids are small numbers in order of first use, so most are found by index.
    dense: Vec<Option<Box<str>>>,
    /// The others, in order.
    sparse: Vec<(u32, Box<str>)>,
}

/// Ids below this are kept by index (8 bytes each on wasm32), the others in order, so that an odd
/// id does not cost gigabytes.
const DENSE: u32 = 1 << 16;

impl Names {
    #[inline]
    pub(crate) fn get(&self, id: u32) -> Option<&str> {
        if id < DENSE {
            self.dense.get(id as usize)?.as_deref()
        } else {
            let at = self.sparse.binary_search_by_key(&id, |(id, _)| *id).ok()?;
            Some(&self.sparse[at].1)
        }
    }

    /// The name of `id`, if it has one; asked for when it is new.
    #[inline]
    pub(crate) fn learn(
        &mut self,
        id: u32,
        ask: impl FnOnce(u32) -> Option<String>,
    ) -> Option<&str> {
        if self.get(id).is_none() {
            self.insert(id, ask(id)?);
        }
        self.get(id)
    }

    #[cold]
    #[inline(never)]
    fn insert(&mut self, id: u32, name: String) {
        let name = name.into_boxed_str();
        if id < DENSE {
            let index = id as usize;
            if index >= self.dense.len() {
                self.dense.resize(index + 1, None);
            }
            self.dense[index] = Some(name);
        } else if let Err(at) = self.sparse.binary_search_by_key(&id, |(id, _)| *id) {
            self.sparse.insert(at, (id, name));
        }
    }
}

/// Names of topics and sources by id.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) topics: Names,
    pub(crate) sources: Names,
}

impl Directory {
    /// Learns the names that a batch uses; returns whether any of its topics is one of the kernel's
    /// own, which begin with `$`.
    pub(crate) fn learn(&mut self, reader: &Reader<'_>, kernel: &Kernel) -> bool {
        let mut reserved = false;
        let mut last = None;
        for ids in (0..reader.len()).filter_map(|index| reader.ids(index)) {
            // Most batches are runs of one topic.
            if last == Some(ids) {
                continue;
            }
            last = Some(ids);
            let (topic, source, cause) = ids;
            let name = self.topics.learn(topic, |id| kernel.topic_name(id));
            reserved |= name.is_some_and(|name| name.starts_with('$'));
            self.sources.learn(source, |id| kernel.source_name(id));
            if let Some(cause) = cause {
                self.sources.learn(cause, |id| kernel.source_name(id));
            }
        }
        reserved
    }
}

/// Where a handler's events come from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'a> {
    Packed {
        reader: Reader<'a>,
        directory: &'a Directory,
        /// Whether ticks or answers may be among the events.
        reserved: bool,
    },
    Single(&'a EventBuf),
}

impl<'a> Origin<'a> {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        match self {
            Origin::Packed { reader, .. } => reader.len(),
            Origin::Single(_) => 1,
        }
    }

    pub(crate) fn topic(&self, index: usize) -> Option<&'a str> {
        match self {
            Origin::Packed {
                reader, directory, ..
            } => directory.topics.get(reader.ids(index)?.0),
            Origin::Single(event) => (index == 0).then_some(event.topic.as_str()),
        }
    }

    /// Whether ticks or answers may be among the events.
    pub(crate) fn reserved(&self) -> bool {
        match self {
            Origin::Packed { reserved, .. } => *reserved,
            Origin::Single(event) => event.topic.starts_with('$'),
        }
    }

    /// Event `index`, or what is wrong with it.
    #[inline]
    pub(crate) fn event(&self, index: usize) -> Result<Event<'a>, String> {
        let (reader, directory) = match self {
            Origin::Single(event) => return Ok(event.as_event()),
            Origin::Packed {
                reader, directory, ..
            } => (reader, directory),
        };
        let record = match reader.get(index) {
            Some(Ok(record)) => record,
            Some(Err(error)) => return Err(described(&error)),
            None => return Err(missing(index)),
        };
        let source = |id| {
            let name = directory.sources.get(id);
            name.ok_or_else(|| unknown("source", id))
        };
        let cause = match record.cause {
            Some((id, sequence)) => Some(Identity {
                source: source(id)?,
                sequence,
            }),
            None => None,
        };
        Ok(Event {
            topic: directory
                .topics
                .get(record.topic)
                .ok_or_else(|| unknown("topic", record.topic))?,
            time: record.time,
            id: Identity {
                source: source(record.source)?,
                sequence: record.sequence,
            },
            attempt: u32::from(record.attempt),
            cause,
            quality: record.quality,
            value: record.value,
        })
    }
}

// Texts of faults, kept out of the way of events.

#[cold]
fn described(error: &LayoutError) -> String {
    error.to_string()
}

#[cold]
fn missing(index: usize) -> String {
    format!("the batch has no event {index}")
}

#[cold]
fn unknown(what: &str, id: u32) -> String {
    format!("packed event: unknown {what} id {id}")
}

/// A run of events, in order of arrival; ticks and answers are not among them. One that breaks the
/// batch's layout is left out, and refused by the SDK.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # use weihe_sdk::Events;
/// fn on_events(ctx: &mut Context, events: Events<'_>) -> Result<(), Error> {
///     let highest = events.iter().filter_map(|event| event.value.as_f64()).reduce(f64::max);
///     if let Some(highest) = highest {
///         ctx.publish("plant/highest", highest)?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Events<'a> {
    pub(crate) origin: Origin<'a>,
    /// Indices of events that could not be read, and why.
    pub(crate) broken: &'a RefCell<Vec<(u32, String)>>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl<'a> Events<'a> {
    /// At most how many events there are.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # use weihe_sdk::Events;
    /// fn room_for(events: &Events<'_>) -> Vec<f64> {
    ///     Vec::with_capacity(events.len())
    /// }
    /// ```
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether there are none.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # use weihe_sdk::Events;
    /// fn worth_a_transaction(events: &Events<'_>) -> bool {
    ///     !events.is_empty()
    /// }
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The events. They borrow from the batch, not from this view, so they can be kept until the
    /// handler returns.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # use weihe_sdk::Events;
    /// fn sum(events: Events<'_>) -> f64 {
    ///     events.iter().filter_map(|event| event.value.as_f64()).sum()
    /// }
    /// ```
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Event<'a>> + 'a {
        self.indexed().map(|(_, event)| event)
    }

    /// The events with their index in the batch, for [`Context::handling`](crate::Context::handling)
    /// and [`Context::fail`](crate::Context::fail).
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # use weihe_sdk::Events;
    /// fn check(ctx: &mut Context, events: Events<'_>) {
    ///     for (index, event) in events.indexed() {
    ///         if event.quality == Quality::Bad {
    ///             ctx.fail(index, Error::rejected("bad quality"));
    ///         }
    ///     }
    /// }
    /// ```
    #[inline]
    pub fn indexed(&self) -> impl Iterator<Item = (EventIndex, Event<'a>)> + 'a {
        let Events {
            origin,
            broken,
            start,
            end,
        } = *self;
        (start..end).filter_map(move |index| match origin.event(index) {
            Ok(event) => Some((EventIndex(index as u32), event)),
            Err(text) => {
                broken.borrow_mut().push((index as u32, text));
                None
            }
        })
    }
}

/// The place of an event in the batch being handled.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # use weihe_sdk::Events;
/// /// Indices of the events that cannot be handled, for `ctx.fail`.
/// fn not_numbers(events: Events<'_>) -> Vec<weihe_sdk::EventIndex> {
///     let others = events.indexed().filter(|(_, event)| event.value.as_f64().is_none());
///     others.map(|(index, _)| index).collect()
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventIndex(pub(crate) u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_asked_for_once() {
        let mut names = Names::default();
        let mut asked = 0;
        for id in [0, 5, 5, DENSE + 7, DENSE + 7, u32::MAX] {
            names.learn(id, |id| {
                asked += 1;
                Some(format!("name-{id}"))
            });
            assert_eq!(names.get(id), Some(format!("name-{id}").as_str()));
        }
        assert_eq!(asked, 4);
        assert_eq!(names.get(4), None);
    }
}
