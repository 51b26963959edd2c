//! The kernel as its devices see it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Kernel;
use crate::connection::{OpenError, Seat};
use crate::device::{DeadLetters, Device, OpenFailure, OutgoingCall, Surroundings};

/// The kernel as devices see it. Weak: devices must not keep the kernel alive.
pub(super) struct Around(pub(super) Weak<Kernel>);

impl Surroundings for Around {
    fn open(&self, device: &Arc<Device>, connection: &str) -> Result<Seat, OpenFailure> {
        let unknown = || OpenFailure::Unknown(connection.to_owned());
        let kernel = self.0.upgrade().ok_or_else(unknown)?;
        let open = {
            let registry = kernel.registry();
            let open = registry.connections.get(connection).ok_or_else(unknown)?;
            open.connection.clone()
        };
        open.attach(&device.name, device.mailbox.clone(), device.framer())
            .map_err(|error| match error {
                OpenError::Closed(_) => unknown(),
                taken @ OpenError::Taken { .. } => OpenFailure::Taken(taken.to_string()),
            })
    }

    fn taken_back(&self, device: &Arc<Device>, version: &str, reason: &str) {
        let Some(kernel) = self.0.upgrade() else {
            return;
        };
        let (device, version) = (device.clone(), version.to_owned());
        let reason = format!("device `{}`: {reason}", device.name);
        kernel.io.clone().spawn(async move {
            kernel.follow_back(&device, &version, &reason).await;
        });
    }

    fn confirmed(&self, device: &Arc<Device>, version: &str) {
        if let Some(kernel) = self.0.upgrade() {
            kernel.confirm(&device.spec.plugin, version);
        }
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        self.0.upgrade().map(|kernel| kernel.letters.clone())
    }

    fn call(&self, caller: &Arc<Device>, call: OutgoingCall) {
        let Some(kernel) = self.0.upgrade() else {
            caller.answered(call.id, Err("the host is shutting down".into()));
            return;
        };
        let caller = caller.clone();
        kernel.io.clone().spawn(async move {
            let answer = kernel
                .call(
                    &call.device,
                    &call.command,
                    &call.arguments,
                    &caller.name,
                    Duration::from_nanos(call.timeout),
                )
                .await;
            caller.answered(call.id, answer.map_err(|error| error.to_string()));
        });
    }
}
