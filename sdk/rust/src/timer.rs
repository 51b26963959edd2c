//! How timers tick.

use crate::Duration;

/// What happens to ticks that a device had no time for.
///
/// ```
/// use weihe_sdk::{Every, Missed};
///
/// // A meter is read once for all ticks that were missed.
/// let every = Every::new().missed(Missed::Once);
/// # assert_eq!(every.missed, Missed::Once);
/// ```
pub use crate::bindings::imports::weihe::plugin::schedule::Missed;

/// How a periodic timer ticks.
///
/// ```
/// use weihe_sdk::{Duration, Every, Missed};
///
/// let every = Every::new().missed(Missed::Once).jitter(Duration::from_millis(20));
/// assert_eq!(every.first, None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Every {
    /// What happens to missed ticks.
    pub missed: Missed,
    /// Each tick is delayed by a random span from 0 up to this.
    pub jitter: Duration,
    /// Delay of the first tick; `None` stands for one period.
    pub first: Option<Duration>,
}

impl Every {
    /// Missed ticks are left out, without jitter, the first after one period.
    ///
    /// ```
    /// # use weihe_sdk::{Duration, Every};
    /// assert_eq!(Every::new().jitter, Duration::ZERO);
    /// ```
    pub fn new() -> Self {
        Every {
            missed: Missed::Skip,
            jitter: Duration::ZERO,
            first: None,
        }
    }

    /// Says what happens to missed ticks.
    ///
    /// ```
    /// # use weihe_sdk::{Every, Missed};
    /// let every = Every::new().missed(Missed::CatchUp);
    /// # assert_eq!(every.missed, Missed::CatchUp);
    /// ```
    pub fn missed(mut self, missed: Missed) -> Self {
        self.missed = missed;
        self
    }

    /// Delays each tick by a random span up to `span`.
    ///
    /// ```
    /// # use weihe_sdk::{Duration, Every};
    /// // A hundred meters are not asked in one moment.
    /// let every = Every::new().jitter(Duration::from_secs(2));
    /// # assert_eq!(every.jitter, Duration::from_secs(2));
    /// ```
    pub fn jitter(mut self, span: Duration) -> Self {
        self.jitter = span;
        self
    }

    /// Sets the delay of the first tick.
    ///
    /// ```
    /// # use weihe_sdk::{Duration, Every};
    /// // At once, and then once in each period.
    /// let every = Every::new().first(Duration::ZERO);
    /// # assert_eq!(every.first, Some(Duration::ZERO));
    /// ```
    pub fn first(mut self, delay: Duration) -> Self {
        self.first = Some(delay);
        self
    }
}

impl Default for Every {
    fn default() -> Self {
        Every::new()
    }
}

/// How a timer on the calendar ticks.
///
/// ```
/// use weihe_sdk::{Cron, Duration, Missed};
///
/// let cron = Cron::new().missed(Missed::CatchUp).jitter(Duration::from_secs(5));
/// assert_eq!(cron.jitter, Duration::from_secs(5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cron {
    /// What happens to missed ticks.
    pub missed: Missed,
    /// Each tick is delayed by a random span from 0 up to this.
    pub jitter: Duration,
}

impl Cron {
    /// Missed ticks are left out, without jitter.
    ///
    /// ```
    /// # use weihe_sdk::{Cron, Missed};
    /// assert_eq!(Cron::new().missed, Missed::Skip);
    /// ```
    pub fn new() -> Self {
        Cron {
            missed: Missed::Skip,
            jitter: Duration::ZERO,
        }
    }

    /// Says what happens to missed ticks.
    ///
    /// ```
    /// # use weihe_sdk::{Cron, Missed};
    /// // The day's report is made when the host is up again.
    /// let cron = Cron::new().missed(Missed::Once);
    /// # assert_eq!(cron.missed, Missed::Once);
    /// ```
    pub fn missed(mut self, missed: Missed) -> Self {
        self.missed = missed;
        self
    }

    /// Delays each tick by a random span up to `span`.
    ///
    /// ```
    /// # use weihe_sdk::{Cron, Duration};
    /// let cron = Cron::new().jitter(Duration::from_secs(30));
    /// # assert_eq!(cron.jitter, Duration::from_secs(30));
    /// ```
    pub fn jitter(mut self, span: Duration) -> Self {
        self.jitter = span;
        self
    }
}

impl Default for Cron {
    fn default() -> Self {
        Cron::new()
    }
}
