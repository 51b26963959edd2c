//! A kernel on which nothing runs: for `check`, `inspect`, `decode` and `encode`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use weihe_guomi::signed::Gate;
use weihe_guomi::{GuomiCapability, Keyring, MemoryKeys};
use weihe_hal::virtual_board::BoardError;
use weihe_hal::{Claims, HalCapability};
use weihe_kernel::audit::NoAudit;
use weihe_kernel::connection::{
    Acceptor, Binder, Claim, ConfigError, ConnectionKind, Endpoint, Kinds, Opened, Opener,
};
use weihe_kernel::device::{MemoryCheckpoints, MemoryDeadLetters};
use weihe_kernel::runtime::{Admission, CodecInstance};
use weihe_kernel::{
    Capability, ConnectionError, DeviceError, DeviceSpec, Kernel, KernelError, KernelOptions,
    LoadError, PluginStatus, SystemClock,
};
use weihe_store::{OpenError, Store, StoreCapability};

use super::hardware::{claim, hardware};
use super::{CACHE, Candidate, DATABASE, QUARANTINE, compiler};
use crate::config::BoardEntry;

/// Why there is no kernel to check with.
#[derive(Debug, thiserror::Error)]
pub enum DryError {
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
}

/// A kernel whose connections never open, with a store of its own that is thrown away.
pub struct DryRun {
    kernel: Arc<Kernel>,
    hal: Arc<HalCapability>,
    claims: Mutex<Claims>,
    _scratch: tempfile::TempDir,
}

impl DryRun {
    /// Starts one for a component by itself, which belongs to no system.
    pub fn bare() -> Result<Self, DryError> {
        let keys = Arc::new(MemoryKeys::default());
        Self::start(Path::new("."), None, &BoardEntry::default(), keys)
    }

    /// Starts it. Compiled components are kept in `data`, or else with the user's other caches.
    /// Certificates of connections are named relative to `directory`.
    pub fn start(
        directory: &Path,
        data: Option<&Path>,
        board: &BoardEntry,
        keys: Arc<dyn Keyring>,
    ) -> Result<Self, DryError> {
        Self::start_behind(directory, data, board, keys, None)
    }

    /// Starts it behind a gate, which lets in what a host there would.
    pub fn start_behind(
        directory: &Path,
        data: Option<&Path>,
        board: &BoardEntry,
        keys: Arc<dyn Keyring>,
        gate: Option<Arc<Gate>>,
    ) -> Result<Self, DryError> {
        let admission = gate.map(|gate| gate as Arc<dyn Admission>);
        let scratch = tempfile::tempdir()?;
        let store = Arc::new(Store::open(&scratch.path().join(DATABASE))?);
        let cache = match data.filter(|data| data.is_dir()) {
            Some(data) => data.join(CACHE),
            None => user_cache().unwrap_or_else(|| scratch.path().join(CACHE)),
        };
        let options = |cache| KernelOptions {
            cache,
            boot: 0,
            clock: Arc::new(SystemClock::new()),
            compiler: compiler(),
            checkpoints: Arc::new(MemoryCheckpoints::default()),
            // What a host there would refuse is refused here; nothing is added.
            quarantine: data.unwrap_or(scratch.path()).join(QUARANTINE),
            guard: None,
            letters: Arc::new(MemoryDeadLetters::default()),
            audit: Arc::new(NoAudit),
            memory: None,
            admission: admission.clone(),
        };
        let hal = Arc::new(hardware(board, Arc::new(SystemClock::new()))?);
        let capabilities = || -> Vec<Arc<dyn Capability>> {
            vec![
                Arc::new(StoreCapability::new(store.clone())),
                hal.clone(),
                Arc::new(GuomiCapability::new(keys.clone())),
            ]
        };
        // A home that cannot be written to is no reason not to check.
        let kernel = Kernel::start(options(cache), capabilities(), closed_kinds(directory))
            .or_else(|_| {
                Kernel::start(
                    options(scratch.path().join(CACHE)),
                    capabilities(),
                    closed_kinds(directory),
                )
            })?;
        Ok(Self {
            kernel,
            hal,
            claims: Mutex::default(),
            _scratch: scratch,
        })
    }

    /// Compiles, links and describes a component that may become a plugin.
    pub(crate) async fn examine(&self, name: &str, file: &Path) -> Candidate {
        let found = self.kernel.examine_plugin(name, file).await;
        Candidate {
            file: file.to_path_buf(),
            found: found.map(Arc::new).map_err(Arc::new),
        }
    }

    /// Whether a version was rolled back and is refused.
    pub(crate) fn is_refused(&self, status: &PluginStatus) -> bool {
        self.kernel.quarantined(status).is_some()
    }

    /// Compiles, links and describes a plugin.
    pub async fn load(&self, name: &str, file: &Path) -> Result<PluginStatus, LoadError> {
        self.kernel.load_plugin(name, file).await
    }

    /// The codec of a loaded plugin, if it has one.
    pub fn codec(&self, name: &str) -> Option<CodecInstance> {
        self.kernel.codec(name)
    }

    /// Checks a connection's table, and that it holds nothing that another one holds.
    pub fn connection(&self, name: &str, table: &toml::Table) -> Result<(), ConnectionError> {
        self.kernel.add_connection(name, table)
    }

    /// Checks a device's plugin, connection and grants, and that it is granted no output that a device has which
    /// was checked before.
    pub fn device(&self, spec: &DeviceSpec) -> Result<(), DeviceError> {
        self.kernel.check_device(spec)?;
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        claim(&mut claims, &self.hal, spec)
    }

    /// Ends it.
    pub async fn end(self) {
        self.kernel.shutdown().await;
    }
}

/// Where this user's programs keep what can be made again (XDG Base Directory Specification).
pub(crate) fn user_cache() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|caches| caches.join("weihe").join("components"))
}

/// The host's kinds, which check their tables as always and then open nothing.
fn closed_kinds(directory: &Path) -> Kinds {
    let tls = crate::tls::OfConnections::within(directory);
    let mut kinds = Kinds::new();
    kinds.register(Closed(weihe_link::TcpClient::with_tls(Arc::clone(&tls))));
    kinds.register(Closed(weihe_link::TcpListener::with_tls(tls)));
    kinds.register(Closed(weihe_hal::Uart));
    kinds
}

struct Closed<K>(K);

impl<K: ConnectionKind> ConnectionKind for Closed<K> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn configure(&self, name: &str, table: &toml::Table) -> Result<Endpoint, ConfigError> {
        let mut endpoint = self.0.configure(name, table)?;
        let never = Never {
            description: endpoint.describe(),
            claims: endpoint.claims(),
        };
        match &mut endpoint {
            Endpoint::Line(line) => line.opener = Box::new(never),
            Endpoint::Listener(listener) => listener.binder = Box::new(never),
        }
        Ok(endpoint)
    }
}

/// A door that stays closed.
struct Never {
    description: String,
    claims: Vec<Claim>,
}

#[async_trait]
impl Opener for Never {
    async fn open(&self) -> Result<Opened, String> {
        std::future::pending().await
    }

    fn describe(&self) -> String {
        self.description.clone()
    }

    fn claims(&self) -> Vec<Claim> {
        self.claims.clone()
    }
}

#[async_trait]
impl Binder for Never {
    async fn bind(&self) -> Result<Box<dyn Acceptor>, String> {
        std::future::pending().await
    }

    fn describe(&self) -> String {
        self.description.clone()
    }

    fn claims(&self) -> Vec<Claim> {
        self.claims.clone()
    }
}
