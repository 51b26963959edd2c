//! What whole-system tests share: components built from this workspace, a kernel around them, peers
//! in Python, and lines that misbehave.
//!
//! The tests themselves stand in `tests/system/`. They wait for what they want to see, never for a
//! time; [`DEADLINE`] only ends a test that would wait for ever.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bomb;
mod book;
mod chance;
mod clang;
mod coils;
mod components;
mod host;
pub mod hostile;
mod html;
mod process;
mod pty;
mod python;
mod reference;
mod relay;
mod rig;
mod screen;
mod watch;
mod workbench;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub use bomb::bomb;
pub use book::{Book, LANGUAGES, sources as book_sources};
pub use chance::{Chance, setting};
pub use clang::build_c;
pub use coils::Coils;
pub use components::{compiled, component, outputs, version, wrong};
pub use host::{Host, weihe};
pub use html::{Block, HtmlPage};
pub use process::{Process, as_typed, signal, signal_group};
pub use pty::Pty;
pub use python::{Client, PYMODBUS, Python, Slave};
pub use reference::{exports, reference};
pub use relay::{Mischief, Relay};
pub use rig::{Rig, System};
pub use screen::Screen;
pub use watch::Watch;
pub use workbench::{Workbench, on_a_workbench};

/// How long anything is awaited: far beyond what the slowest shared machine needs.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The folder that holds the workspace.
pub fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Cargo, for another build.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    without_this_package(&mut cargo);
    cargo
}

/// Takes from a command what cargo has told this test of its own package. Scripts that build a crate ask for the same names,
/// so that `ring`, and all that is linked with it, would be compiled anew here and in the next build outside.
pub fn without_this_package(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
}

/// Cargo's target directory, in which this test was built: it lies in `<target>/<profile>/deps`.
pub fn target() -> PathBuf {
    let exe = env::current_exe().expect("the test's own file");
    let folder = exe.parent().expect("a file is in a folder");
    // A benchmark lies one level higher.
    let profile = match folder.ends_with("deps") {
        true => folder.parent(),
        false => Some(folder),
    };
    let target = profile.and_then(Path::parent);
    target
        .expect("a test lies in cargo's target directory")
        .to_owned()
}
