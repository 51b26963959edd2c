//! What `ps` shows of a device, and the counters behind it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::budgets::Usage;
use super::gauges::Gauges;

/// Where a device is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceState {
    /// Its first instance is being made.
    #[default]
    Starting,
    /// It handles what comes.
    Running,
    /// An input could not be handled yet (a database is locked, say) and is tried again.
    Waiting,
    /// Its instance trapped; the next one is made after a pause.
    Restarting,
    /// It trapped too often. The operator has to look.
    Failed,
    /// It has ended.
    Stopped,
}

impl DeviceState {
    /// The state in one word, as `ps` prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Restarting => "restarting",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// An error that a device had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceFault {
    /// When, in nanoseconds since 1970.
    pub time: u64,
    /// What.
    pub message: String,
    /// Where in the plugin; may be empty.
    pub backtrace: String,
}

/// Counters of a device; monotonic since the host started.
#[derive(Debug, Default)]
pub struct DeviceCounters {
    /// Events handled.
    pub events: AtomicU64,
    /// Calls into the plugin for them.
    pub batches: AtomicU64,
    /// Events published.
    pub published: AtomicU64,
    /// Commands taken.
    pub commands: AtomicU64,
    /// Notices of connections handled.
    pub notices: AtomicU64,
    /// Traps.
    pub traps: AtomicU64,
    /// Inputs delivered again.
    pub retries: AtomicU64,
    /// Inputs that went to the dead-letter topic.
    pub dead: AtomicU64,
    /// Those of them that are kept no more, for newer ones, or could not be kept.
    pub dead_lost: AtomicU64,
    /// Nanoseconds spent in the plugin, awaited exchanges included.
    pub busy: AtomicU64,
    /// Nanoseconds in which it got nothing to do, because it had published faster than it may.
    pub held: AtomicU64,
    /// Instances made.
    pub incarnations: AtomicU64,
    /// Those of them that were to take over from another version.
    pub trials: AtomicU64,
    /// Events dropped from its queues, also from those of subscriptions that have ended. The
    /// queues count here themselves.
    pub dropped: Arc<AtomicU64>,
}

impl DeviceStatus {
    /// Instances that took the place of one that had trapped.
    pub fn restarts(&self) -> u64 {
        self.incarnations.saturating_sub(1 + self.trials)
    }
}

impl DeviceCounters {
    /// Adds to a counter.
    pub fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

/// The part of a device's status that changes.
#[derive(Debug, Default)]
pub struct Live {
    /// Whether its version is on probation.
    pub probation: AtomicBool,
    state: Mutex<(DeviceState, Option<DeviceFault>)>,
    /// Counters.
    pub counters: DeviceCounters,
    /// Levels, and times over the last seconds.
    pub gauges: Mutex<Gauges>,
    /// The most there has been of what is not measured with each call.
    pub peaks: Peaks,
}

/// The most there has been of some things.
#[derive(Debug, Default)]
pub struct Peaks {
    /// Exchanges that were not finished.
    pub tickets: AtomicU64,
    /// Calls whose answers were not taken.
    pub calls: AtomicU64,
}

impl Live {
    /// The status of a device whose queues count their drops here.
    pub fn new(dropped: Arc<AtomicU64>) -> Self {
        let counters = DeviceCounters {
            dropped,
            ..DeviceCounters::default()
        };
        Self {
            probation: AtomicBool::new(false),
            state: Mutex::default(),
            counters,
            gauges: Mutex::default(),
            peaks: Peaks::default(),
        }
    }

    /// Sets the state.
    pub fn set(&self, state: DeviceState) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = state;
    }

    /// Records an error; the last one is kept.
    pub fn fault(&self, fault: DeviceFault) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = Some(fault);
    }

    /// State and last error.
    pub fn get(&self) -> (DeviceState, Option<DeviceFault>) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// What `ps` shows of a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceStatus {
    /// Its name.
    pub name: String,
    /// Its plugin.
    pub plugin: String,
    /// Its connection.
    pub connection: Option<String>,
    /// The lane it lives on.
    pub lane: String,
    /// Where it is in its life.
    pub state: DeviceState,
    /// The version of its plugin that it runs.
    pub version: String,
    /// Whether that version is on probation after a swap.
    pub probation: bool,
    /// The commands it answers.
    pub commands: Vec<String>,
    /// Events handled.
    pub events: u64,
    /// Calls into the plugin for them.
    pub batches: u64,
    /// Events published.
    pub published: u64,
    /// Commands taken.
    pub calls: u64,
    /// Notices of connections handled.
    pub notices: u64,
    /// Traps.
    pub traps: u64,
    /// Inputs delivered again.
    pub retries: u64,
    /// Inputs that went to the dead-letter topic.
    pub dead: u64,
    /// Those of them that are kept no more, for newer ones, or could not be kept.
    #[serde(default)]
    pub dead_lost: u64,
    /// Nanoseconds spent in the plugin.
    pub busy: u64,
    /// Nanoseconds in which it got nothing to do, because it had published faster than it may.
    #[serde(default)]
    pub held: u64,
    /// Log records of its plugin, and of its errors.
    #[serde(default)]
    pub logged: u64,
    /// Records that were left out, because there were too many.
    #[serde(default)]
    pub log_left_out: u64,
    /// Instances made.
    pub incarnations: u64,
    /// Those of them that were to take over from another version.
    #[serde(default)]
    pub trials: u64,
    /// Events dropped from its queues since the host started, also from those of subscriptions
    /// that have ended.
    pub dropped: u64,
    /// What it uses of its limits, and how fast it is.
    #[serde(default)]
    pub usage: Usage,
    /// Its last error.
    pub last_error: Option<DeviceFault>,
}
