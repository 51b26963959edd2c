//! A kernel with a real store and real connections, from a text like `weihe.toml`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use weihe_kernel::audit::{Entry, MemoryAudit};
use weihe_kernel::connection::Kinds;
use weihe_kernel::device::{CallError, DeviceStatus};
use weihe_kernel::event::{self, Event, Quality};
use weihe_kernel::grant::Grants;
use weihe_kernel::limits::Limits;
use weihe_kernel::runtime::HOST_RESERVE;
use weihe_kernel::units::Size;
use weihe_kernel::{
    Capability, Compiler, DeviceError, DeviceSpec, Kernel, KernelOptions, OPERATOR, Status,
    SystemClock,
};
use weihe_store::{Store, StoreCapability};

use crate::{DEADLINE, Watch, component, components};

/// What a test runs: the tables of `weihe.toml` that the kernel itself understands.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    #[serde(default)]
    pub(crate) plugin: toml::Table,
    #[serde(default)]
    connection: toml::Table,
    #[serde(default)]
    pub(crate) device: toml::Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DeviceTable {
    plugin: String,
    connection: Option<String>,
    #[serde(default)]
    config: toml::Table,
    #[serde(default)]
    grants: Grants,
    #[serde(default)]
    limits: Limits,
    lane: Option<String>,
    #[serde(default)]
    acyclic: bool,
}

impl DeviceTable {
    /// The device of a name that the table describes.
    pub(crate) fn spec(self, name: &str) -> DeviceSpec {
        DeviceSpec {
            connection: self.connection,
            config: serde_json::to_value(self.config).expect("JSON"),
            grants: self.grants,
            limits: self.limits,
            lane: self.lane,
            acyclic: self.acyclic,
            ..DeviceSpec::new(name, &self.plugin)
        }
    }
}

/// A running kernel with a data directory of its own. Call [`Rig::shutdown`] at the end.
pub struct Rig {
    kernel: Arc<Kernel>,
    audit: Arc<MemoryAudit>,
    directory: Arc<TempDir>,
    boot: u32,
}

/// How a kernel is started.
struct Boot {
    directory: Arc<TempDir>,
    boot: u32,
    compiler: Compiler,
    /// Besides the store.
    capabilities: Vec<Arc<dyn Capability>>,
    memory: Option<Size>,
}

impl Default for Boot {
    fn default() -> Self {
        Self {
            directory: Arc::new(tempfile::tempdir().expect("a folder")),
            boot: 1,
            compiler: Compiler::InProcess,
            capabilities: Vec::new(),
            memory: None,
        }
    }
}

impl Rig {
    /// A kernel on which nothing runs.
    pub fn bare() -> Self {
        Self::booted(Boot::default())
    }

    /// One that has components compiled by somebody else.
    pub fn compiling(compiler: Compiler) -> Self {
        Self::booted(Boot {
            compiler,
            ..Boot::default()
        })
    }

    /// A kernel that offers one more capability.
    pub fn with_capability(capability: Arc<dyn Capability>) -> Self {
        Self::booted(Boot {
            capabilities: vec![capability],
            ..Boot::default()
        })
    }

    /// A kernel that keeps within so much memory beyond what is kept for the host itself.
    pub fn within(memory: Size) -> Self {
        Self::booted(Boot {
            memory: Some(Size(HOST_RESERVE + memory.0)),
            ..Boot::default()
        })
    }

    fn booted(with: Boot) -> Self {
        let Boot {
            directory,
            boot,
            compiler,
            mut capabilities,
            memory,
        } = with;
        let store =
            Arc::new(Store::open(&directory.path().join("weihe.db")).expect("the store opens"));
        let mut kinds = Kinds::new();
        kinds.register(weihe_link::TcpClient::default());
        kinds.register(weihe_link::TcpListener::default());
        kinds.register(weihe_hal::Uart);
        let audit = Arc::new(MemoryAudit::default());
        let options = KernelOptions {
            cache: components::compiled(),
            boot,
            clock: Arc::new(SystemClock::new()),
            compiler,
            checkpoints: store.clone(),
            quarantine: directory.path().join("quarantine.json"),
            letters: store.clone(),
            guard: None,
            audit: audit.clone(),
            memory,
            admission: None,
        };
        capabilities.push(Arc::new(StoreCapability::new(store)));
        let kernel = Kernel::start(options, capabilities, kinds).expect("the kernel starts");
        Self {
            kernel,
            audit,
            directory,
            boot,
        }
    }

    /// A kernel on which a system runs.
    pub async fn start(system: &str) -> Self {
        let rig = Self::bare();
        rig.add(system).await;
        rig
    }

    /// Ends this kernel and starts another in the same data directory.
    pub async fn restart(self, system: &str) -> Self {
        let (directory, boot) = (self.directory.clone(), self.boot + 1);
        self.shutdown().await;
        let rig = Self::booted(Boot {
            directory,
            boot,
            ..Boot::default()
        });
        rig.add(system).await;
        rig
    }

    /// Adds plugins, connections and devices; each has to work.
    pub async fn add(&self, system: &str) {
        self.try_add(system)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Adds plugins, connections and devices; only a device may be refused.
    pub async fn try_add(&self, system: &str) -> Result<(), DeviceError> {
        let system: System = toml::from_str(system).unwrap_or_else(|error| panic!("{error}"));
        for (name, table) in &system.plugin {
            let package = table.as_str().expect("`[plugin]` names packages");
            self.load(name, &component(package)).await;
        }
        for (name, table) in &system.connection {
            let table = table.as_table().expect("a table");
            self.kernel
                .add_connection(name, table)
                .unwrap_or_else(|error| panic!("{error}"));
        }
        for (name, table) in system.device {
            let table: DeviceTable = table
                .try_into()
                .unwrap_or_else(|error| panic!("device {name}: {error}"));
            let spec = table.spec(&name);
            let added = tokio::time::timeout(DEADLINE, self.kernel.add_device(spec)).await;
            added.unwrap_or_else(|_| {
                panic!("device `{name}` does not come to an end of its start")
            })?;
        }
        Ok(())
    }

    /// Loads a component that has to be in order.
    pub async fn load(&self, name: &str, file: &Path) {
        let loaded = self.kernel.load_plugin(name, file).await;
        loaded.unwrap_or_else(|error| panic!("{error}"));
    }

    /// The kernel.
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    /// What was recorded of an action.
    pub fn audited(&self, action: &str) -> Vec<Entry> {
        self.audit.of(action)
    }

    /// A file in the data directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.file("weihe.db")
    }

    /// A look at the bus.
    pub fn watch(&self, filter: &str) -> Watch {
        Watch::new(self.kernel.bus(), filter)
    }

    /// Publishes values on one topic, as one run.
    pub fn publish(&self, topic: &str, values: impl IntoIterator<Item = event::Value>) {
        let bus = self.kernel.bus();
        let (topic, source) = (
            bus.topic(topic).expect("a topic"),
            bus.source("test").expect("a source"),
        );
        let time = self.kernel.clock().now();
        let event = |value| Event {
            topic,
            source,
            time,
            sequence: 0,
            cause: None,
            attempt: 1,
            quality: Quality::Good,
            value,
        };
        let mut run: Vec<Event> = values.into_iter().map(event).collect();
        let blocked = bus.publish(source, &mut run);
        assert!(
            blocked.is_empty(),
            "no subscription here makes its publisher wait"
        );
    }

    /// Publishes a text for a device that listens on `plugin/<device>/in`.
    pub fn order(&self, device: &str, order: &str) {
        self.publish(
            &format!("plugin/{device}/in"),
            [event::Value::Text(order.into())],
        );
    }

    /// Calls a command as an operator.
    pub async fn call(
        &self,
        device: &str,
        command: &str,
        arguments: Value,
    ) -> Result<Value, CallError> {
        let arguments = arguments.to_string();
        let answer = self
            .kernel
            .call(device, command, &arguments, OPERATOR, DEADLINE)
            .await?;
        Ok(serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{answer}: {error}")))
    }

    /// Calls a command that has to succeed.
    pub async fn ask(&self, device: &str, command: &str, arguments: Value) -> Value {
        let answer = self.call(device, command, arguments).await;
        answer.unwrap_or_else(|error| panic!("{device}: {command}: {error}"))
    }

    /// The state of a device.
    pub fn device(&self, name: &str) -> DeviceStatus {
        let found = self
            .kernel
            .status()
            .devices
            .into_iter()
            .find(|device| device.name == name);
        found.unwrap_or_else(|| panic!("there is no device `{name}`"))
    }

    /// Waits until the kernel is in a state. There is no event for it, so it is asked again.
    pub async fn until(&self, what: &str, mut wanted: impl FnMut(&Status) -> bool) {
        let asked = async {
            while !wanted(&self.kernel.status()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(DEADLINE, asked).await.is_err() {
            panic!(
                "waited in vain for {what}: {:#?}",
                self.kernel.status().devices
            );
        }
    }

    /// Waits until a device is in a state.
    pub async fn until_device(
        &self,
        name: &str,
        what: &str,
        mut wanted: impl FnMut(&DeviceStatus) -> bool,
    ) -> DeviceStatus {
        let mut found = None;
        self.until(&format!("{name}: {what}"), |status| {
            found = status
                .devices
                .iter()
                .find(|device| device.name == name && wanted(device))
                .cloned();
            found.is_some()
        })
        .await;
        found.expect("it was found")
    }

    /// The port on which a listener connection listens.
    pub async fn port(&self, connection: &str) -> u16 {
        let mut port = 0;
        self.until(&format!("connection `{connection}` to listen"), |status| {
            let stats = status
                .connections
                .iter()
                .find(|stats| stats.connection == connection);
            let known = stats.and_then(|stats| stats.endpoint.rsplit(':').next()?.parse().ok());
            port = known.unwrap_or(0);
            port != 0
        })
        .await;
        port
    }

    /// Stops everything in order.
    pub async fn shutdown(self) {
        let stopped = tokio::time::timeout(DEADLINE, self.kernel.shutdown()).await;
        assert!(stopped.is_ok(), "the kernel does not come to an end");
    }
}
