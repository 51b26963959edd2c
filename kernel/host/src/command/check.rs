//! `weihe check`: is everything in order, without starting anything?

mod examine;
mod named;
mod pointless;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{Global, Result, directory, remote};
use crate::config::{Config, FILE, LoadError, Problem};
use crate::language::{Text, label, say};
use crate::output::{Failure, Outcome, Style, print, print_json, render_problem};

use examine::{Found, Warning, examine};

/// Check configuration and plugins, and start nothing
///
/// Reads weihe.toml, loads the plugins as they are, and checks connections, grants, the data
/// directory, and each device's configuration against its plugin's schema. Exit code 0 when
/// `weihe run` has no reason to refuse a part: a plugin that has to be built first, and warnings,
/// are none.
///
/// What only shows at a start: what a plugin itself refuses (values that its schema does not
/// describe; topics and devices that its configuration names without a grant, where its schema does
/// not say that they are such), ports and addresses that other programs hold, a database that cannot
/// be opened.
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
        let config = Config::load(&directory).map_err(|error| failure(error, global))?;
        let found = remote::converse(examine(&config))?;
        if global.json {
            print_json(&to_json(&found));
        } else {
            let subject = match config.unwritten() {
                Some(_) => directory.clone(),
                None => directory.join(FILE),
            };
            show(&found, &subject, &config);
        }
        Ok(if found.problems.is_empty() {
            Outcome::Done
        } else {
            Outcome::Failed
        })
    }
}

fn to_json(found: &Found) -> serde_json::Value {
    let problems: Vec<_> = found.problems.iter().map(Problem::to_json).collect();
    let warnings = found.warnings.iter().map(|warning| match &warning.place {
        Some(place) => place.to_json(),
        None => json!({ "message": warning.message, "help": warning.help }),
    });
    let unbuilt = found
        .unbuilt
        .iter()
        .map(|(plugin, source)| json!({ "plugin": plugin, "source": source }));
    json!({
        "ok": problems.is_empty(),
        "problems": problems,
        "warnings": warnings.collect::<Vec<_>>(),
        "unbuilt": unbuilt.collect::<Vec<_>>(),
    })
}

fn show(found: &Found, file: &Path, config: &Config) {
    let style = Style::stdout();
    let mut text = String::new();
    for (kind, name, what) in &found.good {
        let (ok, kind) = (style.good(say::doctor_ok()), Text::told(kind));
        let what = style.dim(Text::told(what));
        text.push_str(&format!("{ok} {kind} {name}  {what}\n"));
    }
    for (plugin, source) in &found.unbuilt {
        let what = style.dim(say::check_unbuilt(source.display()));
        let (mark, kind) = (style.warn("--"), say::part_plugin());
        text.push_str(&format!("{mark} {kind} {plugin}  {what}\n"));
    }
    print(&text);
    let style = Style::stderr();
    if let Some(note) = config.unwritten() {
        eprintln!("{}", Text::told(note));
    }
    for Warning {
        message,
        help,
        place,
    } in &found.warnings
    {
        if let Some(place) = place {
            eprint!("{}", render_problem(place, style));
            continue;
        }
        let heading = say::check_warning();
        let warning = label(style.warn(&heading), &heading, Text::told(message));
        eprintln!("{warning}");
        if let Some(help) = help {
            let heading = say::label_help();
            let help = label(style.code(&heading), &heading, Text::told(help));
            eprintln!("  {help}");
        }
    }
    for problem in &found.problems {
        eprint!("{}", render_problem(problem, style));
    }
    let file = file.display();
    match found.problems.len() {
        0 if found.unbuilt.is_empty() => print(&format!("{}\n", say::check_in_order(file))),
        0 => {
            let so_far = say::check_in_order_so_far(file, config.directory.display());
            print(&format!("{so_far}\n"));
        }
        1 => eprintln!("{}", say::check_problem(file)),
        count => eprintln!("{}", say::check_problems(file, count)),
    }
}

/// With `--json`, also a file that cannot be read is an answer in the same form.
fn failure(error: LoadError, global: &Global) -> Failure {
    if global.json
        && let LoadError::Invalid(invalid) = &error
    {
        let problems: Vec<_> = invalid.problems().iter().map(Problem::to_json).collect();
        let mut failure = Failure::plain(error.to_string());
        failure.answer = Some(json!({
            "ok": false,
            "problems": problems,
            "warnings": [],
            "unbuilt": [],
        }));
        return failure;
    }
    error.into()
}
