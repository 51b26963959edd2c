//! The hidden command that compiles one component in a process of its own, with limits.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Args;

/// Compile INPUT to OUTPUT; for the host's own use
#[derive(Debug, Args)]
pub(super) struct CompileComponent {
    /// INPUT OUTPUT, and the bytes of memory that it may take
    #[arg(num_args = 2..=3, required = true)]
    paths: Vec<OsString>,
}

impl CompileComponent {
    pub(super) fn run(self) -> ExitCode {
        weihe_kernel::runtime::compile_child(&self.paths)
    }
}
