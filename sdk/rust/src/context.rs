//! What a plugin can ask of the kernel.

use crate::bindings::imports::weihe::plugin::schedule as wit;
use crate::kernel::Kernel;
use crate::packed::{self, Mark, Writer};
use crate::timer::{Cron, Every};
use crate::{
    Answer, Bucket, CallError, CallId, Connection, Database, Duration, Error, EventBuf, EventIndex,
    Refused, Sample, SqlError, Timestamp, json,
};
use serde::Serialize;

/// How a subscription queues.
///
/// ```
/// use weihe_sdk::{Overflow, SubscribeOptions};
///
/// // Only the present counts.
/// let options = SubscribeOptions { overflow: Overflow::LatestOnly, ..Default::default() };
/// assert!(options.retained);
/// ```
pub use crate::bindings::imports::weihe::plugin::bus::{Overflow, SubscribeOptions};

/// Names a subscription of the device.
///
/// ```
/// # use weihe_sdk::SubscriptionId;
/// /// A rule whose input can be changed by a command.
/// struct Rule {
///     input: SubscriptionId,
/// }
/// ```
pub type SubscriptionId = u32;

/// A topic to publish on. Its grant was checked when it was made.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// /// Made once in `start`, used for each event.
/// struct Average {
///     output: Topic,
/// }
///
/// impl Average {
///     fn say(&self, ctx: &mut Context, value: f64) {
///         ctx.publish_on(self.output, value);
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic(u32);

/// The options of [`Context::subscribe`]: the oldest event is dropped on overflow, the host's
/// default capacity, the retained value of each topic first.
impl Default for SubscribeOptions {
    fn default() -> Self {
        SubscribeOptions {
            overflow: Overflow::DropOldest,
            capacity: 0,
            retained: true,
        }
    }
}

/// The kernel, as one device sees it. Handed to every handler.
///
/// ```
/// # use weihe_sdk::prelude::*;
/// # fn start(ctx: &mut Context) -> Result<(), Error> {
/// ctx.subscribe("tank/+/level")?;
/// ctx.every("poll", Duration::from_secs(10))?;
/// ctx.publish("plugin/demo/started", true)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Context {
    device: String,
    connection: Option<String>,
    incarnation: u32,
    kernel: Kernel,
    /// What the handler has published so far; sent in one call when it returns.
    outbox: Writer,
    /// Topics by name, in order of names.
    topics: Vec<(Box<str>, Topic)>,
    /// The event being handled, as an index of the batch.
    cause: u32,
    /// What failed, by index of the batch, in that order; each once.
    failures: Vec<(u32, Error)>,
}

impl Context {
    pub(crate) fn new(kernel: Kernel) -> Self {
        Context {
            device: String::new(),
            connection: None,
            incarnation: 0,
            kernel,
            outbox: Writer::default(),
            topics: Vec::new(),
            cause: packed::NONE,
            failures: Vec::new(),
        }
    }

    pub(crate) fn begin(&mut self, device: String, connection: Option<String>, incarnation: u32) {
        self.device = device;
        self.connection = connection;
        self.incarnation = incarnation;
    }

    /// The device's name.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let greeting = format!("{} is here", ctx.device());
    /// # Ok(())
    /// # }
    /// ```
    pub fn device(&self) -> &str {
        &self.device
    }

    /// The name of the device's own connection, where it has one.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// match ctx.connection_name() {
    ///     Some(name) => weihe_sdk::log::info!("on {name}"),
    ///     None => return Err(Error::fatal("a driver needs a connection")),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn connection_name(&self) -> Option<&str> {
        self.connection.as_deref()
    }

    /// 1 for the first instance of this device since the host started; one more with each restart or
    /// swap.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// if ctx.incarnation() > 1 {
    ///     weihe_sdk::log::info!("here again");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// Now, on the clock that events are stamped with.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let until = ctx.now() + Duration::from_secs(60);
    /// # Ok(())
    /// # }
    /// ```
    pub fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.kernel.now())
    }

    /// A topic to publish on.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let alarm = ctx.topic("plant/alarm")?;
    /// ctx.publish_on(alarm, true);
    /// # Ok(())
    /// # }
    /// ```
    pub fn topic(&mut self, name: &str) -> Result<Topic, Refused> {
        match self
            .topics
            .binary_search_by(|(known, _)| (**known).cmp(name))
        {
            Ok(at) => Ok(self.topics[at].1),
            Err(at) => {
                let topic = Topic(self.kernel.topic(name)?);
                self.topics.insert(at, (name.into(), topic));
                Ok(topic)
            }
        }
    }

    /// A topic below the device's own `plugin/<device>/`, which needs no grant.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// // `plugin/<device>/temperature`
    /// let temperature = ctx.own_topic("temperature")?;
    /// ctx.publish_on(temperature, 21.5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn own_topic(&mut self, rest: &str) -> Result<Topic, Refused> {
        let name = format!("plugin/{}/{rest}", self.device);
        self.topic(&name)
    }

    /// Publishes a sample on a topic by name, when the handler returns.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// ctx.publish("plant/mode", "manual")?;
    /// ctx.publish("plant/level", Sample::new(3.2).quality(Quality::Uncertain))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn publish<'a>(
        &mut self,
        topic: &str,
        sample: impl Into<Sample<'a>>,
    ) -> Result<(), Refused> {
        let topic = self.topic(topic)?;
        self.publish_on(topic, sample);
        Ok(())
    }

    /// Publishes a sample, when the handler returns.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let level = ctx.own_topic("level")?;
    /// ctx.publish_on(level, 3.2);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn publish_on<'a>(&mut self, topic: Topic, sample: impl Into<Sample<'a>>) {
        let sample = sample.into();
        // A batch of 4 GiB does not fit the 32-bit memory of a component, so this branch is never
        // taken there; natively the publication is left out, with a word in the log.
        if let Err(full) = self.outbox.publish(topic.0, &sample, self.cause) {
            crate::log::error!("not published: {full}");
        }
    }

    /// Subscribes the device with the default [`SubscribeOptions`].
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// ctx.subscribe("greenhouse/+/temperature")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe(&mut self, filter: &str) -> Result<SubscriptionId, Refused> {
        self.subscribe_with(filter, SubscribeOptions::default())
    }

    /// Subscribes the device. The same filter again replaces its options and keeps its id.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// use weihe_sdk::{Overflow, SubscribeOptions};
    ///
    /// let options = SubscribeOptions { overflow: Overflow::LatestOnly, ..Default::default() };
    /// ctx.subscribe_with("greenhouse/#", options)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe_with(
        &mut self,
        filter: &str,
        options: SubscribeOptions,
    ) -> Result<SubscriptionId, Refused> {
        self.kernel.subscribe(filter, options)
    }

    /// Ends a subscription; what is queued in it is dropped.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let subscription = ctx.subscribe("greenhouse/#")?;
    /// ctx.unsubscribe(subscription);
    /// # Ok(())
    /// # }
    /// ```
    pub fn unsubscribe(&mut self, subscription: SubscriptionId) {
        self.kernel.unsubscribe(subscription);
    }

    /// The last event of a topic that the device may subscribe to.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let level = ctx.last("tank/level")?;
    /// let level = level.and_then(|event| event.as_event().value.as_f64());
    /// # Ok(())
    /// # }
    /// ```
    pub fn last(&self, topic: &str) -> Result<Option<EventBuf>, Refused> {
        self.kernel.last(topic)
    }

    /// Ticks every `period`, on a fixed grid that does not drift; missed ticks are left out.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// ctx.every("poll", Duration::from_secs(10))?; // `on_timer` is called with "poll"
    /// # Ok(())
    /// # }
    /// ```
    pub fn every(&mut self, timer: &str, period: Duration) -> Result<(), Refused> {
        self.every_with(timer, period, Every::new())
    }

    /// Ticks every `period`.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let at_once = Every::new().first(Duration::ZERO);
    /// ctx.every_with("poll", Duration::from_secs(10), at_once)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn every_with(
        &mut self,
        timer: &str,
        period: Duration,
        every: Every,
    ) -> Result<(), Refused> {
        let options = wit::EveryOptions {
            missed: every.missed,
            jitter: every.jitter.as_nanos(),
            first: every.first.map(Duration::as_nanos),
        };
        self.kernel.every(timer, period.as_nanos(), options)
    }

    /// Ticks at the times that a cron expression names, in UTC: five fields (minute, hour, day of
    /// month, month, day of week), or six with the second before them. Missed ticks are left out.
    /// What becomes of ticks when the clock is set, the WIT says (`schedule.cron`).
    ///
    /// ```
    /// # use weihe_sdk::{Context, Error};
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// ctx.cron("report", "*/5 * * * *")?;
    /// ctx.cron("weekdays", "30 6 * * MON-FRI")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cron(&mut self, timer: &str, expression: &str) -> Result<(), Refused> {
        self.cron_with(timer, expression, Cron::new())
    }

    /// Ticks at the times that a cron expression names.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// ctx.cron_with("report", "0 6 * * *", Cron::new().missed(Missed::Once))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cron_with(&mut self, timer: &str, expression: &str, cron: Cron) -> Result<(), Refused> {
        let options = wit::CronOptions {
            missed: cron.missed,
            jitter: cron.jitter.as_nanos(),
        };
        self.kernel.cron(timer, expression, options)
    }

    /// Ticks once, `delay` from now. A timer with the name of an older one replaces it.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// // Off again in five minutes; asked for once more, it begins anew.
    /// ctx.after("light-off", Duration::from_secs(300))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn after(&mut self, timer: &str, delay: Duration) -> Result<(), Refused> {
        self.kernel.after(timer, delay.as_nanos())
    }

    /// Ends a timer.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// ctx.after("give-up", Duration::from_secs(30))?;
    /// ctx.cancel("give-up");
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancel(&mut self, timer: &str) {
        self.kernel.cancel(timer);
    }

    /// Calls a command of another device, when the handler returns; `on_answer` is called with the
    /// answer. `arguments` is anything with the JSON form of an object.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// #[derive(serde::Serialize)]
    /// struct Position {
    ///     percent: u8,
    /// }
    ///
    /// let call = ctx.call("valve", "move", &Position { percent: 40 }, Duration::from_secs(5))?;
    /// // `on_answer` will be called with this call.
    /// # let _: CallId = call;
    /// # Ok(())
    /// # }
    /// ```
    pub fn call(
        &mut self,
        device: &str,
        command: &str,
        arguments: &impl Serialize,
        timeout: Duration,
    ) -> Result<CallId, CallError> {
        let arguments = json::write(arguments).map_err(|error| {
            CallError::InvalidArgument(format!("{device}.{command}: no JSON form: {error}"))
        })?;
        self.kernel
            .call(device, command, &arguments, timeout.as_nanos())
    }

    /// Answers a call that was left pending. One that is unknown, answered or past its deadline is
    /// ignored.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// fn on_reply(ctx: &mut Context, call: CallId, outcome: Result<Reply, Failure>) {
    ///     ctx.reply(call, match outcome {
    ///         Ok(_) => Ok(Answer::none()),
    ///         Err(failure) => Err(failure.into()),
    ///     });
    /// }
    /// ```
    pub fn reply(&mut self, call: CallId, answer: Result<Answer, CallError>) {
        let answer = match answer {
            Ok(Answer(Some(json))) => Ok(json),
            // Still under way: nothing to say.
            Ok(Answer(None)) => return,
            Err(error) => Err(error),
        };
        self.kernel.reply(call, answer);
    }

    /// The device's own connection.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let line = ctx.connection()?;
    /// line.submit(Request::new("T?\n"))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connection(&mut self) -> Result<Connection, Refused> {
        let name = self.connection.clone().ok_or_else(|| {
            let text = format!(
                "device `{}` has no connection: set `connection = \"…\"`",
                self.device
            );
            Refused::Unknown(text)
        })?;
        self.open(&name)
    }

    /// A connection by name; others than the device's own need a grant.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let gateway = ctx.open("gateway")?;
    /// gateway.send(None, b"ALARM\n")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(&mut self, connection: &str) -> Result<Connection, Refused> {
        Ok(Connection::new(connection, self.kernel.open(connection)?))
    }

    /// A database by name; `main` is the embedded one.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// use weihe_sdk::SqlValue;
    ///
    /// let database = ctx.database("main")?;
    /// database.execute("INSERT INTO samples (value) VALUES (?1)", &[SqlValue::Real(21.5)])?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn database(&mut self, name: &str) -> Result<Database, SqlError> {
        self.kernel.database(name).map(Database)
    }

    /// A bucket of keys; `""` is the device's own.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # fn start(ctx: &mut Context) -> Result<(), Error> {
    /// let bucket = ctx.bucket("")?;
    /// bucket.set("calibration", b"1.02")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn bucket(&mut self, name: &str) -> Result<Bucket, Refused> {
        self.kernel.bucket(name).map(Bucket)
    }

    /// Runs `handler` for one event of a batch: what it publishes names that event as its cause, and
    /// when it fails its publications are dropped and the event is refused with the error.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # use weihe_sdk::Events;
    /// fn on_events(ctx: &mut Context, events: Events<'_>) -> Result<(), Error> {
    ///     for (index, event) in events.indexed() {
    ///         ctx.handling(index, |ctx| {
    ///             let value = event.value.as_f64().ok_or_else(|| Error::rejected("no number"))?;
    ///             ctx.publish("plant/doubled", value * 2.0)?;
    ///             Ok(())
    ///         });
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn handling(
        &mut self,
        index: EventIndex,
        handler: impl FnOnce(&mut Context) -> Result<(), Error>,
    ) {
        self.cause = index.0;
        let mark = self.outbox.mark();
        if let Err(error) = handler(self) {
            self.outbox.rewind(mark);
            self.fail(index, error);
        }
        self.cause = packed::NONE;
    }

    /// Refuses one event of the batch being handled.
    ///
    /// ```
    /// # use weihe_sdk::prelude::*;
    /// # use weihe_sdk::Events;
    /// fn on_events(ctx: &mut Context, events: Events<'_>) -> Result<(), Error> {
    ///     let mut sum = 0.0;
    ///     for (index, event) in events.indexed() {
    ///         match event.value.as_f64() {
    ///             Some(value) => sum += value,
    ///             // Only this one; the others are handled.
    ///             None => ctx.fail(index, Error::rejected(format!("`{}`: no number", event.topic))),
    ///         }
    ///     }
    ///     ctx.publish("plant/sum", sum)?;
    ///     Ok(())
    /// }
    /// ```
    pub fn fail(&mut self, index: EventIndex, error: Error) {
        // In order of events, and the first error of each counts. They mostly come in that order.
        let failures = &mut self.failures;
        let known = failures.iter().rposition(|(other, _)| *other <= index.0);
        match known {
            Some(at) if failures[at].0 == index.0 => {}
            Some(at) => failures.insert(at + 1, (index.0, error)),
            None => failures.insert(0, (index.0, error)),
        }
    }

    pub(crate) fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    pub(crate) fn mark(&self) -> Mark {
        self.outbox.mark()
    }

    /// Drops what was published after `mark`.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.outbox.rewind(mark);
    }

    #[inline]
    pub(crate) fn take_failures(&mut self) -> Vec<(u32, Error)> {
        std::mem::take(&mut self.failures)
    }

    /// Hands the kernel what was published, and forgets it.
    pub(crate) fn flush(&mut self) -> Result<(), Unsent> {
        if self.outbox.is_empty() {
            return Ok(());
        }
        let sent = self.kernel.publish_batch(self.outbox.batch());
        let unsent = sent.map_err(|refused| Unsent {
            refused,
            causes: self.causes(),
        });
        self.outbox.clear();
        unsent
    }

    /// The events that published what is in the outbox, as indices of the batch being handled.
    fn causes(&mut self) -> Vec<u32> {
        let batch = self.outbox.batch();
        let Ok(reader) = packed::Reader::new(&batch.head, &batch.bytes) else {
            return Vec::new();
        };
        let mut causes: Vec<u32> = (0..reader.len())
            .filter_map(|index| Some(reader.ids(index)?.1))
            .collect();
        causes.dedup();
        // What no event caused fails the batch as a whole, by its first event.
        causes
            .iter_mut()
            .filter(|cause| **cause == packed::NONE)
            .for_each(|cause| *cause = 0);
        causes
    }
}

/// Publications that the kernel refused.
pub(crate) struct Unsent {
    pub(crate) refused: Refused,
    /// The events that published them.
    pub(crate) causes: Vec<u32>,
}
