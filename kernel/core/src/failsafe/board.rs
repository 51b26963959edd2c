//! The outputs of all devices, and what the guard has to know of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::guard::Guard;
use super::outputs::Outputs;
use super::status::{FailSafeStatus, OutputStatus, SafeState};

/// The outputs of all devices of a kernel, also of those that have ended.
pub struct Board {
    guard: Option<Arc<dyn Guard>>,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    devices: Vec<Arc<Outputs>>,
    /// The number of the last charge.
    charges: u64,
    /// The host stops: the guard has been sent away.
    dismissed: bool,
}

impl Board {
    /// An empty one. Without a guard nothing is done when the host dies.
    pub fn new(guard: Option<Arc<dyn Guard>>) -> Arc<Self> {
        Arc::new(Self {
            guard,
            entries: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the outputs of a device in.
    pub fn join(self: &Arc<Self>, outputs: &Arc<Outputs>) {
        outputs.belongs_to(Arc::downgrade(self));
        self.lock().devices.push(outputs.clone());
    }

    /// What former devices of the same name have left to be set waits, or goes on.
    pub(super) fn hold_back(&self, outputs: &Arc<Outputs>, held_back: bool) {
        let entries = self.lock();
        let same_name = |other: &&Arc<Outputs>| {
            other.device() == outputs.device() && !Arc::ptr_eq(other, outputs)
        };
        for former in entries.devices.iter().filter(same_name) {
            former.hold_back(held_back);
        }
    }

    /// A device works: what one of its name has left to be set is not set any more.
    pub(super) fn taken_over(&self, outputs: &Arc<Outputs>) {
        let mut former = Vec::new();
        self.lock().devices.retain(|other| {
            let is_former = other.device() == outputs.device() && !Arc::ptr_eq(other, outputs);
            if is_former {
                former.push(other.clone());
            }
            !is_former
        });
        for former in &former {
            former.abandon();
        }
        if !former.is_empty() {
            // Their topic is the same.
            outputs.tell_again();
        }
    }

    /// A device has ended: it is forgotten unless it had outputs.
    pub fn left(&self, outputs: &Arc<Outputs>) {
        let keep = !outputs.is_empty();
        self.lock()
            .devices
            .retain(|other| keep || !Arc::ptr_eq(other, outputs));
    }

    /// A link came up or went down: the guard needs its new descriptor, or must let go of the old one.
    pub fn link_changed(&self, connection: &str) {
        let uses = |outputs: &&Arc<Outputs>| outputs.uses(connection);
        let concerned: Vec<_> = self.lock().devices.iter().filter(uses).cloned().collect();
        for outputs in &concerned {
            self.refresh(outputs);
        }
    }

    /// Tells the guard what has changed in what it has to do for a device.
    pub(super) fn refresh(&self, outputs: &Outputs) {
        let Some(guard) = &self.guard else {
            return;
        };
        let mut entries = self.lock();
        if entries.dismissed {
            return;
        }
        let changes = outputs.changes(&mut entries.charges);
        if !changes.is_empty() {
            // Under the lock, so that the newest state is the last that it gets.
            guard.watch(changes);
        }
    }

    /// The host stops in order and has set what could be set: the guard has nothing left to do. What
    /// could not be set is named in the log.
    pub fn dismiss(&self) {
        self.lock().dismissed = true;
        for device in self.status().devices {
            let left = |output: &&OutputStatus| {
                !matches!(output.state, SafeState::Armed | SafeState::Applied)
            };
            for output in device.outputs.iter().filter(left) {
                let (what, on) = (&output.what, &output.on);
                let why = match &*output.error {
                    "" => "it was not confirmed in time",
                    error => error,
                };
                tracing::error!(
                    device = device.device,
                    "NOT safe as the host ends: {what} on {on}: {why}"
                );
            }
        }
        if let Some(guard) = &self.guard {
            guard.dismiss();
        }
    }

    /// How it stands with all outputs.
    pub fn status(&self) -> FailSafeStatus {
        let devices = self.lock().devices.clone();
        FailSafeStatus {
            guard: self.guard.as_ref().map(|guard| guard.status()),
            devices: devices
                .iter()
                .filter_map(|outputs| outputs.status())
                .collect(),
        }
    }
}
