//! `weihe new`: a crate for a plugin, from a template.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Global, Result};
use crate::language::{Text, say};
use crate::output::{Failure, Outcome, Style, print, print_json};
use crate::scaffold::{NewError, Template, make};

/// Make a crate for a new plugin, with a test and a system to try it in
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe new oven\n  weihe new overflow --template rule --dir plugins     (makes plugins/overflow)"
)]
pub(super) struct New {
    /// Its name: lower-case letters, digits, `-` and `_`. The crate is made in the directory of this
    /// name, in that of --dir [default: the current one, whatever WEIHE_DIR says]
    #[arg(value_name = "NAME")]
    name: String,
    /// What it is to be
    #[arg(short, long, value_enum, default_value = "driver")]
    template: Template,
}

impl From<NewError> for Failure {
    fn from(error: NewError) -> Self {
        let help = error.help();
        match error {
            NewError::Name(_) => Self::usage(error.to_string(), help),
            _ => Self::new(error.to_string(), help),
        }
    }
}

impl New {
    pub(super) fn run(self, global: &Global) -> Result {
        // WEIHE_DIR names the system that one works on, in no place for sources.
        let named = global.directory.clone();
        let parent = named
            .filter(|_| !global.is_from_environment)
            .unwrap_or_else(|| PathBuf::from("."));
        let made = make(&parent, &self.name, self.template)?;
        // As one would type it.
        let shown = made.directory.strip_prefix(".").unwrap_or(&made.directory);
        let directory = shown.display();
        if global.json {
            print_json(&json!({
                "directory": made.directory,
                "files": made.files,
                "sdk": made.sdk.path,
            }));
            return Ok(Outcome::Done);
        }
        let style = Style::stdout();
        let mut text = format!("{}\n", style.bold(&directory));
        for file in &made.files {
            text.push_str(&format!("  {file}\n"));
        }
        text.push_str(&format!("{}\n", say::new_next()));
        for (command, what) in [
            (format!("cd {directory}"), Text::same("")),
            ("cargo test".to_owned(), say::new_test()),
            ("weihe build".to_owned(), say::new_build()),
            ("weihe dev .".to_owned(), say::new_dev()),
        ] {
            let line = format!(
                "  {} {}",
                style.code(format!("{command:<16}")),
                style.dim(what)
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
        print(&text);
        Ok(Outcome::Done)
    }
}
