//! `weihe grants`: what each device may touch, as `weihe.toml` says.

use clap::Args;
use serde::Serialize;
use weihe_kernel::grant;

use super::{Global, Result, directory};
use crate::config::{Config, DeviceEntry, KeyPath, nearest};
use crate::language::say;
use crate::output::{Failure, Outcome, Style, Table, print, print_json};

/// Show what each device may touch, and which line of weihe.toml says so
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  weihe grants\n  weihe grants soil")]
pub(super) struct Grants {
    /// Only this device
    #[arg(value_name = "DEVICE")]
    device: Option<String>,
}

/// Something that a device may touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Granted {
    device: String,
    kind: String,
    what: String,
    /// File and line; none for what every device may.
    place: Option<String>,
}

impl Grants {
    pub(super) fn run(self, global: &Global) -> Result {
        let directory = directory::find(None, global)?;
        let config = Config::load(&directory)?;
        let mut granted = Vec::new();
        for device in &config.devices {
            granted.extend(of_device(&config, device));
        }
        for plugin in &config.plugins {
            let name = &plugin.name;
            let is_used = |device: &DeviceEntry| device.plugin == *name || device.name == *name;
            if !config.devices.iter().any(is_used) {
                // It may run as a device of its own name.
                granted.extend(own_topics(name));
                let path = KeyPath::default().key("plugin").key(name);
                granted.extend(of_table(&config, name, &plugin.grants, &path.key("grants")));
            }
        }
        if let Some(wanted) = &self.device {
            if !granted.iter().any(|row| row.device == *wanted) {
                return Err(unknown(wanted, &granted));
            }
            granted.retain(|row| row.device == *wanted);
        }
        if global.json {
            print_json(&serde_json::to_value(&granted).unwrap_or_default());
        } else {
            print(&table(granted, Style::stdout()).to_string());
        }
        Ok(Outcome::Done)
    }
}

fn unknown(device: &str, granted: &[Granted]) -> Failure {
    let mut names: Vec<&str> = granted.iter().map(|row| row.device.as_str()).collect();
    names.dedup();
    let help = match nearest(device, names.iter().copied()) {
        Some(near) => say::meant(near),
        None => say::grants_known(names.join(", ")),
    };
    Failure::new(say::grants_unknown(device), help)
}

fn own_topics(device: &str) -> [Granted; 2] {
    ["publish", "subscribe"].map(|kind| Granted {
        device: device.to_owned(),
        kind: kind.to_owned(),
        what: format!("plugin/{device}/#"),
        place: None,
    })
}

fn of_device(config: &Config, device: &DeviceEntry) -> Vec<Granted> {
    let name = &device.name;
    let path = KeyPath::default().key("device").key(name);
    let mut granted: Vec<Granted> = own_topics(name).into();
    if let Some(connection) = &device.connection {
        granted.push(Granted {
            device: name.clone(),
            kind: "connection".to_owned(),
            what: connection.clone(),
            place: config.line_of(&path.key("connection")),
        });
    }
    if let Some(plugin) = config.plugin(&device.plugin) {
        let mut grants = plugin.grants.clone();
        // The device's keys replace the plugin's.
        for (capability, own) in &device.grants.capabilities {
            if let Some(table) = grants.capabilities.get_mut(capability) {
                table.retain(|key, _| !own.contains_key(key));
            }
        }
        let path = KeyPath::default().key("plugin").key(&device.plugin);
        granted.extend(of_table(config, name, &grants, &path.key("grants")));
    }
    granted.extend(of_table(config, name, &device.grants, &path.key("grants")));
    granted
}

/// What one table of grants holds, in the order of its kinds.
fn of_table(config: &Config, device: &str, grants: &grant::Grants, path: &KeyPath) -> Vec<Granted> {
    let mut granted = Vec::new();
    let mut add = |kind: String, what: String, path: KeyPath| {
        granted.push(Granted {
            device: device.to_owned(),
            kind,
            what,
            place: config.line_of(&path),
        });
    };
    let texts = |filters: &[weihe_kernel::bus::Filter]| {
        let filters = filters.iter();
        filters.map(ToString::to_string).collect::<Vec<_>>()
    };
    for (key, kind, entries) in [
        ("publish", "publish", texts(&grants.publish)),
        ("subscribe", "subscribe", texts(&grants.subscribe)),
        ("connections", "connection", grants.connections.clone()),
        ("call", "call", grants.call.clone()),
    ] {
        for (index, what) in entries.into_iter().enumerate() {
            add(kind.to_owned(), what, path.key(key).index(index));
        }
    }
    for (capability, table) in &grants.capabilities {
        for (key, value) in table {
            let kind = format!("{capability}.{key}");
            let path = path.key(capability).key(key);
            match value {
                toml::Value::Array(items) => {
                    for (index, item) in items.iter().enumerate() {
                        add(kind.clone(), plain(item), path.index(index));
                    }
                }
                value => add(kind, plain(value), path),
            }
        }
    }
    granted
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn table(granted: Vec<Granted>, style: Style) -> Table {
    let mut table = Table::new([
        say::grants_column_device(),
        say::grants_column_kind(),
        say::grants_column_what(),
        say::grants_column_from(),
    ]);
    for row in granted {
        let place = row.place.unwrap_or_else(|| style.dim(say::grants_always()));
        table.row([row.device, row.kind, row.what, place]);
    }
    table
}
