//! The kernel: plugins, connections and devices by name, and what devices find around them.

mod around;
mod audit;
mod calls;
mod connections;
mod dead;
mod devices;
mod error;
mod grants;
mod here;
mod io;
mod lane;
mod name;
mod quarantine;
mod registry;
mod shutdown;
mod status;
mod swap;
mod unload;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use wasmtime::Engine;

use crate::audit::Audit;
use crate::bus::Bus;
use crate::capability::Capability;
use crate::clock::Clock;
use crate::connection::Kinds;
use crate::device::{Checkpoints, DeadLetters};
use crate::failsafe::{Board, Guard};
use crate::runtime::{
    Admission, Cache, CodecInstance, Compiler, HostMemory, LoadError, Loader, Plugin, Ticker,
    engine,
};
use crate::units::Size;

pub use dead::{DeadError, LeftLetter, Letters, Sorted};
pub use error::{ConnectionError, DeviceError, KernelError};
pub use here::Here;
pub use lane::{Lane, current_lane};
pub use name::is_name;
pub use quarantine::Quarantined;
pub use status::{PluginStatus, Status, VersionChange, VersionRecord};
pub use swap::{SwapError, Swapped};

use here::Ground;
use io::{IoThread, start_io};
use quarantine::Quarantine;
use registry::Registry;

/// The lane of devices that name none.
pub const MAIN_LANE: &str = "main";

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
    /// What sets outputs to their safe values when this process dies; none leaves them as they are.
    pub guard: Option<Arc<dyn Guard>>,
    /// Where it is recorded who did what.
    pub audit: Arc<dyn Audit>,
    /// The memory that the host as a whole keeps within; none: whatever the machine has.
    pub memory: Option<Size>,
    /// Who decides which files become plugins; none: all may that can.
    pub admission: Option<Arc<dyn Admission>>,
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
    audit: Arc<dyn Audit>,
    memory: Arc<HostMemory>,
    admission: Option<Arc<dyn Admission>>,
    io: tokio::runtime::Handle,
    io_thread: Mutex<Option<IoThread>>,
    /// Where devices run and who watches them, when the kernel has no threads of its own.
    ground: Option<Ground>,
    registry: Mutex<Registry>,
    /// Held shared while a device is added, and alone while versions change, so that no device is
    /// left on a version that its plugin no longer has.
    changes: tokio::sync::RwLock<()>,
    /// Told when a version was taken back.
    returned: tokio::sync::Notify,
    /// The end has begun: nothing is added any more.
    closing: AtomicBool,
    quarantine: Arc<Quarantine>,
    /// The outputs of all devices.
    safe: Arc<Board>,
}

impl Kernel {
    /// Starts a kernel: nothing runs on it yet.
    pub fn start(
        options: KernelOptions,
        capabilities: Vec<Arc<dyn Capability>>,
        kinds: Kinds,
    ) -> Result<Arc<Self>, KernelError> {
        let (handle, thread) = start_io().map_err(|source| KernelError::Io {
            what: "the I/O thread cannot be started".to_owned(),
            source,
        })?;
        Self::assemble(options, capabilities, kinds, (handle, Some(thread)), None)
    }

    fn assemble(
        options: KernelOptions,
        capabilities: Vec<Arc<dyn Capability>>,
        kinds: Kinds,
        (handle, io_thread): (tokio::runtime::Handle, Option<IoThread>),
        ground: Option<Ground>,
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
        let memory = HostMemory::new(options.memory);
        let loader = Loader::new(
            &engine,
            ticker.clone(),
            cache,
            &capabilities,
            memory.clone(),
            options.admission.clone(),
        )
        .map_err(wrong_engine)?;
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
            audit: options.audit,
            memory,
            admission: options.admission,
            io: handle,
            io_thread: Mutex::new(io_thread),
            ground,
            registry: Mutex::default(),
            changes: tokio::sync::RwLock::default(),
            returned: tokio::sync::Notify::default(),
            closing: AtomicBool::new(false),
            quarantine: Arc::new(quarantine),
            safe: Board::new(options.guard),
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

    /// Loads a plugin under a name; one that has the name already is replaced for devices added later.
    pub async fn load_plugin(
        &self,
        name: &str,
        file: &std::path::Path,
    ) -> Result<PluginStatus, LoadError> {
        let plugin = self.load_checked(name, file).await?;
        let status = PluginStatus::from(&*plugin);
        let mut registry = self.registry();
        let now = self.clock.now();
        let history = registry.histories.entry(name.to_owned()).or_default();
        history.note(now, &plugin, VersionChange::Loaded, "");
        registry.plugins.insert(name.to_owned(), plugin.clone());
        drop(registry);
        self.note_origin(&plugin);
        self.runs(&plugin);
        self.audit_version(&plugin, VersionChange::Loaded, "");
        Ok(status)
    }

    /// Compiles, links and describes the component in a file, and changes nothing.
    pub async fn examine_plugin(
        &self,
        name: &str,
        file: &std::path::Path,
    ) -> Result<PluginStatus, LoadError> {
        let plugin = self.loader.load(name, file).await?;
        Ok(PluginStatus::from(&plugin))
    }

    /// The same, where somebody else admits plugins: to see what would be of another policy.
    pub async fn examine_plugin_by(
        &self,
        admission: &dyn Admission,
        name: &str,
        file: &std::path::Path,
    ) -> Result<PluginStatus, LoadError> {
        let plugin = self.loader.load_by(Some(admission), name, file).await?;
        Ok(PluginStatus::from(&plugin))
    }

    /// Compiles a version, and refuses one that is in quarantine.
    async fn load_checked(
        &self,
        name: &str,
        file: &std::path::Path,
    ) -> Result<Arc<Plugin>, LoadError> {
        let loaded = self.loader.load(name, file).await;
        let checked = loaded.and_then(|plugin| {
            self.check_quarantine(&plugin)?;
            Ok(Arc::new(plugin))
        });
        if let Err(error) = &checked {
            self.audit_load_refused(name, file, error);
        }
        checked
    }

    /// Says to who decides which files become plugins that this one is there to stay.
    fn runs(&self, plugin: &Plugin) {
        if let (Some(admission), Some(origin)) = (self.admission.clone(), plugin.origin.clone()) {
            let said = plugin.description.clone();
            // It is written, and this may be a lane. Where the host ends before, it is said again at the next start.
            self.io
                .spawn_blocking(move || admission.runs(&said, &origin));
        }
    }

    /// A plugin runs that something speaks against: that is said each time.
    fn note_origin(&self, plugin: &Plugin) {
        let warning = plugin.origin.as_ref().and_then(|one| one.warning.as_ref());
        if let Some(warning) = warning {
            tracing::warn!(
                "plugin {} runs, although something speaks against {}: {warning}",
                plugin.name,
                plugin.file.display()
            );
        }
    }

    /// A codec of a loaded plugin, if it has one.
    pub fn codec(&self, plugin: &str) -> Option<CodecInstance> {
        self.registry().plugins.get(plugin)?.codec()
    }
}
