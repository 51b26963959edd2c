//! The kernel: plugins, connections and devices by name, and what devices find around them.

mod dead;
mod error;
mod lane;
mod quarantine;
mod status;
mod swap;
mod unload;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::oneshot;
use wasmtime::Engine;

use crate::bus::Bus;
use crate::capability::{Capability, Granted};
use crate::clock::Clock;
use crate::connection::{Claim, Conflict, Connection, Kinds, OpenError, Seat};
use crate::device::{
    Actor, Call, CallError, Checkpoints, DeadLetters, Device, DeviceSpec, DeviceStatus,
    OpenFailure, Orders, OutgoingCall, StopReason, Surroundings,
};
use crate::event::{Event, Quality, Value};
use crate::runtime::{
    Cache, CodecInstance, Compiler, ConnectionNeed, LoadError, Loader, Plugin, Ticker, WasmFactory,
    engine,
};

pub use dead::{DeadError, LeftLetter, Letters, Sorted};
pub use error::{ConnectionError, DeviceError, KernelError};
pub use lane::Lane;
use quarantine::Quarantine;
pub use quarantine::Quarantined;
pub use status::{PluginStatus, Status, VersionChange, VersionRecord};
pub use swap::{SwapError, Swapped};

use error::suggest;
use swap::History;

/// The lane of devices that name none.
pub const MAIN_LANE: &str = "main";

/// How long a shutdown waits for a change of versions or a start that is under way, in nanoseconds. Either
/// takes milliseconds; one whose plugin hangs must not hold up the stop, and ends with its device.
const CHANGE_PATIENCE: u64 = 2_000_000_000;

/// The caller that stands for people.
pub const OPERATOR: &str = "operator";

/// What a kernel is started with.
pub struct KernelOptions {
    /// Directory of compiled components.
    pub cache: PathBuf,
    /// Counts the host's starts; must rise with each.
    pub boot: u32,
    /// The source of time.
    pub clock: Arc<dyn Clock>,
    /// Who compiles components.
    pub compiler: Compiler,
    /// Where the state of devices outlives the host.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// File that lists the versions that were rolled back; made when there is the first.
    pub quarantine: PathBuf,
    /// Where inputs that could not be handled are kept.
    pub letters: Arc<dyn DeadLetters>,
}

/// The kernel. Devices, plugins and connections can be added and removed while it runs.
pub struct Kernel {
    this: Weak<Self>,
    engine: Engine,
    ticker: Ticker,
    loader: Loader,
    capabilities: Vec<Arc<dyn Capability>>,
    kinds: Kinds,
    bus: Arc<Bus>,
    clock: Arc<dyn Clock>,
    started: u64,
    checkpoints: Arc<dyn Checkpoints>,
    letters: Arc<dyn DeadLetters>,
    io: tokio::runtime::Handle,
    io_thread: Mutex<Option<(oneshot::Sender<()>, std::thread::JoinHandle<()>)>>,
    registry: Mutex<Registry>,
    /// Held shared while a device is added, and alone while versions change, so that no device is
    /// left on a version that its plugin no longer has.
    changes: tokio::sync::RwLock<()>,
    quarantine: Arc<Quarantine>,
}

#[derive(Default)]
struct Registry {
    plugins: BTreeMap<String, Arc<Plugin>>,
    /// What became of the versions of plugins, by plugin.
    histories: BTreeMap<String, History>,
    connections: BTreeMap<String, OpenConnection>,
    devices: BTreeMap<String, Placed>,
    lanes: HashMap<String, Lane>,
    /// Counts devices, to stop them in reverse order of their start.
    placed: u64,
}

struct OpenConnection {
    connection: Connection,
    claims: Vec<Claim>,
}

/// What a device needs to be started: its plugin, and its checked grants.
type Prepared = (Arc<Plugin>, Vec<Box<dyn Granted>>);

struct Placed {
    device: Arc<Device>,
    plugin: Arc<Plugin>,
    orders: Arc<Orders<WasmFactory>>,
    lane: String,
    order: u64,
}

impl Kernel {
    /// Starts a kernel: nothing runs on it yet.
    pub fn start(
        options: KernelOptions,
        capabilities: Vec<Arc<dyn Capability>>,
        kinds: Kinds,
    ) -> Result<Arc<Self>, KernelError> {
        let wrong_engine = |error: wasmtime::Error| KernelError::Engine(format!("{error:#}"));
        let io = |what: &str| {
            let what = what.to_owned();
            move |source| KernelError::Io { what, source }
        };
        let engine = engine().map_err(wrong_engine)?;
        let ticker = Ticker::start(&engine).map_err(io("the epoch thread cannot be started"))?;
        let cache = Cache::open(&engine, &options.cache, options.compiler).map_err(|source| {
            KernelError::Io {
                what: format!(
                    "the compile cache `{}` cannot be opened",
                    options.cache.display()
                ),
                source,
            }
        })?;
        let loader =
            Loader::new(&engine, ticker.clone(), cache, &capabilities).map_err(wrong_engine)?;
        let (handle, io_thread) = start_io().map_err(io("the I/O thread cannot be started"))?;
        let started = options.clock.monotonic();
        let quarantine =
            Quarantine::open(&options.quarantine).map_err(|source| KernelError::Io {
                what: format!(
                    "the quarantine `{}` cannot be read",
                    options.quarantine.display()
                ),
                source,
            })?;
        Ok(Arc::new_cyclic(|this| Self {
            this: this.clone(),
            engine,
            ticker,
            loader,
            capabilities,
            kinds,
            bus: Bus::new(options.boot),
            clock: options.clock,
            started,
            checkpoints: options.checkpoints,
            letters: options.letters,
            io: handle,
            io_thread: Mutex::new(Some(io_thread)),
            registry: Mutex::default(),
            changes: tokio::sync::RwLock::default(),
            quarantine: Arc::new(quarantine),
        }))
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bus.
    pub fn bus(&self) -> &Arc<Bus> {
        &self.bus
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Opens a connection of the kind that its table's `type` names.
    pub fn add_connection(&self, name: &str, table: &toml::Table) -> Result<(), ConnectionError> {
        let endpoint = self.kinds.configure(name, table)?;
        let claims = endpoint.claims();
        let topic = self.bus.topic(&format!("$link/{name}"))?;
        let source = self.bus.source(crate::device::KERNEL_SOURCE)?;
        let mut registry = self.registry();
        if registry.connections.contains_key(name) {
            return Err(ConnectionError::Duplicate(name.to_owned()));
        }
        for (other, open) in &registry.connections {
            let held = open
                .claims
                .iter()
                .find(|held| claims.iter().any(|claim| held.conflicts(claim)));
            if let Some(claim) = held {
                return Err(ConnectionError::Held(Conflict {
                    first: other.clone(),
                    second: name.to_owned(),
                    claim: claim.clone(),
                }));
            }
        }
        let (bus, clock) = (self.bus.clone(), self.clock.clone());
        let connection = Connection::spawn(
            name,
            endpoint,
            self.clock.clone(),
            self.io.clone(),
            move |state, _reason| {
                let mut run = [Event {
                    topic,
                    source,
                    time: clock.now(),
                    sequence: 0,
                    cause: None,
                    attempt: 1,
                    quality: Quality::Good,
                    value: Value::Text(state.as_str().into()),
                }];
                // A link's state waits for no subscriber.
                drop(bus.publish(source, &mut run));
            },
        );
        registry
            .connections
            .insert(name.to_owned(), OpenConnection { connection, claims });
        Ok(())
    }

    /// Closes a connection. Devices that hold a place there find the link down.
    pub async fn remove_connection(&self, name: &str) {
        let removed = self.registry().connections.remove(name);
        if let Some(open) = removed {
            open.connection.close().await;
        }
    }

    /// Loads a plugin under a name; one that has the name already is replaced for devices added later.
    pub async fn load_plugin(
        &self,
        name: &str,
        file: &std::path::Path,
    ) -> Result<PluginStatus, LoadError> {
        let plugin = Arc::new(self.loader.load(name, file).await?);
        self.check_quarantine(&plugin)?;
        let status = PluginStatus::from(&*plugin);
        let mut registry = self.registry();
        let now = self.clock.now();
        let history = registry.histories.entry(name.to_owned()).or_default();
        history.note(now, &plugin, VersionChange::Loaded, "");
        registry.plugins.insert(name.to_owned(), plugin);
        Ok(status)
    }

    /// A codec of a loaded plugin, if it has one.
    pub fn codec(&self, plugin: &str) -> Option<CodecInstance> {
        self.registry().plugins.get(plugin)?.codec()
    }

    /// Checks a device without starting it: its plugin, its connection and its grants.
    pub fn check_device(&self, spec: &DeviceSpec) -> Result<(), DeviceError> {
        self.prepare(spec).map(|_| ())
    }

    fn prepare(&self, spec: &DeviceSpec) -> Result<Prepared, DeviceError> {
        let device = spec.name.clone();
        if !is_name(&spec.name) || spec.name == OPERATOR {
            return Err(DeviceError::Name(device));
        }
        let registry = self.registry();
        let Some(plugin) = registry.plugins.get(&spec.plugin).cloned() else {
            return Err(DeviceError::NoPlugin {
                device,
                plugin: spec.plugin.clone(),
                help: suggest(&spec.plugin, registry.plugins.keys().map(String::as_str)),
            });
        };
        let named = spec.connection.iter().chain(&spec.grants.connections);
        for connection in named {
            if !registry.connections.contains_key(connection) {
                return Err(DeviceError::NoConnection {
                    device,
                    connection: connection.clone(),
                    help: suggest(connection, registry.connections.keys().map(String::as_str)),
                });
            }
        }
        drop(registry);
        let need = plugin.description.connection;
        if need == ConnectionNeed::Required && spec.connection.is_none() {
            let plugin = spec.plugin.clone();
            return Err(DeviceError::NeedsConnection { device, plugin });
        }
        let granted = self.check_grants(spec, &plugin)?;
        Ok((plugin, granted))
    }

    /// What a plugin imports against what its device is granted.
    fn check_grants(
        &self,
        spec: &DeviceSpec,
        plugin: &Plugin,
    ) -> Result<Vec<Box<dyn Granted>>, DeviceError> {
        let device = &spec.name;
        for name in spec.grants.capabilities.keys() {
            if !self
                .capabilities
                .iter()
                .any(|capability| capability.name() == name)
            {
                return Err(DeviceError::NoCapability {
                    device: device.clone(),
                    capability: name.clone(),
                    help: suggest(
                        name,
                        self.capabilities.iter().map(|capability| capability.name()),
                    ),
                });
            }
        }
        let not_granted = |import: &str, grant: String| DeviceError::NotGranted {
            plugin: plugin.name.clone(),
            import: import.to_owned(),
            device: device.clone(),
            grant,
        };
        let has_connection = spec.connection.is_some() || !spec.grants.connections.is_empty();
        let mut granted = Vec::new();
        for import in &plugin.imports {
            if same_interface(import, "weihe:connection/connections@0.1.0")
                && !has_connection
                && plugin.description.connection == ConnectionNeed::None
            {
                let grant = format!("[device.{device}] connection = \"…\"");
                return Err(not_granted(import, grant));
            }
        }
        for capability in &self.capabilities {
            let import = plugin.imports.iter().find(|import| {
                capability
                    .interfaces()
                    .iter()
                    .any(|served| same_interface(import, served))
            });
            let Some(import) = import else { continue };
            let Some(table) = spec.grants.capabilities.get(capability.name()) else {
                let grant = format!("[device.{device}.grants.{}]", capability.name());
                return Err(not_granted(import, grant));
            };
            let grant =
                capability
                    .configure(device, table)
                    .map_err(|source| DeviceError::Grant {
                        device: device.clone(),
                        capability: capability.name().to_owned(),
                        source,
                    })?;
            granted.push(grant);
        }
        Ok(granted)
    }

    /// Adds a device and waits until it has started. When it does not start, nothing of it stays.
    pub async fn add_device(&self, spec: DeviceSpec) -> Result<(), DeviceError> {
        let _no_change = self.changes.read().await;
        let (plugin, granted) = self.prepare(&spec)?;
        let lane = spec.lane.clone().unwrap_or_else(|| MAIN_LANE.to_owned());
        let name = spec.name.clone();
        let surroundings = Arc::new(Around(self.this.clone()));
        let device = Device::new(spec, self.bus.clone(), self.clock.clone(), surroundings)?;
        let (started, outcome) = oneshot::channel();
        {
            let mut registry = self.registry();
            if registry.devices.contains_key(&name) {
                return Err(DeviceError::Duplicate(name));
            }
            if !registry.lanes.contains_key(&lane) {
                let new = Lane::start(&lane).map_err(|source| DeviceError::Lane {
                    lane: lane.clone(),
                    source,
                })?;
                registry.lanes.insert(lane.clone(), new);
            }
            registry.placed += 1;
            let order = registry.placed;
            let (actor_device, checkpoints) = (device.clone(), self.checkpoints.clone());
            let orders = Orders::new(device.mailbox.wake().clone());
            let factory = WasmFactory {
                plugin: plugin.clone(),
                device: device.clone(),
                granted,
                ticker: self.ticker.clone(),
            };
            if let Some(lane) = registry.lanes.get(&lane) {
                let orders = orders.clone();
                lane.spawn(move || {
                    let actor = Actor::new(actor_device, factory, checkpoints, started);
                    actor.ordered_by(orders).run()
                });
            }
            let placed = Placed {
                device,
                plugin,
                orders,
                lane,
                order,
            };
            registry.devices.insert(name.clone(), placed);
        }
        let ended = || crate::device::StartError::Ended {
            device: name.clone(),
        };
        let result = outcome.await.unwrap_or_else(|_| Err(ended()));
        if let Err(error) = result {
            self.registry().devices.remove(&name);
            return Err(error.into());
        }
        Ok(())
    }

    /// Stops a device in order and removes it.
    pub async fn remove_device(&self, name: &str) -> Result<(), DeviceError> {
        self.end_device(name, StopReason::Unload).await
    }

    async fn end_device(&self, name: &str, reason: StopReason) -> Result<(), DeviceError> {
        let device = {
            let registry = self.registry();
            match registry.devices.get(name) {
                Some(placed) => placed.device.clone(),
                None => {
                    return Err(DeviceError::Unknown {
                        name: name.to_owned(),
                        help: suggest(name, registry.devices.keys().map(String::as_str)),
                    });
                }
            }
        };
        let ended = device.mailbox.stop(reason);
        // An error says that it had ended before.
        let _ = ended.await;
        self.registry().devices.remove(name);
        Ok(())
    }

    /// Calls a command of a device and waits for its answer (JSON). `arguments` is a JSON object.
    pub async fn call(
        &self,
        device: &str,
        command: &str,
        arguments: &str,
        caller: &str,
        timeout: Duration,
    ) -> Result<String, CallError> {
        if let Err(error) =
            serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(arguments)
        {
            return Err(CallError::InvalidArgument(format!(
                "the arguments are no JSON object: {error}"
            )));
        }
        let target = self.command_target(device, command)?;
        let span = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        let (answer, answered) = oneshot::channel();
        let call = Call {
            id: target.new_call(),
            command: command.to_owned(),
            arguments: arguments.to_owned(),
            caller: caller.to_owned(),
            deadline: self.clock.now().saturating_add(span),
            answer,
        };
        target.mailbox.call(call)?;
        tokio::select! {
            answer = answered => answer.unwrap_or_else(|_| {
                Err(CallError::Unavailable(format!("device `{device}` ended before it answered")))
            }),
            () = self.clock.sleep(span) => {
                Err(CallError::Timeout(format!("device `{device}` did not answer `{command}` within {timeout:?}")))
            }
        }
    }

    fn command_target(&self, device: &str, command: &str) -> Result<Arc<Device>, CallError> {
        let registry = self.registry();
        let Some(placed) = registry.devices.get(device) else {
            let help = suggest(device, registry.devices.keys().map(String::as_str));
            return Err(CallError::UnknownDevice(format!(
                "there is no device `{device}`{help}"
            )));
        };
        let known = &placed.plugin.description.commands;
        if !known.is_empty() && !known.iter().any(|info| info.name == command) {
            let help = suggest(command, known.iter().map(|info| info.name.as_str()));
            return Err(CallError::UnknownCommand(format!(
                "device `{device}` has no command `{command}`{help}"
            )));
        }
        Ok(placed.device.clone())
    }

    /// The state of everything.
    pub fn status(&self) -> Status {
        let subscriptions = self.bus.subscriptions();
        let registry = self.registry();
        let mut placed: Vec<&Placed> = registry.devices.values().collect();
        placed.sort_by_key(|placed| placed.order);
        Status {
            uptime: self.clock.monotonic().saturating_sub(self.started),
            topics: self.bus.topic_count(),
            plugins: registry
                .plugins
                .values()
                .map(|plugin| PluginStatus {
                    history: match registry.histories.get(&plugin.name) {
                        Some(history) => history.records().cloned().collect(),
                        None => Vec::new(),
                    },
                    ..PluginStatus::from(&**plugin)
                })
                .collect(),
            quarantined: self.quarantine.all(),
            connections: registry
                .connections
                .values()
                .map(|open| open.connection.stats())
                .collect(),
            devices: placed.into_iter().map(Placed::status).collect(),
            subscriptions,
        }
    }

    /// Stops everything in order: devices in reverse order of their start, then connections and lanes.
    pub async fn shutdown(&self) {
        // A change under way is finished first, or what it starts could outlive the devices; and none
        // begins any more.
        let _alone = tokio::select! {
            alone = self.changes.write() => Some(alone),
            () = self.clock.sleep(CHANGE_PATIENCE) => None,
        };
        let mut devices: Vec<(u64, String)> = {
            let registry = self.registry();
            for open in registry.connections.values() {
                open.connection.expect_end();
            }
            let devices = registry.devices.iter();
            devices
                .map(|(name, placed)| (placed.order, name.clone()))
                .collect()
        };
        devices.sort_unstable();
        for (_, name) in devices.into_iter().rev() {
            // Gone by itself meanwhile: fine.
            let _ = self.end_device(&name, StopReason::Shutdown).await;
        }
        let (connections, lanes) = {
            let mut registry = self.registry();
            (
                std::mem::take(&mut registry.connections),
                std::mem::take(&mut registry.lanes),
            )
        };
        for open in connections.into_values() {
            open.connection.close().await;
        }
        let io = self
            .io_thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let joined = tokio::task::spawn_blocking(move || {
            for lane in lanes.into_values() {
                lane.end();
            }
            if let Some((end, thread)) = io {
                drop(end);
                let _ = thread.join();
            }
        });
        let _ = joined.await;
    }
}

impl Placed {
    fn status(&self) -> DeviceStatus {
        use std::sync::atomic::Ordering::Relaxed;
        let (state, last_error) = self.device.live.get();
        let counters = &self.device.live.counters;
        DeviceStatus {
            name: self.device.name.to_string(),
            plugin: self.device.spec.plugin.clone(),
            connection: self.device.spec.connection.clone(),
            lane: self.lane.clone(),
            state,
            version: self.plugin.description.version.clone(),
            probation: self.device.live.probation.load(Relaxed),
            commands: self
                .plugin
                .description
                .commands
                .iter()
                .map(|info| info.name.clone())
                .collect(),
            events: counters.events.load(Relaxed),
            batches: counters.batches.load(Relaxed),
            published: counters.published.load(Relaxed),
            calls: counters.commands.load(Relaxed),
            notices: counters.notices.load(Relaxed),
            traps: counters.traps.load(Relaxed),
            retries: counters.retries.load(Relaxed),
            dead: counters.dead.load(Relaxed),
            dead_lost: counters.dead_lost.load(Relaxed),
            busy: counters.busy.load(Relaxed),
            incarnations: counters.incarnations.load(Relaxed),
            dropped: counters.dropped.load(Relaxed),
            last_error,
        }
    }
}

/// The kernel as devices see it. Weak: devices must not keep the kernel alive.
struct Around(Weak<Kernel>);

impl Surroundings for Around {
    fn open(&self, device: &Arc<Device>, connection: &str) -> Result<Seat, OpenFailure> {
        let unknown = || OpenFailure::Unknown(connection.to_owned());
        let kernel = self.0.upgrade().ok_or_else(unknown)?;
        let open = {
            let registry = kernel.registry();
            let open = registry.connections.get(connection).ok_or_else(unknown)?;
            open.connection.clone()
        };
        open.attach(&device.name, device.mailbox.clone(), device.framer())
            .map_err(|error| match error {
                OpenError::Closed(_) => unknown(),
                taken @ OpenError::Taken { .. } => OpenFailure::Taken(taken.to_string()),
            })
    }

    fn taken_back(&self, device: &Arc<Device>, version: &str, reason: &str) {
        let Some(kernel) = self.0.upgrade() else {
            return;
        };
        let (device, version) = (device.clone(), version.to_owned());
        let reason = format!("device `{}`: {reason}", device.name);
        kernel.io.clone().spawn(async move {
            kernel.follow_back(&device, &version, &reason).await;
        });
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        self.0.upgrade().map(|kernel| kernel.letters.clone())
    }

    fn call(&self, caller: &Arc<Device>, call: OutgoingCall) {
        let Some(kernel) = self.0.upgrade() else {
            caller.answered(call.id, Err("the host is shutting down".into()));
            return;
        };
        let caller = caller.clone();
        kernel.io.clone().spawn(async move {
            let answer = kernel
                .call(
                    &call.device,
                    &call.command,
                    &call.arguments,
                    &caller.name,
                    Duration::from_nanos(call.timeout),
                )
                .await;
            caller.answered(call.id, answer.map_err(|error| error.to_string()));
        });
    }
}

type IoThread = (oneshot::Sender<()>, std::thread::JoinHandle<()>);

/// The runtime on which connections live: one thread, since they only wait and move bytes.
fn start_io() -> std::io::Result<(tokio::runtime::Handle, IoThread)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let handle = runtime.handle().clone();
    let (end, ended) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new()
        .name("weihe-io".into())
        .spawn(move || {
            // Ends when the sender is dropped.
            let _ = runtime.block_on(ended);
        })?;
    Ok((handle, (end, thread)))
}

/// Whether a name is fit for devices, plugins and connections.
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 64
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

/// Whether an import names an interface, leaving aside what semver lets differ.
fn same_interface(import: &str, served: &str) -> bool {
    match (import.split_once('@'), served.split_once('@')) {
        (Some((import, version)), Some((interface, offered))) => {
            // A prerelease matches only exactly; below 1.0 the minor version must agree.
            let series = |version: &str| version.split('.').take(2).collect::<Vec<_>>().join(".");
            import == interface
                && (version == offered
                    || (!version.contains('-')
                        && !offered.contains('-')
                        && series(version) == series(offered)))
        }
        _ => import == served,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_told_apart_by_what_semver_calls_incompatible() {
        assert!(same_interface(
            "weihe:store/sql@0.1.3",
            "weihe:store/sql@0.1.0"
        ));
        assert!(!same_interface(
            "weihe:store/sql@0.2.0",
            "weihe:store/sql@0.1.0"
        ));
        assert!(!same_interface(
            "weihe:store/keys@0.1.0",
            "weihe:store/sql@0.1.0"
        ));
        assert!(!same_interface(
            "wasi:keyvalue/store@0.2.0-draft",
            "wasi:keyvalue/store@0.2.0-draft2"
        ));
    }

    #[test]
    fn names_are_checked() {
        for (name, fine) in [
            ("soil-1", true),
            ("", false),
            ("Soil", false),
            ("1a", false),
            ("a/b", false),
        ] {
            assert_eq!(is_name(name), fine, "{name}");
        }
    }
}
