//! The configuration.

use serde::Deserialize;
use weihe_plugin_kit::{ActiveLevel, Safe};
use weihe_sdk::Duration;

use crate::contacts::Rules;

/// More than any relay board has.
const MOST: usize = 64;

/// The configuration as it is written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    #[serde(default = "one")]
    relays: Vec<String>,
    #[serde(default)]
    active: ActiveLevel,
    #[serde(default)]
    safe: Safe,
    interlock: Option<Duration>,
    #[serde(default)]
    min_on: Duration,
    #[serde(default)]
    min_off: Duration,
    max_on: Option<Duration>,
    follow: Option<String>,
    topic: Option<String>,
}

fn one() -> Vec<String> {
    vec!["relay".to_owned()]
}

/// The configuration, checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Config {
    /// The names of the lines.
    pub relays: Vec<String>,
    /// The level while a relay is on.
    pub active: ActiveLevel,
    /// What they become when nobody minds them.
    pub safe: Safe,
    /// When which may be on.
    pub rules: Rules,
    /// A topic that the relay follows.
    pub follow: Option<String>,
    /// Where to publish instead of `plugin/<device>`.
    pub topic: Option<String>,
}

impl TryFrom<Written> for Config {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let relays = written.relays;
        if relays.is_empty() || relays.len() > MOST {
            return Err(format!("`relays`: {} names, not 1 to {MOST}", relays.len()));
        }
        for (index, name) in relays.iter().enumerate() {
            if name.is_empty() || name == "state" || name.contains(['+', '#']) {
                return Err(format!("`relays`: {name:?} is no name for a relay"));
            }
            if relays[..index].contains(name) {
                return Err(format!("`relays`: {name:?} is there twice"));
            }
        }
        if written.interlock.is_some() && relays.len() < 2 {
            return Err("`interlock` needs two relays at least".into());
        }
        if written.interlock.is_some() && written.safe == Safe::On {
            return Err("`safe`: with an interlock not all can be on".into());
        }
        if written.follow.is_some() && relays.len() != 1 {
            return Err("`follow` needs a device with one relay: give each a device".into());
        }
        if written
            .max_on
            .is_some_and(|most| most.is_zero() || most < written.min_on)
        {
            return Err("`max-on` must be more than 0 s and not less than `min-on`".into());
        }
        Ok(Config {
            relays,
            active: written.active,
            safe: written.safe,
            rules: Rules {
                interlock: written.interlock,
                min_on: written.min_on,
                min_off: written.min_off,
                max_on: written.max_on,
            },
            follow: written.follow,
            topic: written.topic,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_names_its_key() {
        let read = |text: &str| serde_json::from_str::<Config>(text);
        assert!(read(r#"{"relays": ["up", "down"], "interlock": "500 ms"}"#).is_ok());
        for (text, key) in [
            (r#"{"relays": []}"#, "`relays`"),
            (r#"{"relays": ["a", "a"]}"#, "twice"),
            (r#"{"interlock": 1}"#, "`interlock`"),
            (
                r#"{"relays": ["a", "b"], "interlock": 1, "safe": "on"}"#,
                "`safe`",
            ),
            (r#"{"relays": ["a", "b"], "follow": "t"}"#, "`follow`"),
            (r#"{"min-on": 5, "max-on": 1}"#, "`max-on`"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
