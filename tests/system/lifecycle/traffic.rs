//! Publishers that never rest, a clock that goes on with them, and a book of what an independent
//! subscriber sees: what goes into each device has to come out of it, once and in order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use weihe_kernel::bus::{Bus, Overflow, Subscription};
use weihe_kernel::event::{Event, NamedEvent, Quality, SourceId, Value};
use weihe_kernel::{Clock, VirtualClock};
use weihe_tests::Chance;

use super::saved::Saved;

/// Publishers of each device's input.
const PUBLISHERS: [&str; 2] = ["north", "south"];

/// Events of one publisher that may be on their way through a device: far below what its queue
/// holds, so that no event may be dropped, and enough that batches are cut at any place.
const UNDER_WAY: usize = 48;

/// The longest run that is published at once.
const RUN: u64 = 8;

/// What the clock gains in one round, in nanoseconds.
const ROUND: u64 = 1_000_000;

/// Where a device is, as far as its events are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Nothing may come from it.
    Absent,
    /// It is being added: it hears what is published from some moment on.
    Joining,
    /// It hears everything.
    Present,
}

/// One publisher's events on their way through one device.
#[derive(Debug, Default)]
struct Stream {
    /// Sequence numbers that went in and have not come out.
    under_way: VecDeque<u64>,
    /// The last that came out.
    passed: u64,
    /// Up to this one the device need not have heard them: it was being added.
    missed: u64,
}

/// What is known of one device.
#[derive(Debug)]
pub struct Book {
    pub presence: Presence,
    streams: BTreeMap<String, Stream>,
    /// Versions whose words may come now.
    pub versions: BTreeSet<&'static str>,
    /// Whether ticks of the timer `aside` may come.
    pub aside: bool,
    /// The counter in its state, as last seen.
    count: u64,
    /// It may fall back so far: its last checkpoint, while a trap is expected.
    pub fallback: Option<u64>,
    pub beats: u64,
}

/// Sequence numbers that have to come out of a device, by publisher.
pub type Mark = BTreeMap<String, u64>;

/// The publishers and the book. Whoever holds it stops them.
pub struct Traffic {
    bus: Arc<Bus>,
    clock: VirtualClock,
    saved: Arc<Saved>,
    chance: Chance,
    subscription: Subscription,
    publishers: Vec<(String, SourceId)>,
    pub books: BTreeMap<String, Book>,
    /// The last sequence of each topic and publisher.
    last: BTreeMap<(String, String), u64>,
    published: u64,
    heard: u64,
    number: i64,
    /// What is wrong, if anything is.
    pub fault: Option<String>,
}

impl Traffic {
    pub fn new(
        bus: &Arc<Bus>,
        clock: VirtualClock,
        saved: Arc<Saved>,
        seed: u64,
        devices: &[&str],
    ) -> Self {
        let filter = "plugin/#".parse().unwrap();
        let capacity = 60_000;
        let wake = Arc::default();
        let subscription =
            bus.subscribe("book", filter, Overflow::DropOldest, capacity, false, wake);
        let publisher = |name: &&str| ((*name).to_owned(), bus.source(name).unwrap());
        let book = |name: &&str| {
            let book = Book {
                presence: Presence::Absent,
                streams: BTreeMap::new(),
                versions: BTreeSet::new(),
                aside: false,
                count: 0,
                fallback: None,
                beats: 0,
            };
            ((*name).to_owned(), book)
        };
        Self {
            bus: bus.clone(),
            clock,
            saved,
            chance: Chance::new(seed),
            subscription,
            publishers: PUBLISHERS.iter().map(publisher).collect(),
            books: devices.iter().map(book).collect(),
            last: BTreeMap::new(),
            published: 0,
            heard: 0,
            number: 0,
            fault: None,
        }
    }

    /// One round: what came is looked at, more is published, and time goes on.
    pub fn round(&mut self) {
        self.listen();
        let devices: Vec<String> = self.books.keys().cloned().collect();
        for device in devices {
            for (publisher, name) in PUBLISHERS.iter().enumerate() {
                if self.books[&device].under_way(name) < UNDER_WAY {
                    let run = 1 + self.chance.below(RUN);
                    let values = (0..run).map(|_| {
                        self.number += 1;
                        Value::Integer(self.number)
                    });
                    let values = values.collect();
                    self.publish(&device, publisher, values);
                }
            }
        }
        self.clock.advance(ROUND);
    }

    /// Lets a long time pass at once.
    pub fn pass(&mut self, nanoseconds: u64) {
        self.clock.advance(nanoseconds);
    }

    /// Has a device trap on its next event.
    pub fn trap(&mut self, device: &str) {
        self.publish(device, 0, vec![Value::Text("trap".into())]);
    }

    fn publish(&mut self, device: &str, publisher: usize, values: Vec<Value>) {
        let topic = format!("plugin/{device}/in");
        let topic = self.bus.topic(&topic).unwrap();
        let source = self.publishers[publisher].1;
        let time = self.clock.now();
        let event = |value| Event {
            topic,
            source,
            time,
            sequence: 0,
            cause: None,
            attempt: 1,
            quality: Quality::Good,
            value,
        };
        let mut run: Vec<Event> = values.into_iter().map(event).collect();
        self.published += run.len() as u64;
        let blocked = self.bus.publish(source, &mut run);
        assert!(blocked.is_empty());
        // The book knows it now, and not only when the subscriber has heard of it.
        self.listen();
    }

    /// Looks at everything that has come.
    pub fn listen(&mut self) {
        let mut run = Vec::new();
        self.subscription.try_take(&mut run, usize::MAX);
        for event in &run {
            let event = self.bus.named(event);
            if let Err(wrong) = self.look_at(&event) {
                self.fault.get_or_insert_with(|| {
                    format!("{wrong}: {} {} {event:?}", event.topic, event.value)
                });
            }
        }
        if self.heard != self.published || self.subscription.dropped() != 0 {
            let (heard, published) = (self.heard, self.published);
            self.fault
                .get_or_insert(format!("{published} published, {heard} heard"));
        }
    }

    fn look_at(&mut self, event: &NamedEvent) -> Result<(), String> {
        let key = (event.topic.clone(), event.source.clone());
        let last = self.last.insert(key, event.sequence).unwrap_or(0);
        if event.sequence <= last {
            return Err(format!("not behind {last} on the bus"));
        }
        let levels: Vec<&str> = event.topic.split('/').collect();
        let ["plugin", device, level] = levels[..] else {
            return Err("a topic of nobody".into());
        };
        let book = self.books.get_mut(device).ok_or("a device of nobody")?;
        if level == "in" {
            self.heard += 1;
            if book.presence != Presence::Absent {
                let stream = book.streams.entry(event.source.clone()).or_default();
                stream.under_way.push_back(event.sequence);
            }
            return Ok(());
        }
        if event.source != device {
            return Err("not of its device".into());
        }
        book.said(level, event, self.saved.count(device))
    }
}

impl Book {
    /// The device said something.
    fn said(&mut self, level: &str, event: &NamedEvent, saved: u64) -> Result<(), String> {
        if self.presence == Presence::Absent {
            return Err("its device is gone".into());
        }
        let text = event.value.as_str().ok_or("no text")?;
        let words: Vec<&str> = text.split(' ').collect();
        if !self.versions.contains(words[0]) {
            return Err(format!("only {:?} may run", self.versions));
        }
        match (level, &words[1..]) {
            ("out", [count, _]) => {
                self.passed(event)?;
                let count: u64 = count.parse().map_err(|_| "no count")?;
                if count != self.count + 1 {
                    return Err(format!("its count was {}", self.count));
                }
                self.count = count;
                Ok(())
            }
            ("started", [restored, count]) => {
                let count: u64 = count.parse().map_err(|_| "no count")?;
                let least = self.fallback.unwrap_or(self.count);
                if count > self.count || count < least {
                    let last = self.count;
                    return Err(format!("its count was {last}, and {least} at least"));
                }
                if *restored != "true" && saved > 0 && least > 0 {
                    return Err("it has not got its state".into());
                }
                self.count = count;
                // What an instance began with is a checkpoint, too.
                self.fallback = self.fallback.map(|_| count);
                Ok(())
            }
            ("tick", ["beat"]) => {
                self.beats += 1;
                Ok(())
            }
            ("tick", ["aside"]) if self.aside => Ok(()),
            ("tick", _) => Err("its timer should have ended".into()),
            ("stopped", []) => Ok(()),
            _ => Err("nobody says such a thing".into()),
        }
    }

    /// An event has gone through the device.
    fn passed(&mut self, event: &NamedEvent) -> Result<(), String> {
        let (source, sequence) = event.cause.as_ref().ok_or("no cause")?;
        let stream = self.streams.get_mut(source).ok_or("a cause of nobody")?;
        if stream.passed == 0 {
            let missed = match self.presence {
                Presence::Joining => u64::MAX,
                _ => stream.missed,
            };
            while stream
                .under_way
                .pop_front_if(|first| *first != *sequence && *first <= missed)
                .is_some()
            {}
        }
        match stream.under_way.pop_front() {
            Some(first) if first == *sequence => {
                stream.passed = first;
                Ok(())
            }
            first => Err(format!("{first:?} of {source} should have come")),
        }
    }

    /// How many events of a publisher are on their way. Those that the device may have missed are not.
    fn under_way(&self, publisher: &str) -> usize {
        let Some(stream) = self.streams.get(publisher) else {
            return 0;
        };
        let heard = |sequence: &&u64| stream.passed > 0 || **sequence > stream.missed;
        match self.presence {
            Presence::Present => stream.under_way.iter().filter(heard).count(),
            Presence::Absent | Presence::Joining => 0,
        }
    }

    /// The device is being added.
    pub fn join(&mut self) {
        self.presence = Presence::Joining;
        self.streams.clear();
    }

    /// The device was added: from now on it hears everything.
    pub fn joined(&mut self) {
        self.presence = Presence::Present;
        for stream in self.streams.values_mut() {
            stream.missed = stream.under_way.back().copied().unwrap_or(0);
        }
    }

    /// The device was removed, and what it had not handled is lost.
    pub fn left(&mut self) {
        self.presence = Presence::Absent;
        self.streams.clear();
    }

    /// What is on its way now.
    pub fn mark(&self) -> Mark {
        let last = |(name, stream): (&String, &Stream)| {
            let last = stream.under_way.back();
            last.map(|last| (name.clone(), *last))
        };
        self.streams.iter().filter_map(last).collect()
    }

    /// Whether everything up to a mark has come out, or was published before the device heard it.
    pub fn has_passed(&self, mark: &Mark) -> bool {
        mark.iter().all(|(name, last)| {
            let stream = self.streams.get(name);
            stream.is_none_or(|stream| stream.under_way.front().is_none_or(|first| first > last))
        })
    }
}
