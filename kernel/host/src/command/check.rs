//! `weihe check`: is everything in order, without starting anything?

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Global, Result, directory, remote};
use crate::config::{Config, FILE, LoadError, Problem};
use crate::output::{Failure, Outcome, Style, print, print_json, render_problem};
use crate::system::{DryRun, connection_problem, device_problem, plugin_path, spec};

/// Check configuration and plugins, and start nothing
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  weihe check examples/greenhouse")]
pub(super) struct Check {
    /// The system's directory
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// What was found.
#[derive(Default)]
struct Found {
    /// What is in order: kind, name, what it is.
    good: Vec<(&'static str, String, String)>,
    problems: Vec<Problem>,
}

impl Check {
    pub(super) fn run(self, global: &Global) -> Result {
        let directory = directory::find(self.directory.as_deref(), global)?;
        let config = Config::load(&directory).map_err(|error| failure(error, global))?;
        let found = remote::converse(examine(&config))?;
        let file = directory.join(FILE);
        let outcome = if found.problems.is_empty() {
            Outcome::Done
        } else {
            Outcome::Failed
        };
        if global.json {
            let problems: Vec<_> = found.problems.iter().map(Problem::to_json).collect();
            print_json(&json!({ "ok": problems.is_empty(), "problems": problems }));
            return Ok(outcome);
        }
        let style = Style::stdout();
        let mut text = String::new();
        for (kind, name, what) in &found.good {
            text.push_str(&format!(
                "{} {kind} {name}  {}\n",
                style.good("ok"),
                style.dim(what)
            ));
        }
        print(&text);
        for problem in &found.problems {
            eprint!("{}", render_problem(problem, Style::stderr()));
        }
        match found.problems.len() {
            0 => print(&format!("{} is in order\n", file.display())),
            1 => eprintln!("{} has 1 problem", file.display()),
            count => eprintln!("{} has {count} problems", file.display()),
        }
        Ok(outcome)
    }
}

/// With `--json`, also a file that cannot be read is an answer in the same form.
fn failure(error: LoadError, global: &Global) -> Failure {
    if global.json
        && let LoadError::Invalid(invalid) = &error
    {
        let problems: Vec<_> = invalid.problems().iter().map(Problem::to_json).collect();
        let mut failure = Failure::plain(error.to_string());
        failure.answer = Some(json!({ "ok": false, "problems": problems }));
        return failure;
    }
    error.into()
}

async fn examine(config: &Config) -> std::result::Result<Found, Failure> {
    let dry = DryRun::start(Some(&config.host.data))
        .map_err(|error| Failure::plain(error.to_string()))?;
    let mut found = Found::default();
    for connection in &config.connections {
        let name = &connection.name;
        match dry.connection(name, &connection.table) {
            Ok(()) => found
                .good
                .push(("connection", name.clone(), connection.kind.clone())),
            Err(error) => found
                .problems
                .push(connection_problem(config, name, &error)),
        }
    }
    let mut loaded = Vec::new();
    for plugin in &config.plugins {
        let path = plugin_path(config, &plugin.name);
        if let Some(source) = &plugin.source
            && !source.join("Cargo.toml").is_file()
        {
            let message = format!(
                "plugin `{}`: there is no crate in {}",
                plugin.name,
                source.display()
            );
            let help = Some(
                "`source` names the directory of a Cargo.toml, relative to this file".to_owned(),
            );
            found
                .problems
                .push(config.problem_at(&format!("{path}.source"), message, help));
        }
        if !plugin.file.is_file() {
            let message = format!(
                "plugin `{}`: there is no file {}",
                plugin.name,
                plugin.file.display()
            );
            let help = match &plugin.source {
                Some(_) => format!("build it: `weihe build {}`", config.directory.display()),
                None => "put the component there, or name it with `file`".to_owned(),
            };
            found
                .problems
                .push(config.problem_at(&format!("{path}.file"), message, Some(help)));
            continue;
        }
        match dry.load(&plugin.name, &plugin.file).await {
            Ok(status) => {
                let about = &status.description;
                let what = format!("{}: {}", about.version, about.summary);
                found.good.push(("plugin", plugin.name.clone(), what));
                loaded.push(plugin.name.as_str());
            }
            Err(error) => {
                found
                    .problems
                    .push(config.problem_at(&path, error.to_string(), None));
            }
        }
    }
    for device in &config.devices {
        if !loaded.contains(&device.plugin.as_str()) {
            // Reported with its plugin.
            continue;
        }
        match dry.device(&spec(config, device)) {
            Ok(()) => found
                .good
                .push(("device", device.name.clone(), device.plugin.clone())),
            Err(error) => found
                .problems
                .push(device_problem(config, &device.name, &error)),
        }
    }
    dry.end().await;
    Ok(found)
}
