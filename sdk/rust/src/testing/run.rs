//! How [`test`](macro@crate::test) runs what it is given. Rarely called by hand.
//!
//! ```no_run
//! use weihe_sdk::{Plugin, testing::Setup, testing::run};
//!
//! fn starts<P: Plugin>() {
//!     run::native(|setup: Setup<P>| setup.start("{}").map(drop));
//! }
//! ```

use super::sandbox::Sandbox;
use super::setup::Setup;
use super::used::{self, Ledger, Used};
use crate::Plugin;
use std::fmt::Debug;
use std::io::Write;

/// The name of a device that a test does not name.
const DEVICE: &str = "test";

/// What a test may return: nothing, or a result whose error fails it.
///
/// ```
/// use weihe_sdk::testing::run::Verdict;
///
/// ().deliver();
/// Ok::<(), String>(()).deliver();
/// ```
pub trait Verdict {
    /// Fails the test, or does not.
    ///
    /// ```should_panic
    /// use weihe_sdk::testing::run::Verdict;
    ///
    /// Err::<(), _>("it leaks").deliver();
    /// ```
    ///
    /// # Panics
    /// Where the test failed.
    fn deliver(self);
}

impl Verdict for () {
    fn deliver(self) {}
}

impl<E: Debug> Verdict for Result<(), E> {
    #[allow(clippy::panic)]
    #[track_caller]
    fn deliver(self) {
        if let Err(error) = self {
            panic!("{error:?}");
        }
    }
}

/// Runs a test natively.
///
/// ```
/// # use weihe_sdk::{prelude::*, testing::{Setup, run}};
/// # fn try_it<P: Plugin>() {
/// run::native(|setup: Setup<P>| assert!(!setup.is_sandbox()));
/// # }
/// ```
///
/// # Panics
/// Where the test fails.
#[track_caller]
pub fn native<P: Plugin, V: Verdict>(test: impl FnOnce(Setup<P>) -> V) {
    test(Setup::new(DEVICE)).deliver();
}

/// Runs a test in a sandbox, prints a line of what the plugin used, and fails where that is more than a budget: the
/// name of a limit and the most of it, with its unit (`"4 MiB"`, `"2 ms"`, `"100"`).
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::{Sandbox, Setup, run}};
/// # fn f<P: Plugin>(sandbox: Box<dyn Sandbox>) {
/// run::sandboxed(sandbox, &[("memory", "4 MiB")], |setup: Setup<P>| {
///     setup.start("{}").map(drop)
/// });
/// # }
/// ```
///
/// # Panics
/// Where the test fails, or used too much.
#[allow(clippy::panic)]
#[track_caller]
pub fn sandboxed<P: Plugin, V: Verdict>(
    sandbox: Box<dyn Sandbox>,
    budgets: &[(&str, &str)],
    test: impl FnOnce(Setup<P>) -> V,
) {
    let ledger = Ledger::default();
    test(Setup::within(DEVICE, sandbox, ledger.clone())).deliver();
    let Some(used) = ledger.take() else {
        return;
    };
    // With the test's own output: shown by `--nocapture`, and when it fails.
    print!("{}", line(&used));
    let _ = std::io::stdout().flush();
    if let Err(text) = used.within(budgets) {
        panic!("{text}");
    }
}

fn line(used: &Used) -> String {
    let thread = std::thread::current();
    format!("{} used: {used}\n", thread.name().unwrap_or("the test"))
}

impl Used {
    /// Whether no more was used than these budgets allow: names of limits, and the most of each with its unit.
    ///
    /// ```
    /// use weihe_sdk::testing::{Budget, Used};
    /// let mut used = Used::default();
    /// used.budgets.push(Budget {
    ///     limit: "memory".to_owned(),
    ///     unit: "bytes".to_owned(),
    ///     peak: Some(3 << 20),
    ///     most: 16 << 20,
    /// });
    /// assert!(used.within(&[("memory", "4 MiB")]).is_ok());
    /// let error = used.within(&[("memory", "2 MiB")]).unwrap_err();
    /// assert_eq!(error, "memory: 3.0 MiB were used, and 2 MiB are allowed");
    /// assert!(used.within(&[("memry", "2 MiB")]).unwrap_err().contains("memory"));
    /// ```
    pub fn within(&self, budgets: &[(&str, &str)]) -> Result<(), String> {
        for (limit, allowed) in budgets {
            let Some(budget) = self.budgets.iter().find(|budget| budget.limit == *limit) else {
                let known: Vec<_> = self.budgets.iter().map(|one| one.limit.as_str()).collect();
                return Err(format!(
                    "there is no limit `{limit}`: there are {}",
                    known.join(", ")
                ));
            };
            let most = used::amount(allowed, &budget.unit)
                .map_err(|why| format!("`{limit} = \"{allowed}\"`: {why}"))?;
            let Some(peak) = budget.peak else {
                return Err(format!(
                    "{limit}: it cannot be told how much of it was used"
                ));
            };
            if peak > most {
                let shown = used::shown(peak, &budget.unit);
                return Err(format!(
                    "{limit}: {shown} were used, and {allowed} are allowed"
                ));
            }
        }
        Ok(())
    }
}
