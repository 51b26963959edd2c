//! A plugin with a capability on the lane of whoever measures, so that nothing lies between but the sandbox.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use weihe_kernel::bus::Bus;
use weihe_kernel::capability::Capability;
use weihe_kernel::device::{Actor, Call, Device, MemoryCheckpoints, StopReason};
use weihe_kernel::runtime::{
    Cache, Compiler, HostMemory, Loader, Plugin, Ticker, WasmFactory, engine,
};
use weihe_kernel::units::Span;
use weihe_kernel::{Clock, DeviceSpec, OPERATOR, SystemClock};

use crate::Anyhow;
use crate::pipeline::Nothing;

/// What the plugin is called.
const PLUGIN: &str = "measured";

/// Events that wait for the plugin where that is what is measured; the kernel's default otherwise.
pub const LONG_QUEUE: u32 = 1 << 14;

/// A component that is loaded, and the capability that it gets.
pub struct Plugins {
    plugin: Arc<Plugin>,
    capability: Arc<dyn Capability>,
    ticker: Ticker,
}

/// A device that runs.
pub struct Running {
    device: Arc<Device>,
    clock: SystemClock,
}

impl Plugins {
    /// Loads a component for a capability, compiled already where the folder has it.
    pub async fn load(file: &Path, capability: Arc<dyn Capability>, cache: &Path) -> Anyhow<Self> {
        let engine = engine()?;
        let ticker = Ticker::start(&engine)?;
        let cache = Cache::open(&engine, cache, Compiler::InProcess)?;
        let memory = HostMemory::new(None);
        let capabilities = [capability.clone()];
        let loader = Loader::new(&engine, ticker.clone(), cache, &capabilities, memory, None)?;
        Ok(Self {
            plugin: Arc::new(loader.load(PLUGIN, file).await?),
            capability,
            ticker,
        })
    }

    /// Starts a device of it.
    pub async fn start(&self, name: &str, config: Value, grant: &str) -> Anyhow<Running> {
        self.start_with(name, config, grant, None).await
    }

    /// Starts a device of it whose subscriptions hold so many events.
    pub async fn start_with(
        &self,
        name: &str,
        config: Value,
        grant: &str,
        queue: Option<u32>,
    ) -> Anyhow<Running> {
        let mut spec = DeviceSpec::new(name, PLUGIN);
        spec.config = config;
        spec.limits.queue = queue.unwrap_or(spec.limits.queue);
        // A round is one long call.
        spec.limits.cpu_time = Span::from_millis(60_000);
        spec.limits.call_time = Span::from_millis(60_000);
        let table: toml::Table = toml::from_str(grant)?;
        let granted = self.capability.configure(name, &table)?;
        let capability = self.capability.name().to_owned();
        spec.grants.capabilities.insert(capability, table);
        let device = Device::new(
            spec,
            Bus::new(1),
            Arc::new(SystemClock::new()),
            Arc::new(Nothing),
        )?;
        let factory = WasmFactory {
            plugin: self.plugin.clone(),
            device: device.clone(),
            granted: vec![granted],
            ticker: self.ticker.clone(),
        };
        let (started, outcome) = oneshot::channel();
        let actor = Actor::new(
            device.clone(),
            factory,
            Arc::new(MemoryCheckpoints::default()),
            started,
        );
        tokio::task::spawn_local(actor.run());
        outcome.await??;
        Ok(Running {
            device,
            clock: SystemClock::new(),
        })
    }
}

impl Running {
    /// Calls a command.
    pub async fn call(&self, command: &str, arguments: &Value) -> Anyhow<Value> {
        let (answer, answered) = oneshot::channel();
        self.device.mailbox.call(Call {
            id: 1,
            command: command.to_owned(),
            arguments: arguments.to_string(),
            caller: OPERATOR.to_owned(),
            deadline: self.clock.now() + 60_000_000_000,
            answer,
        })?;
        Ok(serde_json::from_str(&answered.await??)?)
    }

    /// Nanoseconds that a command says it took.
    pub async fn took(&self, command: &str, arguments: &Value) -> Anyhow<f64> {
        nanoseconds(&self.call(command, arguments).await?)
    }

    /// Stops it.
    pub async fn end(self) {
        let _ = self.device.mailbox.stop(StopReason::Shutdown).await;
    }
}

/// Measures as a task of its own, as a device is.
pub fn on_a_lane(work: impl Future<Output = Anyhow<()>> + 'static) -> Anyhow<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async { tokio::task::spawn_local(work).await? })
}

/// What an answer says that it took.
pub fn nanoseconds(answer: &Value) -> Anyhow<f64> {
    Ok(answer["nanoseconds"].as_f64().ok_or("no time")?)
}
