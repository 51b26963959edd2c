//! `weihe inspect`: what is in a component.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use weihe_kernel::runtime::Description;

use super::{Global, Result, remote};
use crate::component::{Layout, LayoutError, provider};
use crate::output::{Failure, Outcome, Style, bytes, print, print_json};
use crate::system::DryRun;

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
                let _ = writeln!(
                    text,
                    "  plugin   {} {}: {}",
                    about.name, about.version, about.summary
                );
                for command in &about.commands {
                    let summary = style.dim(&command.summary);
                    let _ = writeln!(text, "  command  {}  {summary}", command.name);
                }
                for topic in &about.topics {
                    let way = if topic.publishes { "out" } else { "in" };
                    let summary = style.dim(&topic.summary);
                    let _ = writeln!(text, "  topic    {way} {}  {summary}", topic.filter);
                }
            }
            Err(reason) => {
                let _ = writeln!(text, "  {}  {reason}", style.bad("refused"));
            }
        }
        let _ = writeln!(text, "  sha256   {}", layout.sha256);
        text.push_str(&summary(&layout));
        let _ = writeln!(text, "  exports  {}", layout.exports.join(", "));
        for memory in &layout.memories {
            let most = memory
                .maximum_pages
                .map_or("its limit".to_owned(), |pages| bytes(pages * 65_536));
            let start = bytes(memory.initial_bytes());
            let _ = writeln!(text, "  memory   {start} at the start, up to {most}");
        }
        for section in &layout.sections {
            let place = if section.nested { " (of a module)" } else { "" };
            let _ = writeln!(
                text,
                "  section  {}{place}  {}",
                section.name,
                bytes(section.size)
            );
        }
        print(&text);
        Ok(Outcome::Done)
    }
}

/// What the plugin says of itself, or why this host would not load it.
pub(super) fn describe(file: &Path) -> std::result::Result<Description, String> {
    let described = remote::converse(async {
        let dry = DryRun::start(None).map_err(|error| Failure::plain(error.to_string()))?;
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
    let _ = writeln!(text, "  size     {}", bytes(layout.size));
    let hooks: Vec<&str> = layout.hooks.iter().map(|hook| hook.as_str()).collect();
    let _ = writeln!(text, "  hooks    {}", hooks.join(", "));
    let mut inert = Vec::new();
    let mut grants = Vec::new();
    for import in &layout.imports {
        let Some(provider) = provider(import) else {
            let nobody = style.bad("nobody here serves it: a host refuses this plugin");
            let _ = writeln!(text, "  import   {import}  {nobody}");
            continue;
        };
        if provider.by == "an inert stand-in" {
            inert.push(import.as_str());
            continue;
        }
        if provider.by == "types only" {
            continue;
        }
        let _ = writeln!(text, "  import   {import}  {}", style.dim(provider.by));
        grants.extend(provider.grant);
    }
    if !inert.is_empty() {
        let note = style.dim("inert stand-ins for what a standard library names");
        let _ = writeln!(text, "  import   {} of wasi:*  {note}", inert.len());
    }
    for grant in grants {
        let _ = writeln!(text, "  grant    {grant}");
    }
    text
}
