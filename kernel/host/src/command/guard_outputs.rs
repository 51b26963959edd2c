//! The hidden command that sets outputs to their safe values when the host has died.

use std::process::ExitCode;

use clap::Args;

/// Watch over the host at the other end of standard input; for the host's own use
#[derive(Debug, Args)]
pub(super) struct GuardOutputs;

impl GuardOutputs {
    pub(super) fn run(self) -> ExitCode {
        crate::guard::run()
    }
}
