//! The fake kernel's face to a test.

use super::calendar;
use super::seam::{self, Kernel};
use super::setup::Setup;
use super::world::{Effects, Log, OutgoingCall, Published, Sent, Submitted, Timer};
use crate::bindings::imports::weihe::plugin::types::Value as ValueBuf;
use crate::packed::{Record, Writer};
use crate::runtime::{Runtime, Start};
use crate::{
    CallError, CallId, Duration, Error, EventBuf, FailSafeFrame, Failure, IdentityBuf, LinkState,
    Peer, PeerId, Plugin, Quality, Refused, Reply, Sample, StopReason, SubscribeOptions, Ticket,
    Timestamp, Value,
};

/// Who publishes the events that a test feeds.
const SOURCE: &str = "test";

/// Who calls the commands that a test calls.
const CALLER: &str = "operator";

/// How long a test's calls may take, as the plugin is told.
const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// A kernel that runs one plugin natively and records what it does.
pub struct FakeKernel<P: Plugin> {
    runtime: Runtime<P>,
    kernel: Kernel,
    device: String,
    connection: Option<String>,
    incarnation: u32,
    sequence: u64,
}

impl<P: Plugin> FakeKernel<P> {
    /// A kernel with one device, to be given connections, a database and the like before its start.
    pub fn setup(device: &str) -> Setup {
        Setup::new(device)
    }

    /// Starts the plugin on a kernel that is set up.
    pub(super) fn begin_with(
        kernel: Kernel,
        device: String,
        connection: Option<String>,
        state: Option<(u32, Vec<u8>)>,
        config: &str,
    ) -> Result<Self, Error> {
        let mut fake = FakeKernel {
            runtime: Runtime::new(kernel.clone()),
            kernel,
            device,
            connection,
            incarnation: 0,
            sequence: 0,
        };
        fake.begin(state, config)?;
        Ok(fake)
    }

    /// Starts a device with its configuration as JSON.
    pub fn start(device: &str, config: &str) -> Result<Self, Error> {
        Self::setup(device).start(config)
    }

    /// The plugin.
    pub fn plugin(&self) -> Option<&P> {
        self.runtime.plugin()
    }

    /// Feeds one good event, taken now, through `events`.
    pub fn event<'a>(&mut self, topic: &str, sample: impl Into<Sample<'a>>) -> Result<(), Error> {
        let event = self.make_event(topic, sample);
        self.feed(&event)
    }

    /// An event with the next sequence, to be changed and then fed.
    pub fn make_event<'a>(&mut self, topic: &str, sample: impl Into<Sample<'a>>) -> EventBuf {
        let sample = sample.into();
        self.sequence += 1;
        EventBuf {
            topic: topic.to_owned(),
            time: sample.time.unwrap_or(self.now()),
            id: IdentityBuf {
                source: SOURCE.to_owned(),
                sequence: self.sequence,
            },
            attempt: 1,
            cause: None,
            quality: sample.quality,
            value: sample.value.to_buf(),
        }
    }

    /// Feeds one event through `events`.
    pub fn feed(&mut self, event: &EventBuf) -> Result<(), Error> {
        self.attempt(|runtime| runtime.handle(event))
    }

    /// Feeds events as one packed batch through `events-batch`; the errors name events by index.
    pub fn feed_batch(&mut self, events: &[EventBuf]) -> Vec<(u32, Error)> {
        let mut writer = Writer::default();
        for event in events {
            let record = self.kernel.with(|world| Record {
                topic: world.id_of(&event.topic),
                time: event.time,
                quality: event.quality,
                attempt: event.attempt as u16,
                value: event.value.as_value(),
                sequence: event.id.sequence,
                source: world.id_of(&event.id.source),
                cause: event
                    .cause
                    .as_ref()
                    .map(|id| (world.id_of(&id.source), id.sequence)),
            });
            if let Err(full) = writer.push(&record) {
                return vec![(0, Error::fatal(full.to_string()))];
            }
        }
        let batch = writer.batch();
        self.runtime.handle_batch(&batch.head, &batch.bytes)
    }

    /// Feeds values as one packed batch; the errors name events by index.
    pub fn events(&mut self, values: &[(&str, Value<'_>)]) -> Vec<(u32, Error)> {
        let events: Vec<_> = values
            .iter()
            .map(|(topic, value)| self.make_event(topic, *value))
            .collect();
        self.feed_batch(&events)
    }

    /// Ticks a timer now, set or not.
    pub fn tick(&mut self, timer: &str, ticks: u64) -> Result<(), Error> {
        let event = self.make_event(&format!("$timer/{timer}"), ticks as i64);
        self.feed(&event)
    }

    /// Lets time pass; timers that are due tick, in order. Stops at the first error, with the clock
    /// where it happened.
    pub fn advance(&mut self, span: Duration) -> Result<(), Error> {
        let end = self.now() + span;
        while let Some((name, due)) = self.next_timer(end) {
            self.kernel.with(|world| {
                world.now = world.now.max(due.as_nanos());
                match world.effects.timers.get_mut(&name) {
                    Some(Timer {
                        due,
                        cron: Some(expression),
                        ..
                    }) => match calendar::after(expression, *due) {
                        Ok(next) => *due = next,
                        // There is none: the calendar ends.
                        Err(_) => {
                            world.effects.timers.remove(&name);
                        }
                    },
                    Some(Timer {
                        due,
                        period: Some(period),
                        ..
                    }) => {
                        *due = *due + Duration::from_nanos(*period);
                    }
                    _ => {
                        world.effects.timers.remove(&name);
                    }
                }
            });
            self.tick(&name, 1)?;
        }
        self.kernel.with(|world| world.now = end.as_nanos());
        Ok(())
    }

    fn next_timer(&self, end: Timestamp) -> Option<(String, Timestamp)> {
        self.kernel.with(|world| {
            let due = world
                .effects
                .timers
                .iter()
                .filter(|(_, timer)| timer.due <= end);
            due.min_by_key(|(_, timer)| timer.due)
                .map(|(name, timer)| (name.clone(), timer.due))
        })
    }

    /// Calls a command with its arguments as JSON. `None` while the answer is pending: it will be
    /// among [`FakeKernel::answers`] under [`FakeKernel::last_call`].
    pub fn call(&mut self, command: &str, arguments: &str) -> Result<Option<String>, CallError> {
        let id = self.kernel.with(|world| world.take_id());
        let deadline = self.now() + CALL_DEADLINE;
        self.attempt(|runtime| runtime.call(id, command, arguments, CALLER, deadline))
    }

    /// The id that was given out last: of a call, a ticket or a subscription.
    pub fn last_call(&self) -> CallId {
        self.kernel.with(|world| world.next_id)
    }

    /// Answers a call that the plugin made, with JSON or an error's text.
    pub fn answer(&mut self, call: CallId, answer: Result<&str, &str>) -> Result<(), Error> {
        let (value, quality) = match answer {
            Ok(json) => (Value::Json(json), Quality::Good),
            Err(text) => (Value::Text(text), Quality::Bad),
        };
        let mut event = self.make_event("$answer", Sample::new(value).quality(quality));
        event.id = IdentityBuf {
            source: "$answer".to_owned(),
            sequence: call,
        };
        self.feed(&event)
    }

    /// Finishes a submitted request.
    pub fn reply(&mut self, ticket: Ticket, outcome: Result<&[u8], Failure>) -> Result<(), Error> {
        let now = self.now();
        let submitted = self.submitted();
        let found = submitted
            .iter()
            .find(|submitted| submitted.ticket == ticket);
        let name = found.map(|submitted| submitted.connection.clone());
        let name = name.or_else(|| self.connection.clone()).unwrap_or_default();
        let outcome = outcome.map(|bytes| Reply {
            bytes: bytes.to_owned(),
            sent: now,
            received: now,
        });
        self.attempt(|runtime| runtime.replied(&name, ticket, outcome))
    }

    /// Hands over bytes that no exchange was waiting for.
    pub fn received(
        &mut self,
        connection: &str,
        peer: Option<PeerId>,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let now = self.now();
        self.attempt(|runtime| runtime.received(connection, peer, bytes, now))
    }

    /// Changes a link's state.
    pub fn link(&mut self, connection: &str, state: LinkState, reason: &str) -> Result<(), Error> {
        self.kernel
            .with(|world| world.links.insert(connection.to_owned(), state));
        self.attempt(|runtime| runtime.link_changed(connection, state, reason))
    }

    /// Accepts or loses a peer.
    pub fn peer(
        &mut self,
        connection: &str,
        id: PeerId,
        address: &str,
        connected: bool,
    ) -> Result<(), Error> {
        self.attempt(|runtime| runtime.peer_changed(connection, Peer { id, address }, connected))
    }

    /// Stops the instance and starts a new one with its state, as a swap does.
    pub fn restart(&mut self, config: &str) -> Result<(), Error> {
        let state = self.runtime.export_state();
        self.runtime.stop(StopReason::Swap);
        self.runtime = Runtime::new(self.kernel.clone());
        self.begin(Some(state), config)
    }

    /// Stops the instance.
    pub fn stop(&mut self) {
        self.runtime.stop(StopReason::Shutdown);
    }

    /// The version and the JSON of the state that the plugin exports.
    pub fn state(&self) -> (u32, serde_json::Value) {
        let (version, bytes) = self.runtime.export_state();
        (version, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Lets the kernel refuse what the plugin publishes from now on, or accept it again.
    pub fn refuse_publications(&mut self, refused: Option<Refused>) {
        self.kernel.with(|world| world.publish_error = refused);
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.kernel.with(|world| world.now))
    }

    /// What the plugin published, oldest first.
    pub fn published(&self) -> Vec<Published> {
        self.effects(|effects| effects.published.clone())
    }

    /// What the plugin published since this was last asked.
    pub fn take_published(&mut self) -> Vec<Published> {
        self.kernel
            .with(|world| std::mem::take(&mut world.effects.published))
    }

    /// The last value that the plugin published on a topic.
    pub fn last(&self, topic: &str) -> Option<ValueBuf> {
        self.effects(|effects| {
            let mut newest_first = effects.published.iter().rev();
            newest_first
                .find(|sample| sample.topic == topic)
                .map(|sample| sample.value.clone())
        })
    }

    /// Timers that are set, by name.
    pub fn timers(&self) -> Vec<(String, Timer)> {
        self.effects(|effects| effects.timers.clone().into_iter().collect())
    }

    /// Filters that the device subscribes, with their options.
    pub fn subscriptions(&self) -> Vec<(String, SubscribeOptions)> {
        self.effects(|effects| {
            let all = effects.subscriptions.iter();
            all.map(|(filter, (_, options))| (filter.clone(), *options))
                .collect()
        })
    }

    /// Calls on other devices.
    pub fn calls(&self) -> Vec<OutgoingCall> {
        self.effects(|effects| effects.calls.clone())
    }

    /// Answers to calls that were left pending.
    pub fn answers(&self) -> Vec<(CallId, Result<String, CallError>)> {
        self.effects(|effects| effects.answers.clone())
    }

    /// Requests that were submitted.
    pub fn submitted(&self) -> Vec<Submitted> {
        self.effects(|effects| effects.submitted.clone())
    }

    /// Requests that were submitted since this was last asked.
    pub fn take_submitted(&mut self) -> Vec<Submitted> {
        self.kernel
            .with(|world| std::mem::take(&mut world.effects.submitted))
    }

    /// Bytes that were sent without awaiting a reply.
    pub fn sent(&self) -> Vec<Sent> {
        self.effects(|effects| effects.sent.clone())
    }

    /// Tickets that were cancelled.
    pub fn cancelled(&self) -> Vec<Ticket> {
        self.effects(|effects| effects.cancelled.clone())
    }

    /// The fail-safe frames that are registered with a connection, in order.
    pub fn fail_safe(&self, connection: &str) -> Vec<FailSafeFrame> {
        self.effects(|effects| effects.fail_safe.get(connection).cloned())
            .unwrap_or_default()
    }

    /// Peers that were closed.
    pub fn disconnected(&self) -> Vec<PeerId> {
        self.effects(|effects| effects.disconnected.clone())
    }

    /// The value of a key in a bucket.
    pub fn key(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        self.effects(|effects| {
            effects
                .keys
                .get(&(bucket.to_owned(), key.to_owned()))
                .cloned()
        })
    }

    /// What this thread's plugins logged since this was last asked, or since the last start.
    pub fn logs(&mut self) -> Vec<Log> {
        seam::take_logs()
    }

    fn effects<R>(&self, read: impl FnOnce(&Effects) -> R) -> R {
        self.kernel.with(|world| read(&world.effects))
    }

    fn begin(&mut self, state: Option<(u32, Vec<u8>)>, config: &str) -> Result<(), Error> {
        self.incarnation += 1;
        let start = Start {
            device: self.device.clone(),
            config: config.to_owned(),
            connection: self.connection.clone(),
            incarnation: self.incarnation,
        };
        self.attempt(|runtime| {
            if let Some((version, bytes)) = state {
                runtime.import_state(version, &bytes)?;
            }
            runtime.start(start)
        })
    }

    /// Runs a handler, and takes back what it did when it fails.
    fn attempt<T, E>(
        &mut self,
        handler: impl FnOnce(&mut Runtime<P>) -> Result<T, E>,
    ) -> Result<T, E> {
        let before = self.effects(Clone::clone);
        let outcome = handler(&mut self.runtime);
        if outcome.is_err() {
            self.kernel.with(|world| world.effects = before);
        }
        outcome
    }
}

impl<P: Plugin> std::fmt::Debug for FakeKernel<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeKernel")
            .field("device", &self.device)
            .field("kernel", &self.kernel)
            .finish()
    }
}
