//! The kernel of a sandbox and its one device.

mod advance;
mod grants;
mod keys;
mod moment;
mod sights;

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::task::JoinHandle;
use weihe_guomi::{GuomiCapability, MemoryKeys};
use weihe_hal::HalCapability;
use weihe_hal::virtual_board::{BoardError, VirtualBoard};
use weihe_kernel::audit::NoAudit;
use weihe_kernel::bus::{Bound, BusError, Overflow, Subscription};
use weihe_kernel::connection::Kinds;
use weihe_kernel::device::{
    CallError, Checkpoint, Checkpoints, MemoryCheckpoints, MemoryDeadLetters,
};
use weihe_kernel::event::{Event, SourceId};
use weihe_kernel::{
    Capability, Clock, DeviceError, DeviceSpec, Kernel, KernelError, KernelOptions, LoadError,
    OPERATOR, PluginStatus, VirtualClock,
};
use weihe_store::{OpenError, Store, StoreCapability};

use advance::Stop;
use grants::everything;

use super::Options;
use super::field::{Field, KIND};
use super::protocol::{Answer, PROTOCOL, Request, Sample, Start, State};
use super::rest::Rest;
use super::seen::Seen;
use super::value::{digits, from_json, octets};
use crate::record::{Reader, Ring};
use crate::system::{CACHE, DATABASE, QUARANTINE, compiler, user_cache};

/// Who publishes what a test publishes.
const TEST: &str = "test";

/// Events that wait for the test between two answers. What comes of one request is far less; what is beyond it is
/// said to be lost.
const WATCHED_EVENTS: usize = 1 << 20;

/// Bytes of events that wait for the test between two answers.
const WATCHED_BYTES: usize = 256 << 20;

/// How long a command's answer is awaited, on the sandbox's clock.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// No room for temporary files.
    #[error("no temporary directory can be made: {0}")]
    Temporary(#[from] std::io::Error),
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The virtual board is wrong.
    #[error("the virtual board is wrong: {0}")]
    Board(#[from] BoardError),
    /// The kernel does not start.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The bus takes no publisher.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The component is no plugin.
    #[error(transparent)]
    Load(#[from] LoadError),
}

type Change = JoinHandle<Result<(), DeviceError>>;
type Calling = JoinHandle<Result<String, CallError>>;

/// A kernel and a conversation about it.
pub struct Session {
    kernel: Arc<Kernel>,
    clock: VirtualClock,
    store: Arc<Store>,
    checkpoints: Arc<MemoryCheckpoints>,
    rest: Arc<Rest>,
    seen: Arc<Seen>,
    field: Field,
    /// The device's hardware.
    hal: Arc<HalCapability>,
    /// The keys that the test gives it.
    keys: Arc<MemoryKeys>,
    plugin: PluginStatus,
    published: Vec<Subscription>,
    /// What the device subscribed when that was told last.
    subscribed: Vec<Json>,
    logs: Reader,
    test: SourceId,
    spec: Option<DeviceSpec>,
    /// A start, stop or restart that waits for the test.
    change: Option<Change>,
    calls: Vec<(u64, Calling)>,
    next_call: u64,
    /// Why no moment ends any more.
    endless: OnceCell<String>,
    _scratch: tempfile::TempDir,
}

impl Session {
    /// Starts a kernel on this thread and loads the component.
    pub async fn start(
        options: &Options,
        logs: Arc<Ring>,
        rest: Arc<Rest>,
    ) -> Result<Self, SandboxError> {
        let scratch = tempfile::tempdir()?;
        let store = Arc::new(Store::open(&scratch.path().join(DATABASE))?);
        let clock = VirtualClock::new(0);
        let checkpoints = Arc::new(MemoryCheckpoints::default());
        let seen = Arc::new(Seen::default());
        let field = Field::new(seen.clone());
        let cache = options.cache.clone().or_else(user_cache);
        let kernel_options = KernelOptions {
            cache: cache.unwrap_or_else(|| scratch.path().join(CACHE)),
            boot: 0,
            clock: Arc::new(clock.clone()),
            compiler: compiler(),
            checkpoints: checkpoints.clone(),
            quarantine: scratch.path().join(QUARANTINE),
            guard: None,
            letters: Arc::new(MemoryDeadLetters::default()),
            audit: Arc::new(NoAudit),
            memory: None,
            admission: None,
        };
        let board = VirtualBoard::parse("", Arc::new(clock.clone()))?;
        let hal = Arc::new(HalCapability::new(Arc::new(board)));
        let keys = Arc::new(MemoryKeys::default());
        let capabilities: Vec<Arc<dyn Capability>> = vec![
            Arc::new(StoreCapability::new(store.clone())),
            hal.clone(),
            Arc::new(GuomiCapability::on_one_thread(keys.clone())),
        ];
        let mut kinds = Kinds::new();
        kinds.register(field.clone());
        let (kernel, here) = Kernel::start_here(kernel_options, capabilities, kinds, seen.clone())?;
        tokio::task::spawn_local(here.run());
        let plugin = kernel.load_plugin(&options.plugin, &options.file).await?;
        let test = kernel.bus().source(TEST)?;
        Ok(Self {
            published: Vec::new(),
            subscribed: Vec::new(),
            kernel,
            clock,
            store,
            checkpoints,
            rest,
            seen,
            field,
            hal,
            keys,
            plugin,
            logs: logs.reader(),
            test,
            spec: None,
            change: None,
            calls: Vec::new(),
            next_call: 1,
            endless: OnceCell::new(),
            _scratch: scratch,
        })
    }

    /// The first line, before any request: what is loaded.
    pub fn hello(&self) -> Answer {
        Answer {
            ok: json!({
                "protocol": PROTOCOL,
                "plugin": self.plugin.description.name,
                "version": self.plugin.description.version,
                "sha256": self.plugin.sha256,
                "size": self.plugin.size,
                "hooks": self.plugin.hooks,
            }),
            ..Answer::default()
        }
    }

    /// Ends it. A plugin that is in the middle of a delay comes to its end, too: nobody else moves the clock for it now.
    pub async fn end(&mut self) {
        let ended = self.kernel.shutdown();
        tokio::pin!(ended);
        loop {
            tokio::select! {
                biased;
                _ = &mut ended => return,
                () = self.rest.wait(&self.store) => {}
            }
            match self.clock.next_deadline() {
                Some(next) => self
                    .clock
                    .advance(next.saturating_sub(self.clock.monotonic())),
                None => break,
            }
        }
        ended.await;
    }

    /// Carries out a request, and answers when the kernel is at rest.
    pub async fn answer(&mut self, request: Request) -> Answer {
        let fed = match &request {
            Request::Publish { events } => events.len(),
            Request::Start(start) => start.last.len(),
            _ => 0,
        };
        let outcome = match self.endless.get() {
            Some(told) => Err(told.clone()),
            None => self.carry_out(request).await,
        };
        let outcome = match self.settle(fed).await {
            Ok(()) => outcome,
            Err(told) => Err(told),
        };
        let (ok, error) = match outcome {
            Ok(Done::With(ok)) => (ok, Json::Null),
            Ok(Done::Changing) => match self.changed().await {
                Ok(ok) => (ok, Json::Null),
                Err(text) => (Json::Null, json!({ "text": text })),
            },
            Ok(Done::Calling(call)) => self.called(call).await,
            Err(text) => (Json::Null, json!({ "text": text })),
        };
        self.collect().await;
        Answer {
            ok,
            error,
            now: self.clock.now(),
            elapsed: self.clock.monotonic(),
            seen: self.seen.take(),
        }
    }

    async fn carry_out(&mut self, request: Request) -> Result<Done, String> {
        let done = |()| Done::With(json!({}));
        match request {
            Request::Start(start) => self.begin(*start),
            Request::Rest => Ok(match self.change {
                Some(_) => Done::Changing,
                None => done(()),
            }),
            Request::Publish { events } => {
                let sequences = self.publish(&events)?;
                Ok(Done::With(
                    json!({ "source": self.test.0, "sequences": sequences }),
                ))
            }
            Request::Advance {
                nanoseconds,
                stop_at_trouble,
                stop_at_wire,
                stop_at_return,
                until_up,
            } => {
                let stop = Stop {
                    at_trouble: stop_at_trouble,
                    at_wire: stop_at_wire,
                    at_return: stop_at_return,
                    when_up: until_up,
                };
                self.advance(nanoseconds, &stop).await.map(Done::With)
            }
            Request::Clock { now } => {
                self.clock.set(now);
                Ok(done(()))
            }
            Request::Call { command, arguments } => self.call(command, arguments),
            Request::Answer {
                call,
                answer,
                error,
            } => {
                let answer = match (answer, error) {
                    (Some(json), None) => Ok(json),
                    (None, Some(text)) => Err(text),
                    _ => return Err("name either `answer` or `error`".to_owned()),
                };
                if self.seen.answer(call, answer) {
                    Ok(done(()))
                } else {
                    Err(format!("call {call} awaits no answer"))
                }
            }
            Request::Say {
                connection,
                peer,
                bytes,
            } => {
                let bytes = read_octets(&bytes)?;
                self.field.say(&connection, peer, &bytes).map(done)
            }
            Request::Link { connection, down } => self.field.set_link(&connection, down).map(done),
            Request::Peer {
                connection,
                peer,
                address: Some(address),
            } => self.field.arrive(&connection, peer, &address).map(done),
            Request::Peer {
                connection, peer, ..
            } => self.field.leave(&connection, peer).map(done),
            Request::Board { act } => {
                let heard = self.board()?.act(&act).map_err(|error| error.to_string())?;
                Ok(Done::With(json!({ "heard": heard })))
            }
            Request::Look => {
                let view = serde_json::to_value(self.hal.look());
                view.map(Done::With).map_err(|error| error.to_string())
            }
            Request::State => self.state().await.map(Done::With),
            Request::Restart { config } => self.restart(config),
            Request::Stop => self.stop(),
            Request::Status => Ok(Done::With(self.status()?)),
        }
    }

    fn begin(&mut self, start: Start) -> Result<Done, String> {
        if self.spec.is_some() {
            return Err("a sandbox runs one device, and it was started".to_owned());
        }
        self.clock.set(start.now);
        if let Some(text) = &start.board {
            let rebuilt = self.board()?.rebuild(text);
            rebuilt.map_err(|error| format!("the virtual board is wrong: {error}"))?;
            if let Some(problem) = self.board()?.power_on().into_iter().next() {
                return Err(problem);
            }
        }
        for connection in &start.connections {
            let table = toml::Table::from_iter([
                ("type".to_owned(), KIND.into()),
                ("listener".to_owned(), connection.listener.into()),
            ]);
            let added = self.kernel.add_connection(&connection.name, &table);
            added.map_err(|error| error.to_string())?;
        }
        if let Some(State { version, bytes }) = &start.state {
            let bytes = read_octets(bytes)?;
            let checkpoint = Checkpoint {
                version: *version,
                bytes,
            };
            // In memory: done when it returns.
            drop(self.checkpoints.save(&start.device, checkpoint));
        }
        self.publish(&start.last)?;
        self.watch()?;
        for key in &start.keys {
            keys::put(&self.keys, key)?;
        }
        let grants = match start.grants {
            Some(grants) => grants,
            None => everything(&start, &self.plugin, &self.hal.look())?,
        };
        let config = match start.config {
            Json::Null => json!({}),
            config => config,
        };
        let connections = start.connections.iter();
        let spec = DeviceSpec {
            connection: connections.map(|found| found.name.clone()).next(),
            config,
            grants,
            limits: start.limits,
            ..DeviceSpec::new(&start.device, &self.plugin.name)
        };
        self.spec = Some(spec.clone());
        let kernel = self.kernel.clone();
        self.change = Some(tokio::task::spawn_local(async move {
            kernel.add_device(spec).await
        }));
        Ok(Done::Changing)
    }

    /// Watches what is published from now on.
    fn watch(&mut self) -> Result<(), String> {
        let bound = Bound {
            events: WATCHED_EVENTS,
            bytes: WATCHED_BYTES,
        };
        for filter in ["#", "$dead/#"] {
            let filter = filter
                .parse()
                .map_err(|error| format!("filter `{filter}`: {error}"))?;
            let bus = self.kernel.bus();
            let watched = bus.subscribe(
                TEST,
                filter,
                Overflow::DropOldest,
                bound,
                false,
                Arc::default(),
            );
            self.published.push(watched);
        }
        Ok(())
    }

    /// What became of the start, stop or restart under way.
    async fn changed(&mut self) -> Result<Json, String> {
        let Some(change) = self.change.take_if(|change| change.is_finished()) else {
            return Ok(json!({ "pending": true }));
        };
        match change.await {
            Ok(Ok(())) => Ok(json!({})),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(format!("the host failed: {error}")),
        }
    }

    fn publish(&self, samples: &[Sample]) -> Result<Vec<u64>, String> {
        let bus = self.kernel.bus();
        let now = self.clock.now();
        let events = samples.iter().map(|sample| {
            Ok(Event {
                topic: bus
                    .topic(&sample.topic)
                    .map_err(|error| error.to_string())?,
                source: self.test,
                time: sample.time.unwrap_or(now),
                sequence: 0,
                cause: None,
                attempt: 1,
                quality: sample.quality,
                value: from_json(&sample.value)?,
            })
        });
        let mut events: Vec<Event> = events.collect::<Result<_, String>>()?;
        // Nothing waits for room here: the queues of a device at rest are empty, and what is beyond them drops.
        drop(bus.publish(self.test, &mut events));
        Ok(events.iter().map(|event| event.sequence).collect())
    }

    fn call(&mut self, command: String, arguments: String) -> Result<Done, String> {
        let device = self.device()?.to_owned();
        let kernel = self.kernel.clone();
        let calling = tokio::task::spawn_local(async move {
            kernel
                .call(&device, &command, &arguments, OPERATOR, CALL_TIMEOUT)
                .await
        });
        let call = self.next_call;
        self.next_call += 1;
        self.calls.push((call, calling));
        Ok(Done::Calling(call))
    }

    /// The answer to a call that was just made, if it is there.
    async fn called(&mut self, call: u64) -> (Json, Json) {
        let at = self
            .calls
            .iter()
            .position(|(id, calling)| *id == call && calling.is_finished());
        let Some(at) = at else {
            return (json!({ "call": call }), Json::Null);
        };
        match self.calls.remove(at).1.await {
            Ok(Ok(answer)) => (json!({ "call": call, "answer": answer }), Json::Null),
            Ok(Err(error)) => (Json::Null, json!(error)),
            Err(error) => (Json::Null, json!({ "text": error.to_string() })),
        }
    }

    async fn state(&self) -> Result<Json, String> {
        let device = self.device()?;
        if !self.kernel.store_state(device) {
            return Err(format!("device `{device}` is not there"));
        }
        self.settle(0).await?;
        let loaded = self.checkpoints.load(device).await?;
        Ok(match loaded {
            Some(Checkpoint { version, bytes }) => {
                json!({ "version": version, "bytes": digits(&bytes) })
            }
            None => Json::Null,
        })
    }

    fn restart(&mut self, config: Json) -> Result<Done, String> {
        let Some(spec) = &mut self.spec else {
            return Err(NOT_STARTED.to_owned());
        };
        spec.config = config;
        let (kernel, spec) = (self.kernel.clone(), spec.clone());
        self.change = Some(tokio::task::spawn_local(async move {
            kernel
                .remove_device(&spec.name, "the test restarts it")
                .await?;
            kernel.add_device(spec).await
        }));
        Ok(Done::Changing)
    }

    fn stop(&mut self) -> Result<Done, String> {
        let device = self.device()?.to_owned();
        let kernel = self.kernel.clone();
        self.change = Some(tokio::task::spawn_local(async move {
            kernel.remove_device(&device, "the test stops it").await
        }));
        Ok(Done::Changing)
    }

    fn board(&self) -> Result<&VirtualBoard, String> {
        let board = self.hal.virtual_board();
        board.ok_or_else(|| "the sandbox has no virtual board".to_owned())
    }

    fn device(&self) -> Result<&str, String> {
        let spec = self.spec.as_ref().ok_or(NOT_STARTED)?;
        Ok(&spec.name)
    }
}

/// What a request leads to.
enum Done {
    /// It is carried out.
    With(Json),
    /// A start, stop or restart is under way, and may wait for the test.
    Changing,
    /// A command is called.
    Calling(u64),
}

const NOT_STARTED: &str = "the device was not started";

fn read_octets(text: &str) -> Result<Vec<u8>, String> {
    octets(text).ok_or_else(|| format!("`{text}` are no octets in hexadecimal"))
}
