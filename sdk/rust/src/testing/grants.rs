//! Grants of topics and calls, as `weihe.toml` writes them.

use serde::Deserialize;

/// What of a device's grants the native kernel looks at.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Grants {
    publish: Vec<String>,
    subscribe: Vec<String>,
    call: Vec<String>,
}

impl Grants {
    pub(super) fn may_publish(&self, device: &str, topic: &str) -> bool {
        is_own(device, topic) || self.publish.iter().any(|filter| covers(filter, topic))
    }

    pub(super) fn may_subscribe(&self, device: &str, filter: &str) -> bool {
        is_own(device, filter) || self.subscribe.iter().any(|granted| covers(granted, filter))
    }

    pub(super) fn may_call(&self, device: &str) -> bool {
        self.call.iter().any(|name| name == "*" || name == device)
    }
}

fn is_own(device: &str, topic: &str) -> bool {
    let below = topic.strip_prefix("plugin/");
    below
        .and_then(|rest| rest.strip_prefix(device))
        .is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a filter matches all that a topic or another filter can be (MQTT 5.0, 4.7).
pub(super) fn covers(filter: &str, other: &str) -> bool {
    if other.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut granted, mut wanted) = (filter.split('/'), other.split('/'));
    loop {
        match (granted.next(), wanted.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(level)) if level != "#" => {}
            (Some(one), Some(two)) if one == two => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_covers_what_it_names_and_no_more() {
        assert!(covers("tank/#", "tank"));
        assert!(covers("tank/#", "tank/+/level"));
        assert!(covers("tank/+", "tank/level"));
        assert!(!covers("tank/+", "tank/#"));
        assert!(!covers("tank/+", "tank/a/b"));
        assert!(!covers("#", "$dead/x"));
        assert!(Grants::default().may_publish("soil", "plugin/soil/a"));
        assert!(!Grants::default().may_publish("soil", "plugin/soil2/a"));
    }
}
