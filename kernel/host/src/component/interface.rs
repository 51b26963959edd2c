//! The interfaces that components import and export, and what they mean to an operator.

use serde::Serialize;

/// Who answers an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// Who: "kernel", "the store".
    pub by: &'static str,
    /// What must stand in `weihe.toml` for it; none when nothing must.
    pub grant: Option<&'static str>,
}

/// A hook that a plugin exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// What every plugin exports.
    Lifecycle,
    /// Events one by one.
    Events,
    /// Events in packed batches.
    EventsBatch,
    /// Commands.
    Commands,
    /// State that survives a restart.
    State,
    /// A parser of frames.
    Codec,
    /// What a connection tells its devices.
    Connection,
}

impl Hook {
    /// Its name, as in the WIT.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lifecycle => "lifecycle",
            Self::Events => "events",
            Self::EventsBatch => "events-batch",
            Self::Commands => "commands",
            Self::State => "state",
            Self::Codec => "codec",
            Self::Connection => "connection",
        }
    }

    fn of(export: &str) -> Option<Self> {
        Some(match without_version(export) {
            "weihe:plugin/lifecycle" => Self::Lifecycle,
            "weihe:plugin/events" => Self::Events,
            "weihe:plugin/events-batch" => Self::EventsBatch,
            "weihe:plugin/commands" => Self::Commands,
            "weihe:plugin/state" => Self::State,
            "weihe:plugin/codec" => Self::Codec,
            "weihe:connection/handler" => Self::Connection,
            _ => return None,
        })
    }
}

/// The hooks among a component's exports, always in the same order.
pub fn hooks(exports: &[String]) -> Vec<Hook> {
    let mut hooks: Vec<Hook> = exports
        .iter()
        .filter_map(|export| Hook::of(export))
        .collect();
    hooks.sort_unstable();
    hooks
}

/// `weihe:store/sql` of `weihe:store/sql@0.1.0`.
fn without_version(interface: &str) -> &str {
    interface
        .split_once('@')
        .map_or(interface, |(name, _)| name)
}

/// Who answers an import; none when nobody does, and the host refuses the plugin.
pub fn provider(import: &str) -> Option<Provider> {
    let name = without_version(import);
    let (package, _) = name.split_once('/')?;
    let (by, grant) = match (package, name) {
        (_, "weihe:plugin/types" | "weihe:connection/types") => ("types only", None),
        (_, "weihe:plugin/bus") => (
            "kernel",
            Some("publish, subscribe (topics beyond plugin/<device>/#)"),
        ),
        (_, "weihe:plugin/calls") => ("kernel", Some("call (to call other devices)")),
        ("weihe:plugin", _) => ("kernel", None),
        ("weihe:connection", _) => (
            "the device's connections",
            Some("the device's `connection`, or connections"),
        ),
        ("weihe:store", _) => ("the store", Some("store.tables")),
        ("wasi:keyvalue", _) => ("the store", Some("store.keys")),
        (_, "weihe:hal/types") => ("types only", None),
        ("weihe:hal", _) => ("the board", Some("hal")),
        ("wasi:i2c", _) => ("the board", Some("hal.i2c")),
        (_, "weihe:guomi/types") => ("types only", None),
        (_, "weihe:guomi/digest" | "weihe:guomi/random") => {
            ("the host's cryptography", Some("guomi"))
        }
        ("weihe:guomi", _) => ("the host's cryptography", Some("guomi.keys")),
        ("wasi:logging", _) => ("the host's log", None),
        ("wasi:config", _) => ("the device's config table", None),
        ("wasi:clocks", _) => ("the kernel's clock", None),
        ("wasi:random", _) => ("the operating system", None),
        ("wasi:cli" | "wasi:io" | "wasi:filesystem" | "wasi:sockets" | "wasi:http", _) => {
            ("an inert stand-in", None)
        }
        _ => return None,
    };
    Some(Provider { by, grant })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_import_has_a_provider_or_is_refused() {
        let provider = |import| provider(import).map(|provider| provider.by);
        assert_eq!(provider("weihe:plugin/bus@0.1.0"), Some("kernel"));
        assert_eq!(provider("weihe:store/sql@0.1.0"), Some("the store"));
        assert_eq!(provider("wasi:io/streams@0.2.6"), Some("an inert stand-in"));
        assert_eq!(
            provider("weihe:guomi/signer@0.1.0"),
            Some("the host's cryptography")
        );
        assert_eq!(provider("weihe:robots/arm@0.1.0"), None);
        assert_eq!(provider("nonsense"), None);
    }

    #[test]
    fn hooks_are_told_from_other_exports() {
        let exports = [
            "weihe:plugin/lifecycle@0.1.0",
            "weihe:connection/handler@0.1.0",
            "wasi:cli/run@0.2.6",
        ]
        .map(str::to_owned);
        assert_eq!(hooks(&exports), [Hook::Lifecycle, Hook::Connection]);
    }
}
