//! Which hardware plugins reach: this machine's, or that of a virtual board.

use std::sync::Arc;

use weihe_hal::virtual_board::{BoardError, VirtualBoard};
use weihe_hal::{Claims, HAL, HalCapability, Hardware, LinuxBoard};
use weihe_kernel::{Clock, DeviceError, DeviceSpec};

use super::in_force::Running;
use super::plan::differences;
use super::spec::spec;
use crate::config::{BoardEntry, Config};

/// The capability `hal` of a system.
pub(crate) fn hardware(
    board: &BoardEntry,
    clock: Arc<dyn Clock>,
) -> Result<HalCapability, BoardError> {
    let hardware: Arc<dyn Hardware> = match &board.virtual_board {
        Some(board) => Arc::new(VirtualBoard::parse(&board.text, clock)?),
        None => Arc::new(LinuxBoard::named(board.root.clone(), board.file.clone())),
    };
    Ok(HalCapability::new(hardware))
}

/// Takes the outputs that a device is granted; an error names the device that has one of them.
pub(super) fn claim(
    claims: &mut Claims,
    hal: &HalCapability,
    spec: &DeviceSpec,
) -> Result<(), DeviceError> {
    let Some(grant) = spec.grants.capabilities.get(HAL) else {
        return Ok(());
    };
    let taken = claims.take(hal, &spec.name, grant);
    taken.map_err(|source| DeviceError::Grant {
        device: spec.name.clone(),
        capability: HAL.to_owned(),
        source,
    })
}

/// The outputs of devices that go on as they run.
pub(super) fn claimed(hal: &HalCapability, config: &Config, running: &Running) -> Claims {
    let mut claims = Claims::default();
    for (name, device) in &running.devices {
        let mut entries = config.devices.iter();
        let goes_on = match entries.find(|entry| entry.name == *name) {
            Some(entry) => differences(&device.spec, &spec(config, entry)).is_empty(),
            // One that its plugin stands for.
            None => config.plugin(name).is_some(),
        };
        if goes_on && claim(&mut claims, hal, &device.spec).is_err() {
            // An operator has brought it about beside another one.
            tracing::debug!("device {name} shares an output with another one");
        }
    }
    claims
}
