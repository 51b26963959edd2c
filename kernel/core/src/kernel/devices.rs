//! Devices come and go.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::around::Around;
use super::error::suggest;
use super::registry::Placed;
use super::{DeviceError, Kernel, Lane, MAIN_LANE};
use crate::capability::Granted;
use crate::device::{Actor, Device, DeviceSpec, Orders, StopReason};
use crate::runtime::{Plugin, WasmFactory};

impl Kernel {
    /// Adds a device and waits until it has started. When it does not start, nothing of it stays.
    pub async fn add_device(&self, spec: DeviceSpec) -> Result<(), DeviceError> {
        let _no_change = self.changes.read().await;
        let (plugin, granted) = match self.prepare(&spec) {
            Ok(prepared) => prepared,
            Err(error) => {
                let refused = Err(error);
                self.audit_start(&spec, None, &refused);
                return refused;
            }
        };
        let result = self
            .start_device(spec.clone(), plugin.clone(), granted)
            .await;
        self.audit_start(&spec, Some(&plugin), &result);
        result
    }

    async fn start_device(
        &self,
        spec: DeviceSpec,
        plugin: Arc<Plugin>,
        granted: Vec<Box<dyn Granted>>,
    ) -> Result<(), DeviceError> {
        let lane = spec.lane.clone().unwrap_or_else(|| MAIN_LANE.to_owned());
        let name = spec.name.clone();
        let surroundings = Arc::new(Around(self.this.clone()));
        let device = Device::new(spec, self.bus.clone(), self.clock.clone(), surroundings)?;
        let outputs = device.outputs.clone();
        let (started, outcome) = oneshot::channel();
        {
            let mut registry = self.registry();
            if registry.devices.contains_key(&name) {
                return Err(DeviceError::Duplicate(name));
            }
            if !registry.lanes.contains_key(&lane) {
                let new = Lane::start(&lane).map_err(|source| DeviceError::Lane {
                    lane: lane.clone(),
                    source,
                })?;
                registry.lanes.insert(lane.clone(), new);
            }
            self.safe.join(&outputs);
            registry.placed += 1;
            let order = registry.placed;
            let (actor_device, checkpoints) = (device.clone(), self.checkpoints.clone());
            let orders = Orders::new(device.mailbox.wake().clone());
            let factory = WasmFactory {
                plugin: plugin.clone(),
                device: device.clone(),
                granted,
                ticker: self.ticker.clone(),
            };
            if let Some(lane) = registry.lanes.get(&lane) {
                let orders = orders.clone();
                lane.spawn(move || {
                    let actor = Actor::new(actor_device, factory, checkpoints, started);
                    actor.ordered_by(orders).run()
                });
            }
            let placed = Placed {
                device,
                plugin,
                orders,
                lane,
                order,
            };
            registry.devices.insert(name.clone(), placed);
        }
        let ended = || crate::device::StartError::Ended {
            device: name.clone(),
        };
        let result = outcome.await.unwrap_or_else(|_| Err(ended()));
        if let Err(error) = result {
            self.registry().devices.remove(&name);
            self.safe.left(&outputs);
            return Err(error.into());
        }
        Ok(())
    }

    /// A device as it was configured; none when it is not there.
    pub fn device_spec(&self, name: &str) -> Option<DeviceSpec> {
        let registry = self.registry();
        let placed = registry.devices.get(name)?;
        Some(placed.device.spec.clone())
    }

    /// Stops a device in order and removes it. The reason is for the audit trail.
    pub async fn remove_device(&self, name: &str, reason: &str) -> Result<(), DeviceError> {
        self.end_device(name, StopReason::Unload, reason).await
    }

    /// Stops a device in order and starts it again, as it was configured.
    pub async fn restart_device(&self, name: &str) -> Result<(), DeviceError> {
        let spec = self.device_spec(name);
        self.remove_device(name, "it is started again").await?;
        match spec {
            Some(spec) => self.add_device(spec).await,
            // It had not been there: said above.
            None => Ok(()),
        }
    }

    pub(super) async fn end_device(
        &self,
        name: &str,
        reason: StopReason,
        why: &str,
    ) -> Result<(), DeviceError> {
        let device = {
            let registry = self.registry();
            match registry.devices.get(name) {
                Some(placed) => placed.device.clone(),
                None => {
                    return Err(DeviceError::Unknown {
                        name: name.to_owned(),
                        help: suggest(name, registry.devices.keys().map(String::as_str)),
                    });
                }
            }
        };
        let ended = device.mailbox.stop(reason);
        // An error says that it had ended before.
        let _ = ended.await;
        self.registry().devices.remove(name);
        self.safe.left(&device.outputs);
        self.audit_stop(name, why);
        Ok(())
    }
}
