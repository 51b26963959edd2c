//! A kernel of its own in a temporary directory, and versions of one component.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use weihe_kernel::connection::Kinds;
use weihe_kernel::device::{MemoryCheckpoints, MemoryDeadLetters};
use weihe_kernel::event::SourceId;
use weihe_kernel::{Clock, DeviceSpec, Kernel, KernelOptions, SystemClock};

use super::BenchError;
use crate::system::compiler;

/// Where things are tried.
pub struct Stand {
    /// The kernel.
    pub kernel: Arc<Kernel>,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    directory: TempDir,
    component: Vec<u8>,
    config: Value,
    input: String,
    versions: u64,
}

impl Stand {
    /// Starts a kernel on which nothing runs.
    pub fn start(component: Vec<u8>, config: Value, input: &str) -> Result<Self, BenchError> {
        let directory = tempfile::tempdir().map_err(|source| BenchError::Io {
            what: "no temporary directory can be made".into(),
            source,
        })?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let options = KernelOptions {
            cache: directory.path().join(crate::system::CACHE),
            boot: 1,
            clock: clock.clone(),
            compiler: compiler(),
            checkpoints: Arc::new(MemoryCheckpoints::default()),
            quarantine: directory.path().join(crate::system::QUARANTINE),
            letters: Arc::new(MemoryDeadLetters::default()),
            guard: None,
            audit: Arc::new(weihe_kernel::audit::NoAudit),
            memory: None,
            admission: None,
        };
        let kernel = Kernel::start(options, Vec::new(), Kinds::new())?;
        Ok(Self {
            kernel,
            clock,
            directory,
            component,
            config,
            input: input.to_owned(),
            versions: 0,
        })
    }

    /// A version of the component that nobody has seen: the same with another custom section, and so with
    /// another hash.
    pub fn version(&mut self) -> Result<PathBuf, BenchError> {
        self.versions += 1;
        let mut bytes = self.component.clone();
        // WebAssembly, binary format: section 0, size, name as a vector of bytes, contents.
        let name = b"weihe-bench";
        bytes.push(0);
        bytes.push(name.len() as u8 + 1 + 8);
        bytes.push(name.len() as u8);
        bytes.extend(name);
        bytes.extend(self.versions.to_le_bytes());
        let file = self
            .directory
            .path()
            .join(format!("version-{}.wasm", self.versions));
        std::fs::write(&file, bytes).map_err(|source| BenchError::Io {
            what: format!("`{}` cannot be written", file.display()),
            source,
        })?;
        Ok(file)
    }

    /// Adds a device of a plugin; returns who it is on the bus.
    pub async fn add(&self, plugin: &str, lane: Option<&str>) -> Result<SourceId, BenchError> {
        let mut spec = DeviceSpec::new(plugin, plugin);
        spec.config = self.config.clone();
        spec.lane = lane.map(str::to_owned);
        let filter = self.input.parse();
        let filter = filter.map_err(|error| BenchError::Bus(format!("{error}")))?;
        spec.grants.subscribe.push(filter);
        self.kernel.add_device(spec).await?;
        let source = self.kernel.bus().source(plugin);
        source.map_err(|error| BenchError::Bus(error.to_string()))
    }

    /// Removes a device and its plugin.
    pub async fn unload(&self, plugin: &str) -> Result<(), BenchError> {
        self.kernel.unload_plugin(plugin).await?;
        Ok(())
    }

    /// The hash of the version that a plugin runs.
    pub fn running(&self, plugin: &str) -> String {
        let plugins = self.kernel.status().plugins;
        let found = plugins.into_iter().find(|known| known.name == plugin);
        found.map_or(String::new(), |found| found.sha256)
    }
}
