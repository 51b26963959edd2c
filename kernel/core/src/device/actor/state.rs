//! The plugin's own state: exported at intervals, imported by the next instance.

use crate::device::guest::{Guest, GuestFactory};
use crate::device::supervision::Blame;

use super::Actor;

impl<F: GuestFactory> Actor<F> {
    /// Takes over what an earlier run of the host left.
    pub(super) fn load_state(&mut self) {
        match self.checkpoints.load(&self.device.name) {
            Ok(stored) => {
                self.checkpoint = stored.clone();
                self.stored = stored;
            }
            Err(error) => {
                self.device
                    .fault(&format!("its stored state cannot be read: {error}"), "");
            }
        }
    }

    /// Something was handled: the state may have changed.
    pub(super) fn touched(&mut self) {
        if self.has_state && self.checkpoint_at.is_none() {
            let interval = self.device.spec.limits.checkpoint.nanoseconds();
            self.checkpoint_at = Some(self.now().saturating_add(interval));
        }
    }

    /// Takes a checkpoint when one is due; returns whether it was.
    pub(super) async fn checkpoint_when_due(&mut self) -> bool {
        let due = self.checkpoint_at.is_some_and(|at| at <= self.now());
        if due {
            self.take_checkpoint().await;
        }
        due
    }

    pub(super) async fn take_checkpoint(&mut self) {
        self.checkpoint_at = None;
        let Some(guest) = self.guest.as_mut() else {
            return;
        };
        let checkpoint = match guest.export_state().await {
            Ok(Some(checkpoint)) => checkpoint,
            Ok(None) => {
                self.has_state = false;
                return;
            }
            Err(trap) => return self.trapped(&trap, Blame::Plugin),
        };
        if self.stored.as_ref() != Some(&checkpoint) {
            let saving = self.checkpoints.save(&self.device.name, checkpoint.clone());
            match saving.await {
                Ok(()) => self.stored = Some(checkpoint.clone()),
                Err(error) => {
                    self.device
                        .fault(&format!("its state cannot be stored: {error}"), "");
                    // Once more after the interval, also when nothing is handled meanwhile.
                    self.touched();
                }
            }
        }
        self.checkpoint = Some(checkpoint);
    }
}
