//! What a device may touch. Denied by default; `weihe.toml` grants.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bus::Filter;

/// The grants of one device: those of its plugin and its own together.
///
/// `plugin/<device>/#` may always be published and subscribed, `$timer/…` and `$answer/…` always
/// arrive, and the connection in the device's own entry is granted by that entry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Grants {
    /// Filters of topics it may publish on.
    pub publish: Vec<Filter>,
    /// Filters of topics it may subscribe to.
    pub subscribe: Vec<Filter>,
    /// Connections it may open beyond its own.
    pub connections: Vec<String>,
    /// Devices whose commands it may call; `*` for all.
    pub call: Vec<String>,
    /// Everything else: one table for each capability, which checks it itself.
    #[serde(flatten)]
    pub capabilities: BTreeMap<String, toml::Table>,
}

impl Grants {
    /// The grants of a plugin and those of one of its devices, together. Where both have a table
    /// for a capability, the device's keys replace the plugin's.
    pub fn with(mut self, device: Self) -> Self {
        self.publish.extend(device.publish);
        self.subscribe.extend(device.subscribe);
        self.connections.extend(device.connections);
        self.call.extend(device.call);
        for (name, table) in device.capabilities {
            self.capabilities.entry(name).or_default().extend(table);
        }
        self
    }

    /// Whether a device of this name may publish on a topic.
    pub fn may_publish(&self, device: &str, topic: &str) -> bool {
        is_own(device, topic) || self.publish.iter().any(|filter| filter.matches(topic))
    }

    /// Whether a device of this name may subscribe with a filter: one granted filter must cover all
    /// that it can match.
    pub fn may_subscribe(&self, device: &str, filter: &Filter) -> bool {
        is_own(device, filter.as_str())
            || self.subscribe.iter().any(|granted| granted.covers(filter))
    }

    /// Whether the device may call commands of another.
    pub fn may_call(&self, device: &str) -> bool {
        self.call.iter().any(|name| name == "*" || name == device)
    }
}

/// Whether a topic or filter lies under `plugin/<device>/`.
fn is_own(device: &str, topic: &str) -> bool {
    topic
        .strip_prefix("plugin/")
        .and_then(|rest| rest.strip_prefix(device))
        .is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn grants(text: &str) -> Grants {
        toml::from_str(text).unwrap()
    }

    fn filter(text: &str) -> Filter {
        text.parse().unwrap()
    }

    #[test]
    fn without_a_table_only_own_topics_are_open() {
        let none = Grants::default();
        assert!(none.may_publish("soil", "plugin/soil/moisture"));
        assert!(!none.may_publish("soil", "plugin/soil"));
        assert!(!none.may_publish("soil", "plugin/soil2/moisture"));
        assert!(!none.may_publish("soil", "greenhouse/soil"));
        assert!(none.may_subscribe("soil", &filter("plugin/soil/#")));
        assert!(!none.may_subscribe("soil", &filter("plugin/+/#")));
        assert!(!none.may_subscribe("soil", &filter("#")));
    }

    #[test]
    fn a_granted_filter_must_cover_the_subscription() {
        let some = grants("subscribe = [\"greenhouse/+/moisture\"]");
        assert!(some.may_subscribe("rule", &filter("greenhouse/bed1/moisture")));
        assert!(some.may_subscribe("rule", &filter("greenhouse/+/moisture")));
        assert!(!some.may_subscribe("rule", &filter("greenhouse/#")));
    }

    #[test]
    fn capability_tables_are_kept_for_their_owners() {
        let plugin = grants("[store]\ntables = [\"a\"]\nkeys = true");
        let device = grants("publish = [\"x\"]\n[store]\ntables = [\"b\"]");
        let both = plugin.with(device);
        assert_eq!(
            both.capabilities["store"]["tables"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        assert_eq!(both.capabilities["store"]["keys"].as_bool(), Some(true));
        assert!(both.may_publish("d", "x"));
    }
}
