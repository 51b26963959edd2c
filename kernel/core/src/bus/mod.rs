//! The event bus: topics with retained last values, subscriptions with bounded queues.
//!
//! Publishing takes one lock on the tables and, for each run of events that go to the same
//! subscribers, one lock and one wake-up a subscriber. A slow subscriber fills its own queue and
//! nothing else. Order holds for each publisher and topic.

mod bound;
mod filter;
mod queue;
mod trie;

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

pub use bound::{Bound, QUEUE_BYTES, Room};
pub use filter::{Filter, MAX_LEVELS, MAX_TOPIC_LEN, TopicError, check_topic};
pub use queue::{Overflow, Queue, SubscriptionStatus, Wake};
pub use trie::Trie;

use crate::event::{Event, NamedEvent, SourceId, TopicId};

/// The most topics of one bus. Each keeps its last value, so endless new names would end the
/// memory; a large plant has some thousands.
pub const MAX_TOPICS: usize = 65_536;

/// The most publishers of one bus: devices, host services and operators.
pub const MAX_SOURCES: usize = 16_384;

/// Bits of a sequence number that count events within one run of the host; the bits above hold
/// the boot counter, so that numbers keep rising across restarts without a write for each event.
pub const SEQUENCE_BITS: u32 = 40;

/// Why the bus refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// The name is not valid.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// Too many topics.
    #[error("no room for topic `{0}`: the bus holds {MAX_TOPICS} topics already")]
    TooManyTopics(String),
    /// Too many publishers.
    #[error("no room for publisher `{0}`: the bus has {MAX_SOURCES} already")]
    TooManySources(String),
}

/// The event bus.
#[derive(Debug)]
pub struct Bus {
    tables: Mutex<Tables>,
    first_sequence: u64,
}

type Subscribers = Arc<[Arc<Queue>]>;

#[derive(Debug, Default)]
struct Tables {
    topics: Vec<Topic>,
    topic_ids: HashMap<Arc<str>, TopicId>,
    sources: Vec<Source>,
    source_ids: HashMap<Arc<str>, SourceId>,
    filters: Trie<Arc<Queue>>,
    /// Every list of subscribers in use, once: topics with the same subscribers share one list, so
    /// that a run over several topics is still one run.
    lists: HashMap<Vec<usize>, Subscribers>,
    queues: Vec<Arc<Queue>>,
}

#[derive(Debug)]
struct Topic {
    name: Arc<str>,
    retained: Option<Event>,
    subscribers: Subscribers,
}

#[derive(Debug)]
struct Source {
    name: Arc<str>,
    next: u64,
}

/// Events that a `block` subscription had no room for; await [`Blocked::deliver`].
#[derive(Debug)]
#[must_use = "events wait for room"]
pub struct Blocked {
    waiting: Vec<(Arc<Queue>, Vec<Event>)>,
}

impl Blocked {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Delivers what waits, as room appears: a queue that stays full does not keep the others
    /// waiting. Dropping the future counts the rest as dropped.
    pub async fn deliver(mut self) {
        loop {
            self.waiting.retain_mut(|(queue, events)| {
                let taken = queue.push(events, 0);
                events.drain(..taken);
                !events.is_empty()
            });
            if self.waiting.is_empty() {
                return;
            }
            let room = |(queue, _): &(Arc<Queue>, _)| {
                let queue = queue.clone();
                Box::pin(async move { queue.wait_for_room().await })
            };
            let mut rooms: Vec<_> = self.waiting.iter().map(room).collect();
            poll_fn(|context| {
                let room = rooms
                    .iter_mut()
                    .any(|room| room.as_mut().poll(context).is_ready());
                if room { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        for (queue, events) in &self.waiting {
            queue.count_dropped(events.len());
        }
    }
}

impl Bus {
    /// An empty bus. `boot` counts the host's starts and must never repeat.
    pub fn new(boot: u32) -> Arc<Self> {
        Arc::new(Self {
            tables: Mutex::default(),
            first_sequence: (u64::from(boot) << SEQUENCE_BITS) + 1,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of a topic; it is made when it is new.
    pub fn topic(&self, name: &str) -> Result<TopicId, BusError> {
        let mut tables = self.lock();
        if let Some(id) = tables.topic_ids.get(name) {
            return Ok(*id);
        }
        check_topic(name)?;
        if tables.topics.len() >= MAX_TOPICS {
            return Err(BusError::TooManyTopics(name.to_owned()));
        }
        let id = TopicId(tables.topics.len() as u32);
        let name: Arc<str> = name.into();
        let subscribers = tables.subscribers_of(&name);
        tables.topics.push(Topic {
            name: name.clone(),
            retained: None,
            subscribers,
        });
        tables.topic_ids.insert(name, id);
        Ok(id)
    }

    /// The name of a topic.
    pub fn topic_name(&self, id: TopicId) -> Option<Arc<str>> {
        let tables = self.lock();
        tables
            .topics
            .get(id.0 as usize)
            .map(|topic| topic.name.clone())
    }

    /// The id of a publisher; it is made when it is new.
    pub fn source(&self, name: &str) -> Result<SourceId, BusError> {
        let mut tables = self.lock();
        if let Some(id) = tables.source_ids.get(name) {
            return Ok(*id);
        }
        if tables.sources.len() >= MAX_SOURCES {
            return Err(BusError::TooManySources(name.to_owned()));
        }
        let id = SourceId(tables.sources.len() as u32);
        let name: Arc<str> = name.into();
        tables.sources.push(Source {
            name: name.clone(),
            next: self.first_sequence,
        });
        tables.source_ids.insert(name, id);
        Ok(id)
    }

    /// The name of a publisher.
    pub fn source_name(&self, id: SourceId) -> Option<Arc<str>> {
        let tables = self.lock();
        tables
            .sources
            .get(id.0 as usize)
            .map(|source| source.name.clone())
    }

    /// Reserves `count` sequence numbers of a publisher; returns the first.
    pub fn sequences(&self, source: SourceId, count: u64) -> u64 {
        self.lock().sequences(source, count)
    }

    /// Publishes a run of events of one publisher: sequence numbers are assigned in order, then
    /// the run goes to the subscribers.
    pub fn publish(&self, source: SourceId, run: &mut [Event]) -> Blocked {
        self.publish_at(source, run, 0)
    }

    /// The same by a publisher that knows the monotonic time: so subscribers can tell how long events
    /// took to reach them.
    pub fn publish_at(&self, source: SourceId, run: &mut [Event], at: u64) -> Blocked {
        let mut tables = self.lock();
        let first = tables.sequences(source, run.len() as u64);
        for (event, sequence) in run.iter_mut().zip(first..) {
            event.source = source;
            event.sequence = sequence;
        }
        tables.distribute(run, at)
    }

    /// Subscribes. With `retained`, the last value of each matching topic is queued first.
    /// `wake` is signalled when events arrive; several subscriptions may share it.
    pub fn subscribe(
        self: &Arc<Self>,
        owner: &str,
        filter: Filter,
        overflow: Overflow,
        bound: impl Into<Bound>,
        retained: bool,
        wake: Arc<Wake>,
    ) -> Subscription {
        let queue = Arc::new(Queue::new(
            owner.into(),
            filter.clone(),
            overflow,
            bound.into(),
            wake.clone(),
        ));
        let mut tables = self.lock();
        tables.filters.insert(&filter, queue.clone());
        tables.queues.push(queue.clone());
        tables.refresh(&filter);
        if retained {
            let last = tables.last_of(&filter);
            // What a `block` queue cannot hold of the past is not worth waiting for.
            let taken = queue.push(&last, 0);
            queue.count_dropped(last.len() - taken);
        }
        drop(tables);
        Subscription {
            bus: self.clone(),
            queue,
            wake,
        }
    }

    fn unsubscribe(&self, queue: &Arc<Queue>) {
        let mut tables = self.lock();
        tables
            .filters
            .remove(&queue.filter, |other| Arc::ptr_eq(other, queue));
        tables.queues.retain(|other| !Arc::ptr_eq(other, queue));
        tables.refresh(&queue.filter);
        drop(tables);
        queue.close();
    }

    /// The last event of a topic.
    pub fn last(&self, topic: &str) -> Option<Event> {
        let tables = self.lock();
        let id = tables.topic_ids.get(topic)?;
        tables.topics.get(id.0 as usize)?.retained.clone()
    }

    /// The last event of each topic that matches, in the order of the topics' names.
    pub fn last_matching(&self, filter: &Filter) -> Vec<NamedEvent> {
        let tables = self.lock();
        let mut found: Vec<NamedEvent> = tables
            .topics
            .iter()
            .filter(|topic| filter.matches(&topic.name))
            .filter_map(|topic| topic.retained.as_ref())
            .map(|event| tables.named(event))
            .collect();
        drop(tables);
        found.sort_by(|a, b| a.topic.cmp(&b.topic));
        found
    }

    /// The event with its names spelled out.
    pub fn named(&self, event: &Event) -> NamedEvent {
        self.lock().named(event)
    }

    /// The state of all subscriptions.
    pub fn subscriptions(&self) -> Vec<SubscriptionStatus> {
        self.lock()
            .queues
            .iter()
            .map(|queue| queue.status())
            .collect()
    }

    /// Whether anybody subscribes a topic.
    pub fn is_heard(&self, topic: TopicId) -> bool {
        let tables = self.lock();
        let topic = tables.topics.get(topic.0 as usize);
        topic.is_some_and(|topic| !topic.subscribers.is_empty())
    }

    /// The number of topics.
    pub fn topic_count(&self) -> usize {
        self.lock().topics.len()
    }
}

impl Tables {
    fn sequences(&mut self, source: SourceId, count: u64) -> u64 {
        match self.sources.get_mut(source.0 as usize) {
            Some(source) => {
                let first = source.next;
                source.next += count;
                first
            }
            // Ids only come from `source`.
            None => 0,
        }
    }

    fn distribute(&mut self, run: &[Event], at: u64) -> Blocked {
        let mut blocked = Blocked {
            waiting: Vec::new(),
        };
        let mut start = 0;
        while start < run.len() {
            let Some(topic) = self.topics.get(run[start].topic.0 as usize) else {
                start += 1;
                continue;
            };
            let subscribers = topic.subscribers.clone();
            let mut end = start;
            while let Some(event) = run.get(end) {
                let Some(topic) = self.topics.get_mut(event.topic.0 as usize) else {
                    break;
                };
                if !Arc::ptr_eq(&topic.subscribers, &subscribers) {
                    break;
                }
                // Only the last of a run on one topic has to be kept.
                if run
                    .get(end + 1)
                    .is_none_or(|next| next.topic != event.topic)
                {
                    topic.retained = Some(event.clone());
                }
                end += 1;
            }
            for queue in subscribers.iter() {
                // Room that appears meanwhile is for what already waits.
                let taken = if blocked.holds(queue) {
                    0
                } else {
                    queue.push(&run[start..end], at)
                };
                if start + taken < end {
                    blocked.hold(queue, &run[start + taken..end]);
                }
            }
            start = end;
        }
        blocked
    }

    /// The last event of each topic that matches, the oldest first.
    fn last_of(&self, filter: &Filter) -> Vec<Event> {
        let matching = self
            .topics
            .iter()
            .filter(|topic| filter.matches(&topic.name));
        let mut last: Vec<Event> = matching
            .filter_map(|topic| topic.retained.clone())
            .collect();
        last.sort_by_key(|event| event.time);
        last
    }

    fn subscribers_of(&mut self, topic: &str) -> Subscribers {
        let mut found: Vec<Arc<Queue>> = Vec::new();
        self.filters
            .matching(topic, |queue| found.push(queue.clone()));
        let key: Vec<usize> = found
            .iter()
            .map(|queue| Arc::as_ptr(queue) as usize)
            .collect();
        self.lists
            .entry(key)
            .or_insert_with(|| found.into())
            .clone()
    }

    /// Computes the subscribers of all topics that a filter matches anew.
    fn refresh(&mut self, filter: &Filter) {
        for index in 0..self.topics.len() {
            let name = self.topics[index].name.clone();
            if filter.matches(&name) {
                self.topics[index].subscribers = self.subscribers_of(&name);
            }
        }
        // Lists that no topic uses any more.
        self.lists.retain(|_, list| Arc::strong_count(list) > 1);
    }

    fn named(&self, event: &Event) -> NamedEvent {
        let topic = |id: TopicId| {
            self.topics
                .get(id.0 as usize)
                .map(|topic| topic.name.to_string())
        };
        let source = |id: SourceId| {
            self.sources
                .get(id.0 as usize)
                .map(|source| source.name.to_string())
        };
        NamedEvent {
            topic: topic(event.topic).unwrap_or_default(),
            time: event.time,
            source: source(event.source).unwrap_or_default(),
            sequence: event.sequence,
            attempt: event.attempt,
            cause: event
                .cause
                .map(|cause| (source(cause.source).unwrap_or_default(), cause.sequence)),
            quality: event.quality,
            kind: event.value.kind().to_owned(),
            value: event.value.to_json(),
        }
    }
}

impl Blocked {
    fn holds(&self, queue: &Arc<Queue>) -> bool {
        self.waiting
            .iter()
            .any(|(other, _)| Arc::ptr_eq(other, queue))
    }

    fn hold(&mut self, queue: &Arc<Queue>, rest: &[Event]) {
        // A queue that already waits for room in this run must get the rest behind it.
        match self
            .waiting
            .iter_mut()
            .find(|(other, _)| Arc::ptr_eq(other, queue))
        {
            Some((_, events)) => events.extend_from_slice(rest),
            None => self.waiting.push((queue.clone(), rest.to_vec())),
        }
    }
}

/// A subscription. Dropping it ends it.
#[derive(Debug)]
pub struct Subscription {
    bus: Arc<Bus>,
    queue: Arc<Queue>,
    wake: Arc<Wake>,
}

impl Subscription {
    /// Waits for events and moves up to `max` of them to the end of `into`. Only for a subscription
    /// with a wake of its own.
    pub async fn recv(&self, into: &mut Vec<Event>, max: usize) {
        while self.try_take(into, max) == 0 {
            self.wake.woken().await;
        }
    }

    /// Moves up to `max` waiting events to the end of `into`; returns how many.
    pub fn try_take(&self, into: &mut Vec<Event>, max: usize) -> usize {
        self.take_within(into, &mut Room::new(max, usize::MAX))
    }

    /// Moves the waiting events that there is room for to the end of `into`; returns how many.
    pub fn take_within(&self, into: &mut Vec<Event>, room: &mut Room) -> usize {
        self.queue.take(into, room)
    }

    /// Changes its options; what waits in it stays, and nothing is lost or doubled in between.
    /// With `retained`, the last value of each matching topic that it lets through is queued again,
    /// unless an event of that topic waits.
    pub fn renew(
        &self,
        overflow: Overflow,
        bound: impl Into<Bound>,
        retained: Option<&dyn Fn(&Event) -> bool>,
    ) {
        let tables = self.bus.lock();
        self.queue.reconfigure(overflow, bound.into());
        if let Some(wanted) = retained {
            let mut last = tables.last_of(&self.queue.filter);
            last.retain(wanted);
            self.queue.push_absent(last);
        }
    }

    /// Its queue.
    pub fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Events dropped so far.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.bus.unsubscribe(&self.queue);
    }
}

#[cfg(test)]
mod tests;
