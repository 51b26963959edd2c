//! What a device's configuration names, by the schema of its plugin: is it granted, and is it there?
//! The plugin has the last word as it starts, so all of this is a warning.

use weihe_kernel::DeviceSpec;
use weihe_kernel::bus::Filter;

use super::pointless::{meet, unheard_help};
use crate::config::{Config, KeyPath, Named, Problem, Schema, Use, nearest};

/// What in a device's configuration names something that it may not touch, or that is not there.
pub(super) fn misnamed(
    config: &Config,
    spec: &DeviceSpec,
    schema: &Schema,
    published: &[Filter],
) -> Vec<Problem> {
    let named = schema.named(&spec.config).into_iter();
    let found = named.filter_map(|named| look(config, spec, &named, published));
    found.collect()
}

fn look(
    config: &Config,
    spec: &DeviceSpec,
    named: &Named,
    published: &[Filter],
) -> Option<Problem> {
    let device = &spec.name;
    let text = &named.text;
    let key = KeyPath::default().key("config").join(&named.path);
    let (message, help) = match named.of {
        Use::Subscribe => {
            let filter: Filter = text.parse().ok()?;
            if !spec.grants.may_subscribe(device, &filter) {
                let message = format!(
                    "device `{device}`: `{key}` is `{text}`, which no `subscribe` of the device covers"
                );
                (message, add(device, "subscribe", text))
            } else if !text.starts_with('$')
                // Where the grant has the same words, it is said of the grant.
                && !spec.grants.subscribe.contains(&filter)
                && !published.iter().any(|other| meet(&filter, other))
            {
                let message = format!(
                    "device `{device}`: `{key}` is `{text}`, on which no device here may publish"
                );
                (message, unheard_help(text, published))
            } else {
                return None;
            }
        }
        Use::Publish | Use::PublishBelow => {
            let wanted = match named.of {
                Use::Publish => text.clone(),
                _ => format!("{text}/#"),
            };
            let filter: Filter = wanted.parse().ok()?;
            let own: Filter = format!("plugin/{device}/#").parse().ok()?;
            let mut granted = spec.grants.publish.iter().chain([&own]);
            if granted.any(|granted| meet(&filter, granted)) {
                return None;
            }
            let message = format!(
                "device `{device}`: `{key}` is `{text}`, and no `publish` of the device is for `{wanted}`"
            );
            (message, add(device, "publish", &wanted))
        }
        Use::Call => {
            let devices = config.devices.iter().map(|device| device.name.as_str());
            if !devices.clone().any(|name| name == text) {
                let help = match nearest(text, devices) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("add a table `[device.{text}]`"),
                };
                let message =
                    format!("device `{device}`: `{key}` is `{text}`, and there is no such device");
                (message, help)
            } else if !spec.grants.may_call(text) {
                let message = format!(
                    "device `{device}`: `{key}` is `{text}`, which no `call` of the device names"
                );
                (message, add(device, "call", text))
            } else {
                return None;
            }
        }
    };
    config.problem_in_config(device, &named.path, message, Some(help))
}

fn add(device: &str, key: &str, text: &str) -> String {
    format!("add `{key} = [\"{text}\"]` to `[device.{device}.grants]`")
}
