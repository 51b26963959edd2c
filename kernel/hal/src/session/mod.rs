//! What one instance does with hardware: names, grants and limits are checked here, before a backend is
//! asked. Without wasm. What may wait for hardware is done elsewhere than on the lane ([`Place::run`]).

mod bus;
mod open;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use weihe_kernel::device::Inlet;
use weihe_kernel::failsafe::Outputs;

use crate::capability::Shared;
use crate::error::HalError;
use crate::grant::Grant;
use crate::hardware::Kind;
use crate::lease::{DeviceLeases, Thing};

pub use bus::{OpenBus, OpenSpi, within};
pub use open::{OpenAdc, OpenPort};

/// Hardware as one instance of a device sees it.
pub struct Session {
    shared: Arc<Shared>,
    /// What its device holds, once it has a device; its grant keeps that between two instances.
    leases: Arc<OnceLock<Arc<DeviceLeases>>>,
    device: Arc<str>,
    version: Arc<str>,
    grant: Arc<Grant>,
    pub(crate) inlet: Option<Inlet>,
    /// Why the last operation on a bus failed, by the name that the plugin opened.
    bus_errors: HashMap<String, String>,
}

/// Which level the plugin takes for active; none for what the grant says.
pub type Active = Option<bool>;

impl Session {
    pub(crate) fn new(
        shared: Arc<Shared>,
        leases: Arc<OnceLock<Arc<DeviceLeases>>>,
        device: &str,
        grant: Arc<Grant>,
    ) -> Self {
        Self {
            shared,
            leases,
            device: device.into(),
            version: "".into(),
            grant,
            inlet: None,
            bus_errors: HashMap::new(),
        }
    }

    /// Whose outputs it declares, and of which version its instance is.
    pub(crate) fn belong(&mut self, outputs: &Arc<Outputs>, version: &str) {
        let all = &self.shared.leases;
        self.leases.get_or_init(|| all.of(outputs));
        self.version = version.into();
    }

    fn leases(&self) -> Result<&Arc<DeviceLeases>, HalError> {
        self.leases.get().ok_or_else(|| {
            HalError::Failed(format!("device `{}` cannot hold hardware yet", self.device))
        })
    }

    fn not_granted(&self, kind: Kind, alias: &str) -> HalError {
        let granted = self.grant.aliases(kind).join("`, `");
        let (what, device) = (kind.named(alias), &self.device);
        HalError::Denied(if granted.is_empty() {
            format!("{what} is not granted to device `{device}`")
        } else {
            format!("{what} is not granted to device `{device}`; granted are `{granted}`")
        })
    }

    /// The topic of the edges of a line.
    pub fn topic(&self, alias: &str) -> String {
        self.inlet
            .as_ref()
            .map(|inlet| inlet.topic(alias))
            .unwrap_or_default()
    }

    /// Whether the device may speak to an address now; an error says what to tell people. `denied` is
    /// for the audit trail.
    pub fn claim_address(&self, bus: &mut OpenBus, address: u16) -> Result<(), HalError> {
        let (word, bit) = (usize::from(address) / 64, address % 64);
        if bus.claimed.get(word).is_some_and(|set| set >> bit & 1 == 1) {
            return Ok(());
        }
        if address > 0x7f {
            return Err(HalError::Unsupported(format!(
                "address {address:#x} on {} has more than 7 bits",
                bus.name()
            )));
        }
        let granted = self.grant.bus(&bus.alias);
        let covered = granted.is_some_and(|granted| {
            let addresses = granted.addresses.as_ref();
            addresses.is_none_or(|addresses| addresses.contains(&address))
        });
        if !covered {
            let device = &self.device;
            return Err(HalError::Denied(format!(
                "address {address:#04x} on {} is not granted to device `{device}`",
                bus.name()
            )));
        }
        let thing = Thing::address(bus.name(), address);
        let leases = self.leases()?;
        let known = leases.take(|open| &mut open.addresses, &thing, &self.version);
        let claim = match known {
            Some(claim) => claim,
            None => Arc::new(leases.claim(thing.clone())?),
        };
        leases.open().addresses.put(thing, claim, &self.version);
        if let Some(set) = bus.claimed.get_mut(word) {
            *set |= 1 << bit;
        }
        Ok(())
    }

    /// Notes how an operation on a bus ended; whether that is another fault than the last one's.
    pub fn note(&mut self, bus: &OpenBus, outcome: Result<(), &str>) -> bool {
        match outcome {
            Ok(()) => {
                if !self.bus_errors.is_empty() {
                    self.bus_errors.remove(&*bus.alias);
                }
                false
            }
            Err(message) => {
                let last = self
                    .bus_errors
                    .insert(bus.alias.to_string(), message.to_owned());
                last.as_deref() != Some(message)
            }
        }
    }

    /// Why the last operation on a bus failed.
    pub fn last_error(&self, alias: &str) -> String {
        self.bus_errors.get(alias).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
