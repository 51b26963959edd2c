//! `weihe schema`: what may stand in a weihe.toml, for editors.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{Global, Result, directory, remote};
use crate::component::place_bytes;
use crate::config::{Config, PluginSchema, SCHEMA_FILE, joined, schema, schema_comment};
use crate::language::{Text, label, say};
use crate::output::{Failure, Outcome, Style, print, print_json};
use crate::system::DryRun;

/// Print a JSON Schema of weihe.toml, with what a system's plugins say of their configuration
///
/// Editors complete and check a weihe.toml by it: with --write, it goes to weihe.schema.json beside
/// the weihe.toml, whose first line then names it. Where no system is named and none is at hand, the
/// schema is the general one.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  weihe schema > weihe.schema.json\n  weihe schema examples/greenhouse --write\n\nThe line by which Taplo, Even Better TOML (VS Code) and Tombi find it:\n  #:schema ./weihe.schema.json"
)]
pub(super) struct Schema {
    /// The system's directory
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Write it beside the system's weihe.toml, and say which line is to name it
    #[arg(long)]
    write: bool,
}

impl Schema {
    pub(super) fn run(self, global: &Global) -> Result {
        let named = self.directory.is_some() || global.directory.is_some() || self.write;
        let directory = match directory::find(self.directory.as_deref(), global) {
            Ok(directory) => Some(directory),
            Err(failure) if named => return Err(failure),
            Err(_) => None,
        };
        let schema = match &directory {
            Some(directory) => of_system(directory)?,
            None => schema(),
        };
        let text = pretty(&schema);
        let Some(directory) = directory.filter(|_| self.write) else {
            print(&text);
            return Ok(Outcome::Done);
        };
        let file = directory.join(SCHEMA_FILE);
        let changed = place_bytes(text.as_bytes(), &file)?;
        let line = schema_comment(&format!("./{SCHEMA_FILE}"));
        let line = line.trim_end();
        let is_named = is_named(&directory);
        if global.json {
            print_json(&json!({ "file": file, "changed": changed, "named": is_named }));
            return Ok(Outcome::Done);
        }
        let mut said = format!("{}\n", file.display());
        if !is_named {
            let style = Style::stdout();
            said.push_str(&format!("{}\n  {}\n", say::schema_put(), style.code(line)));
        }
        print(&said);
        Ok(Outcome::Done)
    }
}

/// The text of a schema, as it is printed and written.
pub(super) fn pretty(schema: &serde_json::Value) -> String {
    format!("{schema:#}\n")
}

/// The schema of a system, with what its plugins say: those that are there and can be asked.
fn of_system(directory: &Path) -> std::result::Result<serde_json::Value, Failure> {
    let config = match Config::load(directory) {
        Ok(config) => config,
        Err(error) => {
            // An editor has it open: what is wrong with it, `weihe check` says.
            note(&say::schema_general(Text::told(error)));
            return Ok(schema());
        }
    };
    let plugins = remote::converse(describe(&config))?;
    let devices: Vec<(String, String)> = config
        .devices
        .iter()
        .map(|device| (device.name.clone(), device.plugin.clone()))
        .collect();
    Ok(joined(&plugins, &devices))
}

async fn describe(config: &Config) -> std::result::Result<Vec<PluginSchema>, Failure> {
    let mut found = Vec::new();
    if config.plugins.is_empty() {
        return Ok(found);
    }
    let dry = DryRun::bare().map_err(|error| Failure::plain(error.to_string()))?;
    for plugin in &config.plugins {
        let name = &plugin.name;
        if !plugin.file.is_file() {
            note(&say::schema_unbuilt(name));
            continue;
        }
        let described = match dry.load(name, &plugin.file).await {
            Ok(status) => status.description.config_schema,
            Err(error) => {
                note(&say::schema_refused(Text::told(error)));
                continue;
            }
        };
        match serde_json::from_str::<serde_json::Value>(&described) {
            Ok(schema) if schema.is_object() => found.push(PluginSchema {
                plugin: name.clone(),
                schema,
            }),
            _ if described.trim().is_empty() => {}
            _ => note(&say::schema_unreadable(name)),
        }
    }
    dry.end().await;
    Ok(found)
}

fn note(text: &Text) {
    let heading = say::label_note();
    let shown = Style::stderr().warn(&heading);
    eprintln!("{}", label(shown, &heading, text));
}

/// Whether the system's weihe.toml names a schema already.
fn is_named(directory: &Path) -> bool {
    let text = std::fs::read_to_string(directory.join(crate::config::FILE));
    text.is_ok_and(|text| text.lines().any(|line| line.starts_with("#:schema ")))
}
