//! `weihe dev`: `weihe run` that builds and swaps in what is saved.

use std::path::PathBuf;

use clap::Args;

use weihe_guomi::signed::Mode;

use super::run::{Building, start};
use super::{Global, Result, directory};
use crate::config::Config;
use crate::language::say;
use crate::output::Failure;

/// Run the system in DIR, and build and swap in its plugins each time their source is saved
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe dev .\n  weihe dev examples/greenhouse\n\nWatched are the crates that weihe.toml names (`source` of a plugin), with those that they depend on by path.\nWhat does not compile changes nothing: the version before keeps running."
)]
pub(super) struct Dev {
    /// The system's directory
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// What is logged: error, warn, info, debug, trace, or a filter like info,weihe_link=debug
    #[arg(long, value_name = "LEVEL", env = "WEIHE_LOG", default_value = "info")]
    log: String,
}

impl Dev {
    pub(super) fn run(self, global: &Global) -> Result {
        let directory = directory::find(self.directory.as_deref(), global)?;
        let config = Config::load(&directory)?;
        if config.plugins.iter().all(|plugin| plugin.source.is_none()) {
            return Err(Failure::new(
                say::dev_no_source(directory.display()),
                say::dev_no_source_help(),
            ));
        }
        if config.signatures.mode == Mode::Require {
            return Err(Failure::new(say::dev_signed(), say::dev_signed_help()));
        }
        start(&directory, &self.log, Building::Always)
    }
}
