//! What a built plugin needs in a weihe.toml, by what it says of itself and what it imports.

use std::fmt::Write as _;

use serde_json::{Value, json};
use weihe_hal::Kind;
use weihe_kernel::runtime::{ConnectionNeed, Description};

use crate::component::Layout;
use crate::config::is_name;

/// What a device of a plugin must be given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// The plugin, which the device in the example is named after.
    name: String,
    /// Its connection, and whether it can do without.
    connection: ConnectionNeed,
    /// Keys that its configuration must have.
    keys: Vec<String>,
    /// Topics beyond its own.
    publish: Vec<String>,
    subscribe: Vec<String>,
    /// Whether it calls other devices.
    calls: bool,
    /// Whether it uses tables, and keys, of the database.
    tables: bool,
    store_keys: bool,
    /// The kinds of hardware that it uses; none when it uses none.
    hardware: Option<Vec<Kind>>,
    /// The uses of keys that its interfaces are for; none when it has nothing to do with cryptography.
    cryptography: Option<Vec<&'static str>>,
}

/// Interfaces of cryptography, and the use of a key that each is for.
const USES: [(&str, &[&str]); 9] = [
    ("weihe:guomi/signer@", &["sign"]),
    ("weihe:guomi/verifier@", &["verify"]),
    ("weihe:guomi/encrypter@", &["encrypt"]),
    ("weihe:guomi/decrypter@", &["decrypt"]),
    ("weihe:guomi/mac@", &["mac"]),
    ("weihe:guomi/cipher@", &["encrypt", "decrypt"]),
    ("weihe:guomi/aead@", &["encrypt", "decrypt"]),
    ("weihe:guomi/key-agreement@", &["agree"]),
    ("weihe:guomi/", &[]),
];

/// Interfaces of hardware that need nothing but the grant's table.
const ANY_HARDWARE: &str = "weihe:hal/delay@";

/// What a grant of a kind of hardware looks like. The names are the author's to say.
fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Gpio => "gpio.NAME = { line = \"LINE\", mode = \"input\" }\n",
        Kind::I2c => "i2c.NAME = { bus = \"BUS\", addresses = [0x44] }\n",
        Kind::Spi => "spi.NAME = \"PERIPHERAL\"\n",
        Kind::Uart => "uart.NAME = \"PORT\"\n",
        Kind::Pwm => "pwm.NAME = \"CHANNEL\"\n",
        Kind::Adc => "adc.NAME = \"CHANNEL\"\n",
    }
}

impl Needs {
    pub(super) fn of(name: &str, layout: &Layout, about: &Description) -> Self {
        let imports = |interface: &str| {
            let mut imports = layout.imports.iter();
            imports.any(|import| import.starts_with(interface))
        };
        let own = format!("plugin/{name}/");
        let topics = |publishes: bool| -> Vec<String> {
            let topics = about.topics.iter();
            topics
                .filter(|topic| topic.publishes == publishes)
                .map(|topic| topic.filter.replace("{device}", name))
                .filter(|filter| !filter.starts_with(&own) && !filter.starts_with('$'))
                .collect()
        };
        let schema: Value = serde_json::from_str(&about.config_schema).unwrap_or_default();
        let keys = schema["required"].as_array().into_iter().flatten();
        Self {
            name: name.to_owned(),
            connection: about.connection,
            keys: keys.filter_map(Value::as_str).map(str::to_owned).collect(),
            publish: topics(true),
            subscribe: topics(false),
            calls: imports("weihe:plugin/calls@"),
            tables: imports("weihe:store/"),
            store_keys: imports("wasi:keyvalue/"),
            hardware: {
                let uses = |kind: Kind| match kind {
                    Kind::I2c => imports("weihe:hal/i2c-buses@") || imports("wasi:i2c/"),
                    kind => imports(&format!("weihe:hal/{}@", kind.key())),
                };
                let kinds: Vec<_> = Kind::ALL.into_iter().filter(|kind| uses(*kind)).collect();
                (!kinds.is_empty() || imports(ANY_HARDWARE)).then_some(kinds)
            },
            cryptography: imports("weihe:guomi/").then(|| {
                let used = USES.iter().filter(|(interface, _)| imports(interface));
                let mut uses: Vec<_> = used.flat_map(|(_, uses)| uses.iter().copied()).collect();
                uses.sort_unstable();
                uses.dedup();
                uses
            }),
        }
    }

    /// A device, as TOML to paste. What is behind `#` can be left out.
    pub(super) fn toml(&self) -> String {
        let name = &self.name;
        let mut text = format!("[device.{name}]\nplugin = \"{name}\"\n");
        match self.connection {
            ConnectionNeed::None => {}
            ConnectionNeed::Optional => text.push_str("# connection = \"NAME\"\n"),
            ConnectionNeed::Required => text.push_str("connection = \"NAME\"\n"),
        }
        if !self.keys.is_empty() {
            let _ = writeln!(text, "[device.{name}.config]");
            for key in &self.keys {
                // The value is the author's to say: this is what to fill in.
                let _ = writeln!(text, "# {key} =");
            }
        }
        let mut grants = String::new();
        for (key, filters) in [("publish", &self.publish), ("subscribe", &self.subscribe)] {
            if !filters.is_empty() {
                let _ = writeln!(grants, "{key} = {}", json!(filters));
            }
        }
        if self.calls {
            grants.push_str("# call = [\"DEVICE\"]\n");
        }
        if !grants.is_empty() {
            let _ = write!(text, "[device.{name}.grants]\n{grants}");
        }
        if self.tables || self.store_keys {
            let _ = writeln!(text, "[device.{name}.grants.store]");
        }
        if self.tables {
            text.push_str("tables = [\"NAME\"]\n");
        }
        if self.store_keys {
            text.push_str("keys = true\n");
        }
        if let Some(kinds) = &self.hardware {
            let _ = writeln!(text, "[device.{name}.grants.hal]");
            kinds.iter().for_each(|kind| text.push_str(example(*kind)));
        }
        if let Some(uses) = &self.cryptography {
            let _ = writeln!(text, "[device.{name}.grants.guomi]");
            if !uses.is_empty() {
                // Which key is for what, and whether one of the host's is used at all, is the author's to say.
                let _ = writeln!(text, "# keys = {{ NAME = {} }}", json!(uses));
            }
        }
        text
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "connection": self.connection,
            "config": self.keys,
            "publish": self.publish,
            "subscribe": self.subscribe,
            "call": self.calls,
            "store": { "tables": self.tables, "keys": self.store_keys },
            "guomi": self.cryptography,
            "hal": self.hardware.as_ref().map(|kinds| kinds.iter().map(|kind| kind.key()).collect::<Vec<_>>()),
            "toml": self.toml(),
        })
    }
}

/// The name of a device in an example, for a file of any name.
pub(super) fn device_name(plugin: &str) -> String {
    if is_name(plugin) {
        return plugin.to_owned();
    }
    crate::config::suggest(plugin).unwrap_or_else(|| "trial".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use weihe_kernel::runtime::TopicInfo;

    use super::*;
    use crate::component::fixture;
    use crate::config::Config;

    fn layout(imports: &[&str]) -> Layout {
        let mut layout = Layout::of(Path::new("x.wasm"), &fixture::plugin()).unwrap();
        layout.imports = imports.iter().map(|&import| import.to_owned()).collect();
        layout
    }

    #[test]
    fn what_a_plugin_needs_is_a_device_to_paste() {
        let topic = |filter: &str, publishes| TopicInfo {
            filter: filter.to_owned(),
            publishes,
            summary: String::new(),
        };
        let about = Description {
            topics: vec![
                topic("plugin/{device}/state", true),
                topic("greenhouse/{device}", true),
                topic("weather/+/rain", false),
            ],
            config_schema: r#"{ "required": ["unit"] }"#.to_owned(),
            connection: ConnectionNeed::Required,
            ..Description::default()
        };
        let imports = [
            "weihe:store/sql@0.1.0",
            "wasi:keyvalue/store@0.2.0-draft2",
            "weihe:plugin/calls@0.1.0",
        ];
        let needs = Needs::of("pump", &layout(&imports), &about);
        let toml = needs.toml();
        assert_eq!(
            toml,
            "[device.pump]\nplugin = \"pump\"\nconnection = \"NAME\"\n\
             [device.pump.config]\n# unit =\n\
             [device.pump.grants]\npublish = [\"greenhouse/pump\"]\nsubscribe = [\"weather/+/rain\"]\n\
             # call = [\"DEVICE\"]\n\
             [device.pump.grants.store]\ntables = [\"NAME\"]\nkeys = true\n"
        );
        // It is read as it is, once the connection has a name that there is.
        let whole = format!(
            "[connection.field]\ntype = \"tcp\"\naddress = \"a:1\"\n[plugin.pump]\n{}",
            toml.replace("connection = \"NAME\"", "connection = \"field\"")
        );
        Config::parse(Path::new("/nowhere"), &whole).unwrap();
        assert_eq!(needs.to_json()["store"]["tables"], true);
    }

    #[test]
    fn hardware_that_a_plugin_uses_is_granted_by_kind() {
        let imports = ["weihe:hal/gpio@0.1.0", "wasi:i2c/i2c@0.2.0-draft"];
        let needs = Needs::of("lamp", &layout(&imports), &Description::default());
        let toml = needs.toml();
        assert_eq!(
            toml,
            "[device.lamp]\nplugin = \"lamp\"\n[device.lamp.grants.hal]\n\
             gpio.NAME = { line = \"LINE\", mode = \"input\" }\n\
             i2c.NAME = { bus = \"BUS\", addresses = [0x44] }\n"
        );
        Config::parse(Path::new("/nowhere"), &format!("[plugin.lamp]\n{toml}")).unwrap();
        let delay = Needs::of(
            "lamp",
            &layout(&["weihe:hal/delay@0.1.0"]),
            &Description::default(),
        );
        assert!(delay.toml().ends_with("[device.lamp.grants.hal]\n"));
        assert_eq!(delay.to_json()["hal"], json!([]));
    }

    #[test]
    fn keys_are_granted_for_what_the_interfaces_are_for() {
        let of = |imports: &[&str]| Needs::of("seal", &layout(imports), &Description::default());
        let needs = of(&["weihe:guomi/aead@0.1.0", "weihe:guomi/signer@0.1.0"]);
        let toml = needs.toml();
        assert!(
            toml.ends_with(
                "[device.seal.grants.guomi]\n# keys = { NAME = [\"decrypt\",\"encrypt\",\"sign\"] }\n"
            ),
            "{toml}"
        );
        Config::parse(Path::new("/nowhere"), &format!("[plugin.seal]\n{toml}")).unwrap();
        let digest = of(&["weihe:guomi/digest@0.1.0"]).toml();
        assert!(digest.ends_with("[device.seal.grants.guomi]\n"), "{digest}");
        assert_eq!(of(&[]).to_json()["guomi"], json!(null));
    }

    #[test]
    fn a_plugin_that_needs_nothing_gets_a_device_and_no_more() {
        let needs = Needs::of("rule", &layout(&[]), &Description::default());
        assert_eq!(needs.toml(), "[device.rule]\nplugin = \"rule\"\n");
        assert_eq!(device_name("My.Pump"), "my-pump");
        assert_eq!(device_name("泵"), "trial");
    }
}
