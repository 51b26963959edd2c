//! The devices that a configuration stands for, as the kernel takes them.

use weihe_kernel::{DeviceSpec, PluginStatus};

use crate::config::{Config, DeviceEntry, PluginEntry};

/// A device as the kernel takes it: with its plugin's grants and its own together.
pub(crate) fn spec(config: &Config, device: &DeviceEntry) -> DeviceSpec {
    let plugin = config.plugin(&device.plugin);
    let grants = plugin
        .map(|plugin| plugin.grants.clone())
        .unwrap_or_default();
    DeviceSpec {
        name: device.name.clone(),
        plugin: device.plugin.clone(),
        connection: device.connection.clone(),
        config: device.config.clone(),
        grants: grants.with(device.grants.clone()),
        limits: device.limits.clone(),
        lane: device.lane.clone(),
        acyclic: device.acyclic,
    }
}

/// What becomes of a loaded plugin.
pub(crate) enum Implied {
    /// Devices in the file use it.
    Used,
    /// None does, and it can run without configuration: it starts a device of its own name.
    Device(Box<DeviceSpec>),
    /// None does, and it cannot.
    Idle,
}

/// What becomes of a loaded plugin.
pub(crate) fn implied(config: &Config, plugin: &PluginEntry, status: &PluginStatus) -> Implied {
    let name = &plugin.name;
    let mut devices = config.devices.iter();
    if devices.clone().any(|device| device.plugin == *name) {
        return Implied::Used;
    }
    if !status.description.standalone || devices.any(|device| device.name == *name) {
        return Implied::Idle;
    }
    let mut spec = DeviceSpec::new(name, name);
    spec.grants = plugin.grants.clone();
    Implied::Device(Box::new(spec))
}

/// What is said of an idle plugin.
pub(crate) fn idle(plugin: &str) -> String {
    format!("no device uses it: add a table `[device.NAME]` with `plugin = \"{plugin}\"`")
}
