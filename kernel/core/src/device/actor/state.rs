//! The plugin's own state: exported at intervals, imported by the next instance.

use std::future::{pending, poll_fn};
use std::task::Poll;

use crate::device::checkpoint::Saving;
use crate::device::guest::{Checkpoint, Guest, GuestFactory, Trap};
use crate::device::status::DeviceCounters;
use crate::device::supervision::Blame;
use crate::device::witness::Seen;

use super::Actor;
use super::outgoing::undo;

/// A checkpoint on its way to where it outlives the host. There is one at a time, and the device
/// goes on meanwhile.
pub(super) struct UnderWay {
    checkpoint: Checkpoint,
    saving: Saving,
}

/// Ends when the save under way does; never without one.
pub(super) async fn ended(under_way: &mut Option<UnderWay>) -> Result<(), String> {
    match under_way {
        Some(under_way) => under_way.saving.as_mut().await,
        None => pending().await,
    }
}

/// Why there can be no instance yet: starting one would cost the stored state.
pub(super) struct StateAtRisk(pub String);

impl<F: GuestFactory> Actor<F> {
    /// Takes over what an earlier run of the host left.
    pub(super) async fn load_state(&mut self) -> Result<(), StateAtRisk> {
        if self.loaded {
            return Ok(());
        }
        let stored = self.checkpoints.load(&self.device.name).await;
        let stored = stored
            .map_err(|error| StateAtRisk(format!("its stored state cannot be read: {error}")))?;
        self.checkpoint = stored.clone();
        self.stored = stored;
        self.loaded = true;
        Ok(())
    }

    /// Hands the last checkpoint to a fresh instance, and returns it with whether it goes on from
    /// there; nothing when it trapped. A checkpoint that it does not take is set aside before
    /// anything can take its place.
    pub(super) async fn import_state(
        &mut self,
        mut guest: F::Guest,
    ) -> Result<Option<(F::Guest, bool)>, StateAtRisk> {
        let Some(checkpoint) = self.checkpoint.take() else {
            return Ok(Some((guest, false)));
        };
        let (guest, why, backtrace) = match guest.import_state(&checkpoint).await {
            Ok(Ok(())) => {
                self.checkpoint = Some(checkpoint);
                return Ok(Some((guest, true)));
            }
            Ok(Err(error)) => {
                self.device.show(Seen::StateRefused(&error));
                undo(&mut guest).await;
                let why = format!("it starts without its state: {error}");
                (Some(guest), why, String::new())
            }
            Err(trap) => {
                self.device.show(Seen::Trapped(&trap));
                let Trap {
                    message, backtrace, ..
                } = trap;
                // What it wrote must not hold up what is to be written now.
                drop(guest);
                DeviceCounters::add(&self.device.live.counters.traps, 1);
                let why = format!("it trapped on its state and starts without: {message}");
                (None, why, backtrace)
            }
        };
        let about = format!(
            "that state (version {}, {} bytes)",
            checkpoint.version,
            checkpoint.bytes.len()
        );
        let kept = checkpoint.clone();
        match self.checkpoints.set_aside(&self.device.name, kept).await {
            Ok(place) => {
                if let Some(boundary) = self.boundary_instead() {
                    let text = format!(
                        "the version that comes back does not take the newest state; {about} is kept {place}, and it goes on from the state of the swap"
                    );
                    self.device.fault(&text, &backtrace);
                    self.checkpoint = Some(boundary);
                    // A fresh instance follows at once.
                    return Ok(None);
                }
                let text = format!("{why}; {about} is kept {place}");
                self.device.fault(&text, &backtrace);
                Ok(guest.map(|guest| (guest, false)))
            }
            Err(error) => {
                self.checkpoint = Some(checkpoint);
                let text = format!("{why}; but {about} cannot be kept aside: {error}");
                Err(StateAtRisk(text))
            }
        }
    }

    /// The state of the swap, for the version that comes back.
    fn boundary_instead(&mut self) -> Option<Checkpoint> {
        if self.change.returning {
            self.change.boundary.take()
        } else {
            None
        }
    }

    /// Something was handled: the state may have changed.
    pub(super) fn touched(&mut self) {
        if self.has_state && self.checkpoint_at.is_none() {
            let interval = self.device.spec.limits.checkpoint.nanoseconds();
            self.checkpoint_at = Some(self.now().saturating_add(interval));
        }
    }

    /// When the next checkpoint is to be taken: not while one is being saved.
    pub(super) fn next_checkpoint(&self) -> Option<u64> {
        self.checkpoint_at.filter(|_| self.under_way.is_none())
    }

    /// Takes a checkpoint when one is due, and begins to save it; returns whether it was due.
    pub(super) async fn checkpoint_when_due(&mut self) -> bool {
        if self.under_way.is_some() {
            let ended = poll_fn(|context| {
                let mut ended = std::pin::pin!(ended(&mut self.under_way));
                Poll::Ready(ended.as_mut().poll(context))
            });
            if let Poll::Ready(result) = ended.await {
                self.saved(result);
            }
        }
        let due = self.device.takes_state_order()
            || self.next_checkpoint().is_some_and(|at| at <= self.now());
        if due {
            self.take_checkpoint().await;
            self.begin_to_save();
        }
        due
    }

    /// Asks the plugin for its state.
    async fn take_checkpoint(&mut self) {
        self.checkpoint_at = None;
        let Some(guest) = self.guest.as_mut() else {
            return;
        };
        let exported = guest.export_state().await;
        match exported {
            Ok(Some(checkpoint)) => {
                self.discard().await;
                self.checkpoint = Some(checkpoint);
            }
            Ok(None) => {
                self.discard().await;
                self.has_state = false;
            }
            Err(trap) => self.trapped(&trap, Blame::Plugin),
        }
    }

    /// Begins to save the last checkpoint, unless it is stored.
    pub(super) fn begin_to_save(&mut self) {
        if self.checkpoint == self.stored {
            return;
        }
        if let Some(checkpoint) = self.checkpoint.clone() {
            let saving = self.checkpoints.save(&self.device.name, checkpoint.clone());
            self.under_way = Some(UnderWay { checkpoint, saving });
        }
    }

    /// The save under way has ended.
    pub(super) fn saved(&mut self, result: Result<(), String>) {
        let Some(UnderWay { checkpoint, .. }) = self.under_way.take() else {
            return;
        };
        match result {
            Ok(()) => self.stored = Some(checkpoint),
            Err(error) => {
                let text = format!("its state cannot be stored: {error}");
                self.device.fault(&text, "");
                // Once more after the interval, also when nothing is handled meanwhile.
                self.touched();
            }
        }
    }

    /// Stores the state at the end of the device, and waits for it.
    pub(super) async fn store_last_state(&mut self) {
        self.finish_saving().await;
        if self.guest.is_some() && self.has_state {
            self.take_checkpoint().await;
        }
        self.begin_to_save();
        self.finish_saving().await;
    }

    async fn finish_saving(&mut self) {
        if self.under_way.is_some() {
            let result = ended(&mut self.under_way).await;
            self.saved(result);
        }
    }
}
