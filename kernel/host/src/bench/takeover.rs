//! The moments at which devices say that another version has taken over.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use weihe_kernel::Clock;

/// A version has taken over.
#[derive(Debug, Clone, Copy)]
pub struct Takeover {
    /// When the device said so, in nanoseconds since 1970.
    pub time: u64,
    /// How long it took, from the end of the last batch to the beginning of the next one.
    pub pause: u64,
}

/// Listens to what the kernel logs; devices log how long their changes of versions took.
#[derive(Clone)]
pub struct Takeovers {
    clock: Arc<dyn Clock>,
    last: Arc<Mutex<Option<Takeover>>>,
}

impl Takeovers {
    /// None so far.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            last: Arc::default(),
        }
    }

    /// The last one since it was asked before.
    pub fn take(&self) -> Option<Takeover> {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl<S: Subscriber> Layer<S> for Takeovers {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut pause = Pause(None);
        event.record(&mut pause);
        if let Pause(Some(pause)) = pause {
            let time = self.clock.now();
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            *last = Some(Takeover { time, pause });
        }
    }
}

struct Pause(Option<u64>);

impl Visit for Pause {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "pause_ns" {
            self.0 = Some(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
