//! A kernel in virtual time whose plugins reach a strict board, and a guard that remembers what it was told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use weihe_hal::HalCapability;
use weihe_kernel::connection::Kinds;
use weihe_kernel::device::{CallError, DeviceState, MemoryCheckpoints, MemoryDeadLetters};
use weihe_kernel::failsafe::guard::{Action, Change, Charge};
use weihe_kernel::failsafe::{Guard, GuardState, GuardStatus, SafeState, SafeStatus};
use weihe_kernel::units::Span;
use weihe_kernel::{
    Compiler, DeviceError, DeviceSpec, Kernel, KernelOptions, OPERATOR, VirtualClock,
};
use weihe_tests::{DEADLINE, compiled, outputs};

use super::strict::{FAN, Handle, LINES, Strict};

/// One second in nanoseconds.
pub const SECOND: u64 = 1_000_000_000;

/// The probation of each device.
pub const PROBATION: u64 = 1_000_000 * SECOND;

/// How long an answer is awaited, in virtual time: longer than any pause before a restart.
const PATIENCE: Duration = Duration::from_secs(100_000);

/// See the module.
pub struct Desk {
    pub kernel: Arc<Kernel>,
    pub board: Arc<Strict>,
    pub clock: VirtualClock,
    guard: Arc<Watchman>,
    _directory: TempDir,
}

/// A guard that only remembers, until it is told that the host has died.
#[derive(Default)]
struct Watchman(Mutex<BTreeMap<u64, Charge>>);

impl Guard for Watchman {
    fn watch(&self, changes: Vec<Change>) {
        let mut charges = self.0.lock().unwrap();
        for change in changes {
            match change {
                Change::Put(id, charge) => drop(charges.insert(id, charge)),
                Change::Drop(id) => drop(charges.remove(&id)),
            }
        }
    }

    fn dismiss(&self) {
        self.0.lock().unwrap().clear();
    }

    fn status(&self) -> GuardStatus {
        GuardStatus {
            state: GuardState::Idle,
            pid: None,
            charges: 0,
            error: String::new(),
        }
    }
}

/// A device of the outputs' plugin that may use everything, with what its versions do in their start.
pub fn device(name: &str, first: &str, second: &str) -> DeviceSpec {
    let mut spec = DeviceSpec::new(name, "outputs");
    spec.config = json!({ "start-1": first, "start-2": second });
    let gpio: toml::Table = LINES
        .iter()
        .map(|line| ((*line).to_owned(), "both".into()))
        .collect();
    let mut hal = toml::Table::new();
    hal.insert("gpio".to_owned(), gpio.into());
    hal.insert("pwm".to_owned(), toml::Value::Array(vec![FAN.into()]));
    spec.grants.capabilities.insert("hal".to_owned(), hal);
    spec.limits.probation = Span(Duration::from_nanos(PROBATION));
    spec
}

impl Desk {
    /// The first version is loaded.
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = VirtualClock::new(1_767_225_600 * SECOND);
        let board = Strict::new(Arc::new(clock.clone()), directory.path().to_owned());
        let guard = Arc::new(Watchman::default());
        let options = KernelOptions {
            cache: compiled(),
            boot: 1,
            clock: Arc::new(clock.clone()),
            compiler: Compiler::InProcess,
            checkpoints: Arc::new(MemoryCheckpoints::default()),
            quarantine: directory.path().join("quarantine.json"),
            letters: Arc::new(MemoryDeadLetters::default()),
            guard: Some(guard.clone()),
            audit: Arc::new(weihe_kernel::audit::NoAudit),
            memory: None,
            admission: None,
        };
        let hal = HalCapability::new(Arc::new(Handle(board.clone())));
        let kernel = Kernel::start(options, vec![Arc::new(hal)], Kinds::new()).unwrap();
        kernel.load_plugin("outputs", &outputs(1)).await.unwrap();
        Self {
            kernel,
            board,
            clock,
            guard,
            _directory: directory,
        }
    }

    /// Adds a device that has to start.
    pub async fn add(&self, spec: DeviceSpec) {
        self.kernel.add_device(spec).await.unwrap();
    }

    /// Has a device do something.
    pub async fn tell(&self, device: &str, words: &str) -> Result<(), CallError> {
        let arguments = json!({ "words": words }).to_string();
        self.call(device, "do", &arguments).await.map(drop)
    }

    /// Calls a command. Time passes as long as it takes: the next instance may come after a pause.
    async fn call(
        &self,
        device: &str,
        command: &str,
        arguments: &str,
    ) -> Result<String, CallError> {
        let call = self
            .kernel
            .call(device, command, arguments, OPERATOR, PATIENCE);
        let mut call = std::pin::pin!(call);
        loop {
            tokio::select! {
                biased;
                answer = &mut call => return answer,
                () = tokio::time::sleep(Duration::from_millis(1)) => self.clock.advance(SECOND),
            }
        }
    }

    /// Has a device do something that it can.
    pub async fn done(&self, device: &str, words: &str) {
        self.tell(device, words).await.unwrap();
    }

    pub fn state(&self, device: &str) -> Option<DeviceState> {
        let devices = self.kernel.status().devices;
        let found = devices.into_iter().find(|status| status.name == device);
        found.map(|status| status.state)
    }

    /// Lets time pass until it is so. Real time only lets the kernel's threads work.
    pub async fn until(&self, what: &str, wanted: impl Fn() -> bool) {
        let began = Instant::now();
        while !wanted() {
            assert!(began.elapsed() < DEADLINE, "waited in vain until {what}");
            self.clock.advance(SECOND / 10);
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }

    /// Ends the instance of a device, and waits until it works again or is given up.
    pub async fn trap(&self, device: &str) {
        let told = self.tell(device, "trap").await;
        assert!(told.is_err(), "a trap");
        // Answered by the next instance, or refused where none comes.
        let _ = self.call(device, "version", "{}").await;
        self.settled().await;
    }

    /// Waits until a version is in quarantine, and lifts that.
    pub async fn lift(&self) {
        let quarantined = || self.kernel.status().quarantined;
        self.until("the version is in quarantine", || !quarantined().is_empty())
            .await;
        for version in quarantined() {
            self.kernel.lift_quarantine(&version.sha256).unwrap();
        }
    }

    /// Traps a device until it is given up.
    pub async fn fail(&self, device: &str) {
        while self.state(device) != Some(DeviceState::Failed) {
            self.trap(device).await;
        }
        self.settled().await;
    }

    /// Has the versions on probation confirmed.
    pub async fn confirm(&self) {
        self.clock.advance(PROBATION + SECOND);
        self.until("the versions are confirmed", || {
            let devices = self.kernel.status().devices;
            devices.iter().all(|device| !device.probation)
        })
        .await;
        self.settled().await;
    }

    /// Waits until lines that are set on threads of their own are set.
    pub async fn settled(&self) {
        let began = Instant::now();
        while self.kernel.status().fail_safe.devices.iter().any(applying) {
            assert!(began.elapsed() < DEADLINE, "a line is never set");
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }

    /// How it stands with the outputs of a device, or one that had its name.
    pub fn safe(&self, device: &str) -> Option<SafeStatus> {
        let devices = self.kernel.status().fail_safe.devices;
        devices.into_iter().find(|safe| safe.device == device)
    }

    /// Its outputs: what goes to what on which line, and how that stands.
    pub fn shown(&self, device: &str) -> Vec<String> {
        let outputs = self.safe(device).map(|safe| safe.outputs);
        let show = |output: &weihe_kernel::failsafe::OutputStatus| {
            let held = if output.held { ", held" } else { "" };
            format!(
                "{} on {}: {}{held}",
                output.what,
                output.on,
                output.state.as_str()
            )
        };
        outputs.unwrap_or_default().iter().map(show).collect()
    }

    /// Restarts a device, as the operator does.
    pub async fn restart(&self, device: &str) -> Result<(), DeviceError> {
        self.kernel.restart_device(device).await
    }

    /// The host dies: its guard does what it was told last. Returns what it has done, sorted.
    pub fn die(&self) -> Vec<String> {
        let charges = self.guard.0.lock().unwrap();
        let mut done: Vec<String> = charges
            .values()
            .map(|charge| match &charge.action {
                Action::Order { order, what, .. } => {
                    weihe_hal::guarded::apply(&*charge.descriptor, order).unwrap();
                    format!("{} of {}", what, charge.device)
                }
                Action::Exchange { .. } => panic!("there are no connections"),
            })
            .collect();
        done.sort_unstable();
        done
    }
}

fn applying(safe: &SafeStatus) -> bool {
    let mut outputs = safe.outputs.iter();
    outputs.any(|output| output.state == SafeState::Applying)
}
