//! From a configuration to a running system, and back.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use weihe_kernel::{
    Capability, DeviceSpec, Kernel, KernelError, KernelOptions, PluginStatus, SystemClock,
};
use weihe_store::{OpenError, Store, StoreCapability};

use super::problem::{connection_problem, device_problem, plugin_problem};
use super::spec::{Implied, idle, implied, spec};
use super::{BootError, CACHE, DATABASE, DataDirectory, QUARANTINE, compiler, kinds};
use crate::config::{Config, DeviceEntry, PluginEntry, Problem, Schema};

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
}

impl Part {
    /// Its name, which is also the name of its tables in `weihe.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Connection => "connection",
            Self::Device => "device",
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
    config: Config,
    data: DataDirectory,
    kernel: Arc<Kernel>,
    failed: Mutex<Vec<FailedPart>>,
}

impl System {
    /// Takes the data directory, opens the database and starts a kernel. Nothing runs on it yet.
    pub fn start(config: Config, data: DataDirectory) -> Result<Arc<Self>, StartError> {
        let store = Arc::new(Store::open(&data.path().join(DATABASE))?);
        let options = KernelOptions {
            cache: data.path().join(CACHE),
            boot: data.boot(),
            clock: Arc::new(SystemClock::new()),
            compiler: compiler(),
            checkpoints: store.clone(),
            quarantine: data.path().join(QUARANTINE),
            letters: store.clone(),
        };
        let capabilities: Vec<Arc<dyn Capability>> = vec![Arc::new(StoreCapability::new(store))];
        let kernel = Kernel::start(options, capabilities, kinds())?;
        Ok(Arc::new(Self {
            config,
            data,
            kernel,
            failed: Mutex::default(),
        }))
    }

    /// What it was started from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its data directory.
    pub fn data(&self) -> &DataDirectory {
        &self.data
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

    /// Notes that a part could not be started.
    pub fn fail(&self, part: Part, name: &str, problem: &Problem) {
        let failed = self.say(part, name, problem);
        self.failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(failed);
    }

    /// Forgets that parts could not be started: they are tried again.
    pub(super) fn forgive(&self, is_tried: impl Fn(&FailedPart) -> bool) {
        self.failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|failed| !is_tried(failed));
    }

    /// Writes to the log why a part cannot be started.
    fn say(&self, part: Part, name: &str, problem: &Problem) -> FailedPart {
        let failed = FailedPart {
            part,
            name: name.to_owned(),
            message: problem.to_string(),
            help: problem.fault().help.clone(),
            place: problem.place(),
        };
        tracing::error!(device = (part == Part::Device).then_some(name), "{failed}");
        failed
    }

    /// Opens the connections, loads the plugins and starts the devices. What fails is noted, and
    /// the rest goes on.
    pub async fn populate(self: &Arc<Self>) {
        for connection in &self.config.connections {
            if let Err(error) = self
                .kernel
                .add_connection(&connection.name, &connection.table)
            {
                let problem = connection_problem(&self.config, &connection.name, &error);
                self.fail(Part::Connection, &connection.name, &problem);
            }
        }
        let mut specs = Vec::new();
        let mut schemas = BTreeMap::new();
        for plugin in &self.config.plugins {
            if self.has_failed(Part::Plugin, &plugin.name) {
                continue;
            }
            match self.kernel.load_plugin(&plugin.name, &plugin.file).await {
                Ok(status) => {
                    specs.extend(self.dropped_device(plugin, &status));
                    schemas.insert(plugin.name.as_str(), schema(&status));
                }
                Err(error) => {
                    let problem = plugin_problem(&self.config, plugin, &error);
                    self.fail(Part::Plugin, &plugin.name, &problem);
                }
            }
        }
        for device in &self.config.devices {
            if self.has_failed(Part::Plugin, &device.plugin) {
                let message = format!(
                    "device `{}` cannot start: its plugin `{}` failed",
                    device.name, device.plugin
                );
                let path = format!("device.{}.plugin", device.name);
                let problem = self.config.problem_at(&path, message, None);
                self.fail(Part::Device, &device.name, &problem);
                continue;
            }
            let schema = schemas.get(device.plugin.as_str()).and_then(Option::as_ref);
            if schema.is_none_or(|schema| self.fits(device, schema)) {
                specs.push(spec(&self.config, device));
            }
        }
        // Side by side, so that one that takes long to start does not hold up the others. They
        // are polled in the order of the file, which is the order of their start.
        let mut starting = tokio::task::JoinSet::new();
        for spec in specs {
            let system = Arc::clone(self);
            starting.spawn(async move {
                let name = spec.name.clone();
                match system.kernel.add_device(spec).await {
                    Ok(()) => tracing::info!(device = name, "started"),
                    Err(error) => {
                        let problem = device_problem(&system.config, &name, &error);
                        system.fail(Part::Device, &name, &problem);
                    }
                }
            });
        }
        while starting.join_next().await.is_some() {}
    }

    /// Whether a device's configuration fits its plugin's schema. All that is wrong with it is
    /// logged; the first fault is what the device failed with.
    pub(super) fn fits(&self, device: &DeviceEntry, schema: &Schema) -> bool {
        let problems = self.config.config_problems(device, schema);
        let Some((first, others)) = problems.split_first() else {
            return true;
        };
        self.fail(Part::Device, &device.name, first);
        for problem in others {
            self.say(Part::Device, &device.name, problem);
        }
        false
    }

    /// The device that a plugin without device entries stands for, if it does; what becomes of
    /// the plugin is logged.
    fn dropped_device(&self, plugin: &PluginEntry, status: &PluginStatus) -> Option<DeviceSpec> {
        let (name, version) = (&plugin.name, &status.description.version);
        let used = implied(&self.config, plugin, status);
        match &used {
            Implied::Used => tracing::info!("plugin {name} {version} loaded"),
            Implied::Device(_) => {
                tracing::info!(
                    "plugin {name} {version} loaded; it starts a device of its own name"
                );
            }
            Implied::Idle => {
                tracing::warn!("plugin {name} {version} loaded, but {}", idle(name));
            }
        }
        match used {
            Implied::Device(spec) => Some(*spec),
            Implied::Used | Implied::Idle => None,
        }
    }

    fn has_failed(&self, part: Part, name: &str) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed
            .iter()
            .any(|failed| failed.part == part && failed.name == name)
    }
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
