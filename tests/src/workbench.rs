//! A kernel with a virtual board, on one thread and in virtual time: nothing happens until a test lets time pass, and
//! then all of it, in its order.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Notify;
use weihe_hal::HalCapability;
use weihe_hal::virtual_board::VirtualBoard;
use weihe_kernel::audit::NoAudit;
use weihe_kernel::connection::Kinds;
use weihe_kernel::device::{
    CallError, DeviceStatus, MemoryCheckpoints, MemoryDeadLetters, Seen, Witness,
};
use weihe_kernel::event::NamedEvent;
use weihe_kernel::{
    Capability, Clock, Compiler, DeviceError, DeviceSpec, Kernel, KernelOptions, OPERATOR,
    VirtualClock,
};

use crate::rig::{DeviceTable, System};
use crate::{DEADLINE, Watch, component, components};

/// The time at which a workbench begins: 2026-01-01.
const EPOCH: u64 = 1_767_225_600_000_000_000;

/// Steps of the clock that one thing may take.
const MAX_STEPS: usize = 1_000_000;

/// A kernel with a board.
pub struct Workbench {
    kernel: Arc<Kernel>,
    board: Arc<VirtualBoard>,
    clock: VirtualClock,
    rest: Arc<Rest>,
    directory: TempDir,
    swaps: usize,
}

/// Knows when the thread has nothing left to do: the runtime tells before it sleeps.
#[derive(Default)]
struct Rest {
    wanted: AtomicBool,
    reached: Notify,
}

impl Rest {
    fn reached(&self) {
        if self.wanted.swap(false, Ordering::AcqRel) {
            self.reached.notify_one();
        }
    }

    async fn wait(&self) {
        self.wanted.store(true, Ordering::Release);
        self.reached.notified().await;
    }
}

/// Looks away.
struct Nobody;

impl Witness for Nobody {
    fn saw(&self, _: &str, _: Seen<'_>) {}
}

/// Runs a test on a workbench with the board that a text describes and a system as in `weihe.toml`.
pub fn on_a_workbench(board: &str, system: &str, test: impl AsyncFnOnce(&mut Workbench)) {
    let rest = Arc::new(Rest::default());
    let parked = rest.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(move || parked.reached())
        .build()
        .expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let mut bench = Workbench::start(board, rest);
        bench
            .add(system)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        test(&mut bench).await;
        let kernel = bench.kernel.clone();
        bench.drive(async move { kernel.shutdown().await }).await;
    });
}

impl Workbench {
    fn start(board: &str, rest: Arc<Rest>) -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        let clock = VirtualClock::new(EPOCH);
        let board = VirtualBoard::parse(board, Arc::new(clock.clone()));
        let board = Arc::new(board.unwrap_or_else(|error| panic!("the board: {error}")));
        let options = KernelOptions {
            cache: components::compiled(),
            boot: 1,
            clock: Arc::new(clock.clone()),
            compiler: Compiler::InProcess,
            checkpoints: Arc::new(MemoryCheckpoints::default()),
            quarantine: directory.path().join("quarantine.json"),
            letters: Arc::new(MemoryDeadLetters::default()),
            guard: None,
            audit: Arc::new(NoAudit),
            memory: None,
            admission: None,
        };
        let capabilities: Vec<Arc<dyn Capability>> =
            vec![Arc::new(HalCapability::new(board.clone()))];
        let started = Kernel::start_here(options, capabilities, Kinds::new(), Arc::new(Nobody));
        let (kernel, here) = started.expect("the kernel starts");
        tokio::task::spawn_local(here.run());
        Self {
            kernel,
            board,
            clock,
            rest,
            directory,
            swaps: 0,
        }
    }

    /// Adds plugins and devices.
    pub async fn add(&mut self, system: &str) -> Result<(), DeviceError> {
        let system: System = toml::from_str(system).unwrap_or_else(|error| panic!("{error}"));
        for (name, table) in &system.plugin {
            let package = table.as_str().expect("`[plugin]` names packages");
            let loaded = self.kernel.load_plugin(name, &component(package)).await;
            loaded.unwrap_or_else(|error| panic!("{error}"));
        }
        for (name, table) in system.device {
            let table: DeviceTable = table
                .try_into()
                .unwrap_or_else(|error| panic!("device {name}: {error}"));
            let kernel = self.kernel.clone();
            let spec: DeviceSpec = table.spec(&name);
            self.drive(async move { kernel.add_device(spec).await })
                .await?;
        }
        Ok(())
    }

    /// Removes a device.
    pub async fn remove(&mut self, device: &str) {
        let (kernel, device) = (self.kernel.clone(), device.to_owned());
        let removed = async move { kernel.remove_device(&device, "the test").await };
        let removed = self.drive(removed).await;
        removed.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Exchanges a plugin's component for one that does the same.
    pub async fn swap(&mut self, plugin: &str, package: &str) {
        self.swaps += 1;
        let mut bytes = std::fs::read(component(package)).expect("a component");
        // A custom section, which means nothing: its id, its length, the length of its name, its name.
        let name = format!("swap {}", self.swaps).into_bytes();
        let length = u8::try_from(name.len()).expect("a short name");
        bytes.extend([0, length + 1, length]);
        bytes.extend(name);
        let file = self.directory.path().join(format!("{}.wasm", self.swaps));
        std::fs::write(&file, bytes).expect("a file");
        let (kernel, plugin) = (self.kernel.clone(), plugin.to_owned());
        let swapped = async move { kernel.swap_plugin(&plugin, &file).await };
        let swapped = self.drive(swapped).await;
        let devices = swapped.unwrap_or_else(|error| panic!("{error}"));
        for device in devices {
            assert!(device.problem.is_none(), "{device:?}");
        }
    }

    /// Calls a command as an operator.
    pub async fn call(
        &mut self,
        device: &str,
        command: &str,
        arguments: Value,
    ) -> Result<Value, CallError> {
        let kernel = self.kernel.clone();
        let (device, command) = (device.to_owned(), command.to_owned());
        let answer = self
            .drive(async move {
                let arguments = arguments.to_string();
                kernel
                    .call(&device, &command, &arguments, OPERATOR, DEADLINE)
                    .await
            })
            .await?;
        Ok(serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{answer}: {error}")))
    }

    /// Calls a command that has to succeed.
    pub async fn ask(&mut self, device: &str, command: &str, arguments: Value) -> Value {
        let answer = self.call(device, command, arguments).await;
        answer.unwrap_or_else(|error| panic!("{device}: {command}: {error}"))
    }

    /// Lets time pass, and everything happen that is due.
    pub async fn pass(&mut self, span: Duration) {
        let span = u64::try_from(span.as_nanos()).expect("a span");
        let end = self.clock.monotonic() + span;
        self.rest.wait().await;
        for _ in 0..MAX_STEPS {
            let next = self.clock.next_deadline().filter(|at| *at <= end);
            let now = self.clock.monotonic();
            self.clock.advance(next.unwrap_or(end).saturating_sub(now));
            self.rest.wait().await;
            if next.is_none() {
                return;
            }
        }
        panic!("{MAX_STEPS} timers within {span} ns");
    }

    /// Lets milliseconds pass.
    pub async fn ms(&mut self, count: u64) {
        self.pass(Duration::from_millis(count)).await;
    }

    /// Lets what was caused already take effect, without time.
    pub async fn settle(&mut self) {
        self.rest.wait().await;
    }

    /// Awaits something, while time passes as far as it needs.
    async fn drive<T: 'static>(&mut self, work: impl Future<Output = T> + 'static) -> T {
        let task = tokio::task::spawn_local(work);
        for _ in 0..MAX_STEPS {
            self.rest.wait().await;
            if task.is_finished() {
                return task.await.expect("it does not panic");
            }
            match self.clock.next_deadline() {
                Some(at) => self
                    .clock
                    .advance(at.saturating_sub(self.clock.monotonic())),
                // Something outside of the clock, as a thread that compiles.
                None => std::thread::yield_now(),
            }
        }
        panic!("it does not come to an end");
    }

    /// The board.
    pub fn board(&self) -> &VirtualBoard {
        &self.board
    }

    /// The clock, in nanoseconds since 1970.
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// A look at the bus.
    pub fn watch(&self, filter: &str) -> Watch {
        Watch::new(self.kernel.bus(), filter)
    }

    /// The last event of a topic.
    pub fn last(&self, topic: &str) -> Option<NamedEvent> {
        self.watch(topic).so_far().pop()
    }

    /// The last value of a topic; null without one.
    pub fn value(&self, topic: &str) -> Value {
        self.last(topic).map_or(Value::Null, |event| event.value)
    }

    /// The state of a device.
    pub fn device(&self, name: &str) -> DeviceStatus {
        let devices = self.kernel.status().devices;
        let found = devices.into_iter().find(|device| device.name == name);
        found.unwrap_or_else(|| panic!("there is no device `{name}`"))
    }
}
