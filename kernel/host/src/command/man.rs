//! `weihe man`: manual pages, one a command, from the command line's own description.

mod page;

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Global, Result, command};
use crate::component::place_bytes;
use crate::language::{help, say};
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
        for page in pages(help::translate(command())) {
            let text = page
                .text
                .map_err(|error| Failure::plain(say::man_failed(&page.file, error.to_string())))?;
            let file = self.folder.join(&page.file);
            place_bytes(text.as_bytes(), &file)?;
            files.push(file);
        }
        if global.json {
            print_json(&json!({ "files": files }));
        } else {
            let pages = say::man_pages(files.len(), self.folder.display());
            print(&format!("{pages}\n"));
        }
        Ok(Outcome::Done)
    }
}
