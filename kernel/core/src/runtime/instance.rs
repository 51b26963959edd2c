//! A running instance of a component, behind the contract of [`Guest`].

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use wasmtime::component::{ComponentType, Instance, Lower, TypedFunc};
use wasmtime::{Store, UpdateDeadline};

use crate::capability::Granted;
use crate::clock::Clock;
use crate::connection::{Framer, Notice};
use crate::device::{
    Call, CallError, Checkpoint, Device, Guest, GuestError, GuestFactory, Hooked, Inlet,
    InstanceUse, MakeFramer, NO_CAUSE, Outbox, Outcome, StartContext, StopReason, Trap,
};
use crate::event::{Event, Quality, SourceId, TopicId, Value};

use super::bindings::imports::weihe::plugin::types as wit;
use super::bindings::{commands, handler, lifecycle, state as state_hook};
use super::budget::Budget;
use super::codec::CodecInstance;
use super::engine::Ticker;
use super::imports::{guest_error, link_state, wit_failure, wit_reply};
use super::packed;
use super::plugin::Plugin;
use super::report::trap;
use super::state::GuestState;

/// `weihe:plugin/types.batch`.
#[derive(ComponentType, Lower, Default)]
#[component(record)]
struct PackedBatch {
    head: Vec<u64>,
    bytes: Vec<u8>,
}

/// `weihe:plugin/types.identity`, borrowing its name.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Identity {
    source: Arc<str>,
    sequence: u64,
}

/// `weihe:plugin/types.quality`.
#[derive(ComponentType, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
enum WitQuality {
    #[component(name = "good")]
    Good,
    #[component(name = "uncertain")]
    Uncertain,
    #[component(name = "bad")]
    Bad,
}

/// `weihe:plugin/types.value`, sharing its payload.
#[derive(ComponentType, Lower)]
#[component(variant)]
enum WitValue {
    #[component(name = "none")]
    None,
    #[component(name = "boolean")]
    Boolean(bool),
    #[component(name = "integer")]
    Integer(i64),
    #[component(name = "float")]
    Float(f64),
    #[component(name = "text")]
    Text(Arc<str>),
    #[component(name = "bytes")]
    Bytes(Arc<[u8]>),
    #[component(name = "json")]
    Json(Arc<str>),
}

/// `weihe:plugin/types.event`: shares names and payloads with the kernel's event, so that nothing is
/// copied twice.
#[derive(ComponentType, Lower)]
#[component(record)]
struct WitEvent {
    topic: Arc<str>,
    time: u64,
    id: Identity,
    attempt: u32,
    cause: Option<Identity>,
    quality: WitQuality,
    value: WitValue,
}

type HandleOne = TypedFunc<(WitEvent,), (Result<(), wit::Error>,)>;
type HandleBatch = TypedFunc<(Arc<PackedBatch>,), (Vec<(u32, wit::Error)>,)>;

/// A running instance of a component.
pub struct WasmGuest {
    store: Store<GuestState>,
    /// The same as in the store, which the call holds while it is polled.
    budget: Arc<Budget>,
    ticker: Ticker,
    device: Arc<Device>,
    lifecycle: lifecycle::exports::weihe::plugin::lifecycle::Guest,
    one: Option<HandleOne>,
    many: Option<HandleBatch>,
    commands: Option<commands::exports::weihe::plugin::commands::Guest>,
    state: Option<state_hook::exports::weihe::plugin::state::Guest>,
    handler: Option<handler::exports::weihe::connection::handler::Guest>,
    /// Filled anew for each batch; the instance holds no share of it between calls.
    packed: Arc<PackedBatch>,
    topic_names: Vec<Option<Arc<str>>>,
    source_names: Vec<Option<Arc<str>>>,
}

/// The processor time of a call is spent.
#[derive(Debug, thiserror::Error)]
#[error("the call used more than {0} of processor time (limit `cpu-time`)")]
struct CpuSpent(crate::units::Span);

/// Makes instances of one device.
pub struct WasmFactory {
    /// What it makes instances of.
    pub plugin: Arc<Plugin>,
    /// For whom.
    pub device: Arc<Device>,
    /// The device's checked grants, one for each capability that it uses.
    pub granted: Vec<Box<dyn Granted>>,
    /// Interrupts long calls.
    pub ticker: Ticker,
}

impl GuestFactory for WasmFactory {
    type Guest = WasmGuest;

    fn version(&self) -> &str {
        &self.plugin.sha256
    }

    fn adopt(&self) {
        let plugin = self.plugin.clone();
        let framers: Option<MakeFramer> = plugin.has_codec().then(|| {
            let framer = move || Box::new(CodecInstance::new(plugin.clone())) as Box<dyn Framer>;
            Box::new(framer) as MakeFramer
        });
        self.device.frame_with(framers);
    }

    fn undo(&self, version: &str) {
        for granted in &self.granted {
            granted.undo(version);
        }
    }

    fn keep(&self, versions: &[&str]) {
        for granted in &self.granted {
            granted.keep(versions);
        }
    }

    fn has_state(&self) -> bool {
        self.plugin.hook_indices().state.is_some()
    }

    async fn instantiate(&self) -> Result<WasmGuest, Trap> {
        let device = self.device.clone();
        let attachments = self
            .granted
            .iter()
            .map(|granted| {
                let mut attachment = granted.attach(&device.name);
                attachment.hold(&device.outputs, &self.plugin.sha256);
                attachment.listen(Inlet::new(device.clone()));
                attachment
            })
            .collect();
        let mut store = Store::new(
            self.plugin.engine(),
            GuestState::new(device.clone(), attachments, self.plugin.memory()),
        );
        let limits = &device.spec.limits;
        store.limiter(|state| &mut state.ration);
        store.set_hostcall_fuel(limits.host_call_data.bytes());
        let cpu_time = limits.cpu_time;
        store.epoch_deadline_callback(move |mut context| {
            if context.data_mut().budget.allows_more() {
                // By way of the lane's timers and sockets: a task that only wakes itself is polled some
                // sixty times before the lane looks at them, and whoever waits for them waits that long.
                let lane = Box::pin(tokio::task::yield_now());
                Ok(UpdateDeadline::YieldCustom(1, lane))
            } else {
                Err(wasmtime::Error::new(CpuSpent(cpu_time)))
            }
        });
        let running = self.ticker.enter();
        prepare(&mut store);
        let call_time = limits.call_time;
        let budget = Arc::clone(&store.data().budget);
        let made = within(
            &device.clock,
            call_time,
            &budget,
            self.plugin.pre().instantiate_async(&mut store),
        )
        .await;
        drop(running);
        let words = store.data().words.clone();
        // The engine's own words would be about the plugin's limit.
        let instance = made.map_err(|error| match store.data().ration.short() {
            Some(short) => Trap {
                message: format!("there is no memory for an instance: {short}"),
                backtrace: String::new(),
                no_memory: true,
            },
            None => trap(&error, Some(&words)),
        })?;
        self.bind(store, &instance)
            .map_err(|error| trap(&error, None))
    }
}

impl WasmFactory {
    fn bind(
        &self,
        mut store: Store<GuestState>,
        instance: &Instance,
    ) -> wasmtime::Result<WasmGuest> {
        let hooks = self.plugin.hook_indices();
        let lifecycle = hooks.lifecycle.load(&mut store, instance)?;
        let commands = hooks
            .commands
            .as_ref()
            .map(|hook| hook.load(&mut store, instance))
            .transpose()?;
        let state = hooks
            .state
            .as_ref()
            .map(|hook| hook.load(&mut store, instance))
            .transpose()?;
        let handler = hooks
            .handler
            .as_ref()
            .map(|hook| hook.load(&mut store, instance))
            .transpose()?;
        let one = hooks
            .one
            .map(|index| instance.get_typed_func(&mut store, index))
            .transpose()?;
        let many = hooks
            .many
            .map(|index| instance.get_typed_func(&mut store, index))
            .transpose()?;
        Ok(WasmGuest {
            budget: Arc::clone(&store.data().budget),
            store,
            ticker: self.ticker.clone(),
            device: self.device.clone(),
            lifecycle,
            one,
            many,
            commands,
            state,
            handler,
            packed: Arc::default(),
            topic_names: Vec::new(),
            source_names: Vec::new(),
        })
    }
}

/// Gives the next call its processor time.
fn prepare(store: &mut Store<GuestState>) {
    let cpu_time = store.data().device.spec.limits.cpu_time;
    store.data_mut().ration.begin();
    store.data().budget.refill(cpu_time.nanoseconds());
    store.data().words.forget();
    store.set_epoch_deadline(1);
}

/// Runs a call within its wall-clock time. Without need no timer is made.
async fn within<T>(
    clock: &Arc<dyn Clock>,
    limit: crate::units::Span,
    budget: &Budget,
    call: impl Future<Output = wasmtime::Result<T>>,
) -> wasmtime::Result<T> {
    let mut call = pin!(call);
    let mut patience = None;
    // When it left the lane first, and last.
    let mut left = None;
    std::future::poll_fn(move |context| {
        budget.resume();
        if let Some((_, last)) = left {
            budget.left_for(clock.monotonic().saturating_sub(last));
        }
        if let Poll::Ready(done) = call.as_mut().poll(context) {
            if let Some((first, _)) = left {
                budget.ended_after(clock.monotonic().saturating_sub(first));
            }
            return Poll::Ready(done);
        }
        let now = clock.monotonic();
        let first = left.map_or(now, |(first, _)| first);
        left = Some((first, now));
        let patience = patience.get_or_insert_with(|| clock.sleep(limit.nanoseconds()));
        match patience.as_mut().poll(context) {
            Poll::Ready(()) => {
                budget.ended_after(now.saturating_sub(first));
                Poll::Ready(Err(wasmtime::Error::msg(format!(
                    "the call took longer than {limit} (limit `call-time`)"
                ))))
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Adds that the instance asked for memory in vain, since most plugins end with a bare `unreachable` then.
fn explained(mut trap: Trap, store: &Store<GuestState>) -> Trap {
    if let Some(short) = store.data().ration.short() {
        trap.message = format!("{} (it asked for memory in vain: {short})", trap.message);
    }
    trap
}

/// Calls an exported function within the device's limits.
macro_rules! guarded {
    ($self:ident, |$store:ident| $call:expr) => {{
        let (clock, budget) = (&$self.device.clock, &*$self.budget);
        let limit = $self.device.spec.limits.call_time;
        let running = ($self.ticker.enter(), $self.device.outputs.gather());
        prepare(&mut $self.store);
        let $store = &mut $self.store;
        let result = within(clock, limit, budget, $call).await;
        drop(running);
        result.map_err(|error| {
            let store = &$self.store;
            explained(trap(&error, Some(&store.data().words)), store)
        })
    }};
}

impl WasmGuest {
    fn topic_name(&mut self, id: TopicId) -> Arc<str> {
        let bus = &self.device.bus;
        cached(&mut self.topic_names, id.0, || bus.topic_name(id))
    }

    fn source_name(&mut self, id: SourceId) -> Arc<str> {
        let bus = &self.device.bus;
        cached(&mut self.source_names, id.0, || bus.source_name(id))
    }

    fn wit_event(&mut self, event: &Event) -> WitEvent {
        WitEvent {
            topic: self.topic_name(event.topic),
            time: event.time,
            id: Identity {
                source: self.source_name(event.source),
                sequence: event.sequence,
            },
            attempt: event.attempt.into(),
            cause: event.cause.map(|cause| Identity {
                source: self.source_name(cause.source),
                sequence: cause.sequence,
            }),
            quality: match event.quality {
                Quality::Good => WitQuality::Good,
                Quality::Uncertain => WitQuality::Uncertain,
                Quality::Bad => WitQuality::Bad,
            },
            value: match &event.value {
                Value::None => WitValue::None,
                Value::Boolean(value) => WitValue::Boolean(*value),
                Value::Integer(value) => WitValue::Integer(*value),
                Value::Float(value) => WitValue::Float(*value),
                Value::Text(value) => WitValue::Text(value.clone()),
                Value::Bytes(value) => WitValue::Bytes(value.clone()),
                Value::Json(value) => WitValue::Json(value.clone()),
            },
        }
    }

    async fn handle_one(
        &mut self,
        hook: HandleOne,
        index: u32,
        event: &Event,
        errors: &mut Vec<(u32, GuestError)>,
    ) -> Result<(), Trap> {
        self.store.data_mut().cause = index;
        let event = self.wit_event(event);
        let (result,) = guarded!(self, |store| hook.call_async(store, (event,)))?;
        if let Err(error) = result {
            errors.push((index, guest_error(error)));
        }
        Ok(())
    }

    async fn handle_many(
        &mut self,
        hook: HandleBatch,
        events: &[Event],
        errors: &mut Vec<(u32, GuestError)>,
    ) -> Result<(), Trap> {
        // The last call's share is gone, so the buffers are this instance's own again.
        match Arc::get_mut(&mut self.packed) {
            Some(batch) => packed::pack(events, &mut batch.head, &mut batch.bytes),
            None => {
                let mut batch = PackedBatch::default();
                packed::pack(events, &mut batch.head, &mut batch.bytes);
                self.packed = Arc::new(batch);
            }
        }
        let batch = self.packed.clone();
        self.store.data_mut().cause = if events.len() == 1 { 0 } else { NO_CAUSE };
        let (found,) = guarded!(self, |store| hook.call_async(store, (batch,)))?;
        errors.extend(
            found
                .into_iter()
                .map(|(index, error)| (index, guest_error(error))),
        );
        errors.sort_by_key(|(index, _)| *index);
        Ok(())
    }
}

fn cached(
    names: &mut Vec<Option<Arc<str>>>,
    id: u32,
    name: impl FnOnce() -> Option<Arc<str>>,
) -> Arc<str> {
    let index = id as usize;
    if names.len() <= index {
        names.resize(index + 1, None);
    }
    match &names[index] {
        Some(name) => name.clone(),
        None => {
            let name = name().unwrap_or_default();
            names[index] = Some(name.clone());
            name
        }
    }
}

impl Guest for WasmGuest {
    fn used(&mut self) -> InstanceUse {
        let meter = self.store.data().ration.limits();
        InstanceUse {
            memory: meter.memory.used(),
            table_elements: meter.table_elements.used(),
            ..self.budget.taken()
        }
    }

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.store.data_mut().outbox
    }

    async fn import_state(&mut self, checkpoint: &Checkpoint) -> Hooked<()> {
        let Some(hook) = &self.state else {
            return Ok(Ok(()));
        };
        let snapshot = state_hook::exports::weihe::plugin::state::Snapshot {
            version: checkpoint.version,
            bytes: checkpoint.bytes.clone(),
        };
        let result = guarded!(self, |store| hook.call_import_state(store, &snapshot))?;
        Ok(result.map_err(guest_error))
    }

    async fn start(&mut self, context: &StartContext) -> Hooked<()> {
        let hook = &self.lifecycle;
        let context = lifecycle::exports::weihe::plugin::lifecycle::StartContext {
            device: context.device.clone(),
            config: context.config.clone(),
            connection: context.connection.clone(),
            restored: context.restored,
            incarnation: context.incarnation,
        };
        let result = guarded!(self, |store| hook.call_start(store, &context))?;
        Ok(result.map_err(guest_error))
    }

    async fn stop(&mut self, reason: StopReason) -> Result<(), Trap> {
        let hook = &self.lifecycle;
        let reason = match reason {
            StopReason::Shutdown => {
                lifecycle::exports::weihe::plugin::lifecycle::StopReason::Shutdown
            }
            StopReason::Unload => lifecycle::exports::weihe::plugin::lifecycle::StopReason::Unload,
            StopReason::Swap => lifecycle::exports::weihe::plugin::lifecycle::StopReason::Swap,
        };
        guarded!(self, |store| hook.call_stop(store, reason))
    }

    async fn events(
        &mut self,
        events: &[Event],
        errors: &mut Vec<(u32, GuestError)>,
    ) -> Result<(), Trap> {
        match (self.one, self.many, events) {
            (Some(hook), _, [event]) => self.handle_one(hook, 0, event, errors).await,
            (_, Some(hook), events) => self.handle_many(hook, events, errors).await,
            (Some(hook), None, events) => {
                // One call each, but one outbox: what an event published is told apart by its cause,
                // and what a failed one ordered besides is taken back.
                for (index, event) in (0_u32..).zip(events) {
                    let published = self.outbox().events.len();
                    let ordered = self.outbox().effects.len();
                    let failed = errors.len();
                    self.handle_one(hook, index, event, errors).await?;
                    let outbox = self.outbox();
                    outbox.causes[published..].fill(index);
                    if errors.len() > failed {
                        outbox.take_back(ordered);
                    }
                }
                Ok(())
            }
            (None, None, _) => Ok(()),
        }
    }

    async fn call(&mut self, call: &Call) -> Hooked<Outcome, CallError> {
        let Some(hook) = &self.commands else {
            let text = format!(
                "plugin of device `{}` answers no commands",
                self.device.name
            );
            return Ok(Err(CallError::UnknownCommand(text)));
        };
        let invocation = commands::exports::weihe::plugin::commands::Invocation {
            id: call.id,
            command: call.command.clone(),
            arguments: call.arguments.clone(),
            caller: call.caller.clone(),
            deadline: call.deadline,
        };
        let result = guarded!(self, |store| hook.call_call(store, &invocation))?;
        Ok(match result {
            Ok(commands::exports::weihe::plugin::commands::Outcome::Done(json)) => {
                Ok(Outcome::Done(json))
            }
            Ok(commands::exports::weihe::plugin::commands::Outcome::Pending) => {
                Ok(Outcome::Pending)
            }
            Err(error) => Err(error.into()),
        })
    }

    async fn notice(&mut self, connection: &str, notice: &Notice) -> Hooked<()> {
        let Some(hook) = &self.handler else {
            return Ok(Ok(()));
        };
        let result = match notice {
            Notice::Replied { ticket, outcome } => {
                let outcome = match outcome {
                    Ok(reply) => Ok(wit_reply(reply)),
                    Err(failure) => Err(wit_failure(failure)),
                };
                let outcome = outcome.as_ref();
                guarded!(self, |store| hook
                    .call_replied(store, connection, *ticket, outcome))?
            }
            Notice::Received { peer, bytes, time } => guarded!(self, |store| hook
                .call_received(store, connection, *peer, bytes, *time))?,
            Notice::Link { state, reason } => guarded!(self, |store| hook.call_link_changed(
                store,
                connection,
                link_state(*state),
                reason
            ))?,
            Notice::Peer {
                peer,
                address,
                connected,
            } => {
                let peer = handler::exports::weihe::connection::handler::Peer {
                    id: *peer,
                    address: address.to_string(),
                };
                guarded!(self, |store| hook
                    .call_peer_changed(store, connection, &peer, *connected))?
            }
        };
        Ok(result.map_err(guest_error))
    }

    async fn export_state(&mut self) -> Result<Option<Checkpoint>, Trap> {
        let Some(hook) = &self.state else {
            return Ok(None);
        };
        let snapshot = guarded!(self, |store| hook.call_export_state(store))?;
        Ok(Some(Checkpoint {
            version: snapshot.version,
            bytes: snapshot.bytes,
        }))
    }

    fn is_dirty(&self) -> bool {
        self.store.data().is_dirty()
    }

    async fn commit(&mut self) -> Result<(), String> {
        let attachments = self.store.data_mut().attachments();
        for attachment in attachments
            .iter_mut()
            .filter(|attachment| attachment.is_dirty())
        {
            attachment
                .commit()
                .await
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn rollback(&mut self) {
        let attachments = self.store.data_mut().attachments();
        for attachment in attachments
            .iter_mut()
            .filter(|attachment| attachment.is_dirty())
        {
            attachment.rollback().await;
        }
    }
}
