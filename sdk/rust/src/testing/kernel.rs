//! A test's kernel: what a test does with a plugin.

use super::native::Native;
use super::sandbox::{Sandbox, Sandboxed, Settings};
use super::seam::Kernel;
use super::setup::Setup;
use super::used::Ledger;
use crate::{Duration, Error, EventBuf, IdentityBuf, Plugin, Sample, Timestamp, Value};
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
///
/// ```no_run
/// # use weihe_sdk::prelude::*;
/// # fn f<P: Plugin>() -> Result<(), Error> {
/// let kernel = FakeKernel::<P>::start("oven", "{}")?;
/// assert!(!kernel.is_sandbox());
/// # Ok(()) }
/// ```
pub type FakeKernel<P> = TestKernel<P>;

impl<P: Plugin> TestKernel<P> {
    /// A native kernel with one device, to be given connections, a database and the like before its start.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>() -> Result<(), Error> {
    /// let setup = FakeKernel::<P>::setup("oven").connection("line");
    /// let kernel = setup.start("{}")?;
    /// # drop(kernel);
    /// # Ok(()) }
    /// ```
    pub fn setup(device: &str) -> Setup<P> {
        Setup::new(device)
    }

    /// Starts a device natively, with its configuration as JSON.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # fn f<P: Plugin>() -> Result<(), Error> {
    /// let kernel = FakeKernel::<P>::start("oven", r#"{ "period": "1 s" }"#)?;
    /// # drop(kernel);
    /// # Ok(()) }
    /// ```
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
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// if !kernel.is_sandbox() {
    ///     assert!(kernel.plugin().is_some());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn is_sandbox(&self) -> bool {
        matches!(self.place, Place::Sandbox(_))
    }

    /// The plugin itself. `None` in the sandbox, where only what it does can be seen.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert_eq!(kernel.plugin().is_none(), kernel.is_sandbox());
    /// # Ok(()) }
    /// ```
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
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.event("tank/level", 81.5)?;
    /// kernel.event("tank/level", Sample::new(80.0).quality(Quality::Bad))?;
    /// assert!(kernel.event("tank/level", "full").is_err());
    /// # Ok(()) }
    /// ```
    pub fn event<'a>(&mut self, topic: &str, sample: impl Into<Sample<'a>>) -> Result<(), Error> {
        let event = self.make_event(topic, sample);
        self.feed(&event)
    }

    /// An event with the next sequence, to be changed and then fed.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// let mut event = kernel.make_event("tank/level", 81.5);
    /// event.attempt = 2;
    /// kernel.feed(&event)?;
    /// # Ok(()) }
    /// ```
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
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// let event = kernel.make_event("tank/level", 81.5);
    /// kernel.feed(&event)?;
    /// # Ok(()) }
    /// ```
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
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// let batch = [kernel.make_event("tank/level", 81.5), kernel.make_event("tank/pumps", 2)];
    /// assert_eq!(kernel.feed_batch(&batch), []);
    /// # Ok(()) }
    /// ```
    pub fn feed_batch(&mut self, events: &[EventBuf]) -> Vec<(u32, Error)> {
        match &mut self.place {
            Place::Native(native) => native.feed_batch(events),
            Place::Sandbox(sandbox) => sandbox.get_mut().publish(events),
        }
    }

    /// Feeds values as one packed batch; the errors name events by index.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// let errors = kernel.events(&[("tank/level", Value::Text("full")), ("tank/level", Value::Float(81.5))]);
    /// assert_eq!(errors[0].0, 0, "only the first is refused");
    /// # Ok(()) }
    /// ```
    pub fn events(&mut self, values: &[(&str, Value<'_>)]) -> Vec<(u32, Error)> {
        let events: Vec<_> = values
            .iter()
            .map(|(topic, value)| self.make_event(topic, *value))
            .collect();
        self.feed_batch(&events)
    }

    /// Ticks a timer now, set or not. Only natively: the sandbox's timers are the kernel's, and tick in
    /// [`TestKernel::advance`].
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.tick("poll", 1)?;
    /// # Ok(()) }
    /// ```
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
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.advance(Duration::from_secs(60))?;
    /// # Ok(()) }
    /// ```
    pub fn advance(&mut self, span: Duration) -> Result<(), Error> {
        if let Place::Sandbox(sandbox) = &mut self.place {
            return sandbox.get_mut().advance(span);
        }
        let end = self.now() + span;
        while let Some(timer) = self.turn_timer(end) {
            self.tick(&timer, 1)?;
        }
        // A handler's own waits may have taken longer.
        self.kernel
            .with(|world| world.now = world.now.max(end.as_nanos()));
        Ok(())
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

    /// Stops the instance and starts a new one with its state, as a swap does. In the sandbox it is the device that
    /// is restarted: retained values of its subscriptions are delivered once more.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.event("tank/level", 81.5)?;
    /// kernel.restart("{}")?;
    /// assert_eq!(kernel.state().0, 1);
    /// # Ok(()) }
    /// ```
    pub fn restart(&mut self, config: &str) -> Result<(), Error> {
        match &mut self.place {
            Place::Native(native) => native.restart(config),
            Place::Sandbox(sandbox) => sandbox.get_mut().restart(config),
        }
    }

    /// Stops the instance. In the sandbox the device ends: fail-safe frames are sent, which [`Setup::transact`] answers.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.stop();
    /// assert_eq!(kernel.last("plugin/oven/state"), Some(ValueBuf::Text("off".to_owned())));
    /// # Ok(()) }
    /// ```
    pub fn stop(&mut self) {
        match &mut self.place {
            Place::Native(native) => native.stop(),
            Place::Sandbox(sandbox) => sandbox.get_mut().stop(),
        }
    }

    /// The version and the JSON of the state that the plugin exports.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// let (version, state) = kernel.state();
    /// assert_eq!((version, &state["open"]), (1, &true.into()));
    /// # Ok(()) }
    /// ```
    pub fn state(&self) -> (u32, serde_json::Value) {
        let (version, bytes) = match &self.place {
            Place::Native(native) => native.state(),
            Place::Sandbox(sandbox) => sandbox.borrow_mut().state(),
        };
        (version, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Now.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// let began = kernel.now();
    /// kernel.advance(Duration::from_secs(1))?;
    /// assert_eq!(kernel.now(), began + Duration::from_secs(1));
    /// # Ok(()) }
    /// ```
    pub fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.kernel.with(|world| world.now))
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
