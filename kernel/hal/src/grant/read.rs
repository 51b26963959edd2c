//! Reads a grant table: what is wrong with it is said with its key.

use std::collections::{BTreeMap, BTreeSet};

use weihe_kernel::GrantError;

use super::{GrantedBus, GrantedLine, GrantedOther, Safe};
use crate::hardware::Kind;
use crate::limits::NAME_BYTES;

/// The addresses of I2C that are not reserved (UM10204, 3.1.12).
const ADDRESSES: std::ops::RangeInclusive<i64> = 0x08..=0x77;

/// A fault that may get help.
pub(super) fn fault(key: &str, message: String) -> GrantError {
    GrantError {
        key: Some(key.to_owned()),
        message,
        help: None,
    }
}

pub(super) trait Help {
    fn help(self, help: impl Into<String>) -> Self;
}

impl Help for GrantError {
    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Help by an example.
fn like(example: &str) -> String {
    format!("write it like `{example}`")
}

fn name(kind: Kind, text: &str) -> Result<String, GrantError> {
    let bad = |why: &str| {
        let message = format!("`{text}` is no name for hardware: {why}");
        Err(fault(kind.key(), message))
    };
    if text.is_empty() {
        return Err(fault(kind.key(), "a name of hardware is empty".to_owned()));
    }
    if text.len() > NAME_BYTES {
        let size = text.len();
        return bad(&format!(
            "it has {size} bytes, and a name has at most {NAME_BYTES}"
        ));
    }
    if text.chars().any(char::is_control) || text.contains(['+', '#']) {
        return bad("it holds `+`, `#` or a control character");
    }
    Ok(text.to_owned())
}

fn wrong(kind: Kind, what: &str, value: &toml::Value, wanted: &str) -> GrantError {
    let is = match value {
        toml::Value::String(text) => format!("`{text}`"),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(is) => is.to_string(),
        toml::Value::Datetime(_) => "a date or time".to_owned(),
        toml::Value::Array(_) => "a list".to_owned(),
        toml::Value::Table(_) => "a table".to_owned(),
    };
    fault(kind.key(), format!("{what} must be {wanted}, but is {is}"))
}

/// The keys of a table that may be used.
fn only(kind: Kind, alias: &str, table: &toml::Table, keys: &[&str]) -> Result<(), GrantError> {
    match table.keys().find(|key| !keys.contains(&key.as_str())) {
        None => Ok(()),
        Some(unknown) => {
            let message = format!("unknown key `{unknown}` in {}", kind.named(alias));
            Err(fault(kind.key(), message).help(format!("known keys: {}", keys.join(", "))))
        }
    }
}

/// Some words, one of which is chosen, and all of them in a sentence.
struct Choice<T: 'static> {
    words: &'static [(&'static str, T)],
    all: &'static str,
}

impl<T: Copy> Choice<T> {
    fn of(&self, kind: Kind, what: &str, value: &toml::Value) -> Result<T, GrantError> {
        let text = value.as_str();
        let found = self.words.iter().find(|(word, _)| Some(*word) == text);
        found
            .map(|(_, value)| *value)
            .ok_or_else(|| wrong(kind, what, value, self.all))
    }
}

const MODE: Choice<(bool, bool)> = Choice {
    words: &[
        ("input", (true, false)),
        ("output", (false, true)),
        ("both", (true, true)),
    ],
    all: "`input`, `output` or `both`",
};

const ACTIVE: Choice<bool> = Choice {
    words: &[("high", false), ("low", true)],
    all: "`high` or `low`",
};

const SAFE: Choice<Safe> = Choice {
    words: &[
        ("inactive", Safe::Value(false)),
        ("active", Safe::Value(true)),
        ("keep", Safe::Keep),
    ],
    all: "`inactive`, `active` or `keep`",
};

/// Whether a PWM channel goes on at the end.
const KEEP: Choice<bool> = Choice {
    words: &[("off", false), ("keep", true)],
    all: "`off` or `keep`",
};

pub(super) fn lines(value: &toml::Value) -> Result<BTreeMap<String, GrantedLine>, GrantError> {
    let kind = Kind::Gpio;
    let table = value.as_table().ok_or_else(|| {
        wrong(kind, "`gpio`", value, "a table").help(like("gpio = { \"gpio/A3\" = \"output\" }"))
    })?;
    let mut lines = BTreeMap::new();
    for (alias, value) in table {
        let what = |key: &str| format!("`{key}` of line `{alias}`");
        let alias = name(kind, alias)?;
        let plain = |(input, output), line| GrantedLine {
            line,
            input,
            output,
            active_low: None,
            safe: None,
        };
        let line = match value {
            toml::Value::Table(table) => {
                only(kind, &alias, table, &["line", "mode", "active", "safe"])?;
                let line = match table.get("line") {
                    None => alias.clone(),
                    Some(toml::Value::String(line)) => name(kind, line)?,
                    Some(other) => return Err(wrong(kind, &what("line"), other, "a name")),
                };
                let mode = match table.get("mode") {
                    Some(mode) => MODE.of(kind, &what("mode"), mode)?,
                    None => {
                        let message = format!("line `{alias}` has no `mode`");
                        return Err(fault(kind.key(), message)
                            .help("write it like `mode = \"input\"`, or `output` or `both`"));
                    }
                };
                let mut granted = plain(mode, line);
                if let Some(active) = table.get("active") {
                    granted.active_low = Some(ACTIVE.of(kind, &what("active"), active)?);
                }
                if let Some(safe) = table.get("safe") {
                    granted.safe = Some(SAFE.of(kind, &what("safe"), safe)?);
                    if !granted.output {
                        let message = format!(
                            "line `{alias}` has a safe value, but is granted as an input only"
                        );
                        return Err(fault(kind.key(), message));
                    }
                }
                granted
            }
            mode => {
                let mode = MODE.of(kind, &kind.named(&alias), mode)?;
                plain(mode, alias.clone())
            }
        };
        lines.insert(alias, line);
    }
    Ok(lines)
}

pub(super) fn buses(value: &toml::Value) -> Result<BTreeMap<String, GrantedBus>, GrantError> {
    let kind = Kind::I2c;
    let table = value.as_table().ok_or_else(|| {
        wrong(kind, "`i2c`", value, "a table").help(like("i2c = { \"i2c/1\" = [0x44] }"))
    })?;
    let mut buses = BTreeMap::new();
    for (alias, value) in table {
        let alias = name(kind, alias)?;
        let bus = match value {
            toml::Value::Table(table) => {
                only(kind, &alias, table, &["bus", "addresses"])?;
                let bus = match table.get("bus") {
                    None => alias.clone(),
                    Some(toml::Value::String(bus)) => name(kind, bus)?,
                    Some(other) => {
                        let what = format!("`bus` of I2C bus `{alias}`");
                        return Err(wrong(kind, &what, other, "a name"));
                    }
                };
                let Some(list) = table.get("addresses") else {
                    let message = format!("I2C bus `{alias}` has no `addresses`");
                    return Err(fault(kind.key(), message)
                        .help("name them, like `addresses = [0x44]`, or write `\"all\"`"));
                };
                GrantedBus {
                    bus,
                    addresses: addresses(&alias, list)?,
                }
            }
            list => GrantedBus {
                bus: alias.clone(),
                addresses: addresses(&alias, list)?,
            },
        };
        buses.insert(alias, bus);
    }
    Ok(buses)
}

fn addresses(alias: &str, value: &toml::Value) -> Result<Option<BTreeSet<u16>>, GrantError> {
    let kind = Kind::I2c;
    match value {
        toml::Value::String(text) if text == "all" => Ok(None),
        toml::Value::Array(list) => {
            let mut addresses = BTreeSet::new();
            for item in list {
                let Some(number) = item.as_integer() else {
                    let what = format!("an address on I2C bus `{alias}`");
                    return Err(wrong(kind, &what, item, "a number like 0x44"));
                };
                let valid = ADDRESSES.contains(&number).then_some(number);
                let address = valid.and_then(|number| u16::try_from(number).ok());
                addresses.insert(address.ok_or_else(|| {
                    let message = format!(
                        "{number:#04x} on I2C bus `{alias}` is no address: they go from {:#04x} to {:#04x}",
                        ADDRESSES.start(),
                        ADDRESSES.end()
                    );
                    fault(kind.key(), message)
                        .help("addresses have 7 bits; data sheets sometimes name them shifted left by one")
                })?);
            }
            Ok(Some(addresses))
        }
        other => {
            let what = format!("what is granted on I2C bus `{alias}`");
            Err(wrong(kind, &what, other, "a list of addresses, or `all`")
                .help(like("\"i2c/1\" = [0x44, 0x76]")))
        }
    }
}

pub(super) fn others(
    kind: Kind,
    value: &toml::Value,
) -> Result<BTreeMap<String, GrantedOther>, GrantError> {
    let mut others = BTreeMap::new();
    let key = kind.key();
    let plain = |name| GrantedOther { name, keep: None };
    match value {
        toml::Value::Array(list) => {
            for item in list {
                let Some(text) = item.as_str() else {
                    return Err(wrong(kind, &format!("`{key}`"), item, "a list of names"));
                };
                let granted = name(kind, text)?;
                others.insert(granted.clone(), plain(granted));
            }
        }
        toml::Value::Table(table) => {
            for (alias, value) in table {
                let alias = name(kind, alias)?;
                let what = kind.named(&alias);
                let other = match value {
                    toml::Value::String(text) => plain(name(kind, text)?),
                    toml::Value::Table(table) if kind == Kind::Pwm => {
                        only(kind, &alias, table, &["channel", "safe"])?;
                        let channel = match table.get("channel") {
                            None => alias.clone(),
                            Some(toml::Value::String(channel)) => name(kind, channel)?,
                            Some(other) => {
                                let what = format!("`channel` of PWM channel `{alias}`");
                                return Err(wrong(kind, &what, other, "a name"));
                            }
                        };
                        let safe = table.get("safe");
                        let what = format!("`safe` of PWM channel `{alias}`");
                        let keep = safe.map(|safe| KEEP.of(kind, &what, safe));
                        GrantedOther {
                            name: channel,
                            keep: keep.transpose()?,
                        }
                    }
                    other => return Err(wrong(kind, &what, other, "a name")),
                };
                others.insert(alias, other);
            }
        }
        other => {
            return Err(wrong(kind, &format!("`{key}`"), other, "a list of names")
                .help(like(&format!("{key} = [\"{key}/0\"]"))));
        }
    }
    Ok(others)
}
