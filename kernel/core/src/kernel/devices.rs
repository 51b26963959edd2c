//! Devices come and go.

use std::sync::Arc;
use std::sync::atomic::Ordering;

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
        if self.closing.load(Ordering::Acquire) {
            return Err(DeviceError::Closing(spec.name));
        }
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
        let lane = self.lane_of(&spec);
        let name = spec.name.clone();
        let surroundings = Arc::new(Around(self.this.clone()));
        let device = Device::new(spec, self.bus.clone(), self.clock.clone(), surroundings)?;
        let added = device.clone();
        let (started, outcome) = oneshot::channel();
        {
            let mut registry = self.registry();
            if registry.devices.contains_key(&name) {
                return Err(DeviceError::Duplicate(name));
            }
            if !registry.lanes.contains_key(&lane) {
                let new = match &self.ground {
                    Some(ground) => Lane::elsewhere(ground.tasks.clone()),
                    None => Lane::start(&lane).map_err(|source| DeviceError::Lane {
                        lane: lane.clone(),
                        source,
                    })?,
                };
                registry.lanes.insert(lane.clone(), new);
            }
            self.safe.join(&device.outputs);
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
            self.forget_device(&added);
            added.outputs.let_go();
            return Err(error.into());
        }
        Ok(())
    }

    /// The lane that its entry names, or that one of its capabilities wants it on.
    fn lane_of(&self, spec: &DeviceSpec) -> String {
        let wanted = || {
            self.capabilities.iter().find_map(|capability| {
                let grant = spec.grants.capabilities.get(capability.name())?;
                capability.lane(grant)
            })
        };
        let lane = spec.lane.clone().or_else(wanted);
        lane.unwrap_or_else(|| MAIN_LANE.to_owned())
    }

    /// A device as it was configured; none when it is not there.
    pub fn device_spec(&self, name: &str) -> Option<DeviceSpec> {
        let registry = self.registry();
        let placed = registry.devices.get(name)?;
        Some(placed.device.spec.clone())
    }

    /// Stops a device in order and removes it. The reason is for the audit trail.
    pub async fn remove_device(&self, name: &str, reason: &str) -> Result<(), DeviceError> {
        let ended = self.end_device(name, StopReason::Unload, reason).await?;
        ended.outputs.let_go();
        Ok(())
    }

    /// Stops a device in order and starts it as another entry describes it. Lines that both hold are not
    /// closed in between, so they keep their safe values until the new one sets them.
    pub async fn replace_device(&self, spec: DeviceSpec, reason: &str) -> Result<(), DeviceError> {
        let ended = self
            .end_device(&spec.name, StopReason::Unload, reason)
            .await?;
        let started = self.add_device(spec).await;
        ended.outputs.let_go();
        started
    }

    /// Stops a device in order and starts it again, as it was configured.
    pub async fn restart_device(&self, name: &str) -> Result<(), DeviceError> {
        let spec = self.device_spec(name).ok_or_else(|| self.unknown(name))?;
        self.replace_device(spec, "it is started again").await
    }

    fn unknown(&self, name: &str) -> DeviceError {
        let registry = self.registry();
        DeviceError::Unknown {
            name: name.to_owned(),
            help: suggest(name, registry.devices.keys().map(String::as_str)),
        }
    }

    /// Stops a device in order and removes it; returns what it was.
    pub(super) async fn end_device(
        &self,
        name: &str,
        reason: StopReason,
        why: &str,
    ) -> Result<Arc<Device>, DeviceError> {
        let device = {
            let registry = self.registry();
            registry
                .devices
                .get(name)
                .map(|placed| placed.device.clone())
        };
        let device = device.ok_or_else(|| self.unknown(name))?;
        let ended = device.mailbox.stop(reason);
        // An error says that it had ended before.
        let _ = ended.await;
        if !self.forget_device(&device) {
            // Somebody else has removed it, too, and was first.
            return Err(DeviceError::Unknown {
                name: name.to_owned(),
                help: String::new(),
            });
        }
        self.audit_stop(name, why);
        Ok(device)
    }

    /// Removes a device that has ended; returns whether it was there. One that has got its name
    /// meanwhile stays.
    fn forget_device(&self, device: &Arc<Device>) -> bool {
        let mut registry = self.registry();
        let placed = registry.devices.get(&*device.name);
        let there = placed.is_some_and(|placed| Arc::ptr_eq(&placed.device, device));
        if there {
            registry.devices.remove(&*device.name);
        }
        drop(registry);
        self.safe.left(&device.outputs);
        there
    }
}
