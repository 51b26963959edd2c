//! A plugin is removed, with its devices.

use super::swap::SwapError;
use super::{DeviceError, Kernel};
use crate::audit::{Entry, action};

impl Kernel {
    /// Stops all devices of a plugin in order, the last started first, and forgets the plugin.
    /// Returns the names of the devices.
    pub async fn unload_plugin(&self, name: &str) -> Result<Vec<String>, SwapError> {
        let _alone = self.changes.write().await;
        self.current(name)?;
        let why = format!("plugin {name} is unloaded");
        let mut stopped = Vec::new();
        for (device, _) in self.devices_of(name).into_iter().rev() {
            match self.remove_device(&device.name, &why).await {
                Ok(()) => stopped.push(device.name.to_string()),
                // Gone by itself meanwhile: fine.
                Err(DeviceError::Unknown { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut registry = self.registry();
        registry.plugins.remove(name);
        // Its versions are kept for nobody; what became of them stays in the log.
        registry.histories.remove(name);
        drop(registry);
        let entry = Entry::host(action::PLUGIN_UNLOADED, format!("plugin/{name}"));
        self.audit.record(entry.detail("devices", stopped.clone()));
        Ok(stopped)
    }
}
