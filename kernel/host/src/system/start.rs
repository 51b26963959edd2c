//! From a configuration to a running system, and back.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use weihe_guomi::GuomiCapability;
use weihe_hal::HalCapability;
use weihe_hal::virtual_board::BoardError;
use weihe_kernel::{Capability, Kernel, KernelError, KernelOptions, PluginStatus, SystemClock};
use weihe_store::{OpenError, Store, StoreCapability};

use super::hardware::hardware;
use super::kept::Kept;
use super::reconcile::Followed;
use super::{BootError, CACHE, DATABASE, DataDirectory, QUARANTINE, compiler, kinds};
use crate::audit::{AUDIT, Trail, TrailError};
use crate::config::{BoardEntry, Config, DeviceEntry, HostEntry, Problem, Schema};
use crate::keys;
use crate::signatures::{self, SignaturesError};
use weihe_guomi::signed::Gate;

/// Why no system runs.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The kernel does not start.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The virtual board is wrong.
    #[error("the virtual board is wrong: {0}")]
    Board(#[from] BoardError),
    /// It is not known whose plugins may run.
    #[error(transparent)]
    Signatures(#[from] SignaturesError),
    /// The audit trail cannot be opened.
    #[error(transparent)]
    Audit(#[from] TrailError),
}

/// What a part of a system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// A plugin.
    Plugin,
    /// A connection.
    Connection,
    /// A device.
    Device,
    /// The file that describes the others.
    Configuration,
    /// The door for operators on the network.
    Control,
}

impl Part {
    /// Its name, which is also the name of its tables in `weihe.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Connection => "connection",
            Self::Device => "device",
            Self::Configuration => "configuration",
            Self::Control => "control",
        }
    }
}

/// A part that could not be started. The others run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedPart {
    /// What it is.
    pub part: Part,
    /// Its name.
    pub name: String,
    /// Why it failed.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where it stands: `weihe.toml:12:5`.
    pub place: String,
}

impl FailedPart {
    pub(super) fn new(part: Part, name: &str, problem: &Problem) -> Self {
        Self {
            part,
            name: name.to_owned(),
            message: problem.to_string(),
            help: problem.fault().help.clone(),
            place: problem.place(),
        }
    }
}

impl fmt::Display for FailedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// A running system.
pub struct System {
    /// `[host]` as it was when it started.
    host: HostEntry,
    /// `[board]` as it was then.
    board: BoardEntry,
    config: RwLock<Arc<Config>>,
    /// Told when a configuration was taken, be it the same as before.
    changes: watch::Sender<()>,
    data: DataDirectory,
    pub(super) kernel: Arc<Kernel>,
    pub(super) audit: Arc<Trail>,
    hal: Arc<HalCapability>,
    /// Whose plugins run.
    pub(super) gate: Arc<Gate>,
    failed: Mutex<Vec<FailedPart>>,
    /// What should be known of it besides.
    notes: Mutex<Vec<String>>,
    pub(super) kept: Kept,
    /// Changes under way that operators asked for.
    under_way: Mutex<Vec<AbortHandle>>,
    /// Held by whoever changes what runs.
    pub(super) followed: tokio::sync::Mutex<Followed>,
}

impl System {
    /// Takes the data directory, opens the database and starts a kernel. Nothing runs on it yet.
    pub fn start(config: Config, data: DataDirectory) -> Result<Arc<Self>, StartError> {
        let store = Arc::new(Store::open(&data.path().join(DATABASE))?);
        let clock = Arc::new(SystemClock::new());
        let folder = data.path().join(AUDIT);
        let audit = Arc::new(Trail::open(&folder, config.host.audit, clock.clone())?);
        let policy = signatures::policy(&config)?;
        let gate = Arc::new(signatures::gate(policy, data.path())?);
        let options = KernelOptions {
            cache: data.path().join(CACHE),
            boot: data.boot(),
            clock,
            compiler: compiler(),
            checkpoints: store.clone(),
            quarantine: data.path().join(QUARANTINE),
            letters: store.clone(),
            guard: config.host.guard.then(super::guard),
            audit: audit.clone(),
            memory: super::memory::limit(&config.host),
            admission: Some(gate.clone()),
        };
        let hal = Arc::new(hardware(&config.board, options.clock.clone())?);
        let capabilities: Vec<Arc<dyn Capability>> = vec![
            Arc::new(StoreCapability::new(store)),
            hal.clone(),
            Arc::new(GuomiCapability::new(Arc::new(keys::of_host(
                &config.keys,
                audit.clone(),
            )))),
        ];
        let kernel = Kernel::start(options, capabilities, kinds(&config.directory))?;
        audit.publish_on(kernel.bus().clone());
        let system = Self {
            host: config.host.clone(),
            board: config.board.clone(),
            config: RwLock::new(Arc::new(config)),
            changes: watch::Sender::new(()),
            kept: Kept::new(data.path()),
            data,
            kernel,
            audit,
            hal,
            gate,
            failed: Mutex::default(),
            notes: Mutex::default(),
            under_way: Mutex::default(),
            followed: tokio::sync::Mutex::default(),
        };
        system.record_start();
        Ok(Arc::new(system))
    }

    /// `[host]`, which holds until it ends.
    pub fn host(&self) -> &HostEntry {
        &self.host
    }

    /// `[board]`, which holds until it ends.
    pub fn board(&self) -> &BoardEntry {
        &self.board
    }

    /// Carries out a change to its end, whether it is waited for or not. None when the system ends
    /// before.
    pub(super) async fn whole<T: Send + 'static>(
        &self,
        change: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let task = tokio::spawn(change);
        {
            let mut under_way = self.under_way();
            under_way.retain(|change| !change.is_finished());
            under_way.push(task.abort_handle());
        }
        match task.await {
            Ok(done) => Some(done),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => None,
            },
        }
    }

    /// Ends the changes that are under way.
    pub(super) fn leave_changes(&self) {
        for change in self.under_way().drain(..) {
            change.abort();
        }
    }

    fn under_way(&self) -> MutexGuard<'_, Vec<AbortHandle>> {
        let under_way = self.under_way.lock();
        under_way.unwrap_or_else(PoisonError::into_inner)
    }

    /// What it consists of now.
    pub fn config(&self) -> Arc<Config> {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&config)
    }

    pub(super) fn set_config(&self, config: &Arc<Config>) {
        let mut current = self.config.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::clone(config);
        drop(current);
        self.changes.send_replace(());
    }

    /// Tells when a configuration was taken, be it the same as before.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Its data directory.
    pub fn data(&self) -> &DataDirectory {
        &self.data
    }

    /// The hardware that its plugins reach.
    pub fn hal(&self) -> &HalCapability {
        &self.hal
    }

    /// Makes the outer ends of a virtual board's serial ports; to be called where there is a runtime.
    pub fn power_on_board(&self) {
        let board = self.hal.virtual_board();
        for problem in board.map(|board| board.power_on()).unwrap_or_default() {
            tracing::warn!("the virtual board: {problem}");
        }
    }

    /// The kernel.
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    /// What could not be started, in the order in which it was tried.
    pub fn failed(&self) -> Vec<FailedPart> {
        self.failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What should be known besides: plugins that run nowhere, files that lie idle.
    pub fn notes(&self) -> Vec<String> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.clone()
    }

    pub(super) fn set_notes(&self, notes: Vec<String>) {
        *self.notes.lock().unwrap_or_else(PoisonError::into_inner) = notes;
    }

    /// Notes that a part could not be started.
    pub(super) fn fail(&self, part: Part, name: &str, problem: &Problem) {
        self.fail_again(part, name, problem, &[]);
    }

    /// Notes that a part could not be started; what is known already is not said once more.
    pub(super) fn fail_again(
        &self,
        part: Part,
        name: &str,
        problem: &Problem,
        known: &[FailedPart],
    ) {
        let failed = FailedPart::new(part, name, problem);
        if !known.contains(&failed) {
            say(&failed);
        }
        let mut all = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(&failed) {
            all.push(failed);
        }
    }

    /// Forgets that parts could not be started: they are tried again.
    pub(super) fn forgive(&self, is_tried: impl Fn(&FailedPart) -> bool) {
        self.failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|failed| !is_tried(failed));
    }

    /// Whether a device's configuration fits its plugin's schema. All that is wrong with it is
    /// logged; the first fault is what the device failed with.
    pub(super) fn fits(&self, device: &DeviceEntry, schema: &Schema) -> bool {
        let problems = self.config().config_problems(device, schema);
        let Some((first, others)) = problems.split_first() else {
            return true;
        };
        self.fail(Part::Device, &device.name, first);
        for problem in others {
            say(&FailedPart::new(Part::Device, &device.name, problem));
        }
        false
    }
}

/// Writes to the log why a part cannot be started.
pub(super) fn say(failed: &FailedPart) {
    let device = (failed.part == Part::Device).then_some(failed.name.as_str());
    tracing::error!(device, "{failed}");
}

/// The schema of a plugin's configuration. One that cannot be read is the plugin's fault: its
/// devices start, and it has to check their configuration by itself.
pub(super) fn schema(status: &PluginStatus) -> Option<Schema> {
    Schema::parse(&status.description.config_schema).unwrap_or_else(|error| {
        tracing::warn!(
            "plugin {}: the schema of its configuration cannot be read: {error}",
            status.name
        );
        None
    })
}
