//! `weihe inspect`: what is in a component.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use weihe_guomi::signed::Sound;
use weihe_kernel::runtime::Description;

use super::{Global, Result, remote, verify};
use crate::component::{Layout, LayoutError, provider};
use crate::language::{Text, say};
use crate::output::{Failure, Outcome, Style, bytes, print, print_json, width};
use crate::system::DryRun;

/// Columns of the longest heading.
const HEADING: usize = 7;

/// Show what a component is, imports, exports and needs
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  weihe inspect plugins/modbus.wasm")]
pub(super) struct Inspect {
    /// The component, or the name of a plugin of the current system
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl From<LayoutError> for Failure {
    fn from(error: LayoutError) -> Self {
        Self::new(error.to_string(), error.help())
    }
}

impl Inspect {
    pub(super) fn run(self, global: &Global) -> Result {
        let file = super::plugin_file::find(&self.file, global);
        let layout = Layout::read(&file)?;
        let described = describe(&file);
        if global.json {
            let mut value = serde_json::to_value(&layout).unwrap_or_default();
            value["file"] = file.to_string_lossy().into();
            value["imports"] = layout
                .imports
                .iter()
                .map(|import| import_json(import))
                .collect();
            value["signature"] = verify::signature_json(signature(&file).ok().as_ref());
            match described {
                Ok(description) => {
                    value["description"] = serde_json::to_value(description).unwrap_or_default();
                }
                Err(reason) => value["refused"] = reason.into(),
            }
            print_json(&value);
            return Ok(Outcome::Done);
        }
        let style = Style::stdout();
        let mut text = format!("{}\n", style.bold(file.display()));
        match &described {
            Ok(about) => {
                let what = format!("{} {}: {}", about.name, about.version, about.summary);
                text.push_str(&row(&say::inspect_plugin(), what));
                for command in &about.commands {
                    let summary = style.dim(&command.summary);
                    let what = format!("{}  {summary}", command.name);
                    text.push_str(&row(&say::inspect_command(), what));
                }
                for topic in &about.topics {
                    let way = match topic.publishes {
                        true => say::inspect_out(),
                        false => say::inspect_in(),
                    };
                    let summary = style.dim(&topic.summary);
                    let what = format!("{way} {}  {summary}", topic.filter);
                    text.push_str(&row(&say::inspect_topic(), what));
                }
            }
            Err(reason) => {
                let reason = Text::told(reason);
                let _ = writeln!(text, "  {}  {reason}", style.bad(say::inspect_refused()));
            }
        }
        text.push_str(&row(&Text::same("sha256"), &layout.sha256));
        let signed = match signature(&file) {
            Ok(sound) => say::inspect_signed_by(sound.signer().subject()),
            Err(reason) => Text::told(reason),
        };
        text.push_str(&row(&say::inspect_signed(), signed));
        text.push_str(&summary(&layout));
        text.push_str(&row(&say::inspect_exports(), layout.exports.join(", ")));
        for memory in &layout.memories {
            let most = memory
                .maximum_pages
                .map_or(say::inspect_its_limit(), |pages| {
                    Text::same(&bytes(pages * 65_536))
                });
            let extent = say::inspect_memory_extent(bytes(memory.initial_bytes()), most);
            text.push_str(&row(&say::inspect_memory(), extent));
        }
        for section in &layout.sections {
            let place = match section.nested {
                true => format!(" {}", say::inspect_of_module()),
                false => String::new(),
            };
            let what = format!("{}{place}  {}", section.name, bytes(section.size));
            text.push_str(&row(&say::inspect_section(), what));
        }
        print(&text);
        Ok(Outcome::Done)
    }
}

/// Its signature, whether who made it is trusted or not.
fn signature(file: &Path) -> std::result::Result<Sound, String> {
    let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
    Sound::read(&bytes).map_err(|fault| fault.to_string())
}

/// What the plugin says of itself, or why this host would not load it.
pub(super) fn describe(file: &Path) -> std::result::Result<Description, String> {
    let described = remote::converse(async {
        let dry = DryRun::bare().map_err(|error| Failure::plain(error.to_string()))?;
        let loaded = dry.load("inspected", file).await;
        dry.end().await;
        let status = loaded.map_err(|error| Failure::plain(error.to_string()))?;
        Ok(status.description)
    });
    described.map_err(|failure| failure.message.english())
}

fn import_json(import: &str) -> serde_json::Value {
    let provider = provider(import);
    serde_json::json!({
        "interface": import,
        "provider": provider.as_ref().map(|provider| provider.by),
        "grant": provider.and_then(|provider| provider.grant),
    })
}

/// Size, hooks, imports and the grants they need, a line each.
pub(super) fn summary(layout: &Layout) -> String {
    let style = Style::stdout();
    let mut text = String::new();
    text.push_str(&row(&say::inspect_size(), bytes(layout.size)));
    let hooks: Vec<&str> = layout.hooks.iter().map(|hook| hook.as_str()).collect();
    text.push_str(&row(&say::inspect_hooks(), hooks.join(", ")));
    let heading = say::inspect_import();
    let mut inert = Vec::new();
    let mut grants = Vec::new();
    for import in &layout.imports {
        let Some(provider) = provider(import) else {
            let nobody = style.bad(say::inspect_nobody());
            text.push_str(&row(&heading, format!("{import}  {nobody}")));
            continue;
        };
        if provider.by == "an inert stand-in" {
            inert.push(import.as_str());
            continue;
        }
        if provider.by == "types only" {
            continue;
        }
        let by = style.dim(Text::told(provider.by));
        text.push_str(&row(&heading, format!("{import}  {by}")));
        grants.extend(provider.grant);
    }
    if !inert.is_empty() {
        let note = style.dim(say::inspect_inert_note());
        let inert = say::inspect_inert(inert.len());
        text.push_str(&row(&heading, format!("{inert}  {note}")));
    }
    for grant in grants {
        text.push_str(&row(&say::inspect_grant(), Text::told(grant)));
    }
    text
}

/// A line with its heading.
fn row(heading: &Text, what: impl std::fmt::Display) -> String {
    let heading = heading.to_string();
    let fill = " ".repeat(HEADING.saturating_sub(width(&heading)));
    format!("  {heading}{fill}  {what}\n")
}
