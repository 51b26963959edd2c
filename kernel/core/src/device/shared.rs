//! What a device's actor, its instance and the kernel share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::audit::{Entry, action};
use crate::bus::{Bound, Bus, BusError, Filter, Overflow};
use crate::clock::Clock;
use crate::connection::limits::LEAVE_TIMEOUT;
use crate::connection::{Framer, Seat};
use crate::event::{Event, Quality, SourceId, TopicId, Value};
use crate::failsafe::Outputs;
use crate::runtime::Short;

use super::call::CallId;
use super::dead::DeadLetters;
use super::letter::Letter;
use super::mailbox::{Mailbox, TooManySubscriptions};
use super::spec::DeviceSpec;
use super::status::{DeviceCounters, DeviceFault, Live};
use super::topics::{TopicRefused, Topics};
use super::witness::{Seen, Witness};
use super::words::Words;

/// The publisher of what the kernel itself has to say.
pub const KERNEL_SOURCE: &str = "$kernel";

/// The topic and the publisher of answers to calls.
pub const ANSWER: &str = "$answer";

/// Dead letters of one device that are being written, in bytes: more than a device that is given up
/// leaves of a batch. What comes faster than the disk takes it is counted, so that it does not fill the
/// memory.
const MAX_UNDER_WAY: usize = 4 << 20;

/// Bytes of an error that are kept: a plugin may return as much text as one host call can carry.
const MAX_FAULT: usize = 4 << 10;

/// Why a device cannot open a connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenFailure {
    /// No connection of this name is configured.
    #[error("no connection `{0}` is configured")]
    Unknown(String),
    /// The device has no grant for it.
    #[error("device `{device}` has no grant for connection `{connection}`")]
    Denied {
        /// Who asked.
        device: String,
        /// For what.
        connection: String,
    },
    /// It is held by another device.
    #[error("{0}")]
    Taken(String),
}

/// What a device finds around it. The kernel implements it; tests bring their own.
pub trait Surroundings: Send + Sync {
    /// A place at a connection.
    fn open(&self, device: &Arc<Device>, connection: &str) -> Result<Seat, OpenFailure>;

    /// Calls a command of another device; the answer comes to the caller's mailbox.
    fn call(&self, caller: &Arc<Device>, call: OutgoingCall);

    /// A version trapped within its probation, and the device has gone back to the one before.
    fn taken_back(&self, device: &Arc<Device>, version: &str, reason: &str);

    /// A version has run through its probation, or another one takes its place without a trap.
    fn confirmed(&self, device: &Arc<Device>, version: &str);

    /// Tells the audit trail. By default there is none.
    fn audit(&self, entry: Entry) {
        drop(entry);
    }

    /// Who watches it; by default nobody.
    fn witness(&self) -> Option<Arc<dyn Witness>> {
        None
    }

    /// Where dead letters are kept; none when the host is going.
    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>>;
}

/// Makes the framers of the version that a device runs.
pub type MakeFramer = Box<dyn Fn() -> Box<dyn Framer> + Send + Sync>;

/// Which places at connections a device has, and which of them its instance has opened.
pub struct Places(HashMap<Arc<str>, bool>);

/// A call that leaves a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingCall {
    /// Its name.
    pub id: CallId,
    /// Whom.
    pub device: Arc<str>,
    /// Which command.
    pub command: String,
    /// A JSON object.
    pub arguments: String,
    /// Nanoseconds until the answer is given up.
    pub timeout: u64,
}

/// A place at a connection.
struct Place {
    seat: Seat,
    /// Whether the instance that runs has opened it, and been told of link and peers.
    told: bool,
}

/// What a device's actor, its instance and the kernel share. It outlives every instance.
pub struct Device {
    /// Its name.
    pub name: Arc<str>,
    /// How it is configured.
    pub spec: DeviceSpec,
    /// Its id as a publisher.
    pub source: SourceId,
    /// What waits for it.
    pub mailbox: Arc<Mailbox>,
    /// What of it goes to a safe value when it ends.
    pub outputs: Arc<Outputs>,
    /// Its state and counters.
    pub live: Live,
    /// What its plugin says to the log.
    pub words: Words,
    /// The bus.
    pub bus: Arc<Bus>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// What it finds around it.
    pub surroundings: Arc<dyn Surroundings>,
    /// Who watches it.
    pub(crate) witness: Option<Arc<dyn Witness>>,
    /// Its state is to be stored now, not after the interval.
    state_wanted: AtomicBool,
    answer_topic: TopicId,
    answer_source: SourceId,
    kernel_source: SourceId,
    dead_topic: TopicId,
    topics: Topics,
    seats: Mutex<HashMap<Arc<str>, Place>>,
    framers: Mutex<Option<MakeFramer>>,
    tickets: AtomicU64,
    /// Calls that left the device and have no answer yet.
    calls: AtomicUsize,
    /// Dead letters on their way to where they are kept, in bytes.
    letters: AtomicUsize,
    /// Held while letters are delivered again: two operators must not deliver one twice.
    pub(crate) retrying: tokio::sync::Mutex<()>,
}

impl Device {
    /// A device on a bus.
    pub fn new(
        spec: DeviceSpec,
        bus: Arc<Bus>,
        clock: Arc<dyn Clock>,
        surroundings: Arc<dyn Surroundings>,
    ) -> Result<Arc<Self>, BusError> {
        let mailbox: Arc<Mailbox> = Arc::default();
        let name: Arc<str> = spec.name.as_str().into();
        let kernel_source = bus.source(KERNEL_SOURCE)?;
        Ok(Arc::new(Self {
            outputs: Outputs::new(name.clone(), kernel_source, bus.clone(), clock.clone()),
            name,
            source: bus.source(&spec.name)?,
            live: Live::new(mailbox.wake().drops().clone()),
            mailbox,
            answer_topic: bus.topic(ANSWER)?,
            answer_source: bus.source(ANSWER)?,
            kernel_source,
            dead_topic: bus.topic(&format!("$dead/{}", spec.name))?,
            words: Words::new(&spec.limits),
            topics: Topics::new(spec.name.as_str().into(), spec.limits.topics),
            seats: Mutex::default(),
            framers: Mutex::default(),
            tickets: AtomicU64::new(1),
            calls: AtomicUsize::new(0),
            letters: AtomicUsize::new(0),
            retrying: tokio::sync::Mutex::default(),
            spec,
            bus,
            clock,
            witness: surroundings.witness(),
            state_wanted: AtomicBool::new(false),
            surroundings,
        }))
    }

    /// Lets whoever watches see something.
    pub(super) fn show(&self, seen: Seen<'_>) {
        if let Some(witness) = &self.witness {
            witness.saw(&self.name, seen);
        }
    }

    /// Has the state stored at the end of what the device does.
    pub(crate) fn store_state_now(&self) {
        self.state_wanted.store(true, Ordering::Release);
        self.mailbox.wake().wake();
    }

    /// Whether the state is to be stored now; asked once.
    pub(super) fn takes_state_order(&self) -> bool {
        self.state_wanted.load(Ordering::Relaxed)
            && self.state_wanted.swap(false, Ordering::Acquire)
    }

    /// Subscribes the device, within its limit; returns the subscription's id.
    pub fn subscribe(
        &self,
        filter: Filter,
        overflow: Overflow,
        capacity: u32,
        retained: bool,
    ) -> Result<u32, TooManySubscriptions> {
        let limits = &self.spec.limits;
        let events = if capacity == 0 {
            limits.queue
        } else {
            capacity
        };
        let bound = Bound {
            events: events as usize,
            bytes: limits.queue_bytes.bytes(),
        };
        self.mailbox
            .subscribe(self, filter, overflow, bound, retained)
    }

    /// A topic to publish on, within the device's limit. Grants are the caller's business.
    pub fn topic(&self, name: &str) -> Result<TopicId, TopicRefused> {
        self.topics.published(&self.bus, name)
    }

    /// How many topics it has made.
    pub fn topic_count(&self) -> usize {
        self.topics.count()
    }

    /// Whether events of a topic can reach the device: those of its timers, answers to its calls, and
    /// what it may subscribe to.
    pub fn may_know(&self, topic: &str) -> bool {
        topic == ANSWER
            || self.topics.has_timer(topic)
            || super::inlet::is_of(&self.name, topic)
            || topic
                .parse()
                .is_ok_and(|filter| self.spec.grants.may_subscribe(&self.name, &filter))
    }

    /// The topic of a timer's ticks, within the device's limit.
    pub fn timer_topic(&self, timer: &str) -> Result<TopicId, TopicRefused> {
        self.topics.timer(&self.bus, timer)
    }

    /// An event of the kernel's for this device alone.
    pub fn kernel_event(&self, topic: TopicId, value: Value) -> Event {
        Event {
            topic,
            source: self.kernel_source,
            time: self.clock.now(),
            sequence: self.bus.sequences(self.kernel_source, 1),
            cause: None,
            attempt: 1,
            quality: Quality::Good,
            value,
        }
    }

    /// A name for a call that leaves the device.
    pub fn new_call(&self) -> CallId {
        self.bus.sequences(self.answer_source, 1)
    }

    /// Sends a call. [`Device::answered`] must follow, whatever happens.
    pub fn send_call(self: &Arc<Self>, call: OutgoingCall) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let peak = &self.live.peaks.calls;
        peak.fetch_max(self.open_calls() as u64, Ordering::Relaxed);
        self.surroundings.call(self, call);
    }

    /// Calls that left the device and whose answers it has not taken.
    pub fn open_calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed) + self.mailbox.answers()
    }

    /// Hands the answer to a call to the device.
    pub fn answered(&self, id: CallId, answer: Result<String, String>) {
        let (quality, value) = match answer {
            Ok(json) => (Quality::Good, Value::Json(json.into())),
            Err(text) => (Quality::Bad, Value::Text(text.into())),
        };
        self.mailbox.direct(Event {
            topic: self.answer_topic,
            source: self.answer_source,
            time: self.clock.now(),
            sequence: id,
            cause: None,
            attempt: 1,
            quality,
            value,
        });
        // Only now: until the device takes it, the answer counts as the call did.
        let _ = self
            .calls
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |calls| {
                calls.checked_sub(1)
            });
    }

    /// Publishes an input that could not be handled on `$dead/<device>`, and keeps it.
    pub fn bury(self: &Arc<Self>, input: &serde_json::Value, error: &str, letter: Letter) {
        self.keep(letter);
        let letter = serde_json::json!({ "device": &*self.name, "error": error, "input": input });
        let mut run = [Event {
            topic: self.dead_topic,
            source: self.kernel_source,
            time: self.clock.now(),
            sequence: 0,
            cause: None,
            attempt: 1,
            quality: Quality::Bad,
            value: Value::Json(letter.to_string().into()),
        }];
        // Dead letters wait for nobody.
        drop(self.bus.publish(self.kernel_source, &mut run));
    }

    /// Keeps a dead letter; nobody waits for it.
    fn keep(self: &Arc<Self>, letter: Letter) {
        let Some(letters) = self.surroundings.dead_letters() else {
            return;
        };
        let size = letter.size();
        if self.letters.fetch_add(size, Ordering::Relaxed) >= MAX_UNDER_WAY {
            self.letters.fetch_sub(size, Ordering::Relaxed);
            DeviceCounters::add(&self.live.counters.dead_lost, 1);
            return;
        }
        let (device, keeping) = (self.clone(), letters.keep(&self.name, letter));
        let told = async move {
            match keeping.await {
                Ok(0) => {}
                Ok(lost) => DeviceCounters::add(&device.live.counters.dead_lost, lost),
                Err(error) => {
                    DeviceCounters::add(&device.live.counters.dead_lost, 1);
                    let name = &device.name;
                    device.fault(
                        &format!("a dead letter of `{name}` is not kept: {error}"),
                        "",
                    );
                }
            }
            device.letters.fetch_sub(size, Ordering::Relaxed);
        };
        // Without a runtime the lane is gone, and nobody asks any more; it is kept all the same.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(told);
        }
    }

    /// The device used what it is not granted, and was refused: the first of each kind within a
    /// minute is worth a record.
    pub fn denied(&self, kind: &'static str, what: &str, reason: &str) {
        let target = format!("{kind}/{what}");
        let entry = Entry::device(&self.name, action::DENIED, target).refused(reason);
        self.surroundings.audit(entry.often(kind));
    }

    /// The device's instance asked for memory in vain. `first` says that it is the first time of this
    /// instance.
    pub fn memory_refused(&self, short: &Short, first: bool) {
        if first {
            self.fault(&format!("it asked for memory in vain: {short}"), "");
        }
        let target = format!("device/{}", self.name);
        let entry = Entry::device(&self.name, action::MEMORY_REFUSED, target).refused(short);
        self.surroundings.audit(entry.often("memory"));
    }

    /// The device was given up, which is in the log and for `ps` in any case.
    pub fn given_up(&self, reason: &str, backtrace: &str) {
        let shown = &reason[..reason.floor_char_boundary(MAX_FAULT)];
        self.say_once(shown, |shown| {
            tracing::error!(device = %self.name, backtrace, "{shown}");
        });
        self.remember(shown, backtrace);
        let target = format!("device/{}", self.name);
        let entry = Entry::host(action::DEVICE_FAILED, target).refused(reason);
        self.surroundings.audit(entry);
    }

    /// A name for an exchange.
    pub fn new_ticket(&self) -> u64 {
        self.tickets.fetch_add(1, Ordering::Relaxed)
    }

    /// The device's place at a connection: the one it has, or a new one, also when the connection
    /// was removed and added again since. The first time that an instance opens it, the connection
    /// tells link and peers.
    pub fn open(self: &Arc<Self>, connection: &str) -> Result<Seat, OpenFailure> {
        let granted = self.spec.connection.as_deref() == Some(connection)
            || self
                .spec
                .grants
                .connections
                .iter()
                .any(|name| name == connection);
        if !granted {
            let denied = OpenFailure::Denied {
                device: self.name.to_string(),
                connection: connection.to_owned(),
            };
            self.denied("connection", connection, &denied.to_string());
            return Err(denied);
        }
        let known = {
            let seats = self.lock_seats();
            seats
                .get(connection)
                .map(|place| (place.seat.clone(), place.told))
        };
        if let Some((seat, true)) = &known
            && !seat.is_closed()
        {
            return Ok(seat.clone());
        }
        let seat = match (self.surroundings.open(self, connection), known) {
            (Ok(seat), _) => seat,
            // The connection was removed: the old place says that the link is down.
            (Err(_), Some((seat, _))) => seat,
            (Err(error), None) => return Err(error),
        };
        let place = Place {
            seat: seat.clone(),
            told: true,
        };
        self.outputs.reseat(&seat);
        self.lock_seats().insert(connection.into(), place);
        Ok(seat)
    }

    /// Exchanges that the device submitted and that are not finished, at all its places, and those
    /// whose refusal it has not been told.
    pub fn open_tickets(&self) -> usize {
        let at_seats: usize = self.seats().iter().map(Seat::open_tickets).sum();
        let open = at_seats + self.mailbox.refusals();
        let peak = &self.live.peaks.tickets;
        peak.fetch_max(open as u64, Ordering::Relaxed);
        open
    }

    fn seats(&self) -> Vec<Seat> {
        let seats = self.lock_seats();
        seats.values().map(|place| place.seat.clone()).collect()
    }

    fn lock_seats(&self) -> MutexGuard<'_, HashMap<Arc<str>, Place>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new instance is made: it has opened nothing yet.
    pub(super) fn renew_instance(&self) {
        for place in self.lock_seats().values_mut() {
            place.told = false;
        }
    }

    /// Whose codec frames replies from the next opening of a connection on.
    pub fn frame_with(&self, framers: Option<MakeFramer>) {
        *self.framers.lock().unwrap_or_else(PoisonError::into_inner) = framers;
    }

    /// A framer of the version that runs, if its plugin has a codec.
    pub fn framer(&self) -> Option<Box<dyn Framer>> {
        let framers = self.framers.lock().unwrap_or_else(PoisonError::into_inner);
        framers.as_ref().map(|make| make())
    }

    /// Its places as they are.
    pub(super) fn places(&self) -> Places {
        let told = |(name, place): (&Arc<str>, &Place)| (name.clone(), place.told);
        Places(self.lock_seats().iter().map(told).collect())
    }

    /// Goes back to the places there were: what a refused version opened is left, or opened anew
    /// for the version that goes on, whose framer belongs there.
    pub(super) fn restore_places(self: &Arc<Self>, before: &Places) {
        let mut reopen = Vec::new();
        let mut left = Vec::new();
        self.lock_seats().retain(|name, place| {
            let Some(told) = before.0.get(name) else {
                left.push((name.clone(), place.seat.clone()));
                return false;
            };
            if place.told && *told {
                place.told = false;
                reopen.push(name.clone());
            } else {
                place.told = *told;
            }
            true
        });
        for (connection, seat) in left {
            seat.detach();
            self.mailbox.forget_notices(&connection);
        }
        for connection in reopen {
            // The connection may be gone meanwhile: then its place says that the link is down.
            let _ = self.open(&connection);
        }
    }

    /// Waits until what the device has sent is written and the peers that it closed are gone, for
    /// [`LEAVE_TIMEOUT`] at most.
    pub async fn finish_sends(&self) {
        let at = self.clock.monotonic().saturating_add(LEAVE_TIMEOUT);
        for seat in self.seats() {
            seat.written(at).await;
        }
    }

    /// Takes the places again that a device which had failed has given up, as far as frames of it are
    /// still registered there.
    pub(super) fn reopen_for_outputs(self: &Arc<Self>) {
        for connection in self.outputs.connections() {
            if !self.lock_seats().contains_key(&connection) {
                // A connection that is gone takes no frames anyway, which shows when they are sent.
                let _ = self.open(&connection);
            }
        }
    }

    /// Gives up all places at connections.
    pub fn detach_all(&self) {
        let seats = std::mem::take(&mut *self.lock_seats());
        for place in seats.into_values() {
            place.seat.detach();
        }
    }

    /// Records an error for `ps` and writes it to the log, as far as the rate of its records allows: a
    /// plugin that rejects everything must not flood it.
    pub fn fault(&self, message: &str, backtrace: &str) {
        let message = &message[..message.floor_char_boundary(MAX_FAULT)];
        self.say(message, |message| {
            tracing::error!(device = %self.name, backtrace, "{message}");
        });
        self.remember(message, backtrace);
    }

    fn remember(&self, message: &str, backtrace: &str) {
        self.live.fault(DeviceFault {
            time: self.clock.now(),
            message: message.to_owned(),
            backtrace: backtrace.to_owned(),
        });
    }
}
