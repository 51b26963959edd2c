#![doc = include_str!("../README.md")]

mod build;
mod find;
mod process;

use std::io::Write as _;
use std::path::Path;

use weihe_sdk::Plugin;
use weihe_sdk::testing::run::{Verdict, sandboxed};
use weihe_sdk::testing::{Sandbox, Setup};

pub use build::{BuildError, component};
pub use find::{Missing, weihe};
pub use process::{Process, StartError};

/// Why there is no sandbox for a crate.
///
/// ```
/// use weihe_testing::OpenError;
/// fn is_worth_a_skip(error: &OpenError) -> bool {
///     matches!(error, OpenError::Missing(_))
/// }
/// # let _ = is_worth_a_skip;
/// ```
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no `weihe`.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The crate is no component.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The component does not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// A sandbox with the component of the crate in a directory, which is built if it is not up to date. It is built once
/// for all tests of a process.
///
/// ```no_run
/// let sandbox = weihe_testing::open(env!("CARGO_MANIFEST_DIR").as_ref())?;
/// # drop(sandbox);
/// # Ok::<(), weihe_testing::OpenError>(())
/// ```
pub fn open(directory: &Path) -> Result<Process, OpenError> {
    let weihe = weihe(directory)?;
    let file = component(&weihe, directory)?;
    Ok(Process::start(&weihe, &file)?)
}

/// Runs a test of the crate in a directory in the sandbox: what
/// [`#[weihe_sdk::test(sandbox)]`](macro@weihe_sdk::test) makes calls this. Where there is no `weihe` the test is
/// skipped, which is said on standard error; where the environment variable `CI` is set it fails.
///
/// ```no_run
/// # use weihe_sdk::{prelude::*, testing::Setup};
/// # fn f<P: Plugin>() {
/// weihe_testing::run(env!("CARGO_MANIFEST_DIR"), &[], |setup: Setup<P>| {
///     setup.start("{}").unwrap();
/// });
/// # }
/// ```
///
/// # Panics
/// Where the test fails, where its plugin used more than `budgets`, or where there is no sandbox.
#[allow(clippy::panic)]
#[track_caller]
pub fn run<P: Plugin, V: Verdict>(
    directory: &str,
    budgets: &[(&str, &str)],
    test: impl FnOnce(Setup<P>) -> V,
) {
    match open(Path::new(directory)) {
        Ok(process) => {
            let sandbox: Box<dyn Sandbox> = Box::new(process);
            sandboxed(sandbox, budgets, test);
        }
        Err(OpenError::Missing(missing)) if std::env::var_os("CI").is_none() => {
            let thread = std::thread::current();
            let name = thread.name().unwrap_or("a test");
            // Not by a macro: the harness keeps back what those print in a passing test.
            let _ = writeln!(std::io::stderr(), "\nSKIPPED {name}: {missing}\n");
        }
        Err(error) => panic!("{error}"),
    }
}
