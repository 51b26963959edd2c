//! A test's kernel: what a test does with a plugin.

use super::fault::Fault;
use super::native::Native;
use super::sandbox::{Sandbox, Sandboxed, Settings};
use super::seam::{self, Kernel};
use super::setup::Setup;
use super::used::{Ledger, Used};
use super::world::{Log, Submitted};
use crate::{
    CallError, CallId, Duration, Error, EventBuf, Failure, IdentityBuf, LinkState, PeerId, Plugin,
    Quality, Refused, Sample, Ticket, Timestamp, Value,
};
use std::cell::RefCell;

/// Who publishes the events that a test feeds.
const SOURCE: &str = "test";

/// A kernel that runs one plugin for a test, and records what it does: natively, or as its built component in the
/// sandbox of the real host. The clock stands still until [`TestKernel::advance`].
///
/// ```
/// use weihe_sdk::{prelude::*, testing::Setup};
///
/// struct Doubler;
/// # impl Plugin for Doubler {
/// #     type Config = NoConfig;
/// #     type Command = NoCommand;
/// #     type State = NoState;
/// #     fn describe() -> Description { Description::new("doubler", "0.1.0", "Doubles") }
/// #     fn start(ctx: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
/// #         ctx.subscribe("in")?;
/// #         Ok(Doubler)
/// #     }
/// #     fn on_event(&mut self, ctx: &mut Context, event: Event<'_>) -> Result<(), Error> {
/// #         Ok(ctx.publish("plugin/test/out", 2 * event.value.as_i64().unwrap_or(0))?)
/// #     }
/// # }
///
/// # /*
/// #[weihe_sdk::test(sandbox)]
/// # */
/// fn what_comes_in_goes_out_doubled(setup: Setup<Doubler>) {
///     let mut kernel = setup.start("{}").unwrap();
///     kernel.event("in", 21).unwrap();
///     assert_eq!(kernel.last("plugin/test/out"), Some(ValueBuf::Integer(42)));
/// }
/// # what_comes_in_goes_out_doubled(FakeKernel::setup("test"));
/// ```
pub struct TestKernel<P: Plugin> {
    pub(super) kernel: Kernel,
    pub(super) place: Place<P>,
    device: String,
    sequence: u64,
}

/// Where the plugin runs.
pub(super) enum Place<P: Plugin> {
    Native(Box<Native<P>>),
    Sandbox(Box<RefCell<Sandboxed>>),
}

/// The name of [`TestKernel`] where a test starts it itself, natively: `FakeKernel::start("oven", "{}")`.
pub type FakeKernel<P> = TestKernel<P>;

impl<P: Plugin> TestKernel<P> {
    /// A native kernel with one device, to be given connections, a database and the like before its start.
    pub fn setup(device: &str) -> Setup<P> {
        Setup::new(device)
    }

    /// Starts a device natively, with its configuration as JSON.
    pub fn start(device: &str, config: &str) -> Result<Self, Error> {
        Self::setup(device).start(config)
    }

    pub(super) fn start_natively(
        kernel: Kernel,
        device: String,
        connection: Option<String>,
        state: Option<(u32, Vec<u8>)>,
        config: &str,
    ) -> Result<Self, Error> {
        let native = Native::start(kernel.clone(), device.clone(), connection, state, config)?;
        Ok(Self::at(kernel, device, Place::Native(Box::new(native))))
    }

    pub(super) fn start_in_sandbox(
        kernel: Kernel,
        device: String,
        state: Option<(u32, Vec<u8>)>,
        settings: Settings,
        sandbox: (Box<dyn Sandbox>, Ledger),
        config: &str,
    ) -> Result<Self, Error> {
        let sandboxed =
            Sandboxed::start(kernel.clone(), &device, state, settings, sandbox, config)?;
        Ok(Self::at(
            kernel,
            device,
            Place::Sandbox(Box::new(RefCell::new(sandboxed))),
        ))
    }

    fn at(kernel: Kernel, device: String, place: Place<P>) -> Self {
        TestKernel {
            kernel,
            place,
            device,
            sequence: 0,
        }
    }

    /// Whether the plugin runs in the sandbox.
    pub fn is_sandbox(&self) -> bool {
        matches!(self.place, Place::Sandbox(_))
    }

    /// The plugin itself. `None` in the sandbox, where only what it does can be seen.
    pub fn plugin(&self) -> Option<&P> {
        match &self.place {
            Place::Native(native) => native.plugin(),
            Place::Sandbox(_) => None,
        }
    }

    /// Feeds one good event, taken now, through `events`.
    ///
    /// In the sandbox it is published, and the device has to subscribe it. An error is what the plugin says of
    /// it, or [`Error::Fatal`] where it trapped; the kernel delivers it again then, as it does on a real host.
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

    /// Feeds one event through `events`. In the sandbox the bus gives it identity and attempt.
    pub fn feed(&mut self, event: &EventBuf) -> Result<(), Error> {
        match &mut self.place {
            Place::Native(native) => native.feed(event),
            Place::Sandbox(sandbox) => {
                match sandbox.get_mut().publish(std::slice::from_ref(event)).pop() {
                    Some((_, error)) => Err(error),
                    None => Ok(()),
                }
            }
        }
    }

    /// Feeds events as one packed batch through `events-batch`; the errors name events by index.
    pub fn feed_batch(&mut self, events: &[EventBuf]) -> Vec<(u32, Error)> {
        match &mut self.place {
            Place::Native(native) => native.feed_batch(events),
            Place::Sandbox(sandbox) => sandbox.get_mut().publish(events),
        }
    }

    /// Feeds values as one packed batch; the errors name events by index.
    pub fn events(&mut self, values: &[(&str, Value<'_>)]) -> Vec<(u32, Error)> {
        let events: Vec<_> = values
            .iter()
            .map(|(topic, value)| self.make_event(topic, *value))
            .collect();
        self.feed_batch(&events)
    }

    /// Ticks a timer now, set or not. Only natively: the sandbox's timers are the kernel's, and tick in
    /// [`TestKernel::advance`].
    pub fn tick(&mut self, timer: &str, ticks: u64) -> Result<(), Error> {
        if self.is_sandbox() {
            let text = "`tick` works only natively: in the sandbox timers tick as time passes, by `advance`";
            return Err(Error::fatal(text));
        }
        let event = self.make_event(&format!("$timer/{timer}"), ticks as i64);
        self.feed(&event)
    }

    /// Lets time pass; timers that are due tick, in order. Stops at the first error, with the clock
    /// where it happened.
    pub fn advance(&mut self, span: Duration) -> Result<(), Error> {
        if let Place::Sandbox(sandbox) = &mut self.place {
            return sandbox.get_mut().advance(span);
        }
        let end = self.now() + span;
        while let Some(timer) = self.turn_timer(end) {
            self.tick(&timer, 1)?;
        }
        self.kernel.with(|world| world.now = end.as_nanos());
        Ok(())
    }

    /// Lets time pass until the plugin has submitted requests, for `span` at most, and takes them, as
    /// [`TestKernel::take_submitted`] does. In the sandbox a request that is not replied to times out as time goes on;
    /// this stops before it does.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::TestKernel};
    /// # fn f<P: Plugin>(kernel: &mut TestKernel<P>) {
    /// let polls = kernel.until_submitted(Duration::from_secs(5)).unwrap();
    /// kernel.reply(polls[0].ticket, Ok(b"21.5\n")).unwrap();
    /// # }
    /// ```
    pub fn until_submitted(&mut self, span: Duration) -> Result<Vec<Submitted>, Error> {
        let end = self.now() + span;
        loop {
            let submitted = self.take_submitted();
            let left = end.as_nanos().saturating_sub(self.now().as_nanos());
            if !submitted.is_empty() || left == 0 {
                return Ok(submitted);
            }
            self.step(end, left)?;
        }
    }

    /// Lets time pass until the next tick or the next thing that the host writes on a connection, `left` at most, which
    /// ends at `end`.
    pub(super) fn step(&mut self, end: Timestamp, left: u64) -> Result<(), Error> {
        if self.is_sandbox() {
            return self.advance_to_wire(Duration::from_nanos(left));
        }
        match self.turn_timer(end) {
            Some(timer) => self.tick(&timer, 1),
            None => self.advance(Duration::from_nanos(left)),
        }
    }

    /// In the sandbox: lets time pass until the host writes something on a connection, or to its end.
    fn advance_to_wire(&mut self, span: Duration) -> Result<(), Error> {
        match &mut self.place {
            Place::Native(_) => self.advance(span),
            Place::Sandbox(sandbox) => sandbox.get_mut().advance_to_wire(span),
        }
    }

    /// The next timer that is due until then, with the clock at its tick.
    fn turn_timer(&mut self, end: Timestamp) -> Option<String> {
        let Place::Native(native) = &mut self.place else {
            return None;
        };
        let timer = native.next_timer(end)?;
        native.turn(&timer);
        Some(timer)
    }

    /// Sets the wall clock, as an operator or NTP would, forward or back. Spans go on: what was to tick in five
    /// seconds still does, and only cron looks at the calendar.
    pub fn set_clock(&mut self, now: Timestamp) {
        match &mut self.place {
            Place::Native(_) => self.kernel.with(|world| world.set_clock(now)),
            Place::Sandbox(sandbox) => sandbox.get_mut().set_clock(now),
        }
    }

    /// Calls a command with its arguments as JSON. `None` while the answer is pending: it will be
    /// among [`TestKernel::answers`] under [`TestKernel::last_call`].
    pub fn call(&mut self, command: &str, arguments: &str) -> Result<Option<String>, CallError> {
        match &mut self.place {
            Place::Native(native) => native.call(command, arguments),
            Place::Sandbox(sandbox) => sandbox.get_mut().call(command, arguments),
        }
    }

    /// The id that was given out last: of a call, a ticket or a subscription.
    pub fn last_call(&self) -> CallId {
        match &self.place {
            Place::Native(_) => self.kernel.with(|world| world.next_id),
            Place::Sandbox(sandbox) => sandbox.borrow().last_call(),
        }
    }

    /// Answers a call that the plugin made, with JSON or an error's text.
    pub fn answer(&mut self, call: CallId, answer: Result<&str, &str>) -> Result<(), Error> {
        if let Place::Sandbox(sandbox) = &mut self.place {
            return sandbox.get_mut().answer(call, answer);
        }
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

    /// Finishes a submitted request. In the sandbox the reply goes over the connection, which has to find it
    /// complete by its rule; and a line takes one exchange at a time, so the ticket must have its turn. A time-out
    /// lets the time of the request pass there. Of failures only [`Failure::Timeout`] and [`Failure::LinkDown`]
    /// can be played there.
    pub fn reply(&mut self, ticket: Ticket, outcome: Result<&[u8], Failure>) -> Result<(), Error> {
        self.kernel.with(|world| world.replied.insert(ticket));
        match &mut self.place {
            Place::Sandbox(sandbox) => sandbox.get_mut().reply(ticket, outcome),
            Place::Native(native) => {
                let connection = self.kernel.with(|world| world.connection_of(ticket));
                native.reply(&connection, ticket, outcome)
            }
        }
    }

    /// Hands over bytes that no exchange was waiting for.
    pub fn received(
        &mut self,
        connection: &str,
        peer: Option<PeerId>,
        bytes: &[u8],
    ) -> Result<(), Error> {
        match &mut self.place {
            Place::Native(native) => native.received(connection, peer, bytes),
            Place::Sandbox(sandbox) => sandbox.get_mut().received(connection, peer, bytes),
        }
    }

    /// Changes a link's state. In the sandbox a link that may come up again does so when the host tries again: the
    /// fraction of a second until then passes. [`LinkState::Connecting`] is only played natively.
    pub fn link(&mut self, connection: &str, state: LinkState, reason: &str) -> Result<(), Error> {
        match &mut self.place {
            Place::Native(native) => native.link(connection, state, reason),
            Place::Sandbox(sandbox) => sandbox.get_mut().link(connection, state, reason),
        }
    }

    /// Accepts or loses a peer of a listener. `id` is the test's name for it, and what the test finds wherever the
    /// plugin names the peer.
    pub fn peer(
        &mut self,
        connection: &str,
        id: PeerId,
        address: &str,
        connected: bool,
    ) -> Result<(), Error> {
        match &mut self.place {
            Place::Native(native) => native.peer(connection, id, address, connected),
            Place::Sandbox(sandbox) => sandbox.get_mut().peer(connection, id, address, connected),
        }
    }

    /// Stops the instance and starts a new one with its state, as a swap does. In the sandbox it is the device that
    /// is restarted: retained values of its subscriptions are delivered once more.
    pub fn restart(&mut self, config: &str) -> Result<(), Error> {
        match &mut self.place {
            Place::Native(native) => native.restart(config),
            Place::Sandbox(sandbox) => sandbox.get_mut().restart(config),
        }
    }

    /// Stops the instance.
    pub fn stop(&mut self) {
        match &mut self.place {
            Place::Native(native) => native.stop(),
            Place::Sandbox(sandbox) => sandbox.get_mut().stop(),
        }
    }

    /// The version and the JSON of the state that the plugin exports.
    pub fn state(&self) -> (u32, serde_json::Value) {
        let (version, bytes) = match &self.place {
            Place::Native(native) => native.state(),
            Place::Sandbox(sandbox) => sandbox.borrow_mut().state(),
        };
        (version, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Lets something go wrong from now on. Faults add up; the first that fits strikes.
    ///
    /// # Panics
    /// In the sandbox, where the fault can only be injected natively: see [`Fault`].
    #[track_caller]
    pub fn inject(&mut self, fault: Fault) {
        if let Place::Sandbox(sandbox) = &self.place {
            sandbox.borrow().check_fault(&fault);
        }
        self.kernel.with(|world| world.faults.push(fault));
    }

    /// Nothing goes wrong any more.
    pub fn mend(&mut self) {
        self.kernel.with(|world| world.faults.clear());
    }

    /// Lets the kernel refuse what the plugin publishes from now on, or (`None`) mends all faults: short for
    /// [`Fault::publish`].
    ///
    /// # Panics
    /// In the sandbox.
    #[track_caller]
    pub fn refuse_publications(&mut self, refused: Option<Refused>) {
        self.mend();
        if let Some(refused) = refused {
            self.inject(Fault::publish(refused));
        }
    }

    /// What the plugin has used of its budgets. `None` natively, where nothing is measured.
    pub fn used(&mut self) -> Option<Used> {
        match &mut self.place {
            Place::Native(_) => None,
            Place::Sandbox(sandbox) => Some(sandbox.get_mut().used()),
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.kernel.with(|world| world.now))
    }

    /// What was logged since this was last asked, or since the last start: by this thread's plugins natively, by
    /// the device in the sandbox (where the kernel's own words about it are among them).
    pub fn logs(&mut self) -> Vec<Log> {
        seam::take_logs()
    }
}

impl<P: Plugin> std::fmt::Debug for TestKernel<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestKernel")
            .field("device", &self.device)
            .field("sandbox", &self.is_sandbox())
            .field("kernel", &self.kernel)
            .finish()
    }
}
