//! What a plugin has done, as a test finds it: the same wherever it runs.

use super::kernel::TestKernel;
use super::world::{Effects, OutgoingCall, Published, Sent, Submitted, Timer};
use crate::{CallError, CallId, FailSafeFrame, PeerId, Plugin, SubscribeOptions, Ticket, ValueBuf};

impl<P: Plugin> TestKernel<P> {
    fn effects<R>(&self, read: impl FnOnce(&Effects) -> R) -> R {
        self.kernel.with(|world| read(&world.effects))
    }

    /// What the plugin published, oldest first.
    pub fn published(&self) -> Vec<Published> {
        self.effects(|effects| effects.published.clone())
    }

    /// What the plugin published since this was last asked.
    pub fn take_published(&mut self) -> Vec<Published> {
        self.kernel
            .with(|world| std::mem::take(&mut world.effects.published))
    }

    /// The last value that the plugin published on a topic.
    pub fn last(&self, topic: &str) -> Option<ValueBuf> {
        self.effects(|effects| {
            let mut newest_first = effects.published.iter().rev();
            newest_first
                .find(|sample| sample.topic == topic)
                .map(|sample| sample.value.clone())
        })
    }

    /// Timers that are set, by name. In the sandbox it is told when each was to tick first; a periodic one goes on
    /// from there.
    pub fn timers(&self) -> Vec<(String, Timer)> {
        self.effects(|effects| effects.timers.clone().into_iter().collect())
    }

    /// Filters that the device subscribes, with their options.
    pub fn subscriptions(&self) -> Vec<(String, SubscribeOptions)> {
        self.effects(|effects| {
            let all = effects.subscriptions.iter();
            all.map(|(filter, (_, options))| (filter.clone(), *options))
                .collect()
        })
    }

    /// Calls on other devices.
    pub fn calls(&self) -> Vec<OutgoingCall> {
        self.effects(|effects| effects.calls.clone())
    }

    /// Answers to calls that were left pending.
    pub fn answers(&self) -> Vec<(CallId, Result<String, CallError>)> {
        self.effects(|effects| effects.answers.clone())
    }

    /// Requests that were submitted.
    pub fn submitted(&self) -> Vec<Submitted> {
        self.effects(|effects| effects.submitted.clone())
    }

    /// Requests that were submitted since this was last asked.
    pub fn take_submitted(&mut self) -> Vec<Submitted> {
        self.kernel
            .with(|world| std::mem::take(&mut world.effects.submitted))
    }

    /// Bytes that were sent without awaiting a reply.
    pub fn sent(&self) -> Vec<Sent> {
        self.effects(|effects| effects.sent.clone())
    }

    /// Tickets that were cancelled.
    pub fn cancelled(&self) -> Vec<Ticket> {
        self.effects(|effects| effects.cancelled.clone())
    }

    /// The fail-safe frames that are registered with a connection, in order.
    pub fn fail_safe(&self, connection: &str) -> Vec<FailSafeFrame> {
        self.effects(|effects| {
            let frames = effects.fail_safe.get(connection);
            frames.cloned().unwrap_or_default()
        })
    }

    /// Peers that were sent away.
    pub fn disconnected(&self) -> Vec<PeerId> {
        self.effects(|effects| effects.disconnected.clone())
    }

    /// The value of a key that the plugin set. `None` in the sandbox, where keys are the database's: have the
    /// plugin tell.
    pub fn key(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let path = (bucket.to_owned(), key.to_owned());
        self.effects(|effects| effects.keys.get(&path).cloned())
    }
}
