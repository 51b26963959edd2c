//! `weihe wit`: the contracts in this binary, as files.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Global, Result};
use crate::component::packages;
use crate::language::{Text, say};
use crate::output::{Failure, Outcome, print, print_json};

/// Write the WIT packages that a plugin can import and export, for editors and for generators of
/// bindings in any language
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe wit                          (to wit/deps, where tools look for them)\n  weihe wit /tmp/weihe-wit"
)]
pub(super) struct Wit {
    /// The folder; each package gets one of its own in it, and files that are there are replaced
    #[arg(value_name = "DIR", default_value = "wit/deps")]
    to: PathBuf,
}

impl Wit {
    pub(super) fn run(self, global: &Global) -> Result {
        let directory = match &global.directory {
            Some(system) => system.join(self.to),
            None => self.to,
        };
        let mut written = Vec::new();
        for (package, files) in packages() {
            let folder = directory.join(package);
            let fail = |path: &std::path::Path, error: std::io::Error| {
                Failure::new(
                    say::wit_failed(path.display(), Text::told(error)),
                    say::wit_failed_help(),
                )
            };
            std::fs::create_dir_all(&folder).map_err(|error| fail(&folder, error))?;
            for (file, text) in files {
                let path = folder.join(file);
                std::fs::write(&path, text).map_err(|error| fail(&path, error))?;
                written.push(path);
            }
        }
        if global.json {
            print_json(&json!({ "directory": directory, "files": written }));
        } else {
            let lines: Vec<String> = written
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            print(&format!("{}\n", lines.join("\n")));
        }
        Ok(Outcome::Done)
    }
}
