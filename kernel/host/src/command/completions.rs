//! `weihe completions`: what a shell asks while a command is typed, and the script that makes it ask.
//!
//! Three short scripts and one engine of our own: the scripts that `clap_complete` writes know nothing
//! of a system's devices, and its engine that could is unstable, between script and program, too.

mod engine;
mod live;
mod named;

use clap::{Args, ValueEnum};

use super::{Global, Result, command};
use crate::language::help;
use crate::output::{Outcome, print};

use engine::complete;
use live::System;
use named::Named;

/// The command that the scripts call.
pub(super) const WORDS_COMMAND: &str = "complete-words";

/// Print the script by which a shell completes weihe's commands
///
/// Completed are commands, options and their values, files, and what the system at hand has: plugins,
/// and while its host runs, devices, their commands, and topics.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  source <(weihe completions bash)                                  in ~/.bashrc\n  weihe completions zsh > ~/.zfunc/_weihe                           a folder of $fpath\n  weihe completions fish > ~/.config/fish/completions/weihe.fish"
)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Completions {
    pub(super) fn run(self) -> Result {
        let script = match self.shell {
            Shell::Bash => include_str!("completions/weihe.bash"),
            Shell::Zsh => include_str!("completions/weihe.zsh"),
            Shell::Fish => include_str!("completions/weihe.fish"),
        };
        print(script);
        Ok(Outcome::Done)
    }
}

/// What the word at the cursor may become
#[derive(Debug, Args)]
pub(super) struct CompleteWords {
    /// The words up to the cursor, without the program's own
    #[arg(
        value_name = "WORD",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    words: Vec<String>,
}

impl CompleteWords {
    pub(super) fn run(self, global: &Global) -> Result {
        let mut command = help::translate(command());
        let answer = complete(&mut command, &self.words, |typed| {
            System::new(typed, global)
        });
        print(&answer.to_string());
        Ok(Outcome::Done)
    }
}

/// What the last of some words may become in a system whose devices, plugins, topics, commands and arguments all have
/// these names: what the program prints for a shell, one word a line, its meaning behind a tab, `:files` or `:folders`
/// where a path may stand. For tests and fuzzing; a shell asks the program.
pub fn offered(words: &[String], names: &[String]) -> String {
    complete(&mut command(), words, |_| Named(names)).to_string()
}
