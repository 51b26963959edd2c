//! In what two entries differ.

use std::collections::BTreeSet;

use weihe_kernel::DeviceSpec;

/// The keys in which two tables differ.
pub(super) fn changed_keys(before: &toml::Table, after: &toml::Table) -> String {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = keys
        .into_iter()
        .filter(|key| before.get(*key) != after.get(*key));
    let changed: Vec<&str> = changed.map(String::as_str).collect();
    changed.join(", ")
}

/// The keys in which two devices differ, as `weihe.toml` calls them.
pub(in crate::system) fn differences(before: &DeviceSpec, after: &DeviceSpec) -> Vec<&'static str> {
    // Named one by one, so that a field that is added is not forgotten here.
    let DeviceSpec {
        name: _,
        plugin,
        connection,
        config,
        grants,
        limits,
        lane,
        acyclic,
    } = before;
    [
        (*plugin == after.plugin, "plugin"),
        (*connection == after.connection, "connection"),
        (*config == after.config, "config"),
        (*grants == after.grants, "grants"),
        (*limits == after.limits, "limits"),
        (*lane == after.lane, "lane"),
        (*acyclic == after.acyclic, "acyclic"),
    ]
    .into_iter()
    .filter_map(|(same, key)| (!same).then_some(key))
    .collect()
}
