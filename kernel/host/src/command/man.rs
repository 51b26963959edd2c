//! `weihe man`: manual pages, one a command, from the command line's own description.

mod page;

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use serde_json::json;

use super::{Global, Result, Weihe};
use crate::component::place_bytes;
use crate::output::{Failure, Outcome, print, print_json};

use page::pages;

/// Write the manual pages to a folder, one a command
///
/// `man -l weihe-run.1` shows one; in a folder `man1` of the manual path (`manpath`), `man weihe-run`
/// does.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  weihe man ~/.local/share/man/man1")]
pub(super) struct Man {
    /// The folder, which is made where it is missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Man {
    pub(super) fn run(self, global: &Global) -> Result {
        let mut files = Vec::new();
        for page in pages(Weihe::command()) {
            let text = page.text.map_err(|error| {
                Failure::plain(format!("{} cannot be put into words: {error}", page.file))
            })?;
            let file = self.folder.join(&page.file);
            place_bytes(text.as_bytes(), &file)?;
            files.push(file);
        }
        if global.json {
            print_json(&json!({ "files": files }));
        } else {
            print(&format!(
                "{} pages in {}\n",
                files.len(),
                self.folder.display()
            ));
        }
        Ok(Outcome::Done)
    }
}
