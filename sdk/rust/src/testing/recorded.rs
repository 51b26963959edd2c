//! What a plugin has done, as a test finds it: the same wherever it runs.

use super::kernel::TestKernel;
use super::world::{Effects, OutgoingCall, Published, Sent, Submitted, Timer};
use crate::{CallError, CallId, FailSafeFrame, PeerId, Plugin, SubscribeOptions, Ticket, ValueBuf};

impl<P: Plugin> TestKernel<P> {
    fn effects<R>(&self, read: impl FnOnce(&Effects) -> R) -> R {
        self.kernel.with(|world| read(&world.effects))
    }

    /// What the plugin published, oldest first.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert!(kernel.published().iter().all(|sample| sample.quality == Quality::Good));
    /// # Ok(()) }
    /// ```
    pub fn published(&self) -> Vec<Published> {
        self.effects(|effects| effects.published.clone())
    }

    /// What the plugin published since this was last asked.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.take_published();
    /// kernel.event("tank/level", 81.5)?;
    /// assert_eq!(kernel.take_published().len(), 1);
    /// # Ok(()) }
    /// ```
    pub fn take_published(&mut self) -> Vec<Published> {
        self.kernel
            .with(|world| std::mem::take(&mut world.effects.published))
    }

    /// The last value that the plugin published on a topic.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert_eq!(kernel.last("plugin/overflow/alarm"), Some(ValueBuf::Boolean(true)));
    /// # Ok(()) }
    /// ```
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
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// let (name, timer) = &kernel.timers()[0];
    /// assert_eq!((name.as_str(), timer.period), ("poll", Some(1_000_000_000)));
    /// # Ok(()) }
    /// ```
    pub fn timers(&self) -> Vec<(String, Timer)> {
        self.effects(|effects| effects.timers.clone().into_iter().collect())
    }

    /// Filters that the device subscribes, with their options.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert_eq!(kernel.subscriptions()[0].0, "tank/#");
    /// # Ok(()) }
    /// ```
    pub fn subscriptions(&self) -> Vec<(String, SubscribeOptions)> {
        self.effects(|effects| {
            let all = effects.subscriptions.iter();
            all.map(|(filter, (_, options))| (filter.clone(), *options))
                .collect()
        })
    }

    /// Calls on other devices.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// let call = &kernel.calls()[0];
    /// assert_eq!((call.device.as_str(), call.command.as_str()), ("pump", "stop"));
    /// # Ok(()) }
    /// ```
    pub fn calls(&self) -> Vec<OutgoingCall> {
        self.effects(|effects| effects.calls.clone())
    }

    /// Answers to calls that were left pending.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// let (call, answer) = &kernel.answers()[0];
    /// assert_eq!((*call, answer.is_ok()), (kernel.last_call(), true));
    /// # Ok(()) }
    /// ```
    pub fn answers(&self) -> Vec<(CallId, Result<String, CallError>)> {
        self.effects(|effects| effects.answers.clone())
    }

    /// Requests that were submitted.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert_eq!(kernel.submitted()[0].request.bytes, b"T?\n");
    /// # Ok(()) }
    /// ```
    pub fn submitted(&self) -> Vec<Submitted> {
        self.effects(|effects| effects.submitted.clone())
    }

    /// Requests that were submitted since this was last asked.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// for exchange in kernel.take_submitted() {
    ///     kernel.reply(exchange.ticket, Ok(b"OK\n"))?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn take_submitted(&mut self) -> Vec<Submitted> {
        self.kernel
            .with(|world| std::mem::take(&mut world.effects.submitted))
    }

    /// Bytes that were sent without awaiting a reply.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert_eq!(kernel.sent()[0].bytes, b"hello");
    /// # Ok(()) }
    /// ```
    pub fn sent(&self) -> Vec<Sent> {
        self.effects(|effects| effects.sent.clone())
    }

    /// Tickets that were cancelled.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert_eq!(kernel.cancelled(), [kernel.submitted()[0].ticket]);
    /// # Ok(()) }
    /// ```
    pub fn cancelled(&self) -> Vec<Ticket> {
        self.effects(|effects| effects.cancelled.clone())
    }

    /// The fail-safe frames that are registered with a connection, in order.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert_eq!(kernel.fail_safe("line")[0].label, "valve = false");
    /// # Ok(()) }
    /// ```
    pub fn fail_safe(&self, connection: &str) -> Vec<FailSafeFrame> {
        self.effects(|effects| {
            let frames = effects.fail_safe.get(connection);
            frames.cloned().unwrap_or_default()
        })
    }

    /// Peers that were sent away.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert_eq!(kernel.disconnected(), [1]);
    /// # Ok(()) }
    /// ```
    pub fn disconnected(&self) -> Vec<PeerId> {
        self.effects(|effects| effects.disconnected.clone())
    }

    /// The value of a key that the plugin set. `None` in the sandbox, where keys are the database's: have the
    /// plugin tell.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert_eq!(kernel.key("", "serial").as_deref(), Some(&b"4711"[..]));
    /// # Ok(()) }
    /// ```
    pub fn key(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let path = (bucket.to_owned(), key.to_owned());
        self.effects(|effects| effects.keys.get(&path).cloned())
    }
}
