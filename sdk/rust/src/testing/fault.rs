//! Faults that a test injects.

use super::board::I2cFault;
use crate::hal::HalError;
use crate::{CallError, Failure, Refused, SqlError};

/// Something that goes wrong at the border between the plugin and the kernel, from
/// [`TestKernel::inject`](super::TestKernel::inject) until [`TestKernel::mend`](super::TestKernel::mend).
///
/// It says *what* is refused and with which error; [`Fault::on`] narrows it to one topic, connection, device or
/// database, [`Fault::after`] lets some pass first, and [`Fault::times`] makes it pass by itself.
///
/// ```
/// use weihe_sdk::testing::Fault;
/// use weihe_sdk::{Failure, Refused, SqlError};
///
/// // The third statement meets a full disk, the next two as well, and then there is room again.
/// let full = Fault::sql(SqlError::Full("disk full".to_owned())).after(2).times(3);
/// // Nobody answers on this line.
/// let mute = Fault::exchange(Failure::Timeout(Vec::new())).on("line");
/// // The device publishes faster than it may.
/// let fast = Fault::publish(Refused::Limit("publish-rate".to_owned()));
/// # drop((full, mute, fast));
/// ```
///
/// In the sandbox exchanges and calls can be made to fail, since their other ends are the test's. Its grants,
/// limits and database are the host's own: set [`Setup::grants`](super::Setup::grants) and
/// [`Setup::limits`](super::Setup::limits) there, or run the test natively.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub(super) error: Cause,
    pub(super) name: Option<String>,
    pub(super) skip: u64,
    pub(super) left: Option<u64>,
}

/// The error, by the call that it refuses.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cause {
    Publish(Refused),
    Subscribe(Refused),
    Timer(Refused),
    Open(Refused),
    Call(CallError),
    Exchange(Failure),
    Sql(SqlError),
    Keys(Refused),
    Hardware(HalError),
    I2c(I2cFault),
}

impl Cause {
    /// What is refused, as one says it.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Cause::Publish(_) => "publications",
            Cause::Subscribe(_) => "subscriptions",
            Cause::Timer(_) => "timers",
            Cause::Open(_) => "opening connections",
            Cause::Call(_) => "calls",
            Cause::Exchange(_) => "exchanges",
            Cause::Sql(_) => "statements",
            Cause::Keys(_) => "keys",
            Cause::Hardware(_) => "lines, buses and ports",
            Cause::I2c(_) => "I2C transactions",
        }
    }
}

impl Fault {
    fn new(error: Cause) -> Self {
        Fault {
            error,
            name: None,
            skip: 0,
            left: None,
        }
    }

    /// What the plugin publishes is refused: the rate, a missing grant, a full outbox. A batch is refused as a
    /// whole.
    ///
    /// ```
    /// use weihe_sdk::{Refused, testing::Fault};
    /// let fault = Fault::publish(Refused::Denied("no grant".to_owned())).on("plant/alarm");
    /// # drop(fault);
    /// ```
    pub fn publish(error: Refused) -> Self {
        Self::new(Cause::Publish(error))
    }

    /// Subscriptions are refused.
    ///
    /// ```
    /// # use weihe_sdk::{CallError, Failure, Refused, testing::Fault};
    /// let fault = Fault::subscribe(Refused::Denied("no grant".to_owned())).on("plant/#");
    /// # drop(fault);
    /// ```
    pub fn subscribe(error: Refused) -> Self {
        Self::new(Cause::Subscribe(error))
    }

    /// Timers are not set.
    ///
    /// ```
    /// # use weihe_sdk::{CallError, Failure, Refused, testing::Fault};
    /// let fault = Fault::timer(Refused::Limit("timers".to_owned())).after(3);
    /// # drop(fault);
    /// ```
    pub fn timer(error: Refused) -> Self {
        Self::new(Cause::Timer(error))
    }

    /// Connections and buckets cannot be opened.
    ///
    /// ```
    /// # use weihe_sdk::{CallError, Failure, Refused, testing::Fault};
    /// let fault = Fault::open(Refused::Taken("held by `soil`".to_owned())).on("line");
    /// # drop(fault);
    /// ```
    pub fn open(error: Refused) -> Self {
        Self::new(Cause::Open(error))
    }

    /// Calls on other devices fail: at once natively, by their answer in the sandbox.
    ///
    /// ```
    /// # use weihe_sdk::{CallError, Failure, Refused, testing::Fault};
    /// let fault = Fault::call(CallError::unavailable("it is off")).on("pump").times(1);
    /// # drop(fault);
    /// ```
    pub fn call(error: CallError) -> Self {
        Self::new(Cause::Call(error))
    }

    /// Exchanges on a connection fail, awaited and submitted ones; bytes that are sent, too. A partial reply is
    /// [`Failure::Timeout`] with the bytes that did come.
    ///
    /// ```
    /// # use weihe_sdk::{CallError, Failure, Refused, testing::Fault};
    /// let partial = Fault::exchange(Failure::Timeout(b"21.".to_vec()));
    /// let fault = partial.times(1);
    /// # drop(fault);
    /// ```
    pub fn exchange(error: Failure) -> Self {
        Self::new(Cause::Exchange(error))
    }

    /// Statements fail: the database is busy, the disk full, a constraint violated.
    ///
    /// ```
    /// # use weihe_sdk::{CallError, Failure, Refused, testing::Fault};
    /// let fault = Fault::sql(weihe_sdk::SqlError::Busy("locked".to_owned())).times(2);
    /// # drop(fault);
    /// ```
    pub fn sql(error: SqlError) -> Self {
        Self::new(Cause::Sql(error))
    }

    /// Keys cannot be read or written.
    ///
    /// ```
    /// # use weihe_sdk::{CallError, Failure, Refused, testing::Fault};
    /// let fault = Fault::keys(Refused::Limit("the store is full".to_owned()));
    /// # drop(fault);
    /// ```
    pub fn keys(error: Refused) -> Self {
        Self::new(Cause::Keys(error))
    }

    /// Lines, buses, ports and channels cannot be opened or used: taken, not granted, unplugged.
    ///
    /// ```
    /// # use weihe_sdk::{hal::HalError, testing::Fault};
    /// let taken = Fault::hardware(HalError::Taken("led is taken by device `lamp`".to_owned())).on("led");
    /// let unplugged = Fault::hardware(HalError::Gone("uart/1 has vanished".to_owned())).on("gps").after(1);
    /// # drop((taken, unplugged));
    /// ```
    pub fn hardware(error: HalError) -> Self {
        Self::new(Cause::Hardware(error))
    }

    /// Transactions on I2C buses fail: on one by its name, or with one chip by `bus@address`.
    ///
    /// ```
    /// # use weihe_sdk::testing::{Fault, I2cFault};
    /// let stuck = Fault::i2c(I2cFault::Bus).on("sensors").times(1);
    /// let absent = Fault::i2c(I2cFault::AddressNack).on("sensors@0x44");
    /// # drop((stuck, absent));
    /// ```
    pub fn i2c(fault: I2cFault) -> Self {
        Self::new(Cause::I2c(fault))
    }

    /// Only this topic, filter, timer, connection, device, database, bucket, line, bus, port or channel.
    ///
    /// ```
    /// # use weihe_sdk::{CallError, Failure, Refused, testing::Fault};
    /// let fault = Fault::call(CallError::failed("stuck")).on("valve");
    /// # drop(fault);
    /// ```
    pub fn on(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// So many pass before it.
    ///
    /// ```
    /// # use weihe_sdk::{CallError, Failure, Refused, testing::Fault};
    /// // The first two go through.
    /// let fault = Fault::publish(Refused::Limit("outbox-events".to_owned())).after(2);
    /// # drop(fault);
    /// ```
    pub fn after(mut self, passed: u64) -> Self {
        self.skip = passed;
        self
    }

    /// It happens so many times; without this, until it is mended.
    ///
    /// ```
    /// # use weihe_sdk::{CallError, Failure, Refused, testing::Fault};
    /// let fault = Fault::exchange(Failure::LinkDown("cable pulled".to_owned())).times(1);
    /// # drop(fault);
    /// ```
    pub fn times(mut self, times: u64) -> Self {
        self.left = Some(times);
        self
    }

    /// Whether it strikes now; counts either way.
    pub(super) fn strikes(&mut self, name: &str) -> bool {
        // A chip is on its bus.
        let fits = |only: &str| {
            let rest = name.strip_prefix(only);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
        };
        if !self.name.as_deref().is_none_or(fits) || self.left == Some(0) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        true
    }
}

/// The first fault of a kind that strikes.
macro_rules! strike {
    ($world:expr, $kind:ident, $name:expr) => {
        $world
            .faults
            .iter_mut()
            .filter(|fault| matches!(fault.error, $crate::testing::fault::Cause::$kind(_)))
            .find_map(|fault| fault.strikes($name).then(|| fault.error.clone()))
            .and_then(|error| match error {
                $crate::testing::fault::Cause::$kind(error) => Some(error),
                _ => None,
            })
    };
}
pub(super) use strike;
