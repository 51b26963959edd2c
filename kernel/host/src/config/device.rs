//! `[device.NAME]`: a configured instance of a plugin.

use std::ops::Range;

use weihe_kernel::grant::Grants;
use weihe_kernel::limits::Limits;

use super::components::IgnoredFile;
use super::connection::ConnectionEntry;
use super::document::Node;
use super::fault::Fault;
use super::grants::{self, GrantsEntry};
use super::limits;
use super::plugin::PluginEntry;
use super::section::{Section, list, nearest};
use super::shape;

/// A device of the system.
#[derive(Debug, Clone)]
pub struct DeviceEntry {
    /// Its name.
    pub name: String,
    /// The plugin that drives it.
    pub plugin: String,
    /// Its connection.
    pub connection: Option<String>,
    /// What the plugin is started with: a JSON object.
    pub config: serde_json::Value,
    /// What it may touch, beside the grants of its plugin.
    pub grants: Grants,
    /// What it may use.
    pub limits: Limits,
    /// The lane it shares with others of the same `lane`.
    pub lane: Option<String>,
    /// Whether its subscriptions may block publishers.
    pub acyclic: bool,
    names: GrantsEntry,
    plugin_span: Range<usize>,
    connection_span: Range<usize>,
}

pub(super) fn read(
    (name, section): &(String, Section<'_>),
    faults: &mut Vec<Fault>,
) -> Option<DeviceEntry> {
    section.only(shape::DEVICE.all(), faults);
    let plugin = section.required_text("plugin", "modbus", faults);
    let connection = section.text("connection", faults);
    let config = section
        .section("config", format!("`config` of {}", section.title), faults)
        .map_or_else(
            || serde_json::json!({}),
            |config| config_json(&Node::Table(config.table.clone())),
        );
    let names = grants::read(section, faults);
    let limits = limits::read(section, faults);
    let lane = section.text("lane", faults);
    let acyclic = section.boolean("acyclic", faults).unwrap_or(false);
    let (plugin, plugin_span) = plugin?;
    let (connection, connection_span) =
        connection.map_or((None, 0..0), |(name, span)| (Some(name), span));
    Some(DeviceEntry {
        name: name.clone(),
        plugin,
        connection,
        config,
        grants: names.grants.clone(),
        limits,
        lane: lane.map(|(lane, _)| lane),
        acyclic,
        names,
        plugin_span,
        connection_span,
    })
}

/// A device's configuration as plugins get it. Dates and times become text as they are written;
/// numbers that JSON cannot hold become text too.
fn config_json(node: &Node) -> serde_json::Value {
    match node {
        Node::Scalar(scalar) => scalar_json(scalar),
        Node::Array(items) => items.iter().map(|item| config_json(&item.node)).collect(),
        Node::Table(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), config_json(&entry.item.node)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

fn scalar_json(scalar: &toml::Value) -> serde_json::Value {
    match scalar {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(integer) => (*integer).into(),
        toml::Value::Boolean(boolean) => (*boolean).into(),
        toml::Value::Float(float) => serde_json::Number::from_f64(*float)
            .map_or_else(|| float.to_string().into(), serde_json::Value::Number),
        // Dates and times; lists and tables are no scalars.
        other => other.to_string().into(),
    }
}

/// The devices whose plugin is not there, and what is wrong. No fault of the file: the component may
/// have been taken away, and the others can run.
pub(super) fn without_plugin(
    devices: &[DeviceEntry],
    plugins: &[PluginEntry],
    ignored: &[IgnoredFile],
) -> Vec<(String, Fault)> {
    let there = |name: &str| plugins.iter().any(|plugin| plugin.name == name);
    let without = devices.iter().filter(|device| !there(&device.plugin));
    without
        .map(|device| {
            (
                device.name.clone(),
                unknown_plugin(device, plugins, ignored),
            )
        })
        .collect()
}

/// Reports connections and devices that are named and not there.
pub(super) fn check_references(
    devices: &[DeviceEntry],
    plugins: &[PluginEntry],
    connections: &[ConnectionEntry],
    faults: &mut Vec<Fault>,
) {
    let connection_names: Vec<&str> = connections.iter().map(|c| c.name.as_str()).collect();
    let device_names: Vec<&str> = devices.iter().map(|device| device.name.as_str()).collect();
    let granted = |names: &GrantsEntry, owner: &str, faults: &mut Vec<Fault>| {
        for (name, span) in &names.connections {
            if !connection_names.contains(&name.as_str()) {
                let message =
                    format!("{owner} is granted connection `{name}`, which is not configured");
                let help = suggestion(name, connection_names.iter().copied(), "connection");
                faults.push(Fault::new(span.clone(), message, "no such connection").help(help));
            }
        }
        for (name, span) in &names.call {
            if name != "*" && !device_names.contains(&name.as_str()) {
                let message = format!("{owner} may call device `{name}`, which is not configured");
                let help = suggestion(name, device_names.iter().copied(), "device");
                faults.push(Fault::new(span.clone(), message, "no such device").help(help));
            }
        }
    };
    for plugin in plugins {
        granted(&plugin.names, &format!("plugin `{}`", plugin.name), faults);
    }
    for device in devices {
        granted(&device.names, &format!("device `{}`", device.name), faults);
        let Some(name) = &device.connection else {
            continue;
        };
        if !connection_names.contains(&name.as_str()) {
            let message = format!(
                "device `{}` names connection `{name}`, which is not configured",
                device.name
            );
            let help = suggestion(name, connection_names.iter().copied(), "connection");
            let span = device.connection_span.clone();
            faults.push(Fault::new(span, message, "no such connection").help(help));
        }
    }
}

/// Reports devices on a connection that serves one device alone, when an earlier one has it.
pub(super) fn check_holders(
    devices: &[DeviceEntry],
    connections: &[ConnectionEntry],
    faults: &mut Vec<Fault>,
) {
    for (index, device) in devices.iter().enumerate() {
        let Some(name) = &device.connection else {
            continue;
        };
        let connection = connections
            .iter()
            .find(|connection| connection.exclusive && connection.name == *name);
        let holder = devices[..index]
            .iter()
            .find(|earlier| earlier.connection.as_ref() == Some(name));
        let (Some(connection), Some(holder)) = (connection, holder) else {
            continue;
        };
        let message = format!(
            "device `{}` takes connection `{name}`, which device `{}` holds already",
            device.name, holder.name
        );
        faults.push(
            Fault::new(device.connection_span.clone(), message, "taken")
                .other(
                    holder.connection_span.clone(),
                    format!("held by `{}`", holder.name),
                )
                .help(format!(
                    "a connection of type {} serves one device: give `{}` one of its own",
                    connection.kind, device.name
                )),
        );
    }
}

fn unknown_plugin(device: &DeviceEntry, plugins: &[PluginEntry], ignored: &[IgnoredFile]) -> Fault {
    let name = &device.plugin;
    let message = format!(
        "device `{}` names plugin `{name}`, which is neither configured nor a file \
         plugins/{name}.wasm",
        device.name
    );
    let names = plugins.iter().map(|plugin| plugin.name.as_str());
    // The file may be there under a name that is none.
    let help = ignored
        .iter()
        .find(|file| file.name.as_ref() == Some(name))
        .map_or_else(
            || suggestion(name, names, "plugin"),
            |file| format!("{}; {}", file.message, file.help),
        );
    Fault::new(device.plugin_span.clone(), message, "no such plugin").help(help)
}

/// "did you mean …", or what there is, or what to add.
pub(super) fn suggestion<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    kind: &str,
) -> String {
    if let Some(near) = nearest(name, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    let add = format!("add a table `[{kind}.{name}]`");
    if known.clone().next().is_none() {
        add
    } else {
        format!("{add}, or take one of {}", list(known))
    }
}
