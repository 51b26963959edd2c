//! What a device may touch in the store: `[device.NAME.grants.store]`.

use std::collections::BTreeSet;

use crate::limits::NAME_BYTES;

/// The grant of one device.
///
/// ```toml
/// [device.soil.grants.store]
/// tables = ["readings"]     # create, change and read these tables and views
/// read = ["calibration"]    # only read these
/// keys = true               # the device's own bucket, ""
/// buckets = ["shared"]      # buckets that several devices use
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    /// Tables and views it may create, change and read; in lower case, as SQLite compares them.
    tables: BTreeSet<String>,
    /// Tables and views it may only read; in lower case.
    read: BTreeSet<String>,
    /// Whether it has a bucket of its own.
    keys: bool,
    /// Named buckets that it may use.
    buckets: BTreeSet<String>,
}

/// Why a grant table is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidGrant {
    /// The key at fault.
    pub key: String,
    /// What is wrong, naming the culprit.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// The keys of the grant table.
const KEYS: [&str; 4] = ["tables", "read", "keys", "buckets"];

/// Prefixes of names that belong to SQLite and to the host.
const RESERVED: [&str; 3] = ["sqlite_", "weihe_", "pragma_"];

/// Whether a table's name belongs to SQLite or to the host.
pub(crate) fn is_reserved(lower: &str) -> bool {
    RESERVED.iter().any(|prefix| lower.starts_with(prefix))
}

impl Grant {
    /// Checks a grant table. Tables and buckets need not exist: devices make them.
    pub fn from_table(table: &toml::Table) -> Result<Self, InvalidGrant> {
        let mut grant = Self::default();
        for (key, value) in table {
            match key.as_str() {
                "tables" => grant.tables = names(key, value, check_table)?,
                "read" => grant.read = names(key, value, check_table)?,
                "buckets" => grant.buckets = names(key, value, check_bucket)?,
                "keys" => {
                    grant.keys = value.as_bool().ok_or_else(|| InvalidGrant {
                        key: key.clone(),
                        message: format!("`keys` is true or false, not {}", described(value)),
                        help: None,
                    })?;
                }
                unknown => return Err(unknown_key(unknown)),
            }
        }
        Ok(grant)
    }

    /// Whether the device may create and change a table. The name is in lower case.
    pub(crate) fn may_write(&self, table: &str) -> bool {
        self.tables.contains(table)
    }

    /// Whether the device may read a table. The name is in lower case.
    pub(crate) fn may_read(&self, table: &str) -> bool {
        self.tables.contains(table) || self.read.contains(table)
    }

    /// Under which name the store keeps a bucket, if the device may use it: own buckets and named
    /// ones cannot meet, whatever devices and buckets are called.
    pub(crate) fn bucket(&self, device: &str, identifier: &str) -> Option<String> {
        if identifier.is_empty() {
            self.keys.then(|| format!("device/{device}"))
        } else {
            let granted = self.buckets.contains(identifier);
            granted.then(|| format!("bucket/{identifier}"))
        }
    }
}

fn unknown_key(key: &str) -> InvalidGrant {
    // A typing mistake changes a letter or two; beyond that a suggestion is a guess.
    const CLOSE: usize = 2;
    let near = KEYS
        .iter()
        .map(|known| (strsim::levenshtein(key, known), *known))
        .min()
        .filter(|(distance, _)| *distance <= CLOSE);
    InvalidGrant {
        key: key.to_owned(),
        message: format!("unknown key `{key}` in a store grant"),
        help: Some(match near {
            Some((_, known)) => format!("did you mean `{known}`?"),
            None => format!("known keys: {}", KEYS.join(", ")),
        }),
    }
}

fn described(value: &toml::Value) -> String {
    format!("the {} `{value}`", value.type_str())
}

/// A list of names, each checked.
fn names(
    key: &str,
    value: &toml::Value,
    check: fn(&str) -> Result<String, String>,
) -> Result<BTreeSet<String>, InvalidGrant> {
    let refuse = |message: String| InvalidGrant {
        key: key.to_owned(),
        message,
        help: Some(format!("write {key} = [\"name\", …]")),
    };
    let list = value.as_array().ok_or_else(|| {
        refuse(format!(
            "`{key}` is a list of names, not {}",
            described(value)
        ))
    })?;
    list.iter()
        .map(|item| match item.as_str() {
            Some(name) => check(name).map_err(&refuse),
            None => Err(refuse(format!(
                "`{key}` holds names, not {}",
                described(item)
            ))),
        })
        .collect()
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        Err("a name is empty".into())
    } else if name.len() > NAME_BYTES {
        Err(format!(
            "`{name}` has {} bytes; a name may have {NAME_BYTES}",
            name.len()
        ))
    } else if name.chars().any(char::is_control) {
        Err(format!(
            "`{}` holds a control character",
            name.escape_default()
        ))
    } else {
        Ok(())
    }
}

fn check_table(name: &str) -> Result<String, String> {
    check_name(name)?;
    let lower = name.to_ascii_lowercase();
    if is_reserved(&lower) {
        return Err(format!(
            "`{name}` is not a table of plugins: names that start with sqlite_, weihe_ or pragma_ are reserved"
        ));
    }
    if name.contains(['"', '\'', '`', '[', ']', ';', '*', '%']) {
        return Err(format!(
            "`{name}` is not the name of a table; each table is named in full"
        ));
    }
    Ok(lower)
}

fn check_bucket(name: &str) -> Result<String, String> {
    check_name(name)?;
    Ok(name.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn grant(text: &str) -> Result<Grant, InvalidGrant> {
        Grant::from_table(&toml::from_str(text).unwrap())
    }

    #[test]
    fn nothing_is_granted_by_an_empty_table() {
        let grant = grant("").unwrap();
        assert!(!grant.may_read("readings"));
        assert_eq!(grant.bucket("soil", ""), None);
        assert_eq!(grant.bucket("soil", "shared"), None);
    }

    #[test]
    fn tables_are_compared_as_sqlite_compares_them() {
        let grant = grant("tables = [\"Readings\"]\nread = [\"Units\"]").unwrap();
        assert!(grant.may_write("readings") && grant.may_read("readings"));
        assert!(grant.may_read("units") && !grant.may_write("units"));
    }

    #[test]
    fn a_device_cannot_be_named_into_a_shared_bucket() {
        let grant = grant("keys = true\nbuckets = [\"soil\"]").unwrap();
        assert_ne!(grant.bucket("soil", ""), grant.bucket("soil", "soil"));
        assert_ne!(grant.bucket("soil", ""), grant.bucket("air", ""));
        assert_eq!(grant.bucket("soil", "soil"), grant.bucket("air", "soil"));
    }

    #[test]
    fn errors_name_the_key_and_what_to_do() {
        let error = grant("table = [\"a\"]").unwrap_err();
        assert_eq!(error.key, "table");
        assert_eq!(error.help.as_deref(), Some("did you mean `tables`?"));
        let error = grant("zebra = 1").unwrap_err();
        assert!(error.help.unwrap().contains("tables, read, keys, buckets"));
        let error = grant("tables = \"readings\"").unwrap_err();
        assert!(
            error
                .message
                .contains("`tables` is a list of names, not the string"),
            "{error}"
        );
        let error = grant("keys = 1").unwrap_err();
        assert_eq!(error.key, "keys");
        let error = grant("buckets = [7]").unwrap_err();
        assert_eq!(error.key, "buckets");
        for name in [
            "weihe_keys",
            "SQLITE_master",
            "",
            "read*",
            "a\"b",
            "pragma_table_info",
        ] {
            let text = format!("read = ['{name}']");
            assert_eq!(grant(&text).unwrap_err().key, "read", "{name}");
        }
    }
}
