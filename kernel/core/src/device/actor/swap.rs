//! Another version takes over at a batch boundary.
//!
//! It is made beside the one that runs, gets its state and starts; until then nothing of the device
//! changes, so that a refusal leaves no trace. Then the old one says its last words, and what the
//! new one did in its start goes out after them.

use crate::device::guest::{Checkpoint, Guest, GuestError, GuestFactory, StartContext, StopReason};
use crate::device::order::{Manner, Order, SwapRefused};
use crate::device::status::{DeviceCounters, DeviceState};
use crate::device::supervision::Blame;

use super::Actor;
use super::outgoing::undo;
use super::probation::OrderedBy;
use super::state::StateAtRisk;

impl<F: GuestFactory> Actor<F> {
    /// Carries out an order for another version; returns whether there was one.
    pub(super) async fn take_order(&mut self) -> bool {
        // The first start comes first: there is no version yet that another could take over from.
        if self.started.is_some() {
            return false;
        }
        let Some(order) = self.orders.take() else {
            return false;
        };
        let Order {
            factory,
            manner,
            done,
        } = order;
        // It went back to it by itself already.
        let outcome = if manner != Manner::Trial && factory.version() == self.factory.version() {
            Ok(())
        } else {
            self.swap(factory, manner).await
        };
        let _ = done.send(outcome);
        true
    }

    async fn swap(&mut self, factory: F, manner: Manner) -> Result<(), SwapRefused> {
        let began = self.now();
        let returning = manner != Manner::Trial && self.is_on_probation();
        if factory.has_state() {
            if !self.factory.has_state() {
                self.loaded = false;
            }
            let loaded = self.load_state().await;
            loaded.map_err(|StateAtRisk(reason)| SwapRefused::Stored(reason))?;
        }
        self.export_last_state().await;
        let newest = self.checkpoint.clone().filter(|_| factory.has_state());
        let (factory, tried) = match self.trial(factory, newest.as_ref(), returning).await {
            (factory, Err(SwapRefused::State { .. })) if manner != Manner::Trial => {
                self.trial_with_boundary(factory, newest.as_ref(), returning)
                    .await
            }
            tried => tried,
        };
        match tried {
            Ok(next) => {
                self.adopt(factory, next, manner).await;
                let pause = self.now().saturating_sub(began);
                tracing::info!(device = %self.device.name, pause_ns = pause, "another version has taken over");
                Ok(())
            }
            Err(refused) if manner == Manner::ForcedReturn => {
                self.guest = None;
                self.checkpoint_at = None;
                self.factory = factory;
                self.return_version();
                let text = format!("the version before comes back, though {refused}");
                self.device.fault(&text, "");
                Ok(())
            }
            Err(refused) => Err(refused),
        }
    }

    /// The state at the boundary. An instance that traps on that is dropped as after any trap; the
    /// last checkpoint stands for its state then.
    async fn export_last_state(&mut self) {
        let Some(guest) = self.guest.as_mut().filter(|_| self.has_state) else {
            return;
        };
        match guest.export_state().await {
            Ok(exported) => {
                self.discard().await;
                self.has_state = exported.is_some();
                if exported.is_some() {
                    self.checkpoint = exported;
                    self.checkpoint_at = None;
                }
            }
            Err(trap) => self.trapped(&trap, Blame::Plugin),
        }
    }

    /// Tries a version with the state of the swap that brought the one that runs. The newest state,
    /// which it does not take, is kept aside.
    async fn trial_with_boundary(
        &mut self,
        factory: F,
        newest: Option<&Checkpoint>,
        returning: bool,
    ) -> (F, Result<Next<F>, SwapRefused>) {
        if let Some(newest) = newest {
            let kept = self
                .checkpoints
                .set_aside(&self.device.name, newest.clone());
            match kept.await {
                Ok(place) => {
                    let text = format!(
                        "the version before does not take the newest state (version {}, {} bytes), which is kept {place}",
                        newest.version,
                        newest.bytes.len()
                    );
                    self.device.fault(&text, "");
                }
                Err(error) => {
                    let text = format!("the newest state cannot be kept aside: {error}");
                    return (factory, Err(SwapRefused::Stored(text)));
                }
            }
        }
        let boundary = self.change.boundary.clone();
        self.trial(factory, boundary.as_ref(), returning).await
    }

    /// Makes an instance of another version and starts it, without effect on the device.
    async fn trial(
        &mut self,
        factory: F,
        state: Option<&Checkpoint>,
        returning: bool,
    ) -> (F, Result<Next<F>, SwapRefused>) {
        let places = self.device.places();
        self.device.mailbox.begin_trial(returning);
        self.device.renew_instance();
        factory.adopt();
        self.device.outputs.starting();
        let tried = self.start_next(&factory, state).await;
        if tried.is_err() {
            factory.undo(factory.version());
            self.keep_leases();
            self.device.outputs.stay_safe();
            self.device.outputs.not_started();
            self.device.mailbox.refuse_trial();
            self.factory.adopt();
            self.device.restore_places(&places);
        }
        (factory, tried)
    }

    async fn start_next(
        &mut self,
        factory: &F,
        state: Option<&Checkpoint>,
    ) -> Result<Next<F>, SwapRefused> {
        let trapped = |when| move |trap| SwapRefused::Trapped { when, trap };
        DeviceCounters::add(&self.device.live.counters.incarnations, 1);
        DeviceCounters::add(&self.device.live.counters.trials, 1);
        let made = factory.instantiate().await;
        let mut guest = made.map_err(trapped("while it was made"))?;
        if let Some(state) = state {
            let imported = guest.import_state(state).await;
            if let Err(error) = imported.map_err(trapped("on the state"))? {
                undo(&mut guest).await;
                return Err(SwapRefused::State {
                    version: state.version,
                    bytes: state.bytes.len(),
                    message: error.to_string(),
                });
            }
        }
        let incarnation = self.incarnation.saturating_add(1);
        self.device.mailbox.restored(state.is_some());
        let context = StartContext {
            device: self.device.name.to_string(),
            config: self.device.spec.config.to_string(),
            connection: self.device.spec.connection.clone(),
            restored: state.is_some(),
            incarnation,
        };
        let started = guest.start(&context).await;
        if let Err(error) = started.map_err(trapped("in its start"))? {
            undo(&mut guest).await;
            let (GuestError::Rejected(text) | GuestError::Retry(text) | GuestError::Fatal(text)) =
                error;
            return Err(SwapRefused::Start(text));
        }
        if guest.is_dirty()
            && let Err(message) = guest.commit().await
        {
            undo(&mut guest).await;
            return Err(SwapRefused::Commit(message));
        }
        Ok(Next {
            guest,
            incarnation,
            state: state.cloned(),
        })
    }

    /// The version that was tried takes over.
    async fn adopt(&mut self, factory: F, next: Next<F>, manner: Manner) {
        let returning = manner != Manner::Trial && self.is_on_probation();
        if !returning {
            // Only now: a version that is refused leaves the probation of the other one as it is.
            self.confirm_version();
        }
        if self.failed {
            // Before the first words of the version that brings it back.
            self.device.outputs.call_off();
        }
        self.device.mailbox.begin_leave();
        self.change.orders = OrderedBy::Leaving;
        self.stop_for_swap().await;
        self.device.mailbox.adopt_trial(returning);
        self.begin_timers(returning);
        if !factory.has_state() && self.has_state {
            // It is of no use to the new version, but a later one may take it.
            self.begin_to_save();
        }
        let boundary = self.checkpoint.take();
        self.checkpoint = next.state;
        self.change.boundary = boundary;
        self.change.returning = false;
        self.guest = Some(next.guest);
        self.incarnation = next.incarnation;
        let before = std::mem::replace(&mut self.factory, factory);
        self.has_state = self.factory.has_state();
        let restarts = std::mem::take(&mut self.restarts);
        self.begin_probation((manner == Manner::Trial).then_some((before, restarts)));
        self.keep_leases();
        self.change.orders = OrderedBy::Next;
        // What it wrote is committed: this only lets out what it did, now.
        self.pace.returned = self.now();
        let let_out = self.settle(&[], &[]).await;
        debug_assert!(let_out.is_ok(), "nothing was left to commit");
        self.device.reopen_for_outputs();
        // Where no version before could start, one of its name may have left something to be set.
        self.device.outputs.started();
        self.change.orders = OrderedBy::Running;
        self.failed = false;
        self.refusal = None;
        self.begin_at = 0;
        self.start_attempts = 0;
        let waits = !self.kept_events.is_empty() || !self.kept_notices.is_empty();
        self.device.live.set(if waits {
            DeviceState::Waiting
        } else {
            DeviceState::Running
        });
        self.touched();
    }

    /// The last words of the version that leaves, before anything of the next one.
    async fn stop_for_swap(&mut self) {
        let Some(guest) = self.guest.as_mut() else {
            return;
        };
        let began = self.device.clock.monotonic();
        let stopped = guest.stop(StopReason::Swap).await;
        self.returned(began, None, None);
        let problem = match stopped {
            Ok(()) => match self.settle(&[], &[]).await {
                Ok(()) => return,
                Err(message) => format!("what it wrote in its stop is lost: {message}"),
            },
            Err(trap) => format!(
                "the version that left trapped in its stop: {}",
                trap.message
            ),
        };
        self.device.fault(&problem, "");
    }
}

/// A version that was tried, and started.
struct Next<F: GuestFactory> {
    guest: F::Guest,
    incarnation: u32,
    /// What it goes on from.
    state: Option<Checkpoint>,
}
