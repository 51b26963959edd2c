//! Calls of the device's commands.

use tokio::sync::oneshot;

use crate::device::call::{Call, CallError, CallId};
use crate::device::guest::{Guest, GuestFactory, Outcome};
use crate::device::status::DeviceCounters;
use crate::device::supervision::Blame;
use crate::device::witness::Seen;

use super::pace::Next;
use super::{Actor, ROUND};

impl<F: GuestFactory> Actor<F> {
    /// Takes some calls; returns whether there were any.
    pub(super) async fn take_calls(&mut self) -> bool {
        let mut busy = false;
        for _ in 0..ROUND {
            if self.guest.is_none() || self.is_held(Next::Call) {
                break;
            }
            let Some(call) = self.device.mailbox.take_call() else {
                break;
            };
            self.call(call).await;
            busy = true;
        }
        busy
    }

    async fn call(&mut self, mut call: Call) {
        DeviceCounters::add(&self.device.live.counters.commands, 1);
        if call.answer.is_closed() {
            // The caller has given up; a command must not take effect afterwards.
            return;
        }
        let Some(guest) = self.guest.as_mut() else {
            return;
        };
        let began = self.device.clock.monotonic();
        self.device.show(Seen::Enters);
        let result = guest.call(&call).await;
        self.returned(began, None, None);
        match result {
            Ok(Ok(outcome)) => {
                let answer = match outcome {
                    Outcome::Done(json) => Some(json),
                    Outcome::Pending => {
                        self.open_calls.retain(|_, answer| !answer.is_closed());
                        let (placeholder, _) = oneshot::channel();
                        let answer = std::mem::replace(&mut call.answer, placeholder);
                        self.open_calls.insert(call.id, answer);
                        None
                    }
                };
                let settled = self.settle(&[], &[]).await;
                if let Err(message) = &settled {
                    let text = format!("command `{}` could not be stored: {message}", call.command);
                    self.device.fault(&text, "");
                }
                let settled = settled.map_err(CallError::Failed);
                match (answer, settled) {
                    (Some(json), settled) => {
                        let _ = call.answer.send(settled.map(|()| json));
                    }
                    (None, Err(error)) => self.reply(call.id, Err(error)),
                    (None, Ok(())) => {}
                }
                self.touched();
            }
            Ok(Err(error)) => {
                self.discard().await;
                let _ = call.answer.send(Err(error));
            }
            Err(trap) => {
                let text = format!("command `{}` trapped: {}", call.command, trap.message);
                let _ = call.answer.send(Err(CallError::Failed(text)));
                self.trapped(&trap, Blame::Plugin);
            }
        }
    }

    /// Answers an open call; one that is unknown, answered or given up is ignored.
    pub(super) fn reply(&mut self, id: CallId, answer: Result<String, CallError>) {
        if let Some(sender) = self.open_calls.remove(&id) {
            let _ = sender.send(answer);
        }
    }

    /// Answers all open calls with an error.
    pub(super) fn end_open_calls(&mut self, error: &CallError) {
        for (_, answer) in self.open_calls.drain() {
            let _ = answer.send(Err(error.clone()));
        }
    }

    /// Answers the calls that wait with a refusal.
    pub(super) fn refuse_calls(&self, reason: &str) {
        while let Some(call) = self.device.mailbox.take_call() {
            let _ = call
                .answer
                .send(Err(CallError::Unavailable(reason.to_owned())));
        }
    }
}
