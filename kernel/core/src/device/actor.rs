//! The actor: takes what waits for its device, one thing at a time, and hands it to the instance.
//!
//! The order of a round is: a request to end, calls, notices of connections, inputs that are
//! delivered again, then one batch of ticks and events. What a handler did stays in its outbox until
//! the handler returned and its writes are committed. A trap drops instance and outbox; the inputs
//! go to a fresh instance one by one.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::connection::Notice;
use crate::event::{Event, Value, hex};
use crate::schedule::{Tick, Timers};

use super::call::{Call, CallError, CallId};
use super::checkpoint::Checkpoints;
use super::guest::{
    Checkpoint, Guest, GuestError, GuestFactory, Outcome, StartContext, StopReason, Trap,
};
use super::mailbox::Stop;
use super::outbox::{Effect, Outbox};
use super::shared::{Device, OutgoingCall};
use super::status::{DeviceCounters, DeviceState};
use super::supervision::{Restarts, retry_pause};

/// Calls and notices taken in one round before events get their turn.
const ROUND: usize = 32;

/// Why a device did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The plugin says no.
    #[error("device `{device}` refused to start: {message}")]
    Refused {
        /// Which device.
        device: String,
        /// The plugin's words.
        message: String,
    },
    /// The plugin trapped.
    #[error("device `{device}` trapped in its start: {trap}")]
    Trapped {
        /// Which device.
        device: String,
        /// What happened.
        trap: Trap,
    },
    /// What it wrote in its start could not be committed.
    #[error("device `{device}` could not store what it wrote in its start: {message}")]
    Commit {
        /// Which device.
        device: String,
        /// The store's words.
        message: String,
    },
    /// It was told to end before it had started.
    #[error("device `{device}` ended before it had started")]
    Ended {
        /// Which device.
        device: String,
    },
}

/// An input that is delivered again.
enum Again {
    Event(Event),
    Notice {
        connection: Arc<str>,
        notice: Notice,
        attempt: u16,
    },
}

/// Runs one device.
pub struct Actor<F: GuestFactory> {
    device: Arc<Device>,
    factory: F,
    checkpoints: Arc<dyn Checkpoints>,
    guest: Option<F::Guest>,
    started: Option<oneshot::Sender<Result<(), StartError>>>,
    incarnation: u32,
    timers: Timers,
    ticks: Vec<Tick>,
    batch: Vec<Event>,
    errors: Vec<(u32, GuestError)>,
    again: VecDeque<Again>,
    /// Not before this monotonic time: the next delivery of `again`.
    again_at: u64,
    /// Not before this monotonic time: the next instance.
    begin_at: u64,
    failed: bool,
    restarts: Restarts,
    start_attempts: u16,
    open_calls: HashMap<CallId, oneshot::Sender<Result<String, CallError>>>,
    checkpoint: Option<Checkpoint>,
    /// What is stored, to store only changes.
    stored: Option<Checkpoint>,
    /// Since when there is something to checkpoint; `None` when there is nothing new.
    checkpoint_at: Option<u64>,
    has_state: bool,
}

impl<F: GuestFactory> Actor<F> {
    /// An actor that tells `started` how its first start went.
    pub fn new(
        device: Arc<Device>,
        factory: F,
        checkpoints: Arc<dyn Checkpoints>,
        started: oneshot::Sender<Result<(), StartError>>,
    ) -> Self {
        let seed = device
            .name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
            });
        Self {
            device,
            factory,
            checkpoints,
            guest: None,
            started: Some(started),
            incarnation: 0,
            timers: Timers::new(seed),
            ticks: Vec::new(),
            batch: Vec::new(),
            errors: Vec::new(),
            again: VecDeque::new(),
            again_at: 0,
            begin_at: 0,
            failed: false,
            restarts: Restarts::default(),
            start_attempts: 0,
            open_calls: HashMap::new(),
            checkpoint: None,
            stored: None,
            checkpoint_at: None,
            has_state: true,
        }
    }

    /// Runs until the device is told to end, or its first start fails.
    pub async fn run(mut self) {
        match self.checkpoints.load(&self.device.name) {
            Ok(stored) => {
                self.checkpoint = stored.clone();
                self.stored = stored;
            }
            Err(error) => self
                .device
                .fault(&format!("its stored state cannot be read: {error}"), ""),
        }
        loop {
            if let Some(stop) = self.device.mailbox.take_stop() {
                self.end(stop).await;
                return;
            }
            let busy = if self.guest.is_some() {
                self.round().await
            } else {
                self.idle().await
            };
            if self.failed
                && self.incarnation <= 1
                && self.started.is_none()
                && self.start_attempts > 0
            {
                // The first start failed, and whoever waited for it has been told.
                self.close();
                return;
            }
            if busy {
                // Others on this lane want to run too.
                tokio::task::yield_now().await;
            } else {
                self.wait().await;
            }
        }
    }

    fn now(&self) -> u64 {
        self.device.clock.monotonic()
    }

    /// One round without an instance: makes one when it is time.
    async fn idle(&mut self) -> bool {
        if self.failed {
            self.refuse_all("the device has failed; see its last error");
            return false;
        }
        if self.now() < self.begin_at {
            return false;
        }
        self.begin().await;
        true
    }

    /// One round with an instance; returns whether there was anything to do.
    async fn round(&mut self) -> bool {
        let mut busy = false;
        for _ in 0..ROUND {
            let Some(call) = self.device.mailbox.take_call() else {
                break;
            };
            self.call(call).await;
            busy = true;
            if self.guest.is_none() {
                return true;
            }
        }
        if !self.again.is_empty() {
            if self.now() >= self.again_at {
                self.deliver_again().await;
                return true;
            }
            // Order: nothing new before what is waiting.
            return busy;
        }
        for _ in 0..ROUND {
            let Some((connection, notice)) = self.device.mailbox.take_notice() else {
                break;
            };
            self.notice(connection, notice, 1).await;
            busy = true;
            if self.guest.is_none() || !self.again.is_empty() {
                return true;
            }
        }
        if self.take_batch() {
            self.events().await;
            busy = true;
        }
        if self.guest.is_some() && self.checkpoint_at.is_some_and(|at| at <= self.now()) {
            self.take_checkpoint().await;
            busy = true;
        }
        busy
    }

    /// Collects due ticks and waiting events; returns whether there are any.
    fn take_batch(&mut self) -> bool {
        self.batch.clear();
        let max = self.device.spec.limits.batch as usize;
        if !self.timers.is_empty() {
            self.ticks.clear();
            let now = self.now();
            self.timers.take_due(now, &mut self.ticks, max);
            for tick in &self.ticks {
                let count = i64::try_from(tick.count).unwrap_or(i64::MAX);
                match self.device.timer_topic(&tick.name) {
                    Ok(topic) => self
                        .batch
                        .push(self.device.kernel_event(topic, Value::Integer(count))),
                    Err(error) => self
                        .device
                        .fault(&format!("timer `{}`: {error}", tick.name), ""),
                }
            }
        }
        self.device.mailbox.take_events(&mut self.batch, max);
        !self.batch.is_empty()
    }

    async fn events(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        let failed_before = self.again.len();
        self.handle(&mut batch).await;
        if self.again.len() > failed_before && self.guest.is_some() {
            self.device.live.set(DeviceState::Waiting);
        }
        batch.clear();
        self.batch = batch;
    }

    /// Hands a run of events to the instance and deals with what comes of it.
    async fn handle(&mut self, batch: &mut Vec<Event>) {
        let Some(guest) = self.guest.as_mut() else {
            return;
        };
        let began = self.device.clock.monotonic();
        self.errors.clear();
        let result = guest.events(batch, &mut self.errors).await;
        let counters = &self.device.live.counters;
        DeviceCounters::add(&counters.busy, self.device.clock.monotonic() - began);
        DeviceCounters::add(&counters.batches, 1);
        let errors = std::mem::take(&mut self.errors);
        let fatal = errors.iter().find_map(|(_, error)| match error {
            GuestError::Fatal(text) => Some(text.clone()),
            _ => None,
        });
        let result = match (result, fatal) {
            (Ok(()), Some(text)) => Err(Trap {
                message: format!("the plugin cannot go on: {text}"),
                backtrace: String::new(),
            }),
            (result, _) => result,
        };
        match result {
            Err(trap) => {
                for event in batch.drain(..) {
                    self.try_again(Again::Event(event), &trap.message);
                }
                self.again_at = 0;
                self.trapped(&trap).await;
            }
            Ok(()) => {
                let failed: Vec<u32> = errors.iter().map(|(index, _)| *index).collect();
                if let Err(message) = self.settle(batch, &failed).await {
                    self.postpone(batch.drain(..).map(Again::Event), &message);
                    return;
                }
                DeviceCounters::add(
                    &self.device.live.counters.events,
                    (batch.len() - failed.len().min(batch.len())) as u64,
                );
                self.refused_events(batch, &errors);
                self.errors = errors;
                self.errors.clear();
                self.touched();
            }
        }
    }

    /// Events that the plugin returned errors for.
    fn refused_events(&mut self, batch: &[Event], errors: &[(u32, GuestError)]) {
        for (index, error) in errors {
            let Some(event) = batch.get(*index as usize) else {
                self.device.fault(
                    &format!(
                        "the plugin returned an error for event {index} of {}",
                        batch.len()
                    ),
                    "",
                );
                continue;
            };
            match error {
                GuestError::Retry(text) => self.postpone([Again::Event(event.clone())], text),
                error => self.bury_event(event, &error.to_string()),
            }
        }
    }

    /// Keeps inputs for later: a commit failed, or the plugin asked for it.
    fn postpone(&mut self, inputs: impl IntoIterator<Item = Again>, reason: &str) {
        let mut attempt = 1;
        for input in inputs {
            let input = input.next_attempt();
            attempt = attempt.max(input.attempt());
            DeviceCounters::add(&self.device.live.counters.retries, 1);
            self.again.push_back(input);
        }
        self.again_at = self
            .now()
            .saturating_add(retry_pause(attempt.saturating_sub(1)));
        self.device.live.set(DeviceState::Waiting);
        self.device
            .fault(&format!("input is kept and tried again: {reason}"), "");
    }

    /// Keeps an input that was in hand when the instance trapped, or buries it.
    fn try_again(&mut self, input: Again, reason: &str) {
        let input = input.next_attempt();
        if input.attempt() > self.device.spec.limits.attempts {
            match input {
                Again::Event(event) => self.bury_event(&event, reason),
                Again::Notice {
                    connection, notice, ..
                } => self.bury_notice(&connection, &notice, reason),
            }
            return;
        }
        DeviceCounters::add(&self.device.live.counters.retries, 1);
        self.again.push_back(input);
    }

    fn bury_event(&mut self, event: &Event, reason: &str) {
        DeviceCounters::add(&self.device.live.counters.dead, 1);
        self.device.fault(
            &format!("an event went to $dead/{}: {reason}", self.device.name),
            "",
        );
        let input = serde_json::to_value(self.device.bus.named(event)).unwrap_or_default();
        self.device.bury(&input, reason);
    }

    fn bury_notice(&mut self, connection: &str, notice: &Notice, reason: &str) {
        DeviceCounters::add(&self.device.live.counters.dead, 1);
        self.device.fault(
            &format!(
                "a notice of connection `{connection}` went to $dead/{}: {reason}",
                self.device.name
            ),
            "",
        );
        let bytes = match notice {
            Notice::Replied {
                outcome: Ok(reply), ..
            } => Some(hex(&reply.bytes)),
            Notice::Received { bytes, .. } => Some(hex(bytes)),
            _ => None,
        };
        let kind = match notice {
            Notice::Replied { .. } => "replied",
            Notice::Received { .. } => "received",
            Notice::Link { .. } => "link-changed",
            Notice::Peer { .. } => "peer-changed",
        };
        self.device.bury(
            &serde_json::json!({ "connection": connection, "notice": kind, "bytes": bytes }),
            reason,
        );
    }

    /// Delivers the first kept input once more, alone.
    async fn deliver_again(&mut self) {
        let Some(input) = self.again.pop_front() else {
            return;
        };
        // Those behind it keep their place; what fails again goes back to the front.
        let behind = std::mem::take(&mut self.again);
        match input {
            Again::Event(event) => {
                let mut batch = vec![event];
                self.handle(&mut batch).await;
            }
            Again::Notice {
                connection,
                notice,
                attempt,
            } => self.notice(connection, notice, attempt).await,
        }
        self.again.extend(behind);
        if self.again.is_empty() && self.guest.is_some() {
            self.device.live.set(DeviceState::Running);
        }
    }

    async fn notice(&mut self, connection: Arc<str>, notice: Notice, attempt: u16) {
        let Some(guest) = self.guest.as_mut() else {
            return;
        };
        let began = self.device.clock.monotonic();
        let result = guest.notice(&connection, &notice).await;
        let counters = &self.device.live.counters;
        DeviceCounters::add(&counters.busy, self.device.clock.monotonic() - began);
        DeviceCounters::add(&counters.notices, 1);
        let again = |notice| Again::Notice {
            connection: connection.clone(),
            notice,
            attempt,
        };
        let trap = match result {
            Ok(Ok(())) => {
                if let Err(message) = self.settle(&[], &[]).await {
                    let again = again(notice);
                    self.postpone([again], &message);
                } else {
                    self.touched();
                }
                return;
            }
            Ok(Err(error)) => {
                self.discard().await;
                match error {
                    GuestError::Retry(text) => {
                        let again = again(notice);
                        self.postpone([again], &text);
                        return;
                    }
                    GuestError::Rejected(text) => {
                        self.bury_notice(&connection, &notice, &text);
                        return;
                    }
                    GuestError::Fatal(text) => Trap {
                        message: format!("the plugin cannot go on: {text}"),
                        backtrace: String::new(),
                    },
                }
            }
            Err(trap) => trap,
        };
        let again = again(notice);
        self.try_again(again, &trap.message);
        self.again_at = 0;
        self.trapped(&trap).await;
    }

    async fn call(&mut self, mut call: Call) {
        DeviceCounters::add(&self.device.live.counters.commands, 1);
        if call.answer.is_closed() {
            // The caller has given up; a command must not take effect afterwards.
            return;
        }
        let Some(guest) = self.guest.as_mut() else {
            return;
        };
        let began = self.device.clock.monotonic();
        let result = guest.call(&call).await;
        DeviceCounters::add(
            &self.device.live.counters.busy,
            self.device.clock.monotonic() - began,
        );
        match result {
            Ok(Ok(outcome)) => {
                let answer = match outcome {
                    Outcome::Done(json) => Some(json),
                    Outcome::Pending => {
                        self.open_calls.retain(|_, answer| !answer.is_closed());
                        let (placeholder, _) = oneshot::channel();
                        self.open_calls
                            .insert(call.id, std::mem::replace(&mut call.answer, placeholder));
                        None
                    }
                };
                let settled = self.settle(&[], &[]).await;
                if let Err(message) = &settled {
                    self.device.fault(
                        &format!("command `{}` could not be stored: {message}", call.command),
                        "",
                    );
                }
                let settled = settled.map_err(CallError::Failed);
                match (answer, settled) {
                    (Some(json), settled) => {
                        let _ = call.answer.send(settled.map(|()| json));
                    }
                    (None, Err(error)) => self.reply(call.id, Err(error)),
                    (None, Ok(())) => {}
                }
                self.touched();
            }
            Ok(Err(error)) => {
                self.discard().await;
                let _ = call.answer.send(Err(error));
            }
            Err(trap) => {
                let text = format!("command `{}` trapped: {}", call.command, trap.message);
                let _ = call.answer.send(Err(CallError::Failed(text)));
                self.trapped(&trap).await;
            }
        }
    }

    fn reply(&mut self, id: CallId, answer: Result<String, CallError>) {
        if let Some(sender) = self.open_calls.remove(&id) {
            let _ = sender.send(answer);
        }
    }

    /// Commits what a handler wrote, then lets out what it did. On an error nothing is let out.
    async fn settle(&mut self, handled: &[Event], failed: &[u32]) -> Result<(), String> {
        let Some(guest) = self.guest.as_mut() else {
            return Ok(());
        };
        if guest.is_dirty()
            && let Err(message) = guest.commit().await
        {
            guest.rollback().await;
            guest.outbox().clear();
            return Err(message);
        }
        let outbox = guest.outbox();
        if outbox.is_empty() {
            return Ok(());
        }
        let mut outbox = std::mem::take(outbox);
        outbox.settle_causes(handled, failed);
        self.publish(&mut outbox).await;
        for effect in std::mem::take(&mut outbox.effects) {
            self.carry_out(effect);
        }
        outbox.clear();
        // Its vectors serve again.
        if let Some(guest) = self.guest.as_mut() {
            *guest.outbox() = outbox;
        }
        Ok(())
    }

    async fn publish(&mut self, outbox: &mut Outbox) {
        if outbox.events.is_empty() {
            return;
        }
        let device = &self.device;
        let blocked = device.bus.publish(device.source, &mut outbox.events);
        DeviceCounters::add(&device.live.counters.published, outbox.events.len() as u64);
        if !blocked.is_empty() {
            let patience = device.clock.sleep(device.spec.limits.block.nanoseconds());
            tokio::select! {
                () = blocked.deliver() => {}
                () = patience => {}
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Timer(order) => {
                let now = self.now();
                self.timers.order(order, now);
            }
            Effect::Submit {
                seat,
                ticket,
                request,
            } => {
                if let Err(failure) = seat.submit(ticket, request) {
                    let outcome = Err(failure);
                    let notice = Notice::Replied { ticket, outcome };
                    self.device
                        .mailbox
                        .notice_first(seat.connection().clone(), notice);
                }
            }
            Effect::Cancel { seat, ticket } => seat.cancel(ticket),
            Effect::Send { seat, peer, bytes } => {
                if let Err(failure) = seat.send(peer, bytes) {
                    tracing::warn!(device = %self.device.name, connection = %seat.connection(), "not sent: {failure}");
                }
            }
            Effect::Disconnect { seat, peer } => seat.disconnect(peer),
            Effect::Reply { id, answer } => self.reply(id, answer),
            Effect::Call {
                id,
                device,
                command,
                arguments,
                timeout,
            } => {
                let call = OutgoingCall {
                    id,
                    device,
                    command,
                    arguments,
                    timeout,
                };
                self.device.surroundings.call(&self.device, call);
            }
        }
    }

    /// Undoes what a handler that returned an error did.
    async fn discard(&mut self) {
        if let Some(guest) = self.guest.as_mut() {
            guest.outbox().clear();
            if guest.is_dirty() {
                guest.rollback().await;
            }
        }
    }

    /// Makes an instance and starts it.
    async fn begin(&mut self) {
        self.incarnation += 1;
        self.start_attempts = self.start_attempts.saturating_add(1);
        DeviceCounters::add(&self.device.live.counters.incarnations, 1);
        let mut guest = match self.factory.instantiate().await {
            Ok(guest) => guest,
            Err(trap) => return self.start_trapped(trap).await,
        };
        let mut restored = false;
        if let Some(checkpoint) = self.checkpoint.take() {
            match guest.import_state(&checkpoint).await {
                Ok(Ok(())) => {
                    restored = true;
                    self.checkpoint = Some(checkpoint);
                }
                Ok(Err(error)) => {
                    self.device
                        .fault(&format!("it starts without its state: {error}"), "");
                }
                Err(trap) => {
                    // Without the state that it trapped on, at once.
                    let text = format!(
                        "it trapped on its state and starts without: {}",
                        trap.message
                    );
                    self.device.fault(&text, &trap.backtrace);
                    self.incarnation -= 1;
                    return;
                }
            }
        }
        let context = StartContext {
            device: self.device.name.to_string(),
            config: self.device.spec.config.to_string(),
            connection: self.device.spec.connection.clone(),
            restored,
            incarnation: self.incarnation,
        };
        let result = guest.start(&context).await;
        self.guest = Some(guest);
        match result {
            Ok(Ok(())) => match self.settle(&[], &[]).await {
                Ok(()) => self.running(),
                Err(message) => self.start_again(&message),
            },
            Ok(Err(GuestError::Retry(text))) => {
                self.discard().await;
                self.start_again(&text);
            }
            Ok(Err(GuestError::Rejected(message) | GuestError::Fatal(message))) => {
                self.discard().await;
                let device = self.device.name.to_string();
                self.give_up(StartError::Refused { device, message });
            }
            Err(trap) => self.start_trapped(trap).await,
        }
    }

    fn running(&mut self) {
        self.start_attempts = 0;
        self.device.live.set(DeviceState::Running);
        if let Some(started) = self.started.take() {
            let _ = started.send(Ok(()));
        }
    }

    /// The plugin cannot start yet.
    fn start_again(&mut self, reason: &str) {
        self.guest = None;
        self.begin_at = self.now().saturating_add(retry_pause(self.start_attempts));
        self.device.live.set(DeviceState::Waiting);
        self.device.fault(
            &format!("it cannot start yet and is tried again: {reason}"),
            "",
        );
        // It is there, and waits: whoever added it need not.
        if let Some(started) = self.started.take() {
            self.incarnation = self.incarnation.max(2);
            let _ = started.send(Ok(()));
        }
    }

    async fn start_trapped(&mut self, trap: Trap) {
        if self.started.is_some() {
            let device = self.device.name.to_string();
            self.give_up(StartError::Trapped { device, trap });
        } else {
            self.trapped(&trap).await;
        }
    }

    /// The start failed for good.
    fn give_up(&mut self, error: StartError) {
        self.guest = None;
        self.failed = true;
        self.device.live.set(DeviceState::Failed);
        let backtrace = match &error {
            StartError::Trapped { trap, .. } => trap.backtrace.clone(),
            _ => String::new(),
        };
        self.device.fault(&error.to_string(), &backtrace);
        if let Some(started) = self.started.take() {
            let _ = started.send(Err(error));
        }
    }

    /// The instance is gone: the next one is made after a pause, if the budget allows.
    async fn trapped(&mut self, trap: &Trap) {
        self.guest = None;
        self.checkpoint_at = None;
        DeviceCounters::add(&self.device.live.counters.traps, 1);
        self.device.fault(&trap.message, &trap.backtrace);
        for (_, answer) in self.open_calls.drain() {
            let _ = answer.send(Err(CallError::Failed(format!(
                "the plugin trapped: {}",
                trap.message
            ))));
        }
        let now = self.now();
        match self.restarts.after_trap(now) {
            Some(pause) => {
                self.begin_at = now.saturating_add(pause);
                self.device.live.set(DeviceState::Restarting);
            }
            None => {
                self.failed = true;
                self.device.live.set(DeviceState::Failed);
                self.device.fault(
                    &format!("given up after too many traps; the last: {}", trap.message),
                    &trap.backtrace,
                );
                self.timers.clear();
                self.device.detach_all();
            }
        }
    }

    /// Something was handled: the state may have changed.
    fn touched(&mut self) {
        if self.has_state && self.checkpoint_at.is_none() {
            self.checkpoint_at = Some(
                self.now()
                    .saturating_add(self.device.spec.limits.checkpoint.nanoseconds()),
            );
        }
    }

    async fn take_checkpoint(&mut self) {
        self.checkpoint_at = None;
        let Some(guest) = self.guest.as_mut() else {
            return;
        };
        match guest.export_state().await {
            Ok(Some(checkpoint)) => {
                if self.stored.as_ref() != Some(&checkpoint) {
                    match self
                        .checkpoints
                        .save(&self.device.name, checkpoint.clone())
                        .await
                    {
                        Ok(()) => self.stored = Some(checkpoint.clone()),
                        Err(error) => self
                            .device
                            .fault(&format!("its state cannot be stored: {error}"), ""),
                    }
                }
                self.checkpoint = Some(checkpoint);
            }
            Ok(None) => self.has_state = false,
            Err(trap) => self.trapped(&trap).await,
        }
    }

    /// Answers everything that waits with a refusal.
    fn refuse_all(&mut self, reason: &str) {
        while let Some(call) = self.device.mailbox.take_call() {
            let _ = call
                .answer
                .send(Err(CallError::Unavailable(reason.to_owned())));
        }
        while self.device.mailbox.take_notice().is_some() {}
    }

    async fn end(mut self, stop: Stop) {
        if self.guest.is_some() && self.has_state {
            self.take_checkpoint().await;
        }
        if let Some(guest) = self.guest.as_mut() {
            match guest.stop(stop.reason).await {
                Ok(()) => {
                    if let Err(message) = self.settle(&[], &[]).await {
                        self.device
                            .fault(&format!("what it wrote in its stop is lost: {message}"), "");
                    }
                }
                Err(trap) => self.device.fault(
                    &format!("it trapped in its stop: {}", trap.message),
                    &trap.backtrace,
                ),
            }
        }
        if stop.reason == StopReason::Unload || stop.reason == StopReason::Shutdown {
            self.device.live.set(DeviceState::Stopped);
        }
        self.close();
        let _ = stop.ended.send(());
    }

    /// Frees everything: instance, timers, places, subscriptions.
    fn close(&mut self) {
        self.guest = None;
        self.timers.clear();
        self.device.detach_all();
        self.device.mailbox.close();
        for (_, answer) in self.open_calls.drain() {
            let _ = answer.send(Err(CallError::Unavailable("the device has ended".into())));
        }
        if let Some(started) = self.started.take() {
            let device = self.device.name.to_string();
            let _ = started.send(Err(StartError::Ended { device }));
        }
    }

    /// Waits for something to do.
    async fn wait(&mut self) {
        let until = if self.failed {
            None
        } else if self.guest.is_none() {
            Some(self.begin_at)
        } else {
            let again = (!self.again.is_empty()).then_some(self.again_at);
            // Ticks wait behind inputs that are delivered again.
            let tick = if again.is_some() {
                None
            } else {
                self.timers.next()
            };
            [again, tick, self.checkpoint_at]
                .into_iter()
                .flatten()
                .min()
        };
        let woken = self.device.mailbox.wake().woken();
        match until {
            Some(until) => {
                tokio::select! {
                    () = woken => {}
                    () = self.device.clock.sleep_until(until) => {}
                }
            }
            None => woken.await,
        }
    }
}

impl Again {
    fn next_attempt(self) -> Self {
        match self {
            Self::Event(mut event) => {
                event.attempt = event.attempt.saturating_add(1);
                Self::Event(event)
            }
            Self::Notice {
                connection,
                notice,
                attempt,
            } => Self::Notice {
                connection,
                notice,
                attempt: attempt.saturating_add(1),
            },
        }
    }

    fn attempt(&self) -> u16 {
        match self {
            Self::Event(event) => event.attempt,
            Self::Notice { attempt, .. } => *attempt,
        }
    }
}
