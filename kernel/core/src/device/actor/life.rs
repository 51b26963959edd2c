//! Instances: made, started, replaced after a trap, given up, ended.

use std::sync::atomic::Ordering;

use crate::device::call::CallError;
use crate::device::guest::{Guest, GuestError, GuestFactory, StartContext, StopReason, Trap};
use crate::device::mailbox::Stop;
use crate::device::status::{DeviceCounters, DeviceState};
use crate::device::supervision::{Blame, retry_pause};
use crate::device::witness::Seen;

use super::Actor;
use super::probation::OrderedBy;
use super::state::StateAtRisk;

/// Why a device did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The plugin says no.
    #[error("device `{device}` refused to start: {message}")]
    Refused {
        /// Which device.
        device: String,
        /// The plugin's words.
        message: String,
    },
    /// The plugin trapped.
    #[error("device `{device}` trapped in its start: {trap}")]
    Trapped {
        /// Which device.
        device: String,
        /// What happened.
        trap: Trap,
    },
    /// It was told to end before it had started.
    #[error("device `{device}` ended before it had started")]
    Ended {
        /// Which device.
        device: String,
    },
}

impl<F: GuestFactory> Actor<F> {
    /// Makes an instance and starts it.
    pub(super) async fn begin(&mut self) {
        self.start_attempts = self.start_attempts.saturating_add(1);
        if let Err(StateAtRisk(reason)) = self.load_state().await {
            return self.start_again(&reason);
        }
        self.incarnation = self.incarnation.saturating_add(1);
        DeviceCounters::add(&self.device.live.counters.incarnations, 1);
        self.device.renew_instance();
        self.device.mailbox.keeps(self.kept_events.iter().flatten());
        let guest = match self.factory.instantiate().await {
            Ok(guest) => guest,
            // Others may give some back, and it is no fault of the plugin.
            Err(trap) if trap.no_memory && self.started.is_none() => {
                return self.start_again(&trap.message);
            }
            Err(trap) => return self.start_trapped(trap),
        };
        let (mut guest, restored) = match self.import_state(guest).await {
            Ok(Some(imported)) => imported,
            // It trapped; the next one follows at once.
            Ok(None) => return,
            Err(StateAtRisk(reason)) => return self.start_again(&reason),
        };
        self.factory.adopt();
        self.device.mailbox.restored(restored);
        let context = StartContext {
            device: self.device.name.to_string(),
            config: self.device.spec.config.to_string(),
            connection: self.device.spec.connection.clone(),
            restored,
            incarnation: self.incarnation,
        };
        let began = self.now();
        self.device.outputs.starting();
        self.device.show(Seen::Enters);
        let result = guest.start(&context).await;
        self.guest = Some(guest);
        self.returned(began, None, None);
        match result {
            Ok(Ok(())) => {
                if self.change.returning {
                    self.change.orders = OrderedBy::Next;
                }
                let settled = self.settle(&[], &[]).await;
                self.change.orders = OrderedBy::Running;
                match settled {
                    Ok(()) => self.running(),
                    Err(message) => self.start_again(&message),
                }
            }
            Ok(Err(GuestError::Retry(text))) => {
                self.discard().await;
                self.start_again(&text);
            }
            Ok(Err(GuestError::Rejected(message) | GuestError::Fatal(message))) => {
                self.discard().await;
                let device = self.device.name.to_string();
                self.give_up(StartError::Refused { device, message });
            }
            Err(trap) => self.start_trapped(trap),
        }
    }

    fn running(&mut self) {
        self.start_attempts = 0;
        self.refusal = None;
        self.end_return();
        self.device.outputs.started();
        self.device.live.set(DeviceState::Running);
        if let Some(started) = self.started.take() {
            let _ = started.send(Ok(()));
        }
    }

    /// The plugin cannot start yet.
    fn start_again(&mut self, reason: &str) {
        self.guest = None;
        self.device.outputs.not_started();
        self.begin_at = self.now().saturating_add(retry_pause(self.start_attempts));
        self.refusal = Some(format!("the device has not started yet: {reason}"));
        let text = format!("it cannot start yet and is tried again: {reason}");
        self.device.fault(&text, "");
        self.device.live.set(DeviceState::Waiting);
        // It is there, and waits: whoever added it need not.
        if let Some(started) = self.started.take() {
            let _ = started.send(Ok(()));
        }
    }

    fn start_trapped(&mut self, trap: Trap) {
        if self.started.is_some() {
            DeviceCounters::add(&self.device.live.counters.traps, 1);
            let device = self.device.name.to_string();
            self.give_up(StartError::Trapped { device, trap });
        } else {
            self.trapped(&trap, Blame::Plugin);
        }
    }

    /// The start failed for good. When it was the first, nothing of the device stays, and whoever
    /// waits for it is told after that.
    fn give_up(&mut self, error: StartError) {
        let backtrace = match &error {
            StartError::Trapped { trap, .. } => trap.backtrace.clone(),
            _ => String::new(),
        };
        let started = self.started.take();
        self.fail(&error.to_string(), &backtrace);
        if let Some(started) = started {
            self.close();
            let _ = started.send(Err(error));
        }
    }

    /// The instance is gone: the next one is made after a pause, if the budget allows.
    pub(super) fn trapped(&mut self, trap: &Trap, blame: Blame) {
        self.device.show(Seen::Trapped(trap));
        self.guest = None;
        self.checkpoint_at = None;
        self.pace.rest();
        self.device.outputs.not_started();
        DeviceCounters::add(&self.device.live.counters.traps, 1);
        if self.take_back(trap) {
            return;
        }
        let now = self.now();
        let pause = self.restarts.after_trap(now, blame);
        self.show_charges();
        let Some(pause) = pause else {
            let text = format!("given up after too many traps; the last: {}", trap.message);
            self.fail(&text, &trap.backtrace);
            return;
        };
        self.device.fault(&trap.message, &trap.backtrace);
        let text = format!("the plugin trapped: {}", trap.message);
        self.end_open_calls(&CallError::Failed(text));
        self.begin_at = now.saturating_add(pause);
        self.device.live.set(DeviceState::Restarting);
    }

    /// Gives the device up. It holds nothing any more, and refuses calls with the reason.
    fn fail(&mut self, reason: &str, backtrace: &str) {
        self.failed = true;
        self.device
            .outputs
            .apply(&format!("it has failed: {reason}"));
        self.device.outputs.not_started();
        self.free("the device has failed before it was handled");
        let refusal = format!("the device has failed: {reason}");
        self.end_open_calls(&CallError::Failed(refusal.clone()));
        self.refuse_calls(&refusal);
        self.refusal = Some(refusal);
        // Last, so that it is what is shown; and before the state, so that whoever sees that finds it.
        self.device.given_up(reason, backtrace);
        self.device.live.set(DeviceState::Failed);
    }

    pub(super) async fn end(mut self, stop: Stop) {
        self.store_last_state().await;
        if let Some(guest) = self.guest.as_mut() {
            let began = self.device.clock.monotonic();
            let stopped = guest.stop(stop.reason).await;
            self.returned(began, None, None);
            match stopped {
                Ok(()) => {
                    if let Err(message) = self.settle(&[], &[]).await {
                        let text = format!("what it wrote in its stop is lost: {message}");
                        self.device.fault(&text, "");
                    }
                }
                Err(trap) => {
                    let text = format!("it trapped in its stop: {}", trap.message);
                    self.device.fault(&text, &trap.backtrace);
                }
            }
        }
        // Its last words to its connections, before it leaves them.
        self.device.finish_sends().await;
        let cause = match stop.reason {
            StopReason::Shutdown => Some("the host stops"),
            StopReason::Unload => Some("it was stopped"),
            StopReason::Swap => None,
        };
        if let Some(cause) = cause {
            self.device.outputs.apply(cause);
            self.device.outputs.settled().await;
        }
        if stop.reason != StopReason::Swap {
            self.device.live.set(DeviceState::Stopped);
        }
        self.close();
        // Nothing of it is left when whoever waits for its end goes on.
        drop(self);
        for ended in stop.ended {
            let _ = ended.send(());
        }
    }

    /// Ends for good: nothing is held, nothing is taken in any more.
    fn close(&mut self) {
        self.ended = true;
        self.device.outputs.not_started();
        // Nobody would tell of them later.
        self.device.tell_of_left_out(u64::MAX - 1);
        self.orders.close();
        self.free("the device has ended before it was handled");
        self.factory.keep(&[]);
        self.device.mailbox.close();
        self.end_open_calls(&CallError::Unavailable("the device has ended".into()));
        if let Some(started) = self.started.take() {
            let device = self.device.name.to_string();
            let _ = started.send(Err(StartError::Ended { device }));
        }
    }

    /// Frees everything: instance, timers, places, subscriptions. What is kept to be delivered
    /// again goes to the dead letters, so that it is not lost unseen.
    fn free(&mut self, reason: &str) {
        self.guest = None;
        self.checkpoint_at = None;
        self.timers.clear();
        self.change.forget();
        self.device.live.probation.store(false, Ordering::Relaxed);
        self.device.detach_all();
        self.device.mailbox.drop_events();
        for event in self.kept_events.take().flatten() {
            self.bury_event(&event, reason);
        }
        for (connection, notice) in self.kept_notices.take() {
            self.bury_notice(&connection, &notice, reason);
        }
        while self.device.mailbox.take_notice().is_some() {}
    }
}

/// An actor that is dropped before its end has panicked, or its lane is gone. Nobody may wait for
/// it, and it must not look alive.
impl<F: GuestFactory> Drop for Actor<F> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let text = "host bug: its actor ended unexpectedly; the host's log says where";
        self.device.outputs.apply(text);
        // Whoever waits for the end finds its mailbox closed.
        self.close();
        self.device.given_up(text, "");
        self.device.live.set(DeviceState::Failed);
    }
}
