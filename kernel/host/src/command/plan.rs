//! `weihe plan`, `weihe reload`: what follows from the files, foreseen or done.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::{Global, Result, remote};
use crate::language::{Text, Word as _, label, say};
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
                Failure::plain(say::plan_unreadable(file.display(), Text::told(error)))
            })?),
            None => None,
        };
        let changes = ask(global, "plan", json!({ "text": text }))?;
        show(global, &changes, &say::plan_nothing())
    }
}

impl Reload {
    pub(super) fn run(self, global: &Global) -> Result {
        let changes = ask(global, "reload", Value::Null)?;
        show(global, &changes, &say::reload_nothing())
    }
}

fn ask(global: &Global, method: &str, params: Value) -> std::result::Result<Changes, Failure> {
    remote::converse(async {
        let mut client = remote::client(global).await?;
        Ok(client.request(method, &params).await?)
    })
}

fn show(global: &Global, changes: &Changes, nothing: &Text) -> Result {
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

fn render(changes: &Changes, nothing: &Text, style: Style) -> String {
    let mut steps = Table::new([
        Text::same(""),
        say::plan_column_part(),
        say::plan_column_name(),
        say::plan_column_why(),
    ]);
    for step in &changes.steps {
        let act = step.act.word();
        steps.row([
            match step.act {
                Act::Stop | Act::Unload | Act::Close => style.warn(act),
                Act::Open | Act::Load | Act::Swap | Act::Start => style.good(act),
            },
            step.part.word().to_string(),
            step.name.clone(),
            Text::told(&step.why).to_string(),
        ]);
    }
    let mut text = match changes.steps.is_empty() {
        true => format!("{nothing}\n"),
        false => steps.to_string(),
    };
    for note in &changes.notes {
        let heading = say::label_note();
        let note = label(style.dim(&heading), &heading, Text::told(note));
        text.push_str(&format!("{note}\n"));
    }
    for failed in &changes.failed {
        let what = say::plan_part_fails(failed.part.word(), &failed.name);
        let told = format!("{}: {}", failed.place, Text::told(&failed.message));
        text.push_str(&format!("{}\n", label(style.bad(&what), &what, told)));
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
        let text = render(&changes, &Text::same(""), Style::PLAIN);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert!(lines[1].starts_with("stop  device  soil"), "{text}");
        assert!(lines[2].contains("0.1.0 → 0.2.0"), "{text}");
        assert!(
            text.contains("plugin rule fails: weihe.toml:3:1: it is broken"),
            "{text}"
        );
        assert_eq!(
            render(&Changes::default(), &Text::same("nothing"), Style::PLAIN),
            "nothing\n"
        );
    }
}
