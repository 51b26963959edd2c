//! What passes between the plugin and others: exchanges on connections, peers, and calls of commands.

use super::kernel::{Place, TestKernel};
use super::world::Submitted;
use crate::{
    CallError, CallId, Duration, Error, Failure, IdentityBuf, LinkState, PeerId, Plugin, Quality,
    Sample, Ticket, Value,
};

impl<P: Plugin> TestKernel<P> {
    /// Lets time pass until the plugin has submitted requests, for `span` at most, and takes them, as
    /// [`TestKernel::take_submitted`] does. In the sandbox a request that is not replied to times out as time goes on;
    /// this stops before it does.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::TestKernel};
    /// # fn f<P: Plugin>(kernel: &mut TestKernel<P>) {
    /// let polls = kernel.until_submitted(Duration::from_secs(5)).unwrap();
    /// kernel.reply(polls[0].ticket, Ok(b"21.5\n")).unwrap();
    /// # }
    /// ```
    pub fn until_submitted(&mut self, span: Duration) -> Result<Vec<Submitted>, Error> {
        let end = self.now() + span;
        loop {
            let submitted = self.take_submitted();
            let left = end.as_nanos().saturating_sub(self.now().as_nanos());
            if !submitted.is_empty() || left == 0 {
                return Ok(submitted);
            }
            self.step(end, left)?;
        }
    }

    /// Finishes a submitted request. In the sandbox the reply goes over the connection, which has to find it
    /// complete by its rule; and a line takes one exchange at a time, so the ticket must have its turn. A time-out
    /// lets the time of the request pass there. Of failures only [`Failure::Timeout`] and [`Failure::LinkDown`]
    /// can be played there.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// let ticket = kernel.take_submitted()[0].ticket;
    /// kernel.reply(ticket, Ok(b"21.5\n"))?;
    /// # Ok(()) }
    /// ```
    pub fn reply(&mut self, ticket: Ticket, outcome: Result<&[u8], Failure>) -> Result<(), Error> {
        self.kernel.with(|world| world.replied.insert(ticket));
        match &mut self.place {
            Place::Sandbox(sandbox) => sandbox.get_mut().reply(ticket, outcome),
            Place::Native(native) => {
                let connection = self.kernel.with(|world| world.connection_of(ticket));
                native.reply(&connection, ticket, outcome)
            }
        }
    }

    /// Hands over bytes that no exchange was waiting for.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.received("line", None, b"noise")?;
    /// # Ok(()) }
    /// ```
    pub fn received(
        &mut self,
        connection: &str,
        peer: Option<PeerId>,
        bytes: &[u8],
    ) -> Result<(), Error> {
        match &mut self.place {
            Place::Native(native) => native.received(connection, peer, bytes),
            Place::Sandbox(sandbox) => sandbox.get_mut().received(connection, peer, bytes),
        }
    }

    /// Changes a link's state. In the sandbox a link that may come up again does so when the host tries again: the
    /// fraction of a second until then passes. [`LinkState::Connecting`] is only played natively.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.link("line", LinkState::Down, "cable pulled")?;
    /// kernel.link("line", LinkState::Up, "")?;
    /// # Ok(()) }
    /// ```
    pub fn link(&mut self, connection: &str, state: LinkState, reason: &str) -> Result<(), Error> {
        match &mut self.place {
            Place::Native(native) => native.link(connection, state, reason),
            Place::Sandbox(sandbox) => sandbox.get_mut().link(connection, state, reason),
        }
    }

    /// Accepts or loses a peer of a listener. `id` is the test's name for it, and what the test finds wherever the
    /// plugin names the peer.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.peer("door", 1, "10.0.0.7:40123", true)?;
    /// kernel.received("door", Some(1), b"hello")?;
    /// assert_eq!(kernel.sent()[0].peer, Some(1));
    /// # Ok(()) }
    /// ```
    pub fn peer(
        &mut self,
        connection: &str,
        id: PeerId,
        address: &str,
        connected: bool,
    ) -> Result<(), Error> {
        match &mut self.place {
            Place::Native(native) => native.peer(connection, id, address, connected),
            Place::Sandbox(sandbox) => sandbox.get_mut().peer(connection, id, address, connected),
        }
    }

    /// Answers a call that the plugin made, with JSON or an error's text.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// let call = kernel.calls()[0].id;
    /// kernel.answer(call, Ok("true"))?;
    /// # Ok(()) }
    /// ```
    pub fn answer(&mut self, call: CallId, answer: Result<&str, &str>) -> Result<(), Error> {
        if let Place::Sandbox(sandbox) = &mut self.place {
            return sandbox.get_mut().answer(call, answer);
        }
        let (value, quality) = match answer {
            Ok(json) => (Value::Json(json), Quality::Good),
            Err(text) => (Value::Text(text), Quality::Bad),
        };
        let mut event = self.make_event("$answer", Sample::new(value).quality(quality));
        event.id = IdentityBuf {
            source: "$answer".to_owned(),
            sequence: call,
        };
        self.feed(&event)
    }

    /// Calls a command with its arguments as JSON. `None` while the answer is pending: it will be
    /// among [`TestKernel::answers`] under [`TestKernel::last_call`].
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// let answer = kernel.call("status", "{}")?;
    /// assert_eq!(answer.as_deref(), Some(r#"{"open":true}"#));
    /// # Ok(()) }
    /// ```
    pub fn call(&mut self, command: &str, arguments: &str) -> Result<Option<String>, CallError> {
        match &mut self.place {
            Place::Native(native) => native.call(command, arguments),
            Place::Sandbox(sandbox) => sandbox.get_mut().call(command, arguments),
        }
    }

    /// The id that was given out last: of a call, a ticket or a subscription.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert_eq!(kernel.call("set-point", r#"{ "value": 23 }"#)?, None);
    /// let call = kernel.last_call();
    /// assert!(kernel.answers().iter().all(|(answered, _)| *answered != call));
    /// # Ok(()) }
    /// ```
    pub fn last_call(&self) -> CallId {
        match &self.place {
            Place::Native(_) => self.kernel.with(|world| world.next_id),
            Place::Sandbox(sandbox) => sandbox.borrow().last_call(),
        }
    }
}
