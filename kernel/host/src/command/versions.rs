//! `weihe swap`, `rollback`, `load`, `unload`, `restart`: plugins and devices in a running host.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Global, Result, remote};
use crate::control::{
    DeviceParams, LoadAnswer, PluginParams, RestartAnswer, SwapAnswer, VersionParams,
};
use crate::language::{Text, say};
use crate::output::{Failure, Outcome, print, print_json};

/// Run another version of a plugin in all its devices, without a gap
#[derive(Debug, Args)]
#[command(
    after_help = "State, queues, timers and connections go over. When a device refuses the new version, all\ngo on with the old one; when it traps on probation, the old one comes back by itself.\n\nExample:\n  weihe swap modbus target/wasm32-wasip2/release/modbus.wasm"
)]
pub(super) struct Swap {
    /// The plugin, as `weihe ps` lists it
    #[arg(value_name = "PLUGIN")]
    plugin: String,
    /// The component
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Run it though it was rolled back before
    #[arg(long)]
    lift: bool,
}

/// Go back to the version that a plugin ran before
#[derive(Debug, Args)]
#[command(
    after_help = "The version that ran is refused from then on; `weihe swap PLUGIN FILE --lift` takes it again.\n\nExample:\n  weihe rollback modbus"
)]
pub(super) struct Rollback {
    /// The plugin
    #[arg(value_name = "PLUGIN")]
    plugin: String,
}

/// Load a plugin and start its devices
#[derive(Debug, Args)]
#[command(
    after_help = "Its devices are those that weihe.toml has for it, or else one of its own name when it can\nrun without configuration. It is forgotten when the host ends, unless it lies in plugins/.\n\nExample:\n  weihe load plugins/rule-hysteresis.wasm"
)]
pub(super) struct Load {
    /// The component
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The plugin's name [default: the file's]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Load it though it was rolled back before
    #[arg(long)]
    lift: bool,
}

/// Stop the devices of a plugin and forget it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  weihe unload modbus")]
pub(super) struct Unload {
    /// The plugin
    #[arg(value_name = "PLUGIN")]
    plugin: String,
}

/// Stop a device in order and start it again
#[derive(Debug, Args)]
#[command(
    after_help = "One that has failed gets a new start, and its outputs their safe values until then.\n\nExample:\n  weihe restart soil"
)]
pub(super) struct Restart {
    /// The device
    #[arg(value_name = "DEVICE")]
    device: String,
}

/// The host is somewhere else: it needs the whole path.
fn whole(file: &Path) -> std::result::Result<PathBuf, Failure> {
    file.canonicalize()
        .map_err(|error| Failure::plain(say::file_problem(file.display(), Text::told(error))))
}

fn ask<A: DeserializeOwned>(
    global: &Global,
    method: &str,
    params: &impl Serialize,
) -> std::result::Result<A, Failure> {
    remote::converse(async {
        let mut client = remote::client(global).await?;
        Ok(client.request(method, params).await?)
    })
}

impl Swap {
    pub(super) fn run(self, global: &Global) -> Result {
        let params = VersionParams {
            plugin: Some(self.plugin),
            file: whole(&self.file)?,
            lift: self.lift,
        };
        show_swap(global, &ask(global, "swap", &params)?)
    }
}

impl Rollback {
    pub(super) fn run(self, global: &Global) -> Result {
        let params = PluginParams {
            plugin: self.plugin,
        };
        show_swap(global, &ask(global, "rollback", &params)?)
    }
}

impl Load {
    pub(super) fn run(self, global: &Global) -> Result {
        let params = VersionParams {
            plugin: self.name,
            file: whole(&self.file)?,
            lift: self.lift,
        };
        show_load(global, &say::load_started(), &ask(global, "load", &params)?)
    }
}

impl Unload {
    pub(super) fn run(self, global: &Global) -> Result {
        let params = PluginParams {
            plugin: self.plugin,
        };
        show_load(
            global,
            &say::load_stopped(),
            &ask(global, "unload", &params)?,
        )
    }
}

impl Restart {
    pub(super) fn run(self, global: &Global) -> Result {
        let params = DeviceParams {
            device: self.device,
        };
        let answer: RestartAnswer = ask(global, "restart", &params)?;
        if global.json {
            print_json(&serde_json::to_value(&answer).unwrap_or_default());
        } else {
            print(&format!("{}  {}\n", answer.device, say::load_started()));
        }
        Ok(Outcome::Done)
    }
}

fn show_swap(global: &Global, answer: &SwapAnswer) -> Result {
    if global.json {
        print_json(&serde_json::to_value(answer).unwrap_or_default());
    } else {
        let mut text = String::new();
        for device in &answer.devices {
            let how = match &device.problem {
                None => say::swap_runs(&device.version),
                Some(problem) => Text::told(problem),
            };
            let _ = writeln!(text, "{}  {how}", device.device);
        }
        if answer.devices.is_empty() {
            let _ = writeln!(text, "{}", say::swap_no_device(&answer.plugin));
        }
        print(&text);
    }
    let fine = answer.devices.iter().all(|device| device.problem.is_none());
    Ok(if fine { Outcome::Done } else { Outcome::Failed })
}

fn show_load(global: &Global, what: &Text, answer: &LoadAnswer) -> Result {
    if global.json {
        print_json(&serde_json::to_value(answer).unwrap_or_default());
    } else {
        let mut text = String::new();
        for device in &answer.devices {
            let _ = writeln!(text, "{device}  {what}");
        }
        for note in &answer.notes {
            let _ = writeln!(text, "{}", say::load_note(&answer.plugin, Text::told(note)));
        }
        print(&text);
    }
    Ok(Outcome::Done)
}
