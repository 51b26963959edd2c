//! `weihe check`: is everything in order, without starting anything?

use std::path::PathBuf;

use clap::Args;

use super::{Global, Result, directory};
use crate::config::Config;
use crate::output::{Outcome, Style};

/// Check configuration and plugins, and start nothing
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  weihe check examples/greenhouse")]
pub(super) struct Check {
    /// The system's directory
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

impl Check {
    pub(super) fn run(self, global: &Global) -> Result {
        let directory = directory::find(self.directory.as_deref(), global)?;
        let config = Config::load(&directory)?;
        if global.json {
            println!(
                "{}",
                serde_json::json!({ "ok": true, "devices": config.devices.len() })
            );
        } else {
            println!(
                "{} {} is in order",
                Style::stdout().good("ok"),
                directory.join(crate::config::FILE).display()
            );
        }
        Ok(Outcome::Done)
    }
}
