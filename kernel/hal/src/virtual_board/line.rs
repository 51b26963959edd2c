//! Lines of a board that is not there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use weihe_kernel::Clock;
use weihe_kernel::failsafe::GuardedLine;

use crate::error::HalError;
use crate::gpio::{Edge, EdgeSink, Edges, Line, LineConfig, Mode};

/// The wire behind a line.
pub struct Wire {
    name: String,
    high: AtomicBool,
    clock: Arc<dyn Clock>,
    listener: Mutex<Option<(LineConfig, EdgeSink)>>,
}

impl Wire {
    pub(super) fn new(name: String, clock: Arc<dyn Clock>) -> Self {
        Self {
            name,
            high: AtomicBool::new(false),
            clock,
            listener: Mutex::default(),
        }
    }

    pub(super) fn level(&self) -> bool {
        self.high.load(Ordering::Relaxed)
    }

    pub(super) fn drive(&self, high: bool) {
        if self.high.swap(high, Ordering::Relaxed) == high {
            return;
        }
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((config, sink)) = &*listener {
            let active = high != config.active_low;
            let Mode::Input { edges, .. } = config.mode else {
                return;
            };
            if edges.has(active) {
                sink(&[Edge {
                    time: self.clock.now(),
                    active,
                    missed: 0,
                }]);
            }
        }
    }

    fn listen(&self, listener: Option<(LineConfig, EdgeSink)>) {
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = listener;
    }
}

/// An open line.
pub struct VirtualLine {
    wire: Arc<Wire>,
    config: Mutex<LineConfig>,
    edges: EdgeSink,
}

impl VirtualLine {
    pub(super) fn open(wire: Arc<Wire>, config: &LineConfig, edges: EdgeSink) -> Self {
        let line = Self {
            wire,
            config: Mutex::new(*config),
            edges,
        };
        line.take_on(config);
        line
    }

    fn take_on(&self, config: &LineConfig) {
        match config.mode {
            Mode::Input { edges, .. } => {
                let listens = edges != Edges::None;
                self.wire
                    .listen(listens.then(|| (*config, self.edges.clone())));
            }
            Mode::Output { initial, .. } => {
                self.wire.listen(None);
                if let Some(active) = initial {
                    self.wire.drive(active != config.active_low);
                }
            }
        }
    }

    fn config(&self) -> LineConfig {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line for VirtualLine {
    fn read(&self) -> Result<bool, HalError> {
        Ok(self.wire.level() != self.config().active_low)
    }

    fn write(&self, active: bool) -> Result<(), HalError> {
        let config = self.config();
        if !matches!(config.mode, Mode::Output { .. }) {
            return Err(HalError::Invalid(format!(
                "{} is an input: open it as an output to set it",
                self.wire.name
            )));
        }
        self.wire.drive(active != config.active_low);
        Ok(())
    }

    fn configure(&self, config: &LineConfig) -> Result<(), HalError> {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = *config;
        self.take_on(config);
        Ok(())
    }

    fn guarded(&self, _: bool) -> Option<GuardedLine> {
        // It dies with the host.
        None
    }
}

impl Drop for VirtualLine {
    fn drop(&mut self) {
        self.wire.listen(None);
    }
}
