//! The kernel as its devices see it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Kernel;
use crate::audit::{Entry, action};
use crate::connection::{OpenError, Seat};
use crate::device::{
    CallError, DeadLetters, Device, OpenFailure, OutgoingCall, Surroundings, Witness,
};

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

    fn witness(&self) -> Option<Arc<dyn Witness>> {
        let kernel = self.0.upgrade()?;
        let ground = kernel.ground.as_ref()?;
        Some(ground.witness.clone())
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

    fn audit(&self, entry: Entry) {
        if let Some(kernel) = self.0.upgrade() {
            kernel.audit.record(entry);
        }
    }

    fn call(&self, caller: &Arc<Device>, call: OutgoingCall) {
        let Some(kernel) = self.0.upgrade() else {
            caller.answered(call.id, Err("the host is shutting down".into()));
            return;
        };
        let caller = caller.clone();
        if let Some(witness) = &caller.witness
            && let Some(answer) = witness.call(&caller.name, &call)
        {
            let (caller, clock) = (caller.clone(), kernel.clock.clone());
            kernel.io.spawn(async move {
                let answer = tokio::select! {
                    answer = answer => answer.unwrap_or_else(|_| Err("nobody answers it".into())),
                    () = clock.sleep(call.timeout) => Err(format!(
                        "device `{}` did not answer `{}` within {:?}",
                        call.device, call.command, Duration::from_nanos(call.timeout)
                    )),
                };
                caller.answered(call.id, answer);
            });
            return;
        }
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
            // A rule may call a thousand times a second: the first to a device within a minute stands
            // for the others, which are counted.
            let entry = Entry::device(
                &caller.name,
                action::DEVICE_CALL,
                format!("device/{}", call.device),
            )
            .detail("command", call.command.clone());
            kernel.audit.record(match &answer {
                Ok(_) => entry.often(call.device.to_string()),
                // Names that the plugin makes up are one kind.
                Err(error @ CallError::UnknownDevice(_)) => entry.refused(error).often("unknown"),
                Err(error) => entry.refused(error).often(call.device.to_string()),
            });
            caller.answered(call.id, answer.map_err(|error| error.to_string()));
        });
    }
}
