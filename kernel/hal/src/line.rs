//! A line that a device holds: what backends offer, with what the device made of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weihe_kernel::device::{Feed, Sample};
use weihe_kernel::event::Value;
use weihe_kernel::failsafe::{GuardedLine, SafeLine};

use crate::error::HalError;
use crate::gpio::{Edge, EdgeSink, Line, LineConfig, Mode};
use crate::hardware::Hardware;
use crate::lease::Claim;

/// A line that a device holds.
pub struct HeldLine {
    name: String,
    line: Arc<dyn Line>,
    config: Mutex<LineConfig>,
    /// What an output was set to last.
    value: AtomicBool,
    ear: Arc<Ear>,
    /// Held until the last who may set it lets go of it.
    _claim: Claim,
}

/// Where edges of a line are brought. What an edge goes to may change while it is open.
#[derive(Default)]
struct Ear {
    feed: Mutex<Option<Feed>>,
    missed: AtomicU64,
}

impl Ear {
    fn feed(&self) -> MutexGuard<'_, Option<Feed>> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, edges: &[Edge]) {
        let missed = edges.iter().map(|edge| edge.missed).sum();
        self.missed.fetch_add(missed, Ordering::Relaxed);
        if let Some(feed) = &*self.feed() {
            feed.publish(edges.iter().map(|edge| Sample {
                time: edge.time,
                value: Value::Boolean(edge.active),
                missed: edge.missed,
            }));
        }
    }
}

impl HeldLine {
    /// Opens a line for the device that has the claim.
    pub fn open(
        hardware: &dyn Hardware,
        name: &str,
        config: &LineConfig,
        feed: Option<Feed>,
        claim: Claim,
    ) -> Result<Self, HalError> {
        let ear = Arc::new(Ear {
            feed: Mutex::new(feed),
            missed: AtomicU64::new(0),
        });
        let sink: EdgeSink = {
            let ear = ear.clone();
            Arc::new(move |edges| ear.hear(edges))
        };
        let line = hardware.line(name, config, sink)?;
        let value = match config.mode {
            Mode::Output {
                initial: Some(value),
                ..
            } => value,
            // A line that was an output already shows what it is.
            Mode::Output { .. } => line.read().unwrap_or(false),
            Mode::Input { .. } => false,
        };
        Ok(Self {
            name: name.to_owned(),
            line,
            config: Mutex::new(*config),
            value: AtomicBool::new(value),
            ear,
            _claim: claim,
        })
    }

    fn config(&self) -> MutexGuard<'_, LineConfig> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opened again by the device that holds it: nothing happens on the line unless it is used in
    /// another way now.
    pub fn reopen(&self, config: &LineConfig, feed: Option<Feed>) -> Result<(), HalError> {
        let mut known = self.config();
        if !known.is_kept_by(config) {
            self.line.configure(config)?;
            *known = *config;
            if let Mode::Output { initial, .. } = config.mode {
                let value = initial.or_else(|| self.line.read().ok());
                self.value.store(value.unwrap_or(false), Ordering::Relaxed);
            }
        }
        *self.ear.feed() = feed;
        Ok(())
    }

    /// What the board calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its operations may take long.
    pub fn blocks(&self) -> bool {
        self.line.blocks()
    }

    /// Whether it is active.
    pub fn read(&self) -> Result<bool, HalError> {
        self.line.read()
    }

    /// Sets an output.
    pub fn write(&self, value: bool) -> Result<(), HalError> {
        self.line.write(value)?;
        self.value.store(value, Ordering::Relaxed);
        Ok(())
    }

    /// Sets an output to what it was not.
    pub fn toggle(&self) -> Result<bool, HalError> {
        let value = !self.value.load(Ordering::Relaxed);
        self.write(value)?;
        Ok(value)
    }

    /// How many edges were missed since it was opened.
    pub fn missed(&self) -> u64 {
        self.ear.missed.load(Ordering::Relaxed)
    }
}

/// A line with its safe value, as the fail-safe holds it.
pub struct SafeOutput {
    line: Arc<HeldLine>,
    value: bool,
}

impl SafeOutput {
    /// The safe value of a line.
    pub fn new(line: Arc<HeldLine>, value: bool) -> Self {
        Self { line, value }
    }
}

impl SafeLine for SafeOutput {
    fn name(&self) -> &str {
        self.line.name()
    }

    fn describe(&self) -> String {
        let value = if self.value { "active" } else { "inactive" };
        format!("{} = {value}", self.line.name())
    }

    fn apply(&self) -> Result<(), String> {
        self.line
            .write(self.value)
            .map_err(|error| error.to_string())
    }

    fn guarded(&self) -> Option<GuardedLine> {
        self.line.line.guarded(self.value)
    }
}
