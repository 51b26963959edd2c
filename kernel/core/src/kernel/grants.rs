//! What a device asks for against what there is and what it is granted, before anything of it runs.

use std::sync::Arc;

use super::error::suggest;
use super::name::is_name;
use super::{DeviceError, Kernel, OPERATOR, PluginStatus};
use crate::capability::Granted;
use crate::device::DeviceSpec;
use crate::runtime::{ConnectionNeed, Plugin, same_interface};

/// What a device needs to be started: its plugin, and its checked grants.
pub(super) type Prepared = (Arc<Plugin>, Vec<Box<dyn Granted>>);

impl Kernel {
    /// Checks a device without starting it: its plugin, its connection and its grants.
    pub fn check_device(&self, spec: &DeviceSpec) -> Result<(), DeviceError> {
        self.prepare(spec).map(|_| ())
    }

    pub(super) fn prepare(&self, spec: &DeviceSpec) -> Result<Prepared, DeviceError> {
        let device = spec.name.clone();
        if !is_name(&spec.name) || spec.name == OPERATOR {
            return Err(DeviceError::Name(device));
        }
        let registry = self.registry();
        let Some(plugin) = registry.plugins.get(&spec.plugin).cloned() else {
            return Err(DeviceError::NoPlugin {
                device,
                plugin: spec.plugin.clone(),
                help: suggest(&spec.plugin, registry.plugins.keys().map(String::as_str)),
            });
        };
        let named = spec.connection.iter().chain(&spec.grants.connections);
        for connection in named {
            if !registry.connections.contains_key(connection) {
                return Err(DeviceError::NoConnection {
                    device,
                    connection: connection.clone(),
                    help: suggest(connection, registry.connections.keys().map(String::as_str)),
                });
            }
        }
        drop(registry);
        let need = plugin.description.connection;
        if need == ConnectionNeed::Required && spec.connection.is_none() {
            let plugin = spec.plugin.clone();
            return Err(DeviceError::NeedsConnection { device, plugin });
        }
        let granted = self.check_grants(spec, &PluginStatus::from(&*plugin))?;
        self.check_memory(spec, &plugin)?;
        Ok((plugin, granted))
    }

    /// Whether there is memory for another instance of a plugin.
    pub(super) fn check_memory(
        &self,
        spec: &DeviceSpec,
        plugin: &Plugin,
    ) -> Result<(), DeviceError> {
        let checked = self.memory.check(plugin.initial_memory);
        checked.map_err(|short| DeviceError::Memory {
            device: spec.name.clone(),
            plugin: plugin.name.clone(),
            short,
        })
    }

    /// Checks whether a device is granted what a plugin imports, whether the plugin is loaded or not.
    pub fn check_granted(
        &self,
        spec: &DeviceSpec,
        plugin: &PluginStatus,
    ) -> Result<(), DeviceError> {
        self.check_grants(spec, plugin).map(|_| ())
    }

    /// What a plugin imports against what its device is granted.
    pub(super) fn check_grants(
        &self,
        spec: &DeviceSpec,
        plugin: &PluginStatus,
    ) -> Result<Vec<Box<dyn Granted>>, DeviceError> {
        let device = &spec.name;
        for name in spec.grants.capabilities.keys() {
            if !self
                .capabilities
                .iter()
                .any(|capability| capability.name() == name)
            {
                return Err(DeviceError::NoCapability {
                    device: device.clone(),
                    capability: name.clone(),
                    help: suggest(
                        name,
                        self.capabilities.iter().map(|capability| capability.name()),
                    ),
                });
            }
        }
        let not_granted = |import: &str, grant: String| DeviceError::NotGranted {
            plugin: plugin.name.clone(),
            import: import.to_owned(),
            device: device.clone(),
            grant,
        };
        let has_connection = spec.connection.is_some() || !spec.grants.connections.is_empty();
        let mut granted = Vec::new();
        for import in &plugin.imports {
            if same_interface(import, "weihe:connection/connections@0.1.0")
                && !has_connection
                && plugin.description.connection == ConnectionNeed::None
            {
                let grant = format!("[device.{device}] connection = \"…\"");
                return Err(not_granted(import, grant));
            }
        }
        for capability in &self.capabilities {
            let import = plugin.imports.iter().find(|import| {
                capability
                    .interfaces()
                    .iter()
                    .any(|served| same_interface(import, served))
            });
            let Some(import) = import else { continue };
            let Some(table) = spec.grants.capabilities.get(capability.name()) else {
                let grant = format!("[device.{device}.grants.{}]", capability.name());
                return Err(not_granted(import, grant));
            };
            let grant =
                capability
                    .configure(device, table)
                    .map_err(|source| DeviceError::Grant {
                        device: device.clone(),
                        capability: capability.name().to_owned(),
                        source,
                    })?;
            granted.push(grant);
        }
        Ok(granted)
    }
}
