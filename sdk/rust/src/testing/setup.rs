//! What a test gives a plugin before it starts.

use super::grants::Grants;
use super::kernel::TestKernel;
use super::sandbox::{Sandbox, Settings};
use super::seam::{self, Kernel};
use super::used::Ledger;
use super::world::{SqlAnswer, SqlCall};
use crate::{Error, EventBuf, Failure, LinkState, Plugin, Request, SqlError, Timestamp};
use std::marker::PhantomData;

/// When the clock of a test starts: 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600_000_000_000;

/// A kernel before its plugin starts.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::{Setup, TestKernel}};
/// fn start<P: Plugin>(setup: Setup<P>) -> TestKernel<P> {
///     let setup = setup.device("oven").connection("line");
///     setup.start(r#"{ "period": "1 s" }"#).unwrap()
/// }
/// ```
pub struct Setup<P> {
    device: String,
    connection: Option<String>,
    pub(super) kernel: Kernel,
    state: Option<(u32, Vec<u8>)>,
    pub(super) settings: Settings,
    sandbox: Option<(Box<dyn Sandbox>, Ledger)>,
    plugin: PhantomData<P>,
}

impl<P> std::fmt::Debug for Setup<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup")
            .field("device", &self.device)
            .field("sandbox", &self.sandbox.is_some())
            .finish_non_exhaustive()
    }
}

impl<P: Plugin> Setup<P> {
    pub(super) fn new(device: &str) -> Self {
        let kernel = Kernel::default();
        kernel.with(|world| {
            world.now = START;
            world.device = device.to_owned();
        });
        Setup {
            device: device.to_owned(),
            connection: None,
            kernel,
            state: None,
            settings: Settings::default(),
            sandbox: None,
            plugin: PhantomData,
        }
    }

    pub(super) fn within(device: &str, sandbox: Box<dyn Sandbox>, ledger: Ledger) -> Self {
        Setup {
            sandbox: Some((sandbox, ledger)),
            ..Self::new(device)
        }
    }

    /// Whether the test runs in the sandbox.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// let name = if setup.is_sandbox() { "real" } else { "played" };
    /// println!("the kernel is {name}");
    /// # Ok(()) }
    /// ```
    pub fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Names the device; without this its name is `test`.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// let kernel = setup.device("oven").start("{}")?;
    /// assert_eq!(kernel.last("plugin/oven/temperature"), None);
    /// # Ok(()) }
    /// ```
    pub fn device(mut self, name: &str) -> Self {
        self.device = name.to_owned();
        self.kernel.with(|world| world.device = name.to_owned());
        self
    }

    /// Gives the device a connection; the first is its own. It is up until
    /// [`TestKernel::link`] says otherwise, and its far end is the test.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// let mut kernel = setup.connection("line").start("{}")?;
    /// kernel.received("line", None, b"hello")?;
    /// # Ok(()) }
    /// ```
    pub fn connection(self, name: &str) -> Self {
        self.connect(name, false)
    }

    /// Gives the device a listener; [`TestKernel::peer`] lets peers come to it.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// let mut kernel = setup.listener("door").start("{}")?;
    /// kernel.peer("door", 1, "10.0.0.7:40123", true)?;
    /// # Ok(()) }
    /// ```
    pub fn listener(self, name: &str) -> Self {
        self.connect(name, true)
    }

    fn connect(mut self, name: &str, listener: bool) -> Self {
        self.kernel.with(|world| {
            world.links.insert(name.to_owned(), LinkState::Up);
            world.connection.get_or_insert_with(|| name.to_owned());
        });
        self.connection.get_or_insert_with(|| name.to_owned());
        self.settings.connections.push((name.to_owned(), listener));
        self
    }

    /// Sets the clock.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// let kernel = setup.now("2026-06-01T12:00:00Z".parse().unwrap()).start("{}")?;
    /// # drop(kernel);
    /// # Ok(()) }
    /// ```
    pub fn now(self, now: Timestamp) -> Self {
        self.kernel.with(|world| world.now = now.as_nanos());
        self
    }

    /// Gives the device these grants and no others: the table `[device.NAME.grants]` of `weihe.toml`, as JSON.
    /// Without this everything is granted that can be without naming a table of the database. Natively only
    /// `publish`, `subscribe` and `call` are looked at.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::Setup};
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Setup<P> {
    /// setup.grants(r#"{ "subscribe": ["tank/#"], "store": { "tables": ["samples"] } }"#)
    /// # }
    /// ```
    pub fn grants(mut self, json: &str) -> Self {
        match serde_json::from_str::<Grants>(json) {
            Ok(grants) => self.kernel.with(|world| world.grants = Some(grants)),
            Err(error) => self.settings.wrong = Some(format!("grants of the test: {error}")),
        }
        self.settings.grants = Some(json.to_owned());
        self
    }

    /// Gives the device these limits: the table `[device.NAME.limits]` of `weihe.toml`, as JSON. Natively nothing
    /// is limited.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// let kernel = setup.limits(r#"{ "memory": "2 MiB", "timers": 4 }"#).start("{}")?;
    /// # drop(kernel);
    /// # Ok(()) }
    /// ```
    pub fn limits(mut self, json: &str) -> Self {
        self.settings.limits = Some(json.to_owned());
        self
    }

    /// Refuses a topic or filter. Only natively: the sandbox has grants, see [`Setup::grants`].
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// let error = setup.deny("plant/#").start("{}").err().unwrap();
    /// assert!(error.text().contains("plant/#"));
    /// # Ok(()) }
    /// ```
    pub fn deny(mut self, topic: &str) -> Self {
        self.settings
            .only_natively("`Setup::deny`", "`Setup::grants`");
        self.kernel
            .with(|world| world.denied.push(topic.to_owned()));
        self
    }

    /// Sets what [`Context::last`](crate::Context::last) finds.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// # let mut other = FakeKernel::<P>::start("x", "{}")?;
    /// let level = other.make_event("tank/level", 81.5);
    /// let kernel = setup.last(level).start("{}")?;
    /// # drop(kernel);
    /// # Ok(()) }
    /// ```
    pub fn last(mut self, event: EventBuf) -> Self {
        self.settings.last.push(event.clone());
        self.kernel
            .with(|world| world.last.insert(event.topic.clone(), event));
        self
    }

    /// Gives the plugin a database, which `answer` plays. The sandbox has a real one, empty, and does not ask
    /// `answer`; name the plugin's tables in [`Setup::grants`] there.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// let setup = setup.sql(|call| match call {
    ///     SqlCall::Open("main") | SqlCall::Execute(..) => Ok(SqlAnswer::Changed(1)),
    ///     other => panic!("{other:?}"),
    /// });
    /// # drop(setup);
    /// # Ok(()) }
    /// ```
    pub fn sql(
        self,
        answer: impl FnMut(SqlCall<'_>) -> Result<SqlAnswer, SqlError> + 'static,
    ) -> Self {
        self.kernel.with(|world| world.sql = Some(Box::new(answer)));
        self
    }

    /// Answers [`Connection::transact`](crate::Connection::transact), called with the connection's
    /// name and the request. (In the sandbox the bytes are all that is known of the request.)
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// let setup = setup.transact(|connection, request| {
    ///     assert_eq!((connection, request.bytes.as_slice()), ("line", &b"T?\n"[..]));
    ///     Ok(b"21.5\n".to_vec())
    /// });
    /// # drop(setup);
    /// # Ok(()) }
    /// ```
    pub fn transact(
        self,
        answer: impl FnMut(&str, &Request) -> Result<Vec<u8>, Failure> + 'static,
    ) -> Self {
        self.kernel
            .with(|world| world.line = Some(Box::new(answer)));
        self
    }

    /// Hands the plugin state of an earlier instance: its version, and its JSON.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// let kernel = setup.state(1, r#"{ "open": true }"#).start("{}")?;
    /// assert_eq!(kernel.state().1["open"], true);
    /// # Ok(()) }
    /// ```
    pub fn state(mut self, version: u32, json: &str) -> Self {
        self.state = Some((version, json.as_bytes().to_owned()));
        self
    }

    /// Starts the plugin with its configuration as JSON. Fails as `import-state` or `start` fail.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(setup: Setup<P>) -> Result<(), Error> {
    /// assert!(setup.start(r#"{ "perod": "1 s" }"#).is_err(), "a key that is none");
    /// # Ok(()) }
    /// ```
    pub fn start(self, config: &str) -> Result<TestKernel<P>, Error> {
        seam::take_logs();
        if let Some(wrong) = self.settings.wrong {
            return Err(Error::fatal(wrong));
        }
        match self.sandbox {
            None => TestKernel::start_natively(
                self.kernel,
                self.device,
                self.connection,
                self.state,
                config,
            ),
            Some((sandbox, ledger)) => TestKernel::start_in_sandbox(
                self.kernel,
                self.device,
                self.state,
                self.settings,
                (sandbox, ledger),
                config,
            ),
        }
    }
}
