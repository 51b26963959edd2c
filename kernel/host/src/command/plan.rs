//! `weihe plan`, `weihe reload`: what follows from the files, foreseen or done.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::{Global, Result, remote};
use crate::output::{Failure, Outcome, Style, Table, print, print_json};
use crate::system::{Act, Changes};

/// Show what the running host would do for a changed weihe.toml or plugins folder
///
/// The host follows weihe.toml and plugins/ by itself, unless `[host] watch = "off"`: give the file
/// that is to become weihe.toml, and see what it would change, before it is put there.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  weihe plan next.toml\n  weihe plan")]
pub(super) struct Plan {
    /// What is to become weihe.toml [default: weihe.toml as it is]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Have the running host look at weihe.toml and the plugins folder now
///
/// Only the parts that have changed are touched. A weihe.toml with faults changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  weihe reload")]
pub(super) struct Reload {}

impl Plan {
    pub(super) fn run(self, global: &Global) -> Result {
        let text = match &self.file {
            Some(file) => Some(std::fs::read_to_string(file).map_err(|error| {
                Failure::plain(format!("cannot read {}: {error}", file.display()))
            })?),
            None => None,
        };
        let changes = ask(global, "plan", json!({ "text": text }))?;
        show(global, &changes, "nothing would change")
    }
}

impl Reload {
    pub(super) fn run(self, global: &Global) -> Result {
        let changes = ask(global, "reload", Value::Null)?;
        show(global, &changes, "nothing has changed")
    }
}

fn ask(global: &Global, method: &str, params: Value) -> std::result::Result<Changes, Failure> {
    remote::converse(async {
        let mut client = remote::client(global).await?;
        Ok(client.request(method, &params).await?)
    })
}

fn show(global: &Global, changes: &Changes, nothing: &str) -> Result {
    if global.json {
        print_json(&serde_json::to_value(changes).unwrap_or_default());
    } else {
        print(&render(changes, nothing, Style::stdout()));
    }
    Ok(match changes.failed.is_empty() {
        true => Outcome::Done,
        false => Outcome::Failed,
    })
}

fn render(changes: &Changes, nothing: &str, style: Style) -> String {
    let mut steps = Table::new(["", "PART", "NAME", "WHY"]);
    for step in &changes.steps {
        let act = step.act.as_str();
        steps.row([
            match step.act {
                Act::Stop | Act::Unload | Act::Close => style.warn(act),
                Act::Open | Act::Load | Act::Swap | Act::Start => style.good(act),
            },
            step.part.as_str().to_owned(),
            step.name.clone(),
            step.why.clone(),
        ]);
    }
    let mut text = match changes.steps.is_empty() {
        true => format!("{nothing}\n"),
        false => steps.to_string(),
    };
    for note in &changes.notes {
        text.push_str(&format!("{} {note}\n", style.dim("note:")));
    }
    for failed in &changes.failed {
        let what = format!("{} {} fails:", failed.part.as_str(), failed.name);
        text.push_str(&format!("{} {failed}\n", style.bad(what)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::{FailedPart, Part, Step};

    #[test]
    fn a_plan_reads_step_by_step() {
        let changes = Changes {
            steps: vec![
                Step {
                    act: Act::Stop,
                    part: Part::Device,
                    name: "soil".into(),
                    why: "changed: config".into(),
                },
                Step {
                    act: Act::Swap,
                    part: Part::Plugin,
                    name: "modbus".into(),
                    why: "0.1.0 → 0.2.0 (plugins/modbus.wasm)".into(),
                },
            ],
            failed: vec![FailedPart {
                part: Part::Plugin,
                name: "rule".into(),
                message: "it is broken".into(),
                help: None,
                place: "weihe.toml:3:1".into(),
            }],
            notes: vec!["`name` of `[host]` takes effect when the host starts anew".into()],
        };
        let text = render(&changes, "", Style::PLAIN);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert!(lines[1].starts_with("stop  device  soil"), "{text}");
        assert!(lines[2].contains("0.1.0 → 0.2.0"), "{text}");
        assert!(
            text.contains("plugin rule fails: weihe.toml:3:1: it is broken"),
            "{text}"
        );
        assert_eq!(
            render(&Changes::default(), "nothing", Style::PLAIN),
            "nothing\n"
        );
    }
}
