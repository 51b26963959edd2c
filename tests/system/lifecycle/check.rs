//! What the kernel shows, compared to the model: versions, probations, subscriptions, places, topics,
//! quarantine.

use weihe_kernel::Status;
use weihe_kernel::device::DeviceState;

use super::model::{Model, Version};
use super::saved::Saved;
use super::world::Wrong;

/// Topics that a device makes or listens to: in, aside, out, started, stopped, tick, and two timers.
const TOPICS: usize = 8;

/// Looks whether the kernel is as the model says: nothing is missing, and nothing is left behind.
pub fn check(status: &Status, saved: &Saved, model: &Model) -> Result<(), Wrong> {
    let loaded: Vec<(&str, &str)> = status
        .plugins
        .iter()
        .map(|plugin| (plugin.name.as_str(), plugin.description.version.as_str()))
        .collect();
    let wanted: Vec<(&str, &str)> = model
        .plugins
        .iter()
        .filter_map(|plugin| Some((plugin.name, plugin.version?.number())))
        .collect();
    same("plugins", &loaded, &wanted)?;
    let mut seen: Vec<_> = status
        .devices
        .iter()
        .map(|device| {
            let (name, version) = (device.name.as_str(), device.version.as_str());
            let lost = (device.dropped, device.dead);
            (name, version, device.state, device.probation, lost)
        })
        .collect();
    seen.sort_unstable_by_key(|device| device.0);
    let present = model.devices.iter().filter(|device| device.present);
    let wanted: Vec<_> = present
        .clone()
        .map(|device| {
            let version = model.plugin(device.plugin).version.unwrap().number();
            let state = DeviceState::Running;
            (device.name, version, state, device.probation, (0, 0))
        })
        .collect();
    same("devices", &seen, &wanted)?;
    for device in &model.devices {
        let version = model.plugin(device.plugin).version;
        let subscriptions = status.subscriptions.iter();
        let mut filters: Vec<&str> = subscriptions
            .filter(|subscription| subscription.owner == device.name)
            .map(|subscription| subscription.filter.as_str())
            .collect();
        filters.sort_unstable();
        let aside = format!("plugin/{}/aside", device.name);
        let input = format!("plugin/{}/in", device.name);
        let mut wanted = Vec::new();
        if device.present {
            let has_aside = filters.contains(&aside.as_str());
            if version == Some(Version::Two) || (device.lenient && has_aside) {
                wanted.push(aside.as_str());
            }
            wanted.push(input.as_str());
        }
        same("subscriptions", &filters, &wanted)?;
        if saved.is_refused(device.name) {
            return Err(format!("{} has lost its state", device.name));
        }
    }
    // The book's own is the only other one.
    let owners = status.subscriptions.iter();
    let others = owners.filter(|subscription| {
        let mut devices = model.devices.iter();
        !devices.any(|device| device.name == subscription.owner)
    });
    same("other subscriptions", &others.count(), &1)?;
    let places: Vec<&str> = status.connections[0]
        .devices
        .iter()
        .map(|device| device.device.as_str())
        .collect();
    let wanted: Vec<&str> = present
        .filter(|device| device.at_door)
        .map(|device| device.name)
        .collect();
    same("places", &places, &wanted)?;
    let most = model.devices.len() * TOPICS;
    if status.topics > most {
        return Err(format!("{} topics, {most} at most", status.topics));
    }
    let mut refused: Vec<&str> = status
        .quarantined
        .iter()
        .map(|entry| entry.version.as_str())
        .collect();
    refused.sort_unstable();
    let wanted: Vec<&str> = model.quarantine.iter().map(|bad| bad.number()).collect();
    same("quarantine", &refused, &wanted)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, seen: &T, wanted: &T) -> Result<(), Wrong> {
    if seen == wanted {
        return Ok(());
    }
    Err(format!("{what}: {seen:?} instead of {wanted:?}"))
}
