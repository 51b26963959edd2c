//! What a test does to the kernel itself: faults, its clock, its measures and its log.

use super::fault::{Cause, Fault};
use super::kernel::{Place, TestKernel};
use super::seam;
use super::used::Used;
use super::world::Log;
use crate::{Plugin, Refused, Timestamp};

impl<P: Plugin> TestKernel<P> {
    /// Lets something go wrong from now on. Faults add up; the first that fits strikes.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.inject(Fault::exchange(Failure::Timeout(Vec::new())).times(2));
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// In the sandbox, where the fault can only be injected natively: see [`Fault`].
    #[allow(clippy::panic)]
    #[track_caller]
    pub fn inject(&mut self, fault: Fault) {
        if let Place::Sandbox(sandbox) = &self.place {
            sandbox.borrow().check_fault(&fault);
            let broken = sandbox.borrow_mut().break_board(&fault);
            if let Err(error) = broken {
                panic!("the board of the test: {error}");
            }
        }
        self.kernel.with(|world| world.faults.push(fault));
    }

    /// Nothing goes wrong any more.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.inject(Fault::publish(Refused::Limit("publish-rate".to_owned())));
    /// assert!(kernel.event("tank/level", 81.5).is_err());
    /// kernel.mend();
    /// kernel.event("tank/level", 81.5)?;
    /// # Ok(()) }
    /// ```
    pub fn mend(&mut self) {
        if let Place::Sandbox(sandbox) = &mut self.place {
            let broken = self.kernel.with(|world| {
                let mut faults = world.faults.iter();
                faults.any(|fault| matches!(fault.error, Cause::I2c(_)))
            });
            if broken && let Err(error) = sandbox.get_mut().mend_board() {
                crate::log::error!("the board of the test: {error}");
            }
        }
        self.kernel.with(|world| world.faults.clear());
    }

    /// Lets the kernel refuse what the plugin publishes from now on, or (`None`) mends all faults: short for
    /// [`Fault::publish`].
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// kernel.refuse_publications(Some(Refused::Denied("no grant".to_owned())));
    /// assert!(kernel.event("tank/level", 81.5).is_err());
    /// kernel.refuse_publications(None);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// In the sandbox.
    #[track_caller]
    pub fn refuse_publications(&mut self, refused: Option<Refused>) {
        self.mend();
        if let Some(refused) = refused {
            self.inject(Fault::publish(refused));
        }
    }

    /// What the plugin has used of its budgets. `None` natively, where nothing is measured.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// if let Some(used) = kernel.used() {
    ///     assert!(used.memory < 4 << 20, "{used}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn used(&mut self) -> Option<Used> {
        match &mut self.place {
            Place::Native(_) => None,
            Place::Sandbox(sandbox) => Some(sandbox.get_mut().used()),
        }
    }

    /// Sets the wall clock, as an operator or NTP would, forward or back. Spans go on: what was to tick in five
    /// seconds still does, and only cron looks at the calendar.
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// let an_hour_ago = kernel.now() - Duration::from_secs(3_600);
    /// kernel.set_clock(an_hour_ago);
    /// # Ok(()) }
    /// ```
    pub fn set_clock(&mut self, now: Timestamp) {
        match &mut self.place {
            Place::Native(_) => self.kernel.with(|world| world.set_clock(now)),
            Place::Sandbox(sandbox) => sandbox.get_mut().set_clock(now),
        }
    }

    /// What was logged since this was last asked, or since the last start: by this thread's plugins natively, by
    /// the device in the sandbox (where the kernel's own words about it are among them).
    ///
    /// ```no_run
    /// # use weihe_sdk::{prelude::*, testing::*};
    /// # #[allow(unused_mut)]
    /// # fn f<P: Plugin>(mut kernel: TestKernel<P>) -> Result<(), Error> {
    /// assert!(kernel.logs().iter().any(|log| log.message.contains("no answer")));
    /// # Ok(()) }
    /// ```
    pub fn logs(&mut self) -> Vec<Log> {
        seam::take_logs()
    }
}
