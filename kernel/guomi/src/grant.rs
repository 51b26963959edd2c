//! What a device may do with keys: `[device.NAME.grants.guomi]`.

use std::collections::BTreeMap;

use weihe_kernel::GrantError;

use crate::keys::{About, Use, Uses};

/// The only key of the table.
const KEYS: &str = "keys";

/// What stands for the rest of a name.
const ANY: char = '*';

/// The grant of one device. Keys are granted under the name that the plugin opens: that of the key store, or one of
/// the integrator's choice.
///
/// ```toml
/// [device.soil.grants.guomi.keys]
/// meter = ["sign"]                                     # the plugin opens `meter`
/// archive = { key = "site-7", uses = ["encrypt"] }     # it opens `archive`, which is the key `site-7`
/// "fleet-*" = ["verify"]                               # all keys whose names begin so
/// ```
///
/// Digests, random numbers and keys that a component brings need the table, which may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    keys: BTreeMap<String, GrantedKey>,
}

/// A key that the device may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedKey {
    /// What the key store calls it; with `*` at its end, all that begin so.
    pub key: String,
    /// What may be done with it.
    pub uses: Uses,
}

impl Grant {
    /// Checks a grant table. Whether its keys exist is not its business.
    pub fn from_table(table: &toml::Table) -> Result<Self, GrantError> {
        let mut grant = Self::default();
        for (key, value) in table {
            if key != KEYS {
                let message = format!("unknown key `{key}` in a grant of cryptography");
                return Err(fault(message).help(format!("known keys: {KEYS}")));
            }
            let Some(keys) = value.as_table() else {
                return Err(wrong("`keys`", value, "a table").help(EXAMPLE));
            };
            for (name, value) in keys {
                grant.keys.insert(checked(name)?, granted(name, value)?);
            }
        }
        Ok(grant)
    }

    /// What the key is called that a plugin opens under a name, and what may be done with it. An entry of that very
    /// name goes before those that end in `*`; of these, all that match count.
    pub fn find(&self, alias: &str) -> Option<(String, Uses)> {
        if alias.ends_with(ANY) {
            return None;
        }
        if let Some(granted) = self.keys.get(alias) {
            return Some((granted.key.clone(), granted.uses));
        }
        let matching = self
            .keys
            .values()
            .filter(|granted| granted.key.ends_with(ANY) && granted.matches(alias));
        let uses: Uses = matching.flat_map(|granted| granted.uses.iter()).collect();
        (!uses.is_empty()).then(|| (alias.to_owned(), uses))
    }

    /// The names under which keys are granted.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// Whether all that is granted is there: the keys, and the uses that they are made for.
    pub fn check(&self, known: &[About]) -> Result<(), GrantError> {
        for granted in self.keys.values() {
            let mut found = known
                .iter()
                .filter(|about| about.current && granted.matches(&about.name))
                .peekable();
            let key = &granted.key;
            if found.peek().is_none() {
                let message = match key.strip_suffix(ANY) {
                    Some(_) => format!("no key in the key store is called like `{key}`"),
                    None => format!("there is no key `{key}` in the key store"),
                };
                let mut names: Vec<_> = known.iter().map(|about| about.name.as_str()).collect();
                names.dedup();
                let help = match names.as_slice() {
                    [] => "make it with `weihe key new`".to_owned(),
                    names => format!("there are `{}`", names.join("`, `")),
                };
                return Err(fault(message).help(help));
            }
            // Of several some may lack a use: whoever opens one of these is told so.
            if key.ends_with(ANY) {
                continue;
            }
            for about in found {
                for wanted in granted.uses.iter() {
                    if let Err(error) = about.allow(wanted) {
                        return Err(fault(format!("`{wanted}` cannot be granted: {error}")));
                    }
                }
            }
        }
        Ok(())
    }
}

impl GrantedKey {
    fn matches(&self, name: &str) -> bool {
        match self.key.strip_suffix(ANY) {
            Some(start) => name.starts_with(start),
            None => name == self.key,
        }
    }
}

/// What a grant looks like.
const EXAMPLE: &str = "write it like `keys = { meter = [\"sign\"] }`";

fn granted(alias: &str, value: &toml::Value) -> Result<GrantedKey, GrantError> {
    let what = format!("key `{alias}`");
    let is_pattern = alias.ends_with(ANY);
    match value {
        toml::Value::Array(_) => Ok(GrantedKey {
            key: alias.to_owned(),
            uses: uses(&what, value)?,
        }),
        toml::Value::Table(table) if !is_pattern => {
            let unknown = table.keys().find(|key| !matches!(&***key, "key" | "uses"));
            if let Some(unknown) = unknown {
                let message = format!("unknown key `{unknown}` in the grant of {what}");
                return Err(fault(message).help("known keys: key, uses"));
            }
            let key = match table.get("key") {
                None => alias.to_owned(),
                Some(toml::Value::String(key)) if !key.ends_with(ANY) => checked(key)?,
                Some(other) => {
                    return Err(wrong(
                        &format!("`key` of {what}"),
                        other,
                        "the name of one key",
                    ));
                }
            };
            match table.get("uses") {
                Some(list) => Ok(GrantedKey {
                    key,
                    uses: uses(&format!("`uses` of {what}"), list)?,
                }),
                None => Err(fault(format!("the grant of {what} has no `uses`")).help(EXAMPLE)),
            }
        }
        other => Err(wrong(&what, other, "a list of uses").help(EXAMPLE)),
    }
}

fn uses(what: &str, value: &toml::Value) -> Result<Uses, GrantError> {
    let words = Use::ALL.map(Use::name).join(", ");
    let Some(list) = value.as_array() else {
        return Err(wrong(what, value, "a list of uses").help(format!("uses are: {words}")));
    };
    if list.is_empty() {
        return Err(
            fault(format!("{what} is granted for no use")).help(format!("uses are: {words}"))
        );
    }
    list.iter()
        .map(|item| {
            let known = item.as_str().and_then(|word| word.parse::<Use>().ok());
            known.ok_or_else(|| {
                wrong(
                    &format!("a use of {what}"),
                    item,
                    &format!("one of {words}"),
                )
            })
        })
        .collect()
}

/// A name of a key, which may end in `*`.
fn checked(name: &str) -> Result<String, GrantError> {
    let start = name.strip_suffix(ANY).unwrap_or(name);
    // Something must stand before it: all keys that there will ever be are not granted in one word.
    if weihe_kernel::is_name(start) {
        return Ok(name.to_owned());
    }
    let message = format!("`{name}` cannot be the name of a key");
    Err(fault(message).help(
        "a lower-case letter, then lower-case letters, digits, `-` and `_`; `*` may stand at the end for what follows",
    ))
}

fn wrong(what: &str, value: &toml::Value, wanted: &str) -> GrantError {
    let is = match value {
        toml::Value::String(text) => format!("`{text}`"),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(is) => is.to_string(),
        toml::Value::Datetime(_) => "a date or time".to_owned(),
        toml::Value::Array(_) => "a list".to_owned(),
        toml::Value::Table(_) => "a table".to_owned(),
    };
    fault(format!("{what} must be {wanted}, but is {is}"))
}

/// A fault that may get help.
fn fault(message: String) -> GrantError {
    GrantError {
        key: Some(KEYS.to_owned()),
        message,
        help: None,
    }
}

trait Help {
    fn help(self, help: impl Into<String>) -> Self;
}

impl Help for GrantError {
    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::keys::Algorithm;

    fn grant(text: &str) -> Result<Grant, GrantError> {
        Grant::from_table(&toml::from_str(text).unwrap())
    }

    fn about(name: &str, algorithm: Algorithm, exportable: bool) -> About {
        About {
            name: name.to_owned(),
            algorithm,
            version: 1,
            id: String::new(),
            current: true,
            created: 0,
            exportable,
            uses: algorithm.uses(),
            public_key: None,
            certificate: None,
            issuers: Vec::new(),
            provider: "software".to_owned(),
        }
    }

    #[test]
    fn keys_are_granted_under_their_own_name_or_another() {
        let grant = grant(
            r#"
            [keys]
            meter = ["sign"]
            archive = { key = "site-7", uses = ["encrypt", "decrypt"] }
            "fleet-*" = ["verify"]
            "fleet-a*" = ["encrypt"]
            fleet-main = ["export"]
            "#,
        )
        .unwrap();
        let found = |alias: &str| {
            let found = grant.find(alias);
            found.map(|(key, uses)| format!("{key}: {uses}"))
        };
        assert_eq!(found("meter").unwrap(), "meter: sign");
        assert_eq!(found("archive").unwrap(), "site-7: encrypt, decrypt");
        assert_eq!(found("site-7"), None, "only under the other name");
        assert_eq!(found("fleet-b").unwrap(), "fleet-b: verify");
        assert_eq!(found("fleet-a1").unwrap(), "fleet-a1: verify, encrypt");
        assert_eq!(found("fleet-main").unwrap(), "fleet-main: export");
        assert_eq!(found("fleet-*"), None);
        assert_eq!(found("meter2"), None);
        assert_eq!(Grant::from_table(&toml::Table::new()), Ok(Grant::default()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let says = |text: &str, part: &str| {
            let error = grant(text).unwrap_err();
            assert!(error.message.contains(part), "{}", error.message);
        };
        says("kyes = {}", "unknown key `kyes` in a grant of cryptography");
        says("keys = [\"a\"]", "`keys` must be a table, but is a list");
        says(
            "keys.a = \"sign\"",
            "key `a` must be a list of uses, but is `sign`",
        );
        says("keys.a = []", "key `a` is granted for no use");
        says(
            "keys.a = [\"sing\"]",
            "a use of key `a` must be one of sign, verify",
        );
        says(
            "keys.a = { key = \"b\" }",
            "the grant of key `a` has no `uses`",
        );
        says(
            "keys.a = { key = \"b*\", uses = [\"sign\"] }",
            "the name of one key",
        );
        says("keys.a = { ley = \"b\" }", "unknown key `ley`");
        says("keys.\"A\" = [\"sign\"]", "`A` cannot be the name of a key");
        says("keys.\"*\" = [\"sign\"]", "`*` cannot be the name of a key");
        says(
            "keys.\"a*\" = { uses = [\"sign\"] }",
            "key `a*` must be a list of uses, but is a table",
        );
    }

    #[test]
    fn keys_and_uses_that_are_not_there_are_named_with_what_is() {
        let known = [
            about("meter", Algorithm::Sm2, false),
            about("seal", Algorithm::Sm4, true),
        ];
        let says = |text: &str, part: &str| {
            let error = grant(text).unwrap().check(&known).unwrap_err();
            let whole = format!("{} ({})", error.message, error.help.unwrap_or_default());
            assert!(whole.contains(part), "{whole}");
        };
        grant("keys = { meter = [\"sign\"], \"se*\" = [\"export\"], seal = [\"export\", \"encrypt\"] }")
            .unwrap()
            .check(&known)
            .unwrap();
        says(
            "keys.metre = [\"sign\"]",
            "there is no key `metre` in the key store (there are `meter`, `seal`)",
        );
        says(
            "keys.\"fleet-*\" = [\"verify\"]",
            "no key in the key store is called like `fleet-*`",
        );
        says(
            "keys.meter = [\"mac\"]",
            "`mac` cannot be granted: key `meter` (sm2) may not be used to mac",
        );
        says(
            "keys.meter = [\"sign\", \"export\"]",
            "`export` cannot be granted: key `meter` is not exportable",
        );
    }
}
