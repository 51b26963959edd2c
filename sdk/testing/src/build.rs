//! The component of a crate, built by `weihe build`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// The crate is no component.
///
/// ```
/// # fn told(error: weihe_testing::BuildError) {
/// eprintln!("{error}");
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the component of {} is not built: {message}", .directory.display())]
pub struct BuildError {
    /// The crate.
    pub directory: PathBuf,
    /// What `weihe build` says.
    pub message: String,
}

type Built = HashMap<PathBuf, Result<PathBuf, BuildError>>;

/// Builds the component of the crate in a directory with this `weihe`, unless it is up to date, and returns its file.
/// A process builds a crate once.
///
/// ```no_run
/// let directory = env!("CARGO_MANIFEST_DIR").as_ref();
/// let weihe = weihe_testing::weihe(directory).unwrap();
/// let file = weihe_testing::component(&weihe, directory)?;
/// assert!(file.is_file());
/// # Ok::<(), weihe_testing::BuildError>(())
/// ```
pub fn component(weihe: &Path, directory: &Path) -> Result<PathBuf, BuildError> {
    static BUILT: Mutex<Option<Built>> = Mutex::new(None);
    // Held while it is built: tests that run beside wait for it.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    let known = built.entry(directory.to_path_buf());
    known.or_insert_with(|| build(weihe, directory)).clone()
}

fn build(weihe: &Path, directory: &Path) -> Result<PathBuf, BuildError> {
    let fail = |message: String| BuildError {
        directory: directory.to_path_buf(),
        message,
    };
    let output = Command::new(weihe)
        .args(["--json", "build"])
        .arg(directory)
        // What it is about is the crate, not the system around it.
        .env_remove("WEIHE_DIR")
        .output()
        .map_err(|error| fail(format!("{}: {error}", weihe.display())))?;
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    match answer["file"].as_str() {
        Some(file) if output.status.success() => Ok(PathBuf::from(file)),
        _ => {
            let said = answer["error"]["message"].as_str().map(str::to_owned);
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(fail(format!("{}\n{errors}", said.unwrap_or_default())))
        }
    }
}
