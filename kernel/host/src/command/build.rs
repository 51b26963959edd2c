//! `weihe build`: a plugin's crate to a component.

use std::path::{Path, PathBuf};

use clap::Args;

use super::inspect::summary;
use super::{Global, Result};
use crate::component::{BuildError, Built, Cargo, build_crate, place};
use crate::config::{Config, FILE};
use crate::output::{Failure, Outcome, Progress, Style, print, print_json};

/// Build a plugin's crate to a component, or all plugins that a weihe.toml names as source
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe build plugins/modbus -o system/plugins/modbus.wasm\n  weihe build examples/greenhouse     (every plugin with a `source` in its weihe.toml)"
)]
pub(super) struct Build {
    /// A crate's directory, or a system's [default: the current directory]
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Where the component goes: a file or a folder [default: the crate's target directory]
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::new(error.to_string(), error.help())
    }
}

impl Build {
    pub(super) fn run(self, global: &Global) -> Result {
        let directory = self
            .directory
            .or_else(|| global.directory.clone())
            .unwrap_or_else(|| PathBuf::from("."));
        let cargo = Cargo::find().map_err(BuildError::from)?;
        if directory.join("Cargo.toml").is_file() || !directory.join(FILE).is_file() {
            let built = build_shown(
                &cargo,
                &directory,
                &directory.display().to_string(),
                global.json,
            )?;
            let destination = destination(self.output.as_deref(), &built);
            put(&built, &destination, global.json)?;
            return Ok(Outcome::Done);
        }
        if self.output.is_some() {
            return Err(Failure::usage(
                format!(
                    "{} is a system, whose {FILE} says where its components go",
                    directory.display()
                ),
                "leave out --output, or name one crate",
            ));
        }
        let config = Config::load(&directory)?;
        let mut outcome = Outcome::Done;
        for plugin in &config.plugins {
            let Some(source) = &plugin.source else {
                continue;
            };
            let result = build_shown(&cargo, source, &plugin.name, global.json)
                .and_then(|built| put(&built, &plugin.file, global.json));
            if let Err(failure) = result {
                // The others are still built.
                eprint!("{}", failure.render(Style::stderr()));
                outcome = Outcome::Failed;
            }
        }
        Ok(outcome)
    }
}

/// Builds with progress on standard error.
pub(super) fn build_shown(
    cargo: &Cargo,
    directory: &Path,
    name: &str,
    quiet: bool,
) -> std::result::Result<Built, Failure> {
    let progress = Progress::start(format!("building {name}"), quiet);
    match build_crate(cargo, directory, |line| progress.say(line)) {
        Ok(built) => {
            progress.done(if built.fresh { "up to date" } else { "built" });
            Ok(built)
        }
        Err(error) => {
            progress.fail();
            Err(error.into())
        }
    }
}

fn destination(output: Option<&Path>, built: &Built) -> PathBuf {
    let file = format!("{}.wasm", built.name);
    match output {
        Some(path) if path.is_dir() || path.to_string_lossy().ends_with('/') => path.join(file),
        Some(path) => path.to_path_buf(),
        None => built.artifact.with_file_name(file),
    }
}

fn put(built: &Built, destination: &Path, json: bool) -> std::result::Result<(), Failure> {
    place(&built.artifact, destination)?;
    if json {
        let mut value = serde_json::to_value(&built.layout).unwrap_or_default();
        value["name"] = built.name.clone().into();
        value["file"] = destination.to_string_lossy().into();
        print_json(&value);
    } else {
        print(&format!(
            "{}\n{}",
            destination.display(),
            summary(&built.layout)
        ));
    }
    Ok(())
}
