//! What a test gives a plugin before it starts.

use super::fake::FakeKernel;
use super::seam::{self, Kernel};
use super::world::{SqlAnswer, SqlCall};
use crate::{Error, EventBuf, Failure, LinkState, Plugin, Request, SqlError, Timestamp};

/// When the fake clock starts: 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600_000_000_000;

/// A kernel before its plugin starts.
#[derive(Debug)]
pub struct Setup {
    device: String,
    connection: Option<String>,
    kernel: Kernel,
    state: Option<(u32, Vec<u8>)>,
}

impl Setup {
    pub(super) fn new(device: &str) -> Self {
        let kernel = Kernel::default();
        kernel.with(|world| world.now = START);
        Setup {
            device: device.to_owned(),
            connection: None,
            kernel,
            state: None,
        }
    }

    /// Gives the device a connection of its own. It is up until [`FakeKernel::link`] says otherwise.
    pub fn connection(mut self, name: &str) -> Self {
        self.kernel
            .with(|world| world.links.insert(name.to_owned(), LinkState::Up));
        self.connection.get_or_insert_with(|| name.to_owned());
        self
    }

    /// Sets the clock.
    pub fn now(self, now: Timestamp) -> Self {
        self.kernel.with(|world| world.now = now.as_nanos());
        self
    }

    /// Refuses a topic or filter.
    pub fn deny(self, topic: &str) -> Self {
        self.kernel
            .with(|world| world.denied.push(topic.to_owned()));
        self
    }

    /// Sets what [`Context::last`](crate::Context::last) finds.
    pub fn last(self, event: EventBuf) -> Self {
        self.kernel
            .with(|world| world.last.insert(event.topic.clone(), event));
        self
    }

    /// Gives the plugin a database, which `answer` plays.
    pub fn sql(
        self,
        answer: impl FnMut(SqlCall<'_>) -> Result<SqlAnswer, SqlError> + 'static,
    ) -> Self {
        self.kernel.with(|world| world.sql = Some(Box::new(answer)));
        self
    }

    /// Answers [`Connection::transact`](crate::Connection::transact), called with the connection's
    /// name and the request.
    pub fn transact(
        self,
        answer: impl FnMut(&str, &Request) -> Result<Vec<u8>, Failure> + 'static,
    ) -> Self {
        self.kernel
            .with(|world| world.line = Some(Box::new(answer)));
        self
    }

    /// Hands the plugin state of an earlier instance: its version, and its JSON.
    pub fn state(mut self, version: u32, json: &str) -> Self {
        self.state = Some((version, json.as_bytes().to_owned()));
        self
    }

    /// Starts the plugin with its configuration as JSON. Fails as `import-state` or `start` fail.
    pub fn start<P: Plugin>(self, config: &str) -> Result<FakeKernel<P>, Error> {
        seam::take_logs();
        FakeKernel::begin_with(
            self.kernel,
            self.device,
            self.connection,
            self.state,
            config,
        )
    }
}
