//! Grants that lead nowhere: topics on which nobody publishes, and interfaces that a plugin does not
//! import. They keep nothing from starting; often something else was meant.

use std::collections::BTreeMap;

use weihe_kernel::PluginStatus;
use weihe_kernel::bus::Filter;
use weihe_kernel::grant::Grants;

use crate::config::{Config, DeviceEntry, PluginEntry, Problem, nearest};

/// What of a system's grants leads nowhere, in the order of the file.
pub(super) fn pointless(
    config: &Config,
    loaded: &BTreeMap<&str, PluginStatus>,
    published: &[Filter],
) -> Vec<Problem> {
    let mut found = Vec::new();
    for plugin in &config.plugins {
        let owner = format!("plugin `{}`", plugin.name);
        let path = format!("plugin.{}.grants", plugin.name);
        unheard(config, &owner, &path, &plugin.grants, published, &mut found);
        if let Some(status) = loaded.get(plugin.name.as_str()) {
            unused(config, &path, &plugin.grants, status, &mut found);
        }
    }
    for device in &config.devices {
        let owner = format!("device `{}`", device.name);
        let path = format!("device.{}.grants", device.name);
        unheard(config, &owner, &path, &device.grants, published, &mut found);
        if let Some(status) = loaded.get(device.plugin.as_str()) {
            unused(config, &path, &device.grants, status, &mut found);
        }
    }
    found.sort_by_key(|problem| problem.fault().span.start);
    found
}

/// The topics on which something here may publish.
pub(super) fn published(config: &Config) -> Vec<Filter> {
    let own = |name: &str| format!("plugin/{name}/#").parse().ok();
    let of_device = |device: &DeviceEntry| {
        let mut filters = device.grants.publish.clone();
        filters.extend(own(&device.name));
        filters
    };
    // Of a plugin without a device, one of its own name may run.
    let of_plugin = |plugin: &PluginEntry| {
        let mut filters = plugin.grants.publish.clone();
        filters.extend(own(&plugin.name));
        filters
    };
    // A device on its own is on trial: its input comes from `weihe set`.
    let is_on_trial = config.devices.len() == 1;
    let by_hand = is_on_trial.then(|| "#".parse().ok()).flatten();
    let devices = config.devices.iter().flat_map(of_device);
    devices
        .chain(config.plugins.iter().flat_map(of_plugin))
        .chain(by_hand)
        .collect()
}

/// Subscriptions to what nobody may publish.
fn unheard(
    config: &Config,
    owner: &str,
    path: &str,
    grants: &Grants,
    published: &[Filter],
    found: &mut Vec<Problem>,
) {
    for (index, filter) in grants.subscribe.iter().enumerate() {
        // The kernel's own topics.
        let is_kernels = filter.as_str().starts_with('$');
        if is_kernels || published.iter().any(|other| meet(filter, other)) {
            continue;
        }
        let message =
            format!("{owner} may subscribe to `{filter}`, on which no device here may publish");
        let help = unheard_help(filter.as_str(), published);
        let path = format!("{path}.subscribe.{index}");
        found.push(config.problem_at(&path, message, Some(help)));
    }
}

/// What to do about a topic on which nobody publishes.
pub(super) fn unheard_help(topic: &str, published: &[Filter]) -> String {
    match nearest(topic, published.iter().map(Filter::as_str)) {
        Some(near) => format!("did you mean `{near}`? There a device may publish"),
        None => "devices publish on `plugin/DEVICE/#` and where `publish` grants it; leave it, if \
                 `weihe set` is to publish there"
            .to_owned(),
    }
}

/// Grants for interfaces that the plugin does not import.
fn unused(
    config: &Config,
    path: &str,
    grants: &Grants,
    status: &PluginStatus,
    found: &mut Vec<Problem>,
) {
    let imports = |interfaces: &[&str]| {
        let mut imported = status.imports.iter();
        imported.any(|import| interfaces.iter().any(|start| import.starts_with(start)))
    };
    let kinds = [
        (
            grants.capabilities.contains_key("store"),
            "store",
            "the store",
            &["weihe:store/", "wasi:keyvalue/"][..],
        ),
        (
            grants.capabilities.contains_key("hal"),
            "hal",
            "hardware",
            &["weihe:hal/", "wasi:i2c/"][..],
        ),
        (
            grants.capabilities.contains_key("guomi"),
            "guomi",
            "cryptography",
            &["weihe:guomi/"][..],
        ),
        (
            !grants.connections.is_empty(),
            "connections",
            "connections",
            &["weihe:connection/"][..],
        ),
        (
            !grants.call.is_empty(),
            "call",
            "commands of other devices",
            &["weihe:plugin/calls"][..],
        ),
    ];
    for (is_granted, key, what, interfaces) in kinds {
        if is_granted && !imports(interfaces) {
            let message = format!(
                "this grant covers nothing: plugin `{}` has no use for {what}",
                status.name
            );
            let help = "leave it out, or is it another plugin's?".to_owned();
            found.push(config.problem_at(&format!("{path}.{key}"), message, Some(help)));
        }
    }
}

/// Whether there can be a topic that both filters match.
pub(super) fn meet(one: &Filter, other: &Filter) -> bool {
    let (mut ones, mut others) = (one.levels(), other.levels());
    loop {
        return match (ones.next(), others.next()) {
            (Some("#"), _) | (_, Some("#")) | (None, None) => true,
            (Some(one), Some(other)) if one == other || one == "+" || other == "+" => continue,
            _ => false,
        };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::path::Path;

    use super::*;

    fn of(text: &str, imports: &[&str]) -> Vec<(usize, String, String)> {
        let config = Config::parse(Path::new("/nowhere"), text).unwrap();
        let status = PluginStatus {
            name: "p".to_owned(),
            file: String::new(),
            sha256: String::new(),
            compiled: String::new(),
            size: 0,
            imports: imports.iter().map(|&import| import.to_owned()).collect(),
            hooks: Vec::new(),
            description: weihe_kernel::runtime::Description::default(),
            origin: None,
            history: Vec::new(),
        };
        let loaded = BTreeMap::from([("p", status)]);
        let found = pointless(&config, &loaded, &published(&config));
        found
            .into_iter()
            .map(|problem| {
                let help = problem.fault().help.clone().unwrap();
                (problem.line(), problem.to_string(), help)
            })
            .collect()
    }

    #[test]
    fn filters_meet_where_a_topic_can_match_both() {
        let meet = |one: &str, other: &str| meet(&one.parse().unwrap(), &other.parse().unwrap());
        for (one, other) in [
            ("a/b", "a/b"),
            ("a/+", "a/b"),
            ("a/#", "a"),
            ("+/b", "a/+"),
            ("#", "x/y/z"),
            ("a/+/c", "a/#"),
        ] {
            assert!(meet(one, other) && meet(other, one), "{one} {other}");
        }
        for (one, other) in [("a/b", "a/c"), ("a/+", "a"), ("a/b/#", "a/c"), ("+", "a/b")] {
            assert!(!meet(one, other) && !meet(other, one), "{one} {other}");
        }
    }

    #[test]
    fn a_topic_on_which_nobody_publishes_is_shown_with_the_one_that_was_meant() {
        let text = "[plugin.p]\n[device.soil]\nplugin = \"p\"\n[device.soil.grants]\n\
                    publish = [\"greenhouse/#\"]\n[device.rule]\nplugin = \"p\"\n[device.rule.grants]\n\
                    subscribe = [\n  \"greenhouse/moisture\",\n  \"plugin/sol/moisture\",\n  \
                    \"greenhuose/#\",\n  \"$link/+\",\n  \"weather/rain\",\n]\n";
        let found = of(text, &[]);
        let lines: Vec<usize> = found.iter().map(|(line, ..)| *line).collect();
        assert_eq!(lines, [11, 12, 14], "{found:?}");
        assert!(found[1].1.contains("`greenhuose/#`"), "{found:?}");
        assert!(
            found[1].2.contains("did you mean `greenhouse/#`"),
            "{found:?}"
        );
        assert!(found[2].2.contains("weihe set"), "{found:?}");
    }

    #[test]
    fn a_device_on_its_own_is_fed_by_hand() {
        let text = "[plugin.p]\n[device.trial]\nplugin = \"p\"\n[device.trial.grants]\n\
                    subscribe = [\"tank/level\"]\n";
        assert_eq!(of(text, &[]), []);
    }

    #[test]
    fn a_grant_for_what_a_plugin_does_not_import_covers_nothing() {
        let text = "[plugin.p]\n[connection.c]\ntype = \"tcp\"\naddress = \"a:1\"\n[device.d]\n\
                    plugin = \"p\"\n[device.d.grants]\nconnections = [\"c\"]\ncall = [\"*\"]\n\
                    [device.d.grants.store]\nkeys = true\n";
        let found = of(text, &[]);
        let lines: Vec<usize> = found.iter().map(|(line, ..)| *line).collect();
        assert_eq!(lines, [8, 9, 10], "{found:?}");
        assert!(found[2].1.contains("covers nothing"), "{found:?}");
        let all = [
            "weihe:plugin/calls@0.1.0",
            "weihe:connection/exchange@0.1.0",
            "wasi:keyvalue/store@0.2.0-draft2",
        ];
        assert_eq!(of(text, &all), []);
    }
}
