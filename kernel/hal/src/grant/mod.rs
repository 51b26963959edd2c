//! What a device may touch: `[device.NAME.grants.hal]`.

use std::collections::{BTreeMap, BTreeSet};

use weihe_kernel::GrantError;

use crate::hardware::Kind;
use crate::limits::NAME_BYTES;

/// The grant of one device. Things are granted under the name that the plugin opens: that of the board,
/// or one of the integrator's choice.
///
/// ```toml
/// [device.lamp.grants.hal.gpio]
/// "gpio/A3" = "output"                   # the plugin opens `gpio/A3`
/// led = { line = "gpio/A4", mode = "output", active = "low", safe = "inactive" }
/// button = { line = "gpio/A5", mode = "input" }
///
/// [device.lamp.grants.hal]
/// i2c = { "i2c/1" = [0x44, 0x76], display = { bus = "i2c/2", addresses = [0x3c] } }
/// spi = ["spi/0.0"]                      # the same for uart, pwm and adc
/// adc = { pressure = "adc/2" }
/// pwm = { fan = { channel = "pwm/0", safe = "off" } }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    lines: BTreeMap<String, GrantedLine>,
    buses: BTreeMap<String, GrantedBus>,
    others: BTreeMap<(Kind, String), GrantedOther>,
}

/// A line that the device may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedLine {
    /// What the board calls it.
    pub line: String,
    /// Whether it may be an input.
    pub input: bool,
    /// Whether it may be an output.
    pub output: bool,
    /// Whether the lower voltage is active; none when the plugin says it.
    pub active_low: Option<bool>,
    /// Its safe value; none when the plugin says it.
    pub safe: Option<Safe>,
}

/// The safe value of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safe {
    /// It stays as it is.
    Keep,
    /// It is set to this.
    Value(bool),
}

/// A bus, and the addresses on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedBus {
    /// What the board calls it.
    pub bus: String,
    /// The addresses; none for all.
    pub addresses: Option<BTreeSet<u16>>,
}

/// Something that is granted as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedOther {
    /// What the board calls it.
    pub name: String,
    /// Whether a PWM channel stays as it is at the end; none when the plugin says it.
    pub keep: Option<bool>,
}

/// The addresses of I2C that are not reserved (UM10204, 3.1.12).
const ADDRESSES: std::ops::RangeInclusive<i64> = 0x08..=0x77;

impl Grant {
    /// Checks a grant table. Whether its names exist is not its business.
    pub fn from_table(table: &toml::Table) -> Result<Self, GrantError> {
        let mut grant = Self::default();
        for (key, value) in table {
            match Kind::ALL.into_iter().find(|kind| kind.key() == key) {
                Some(Kind::Gpio) => grant.lines = lines(value)?,
                Some(Kind::I2c) => grant.buses = buses(value)?,
                Some(kind) => {
                    for (alias, other) in others(kind, value)? {
                        grant.others.insert((kind, alias), other);
                    }
                }
                None => {
                    let known = Kind::ALL.map(Kind::key).join(", ");
                    let message = format!("unknown key `{key}` in a grant of hardware");
                    return Err(fault(key, message).help(format!("known keys: {known}")));
                }
            }
        }
        Ok(grant)
    }

    /// A line by the name that the plugin opens.
    pub fn line(&self, alias: &str) -> Option<&GrantedLine> {
        self.lines.get(alias)
    }

    /// A bus by the name that the plugin opens.
    pub fn bus(&self, alias: &str) -> Option<&GrantedBus> {
        self.buses.get(alias)
    }

    /// Something else by the name that the plugin opens.
    pub fn other(&self, kind: Kind, alias: &str) -> Option<&GrantedOther> {
        self.others.get(&(kind, alias.to_owned()))
    }

    /// The names under which things of a kind are granted.
    pub fn aliases(&self, kind: Kind) -> Vec<&str> {
        match kind {
            Kind::Gpio => self.lines.keys().map(String::as_str).collect(),
            Kind::I2c => self.buses.keys().map(String::as_str).collect(),
            _ => {
                let of_kind =
                    |(other, alias): &'_ (Kind, String)| *other == kind && !alias.is_empty();
                let keys = self.others.keys().filter(|key| of_kind(key));
                keys.map(|(_, alias)| alias.as_str()).collect()
            }
        }
    }

    /// What may be set: what the plugin calls it, and what it is in the grant.
    pub fn outputs(&self) -> impl Iterator<Item = (Kind, &str, &str)> {
        let lines = self.lines.iter().filter(|(_, line)| line.output);
        let lines = lines.map(|(alias, line)| (Kind::Gpio, &**alias, &*line.line));
        let others = self
            .others
            .iter()
            .filter(|((kind, _), _)| *kind == Kind::Pwm);
        let channels = others.map(|((kind, alias), other)| (*kind, &**alias, &*other.name));
        lines.chain(channels)
    }

    /// Everything that is named, as the board calls it.
    pub fn names(&self) -> impl Iterator<Item = (Kind, &str)> {
        let lines = self.lines.values().map(|line| (Kind::Gpio, &*line.line));
        let buses = self.buses.values().map(|bus| (Kind::I2c, &*bus.bus));
        let others = self
            .others
            .iter()
            .map(|((kind, _), other)| (*kind, &*other.name));
        lines.chain(buses).chain(others)
    }
}

/// A fault that may get help.
fn fault(key: &str, message: String) -> GrantError {
    GrantError {
        key: Some(key.to_owned()),
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

fn lines(value: &toml::Value) -> Result<BTreeMap<String, GrantedLine>, GrantError> {
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

fn buses(value: &toml::Value) -> Result<BTreeMap<String, GrantedBus>, GrantError> {
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

fn others(kind: Kind, value: &toml::Value) -> Result<BTreeMap<String, GrantedOther>, GrantError> {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn grant(text: &str) -> Result<Grant, GrantError> {
        Grant::from_table(&toml::from_str(text).unwrap())
    }

    #[test]
    fn things_are_granted_under_the_boards_name_or_another() {
        let grant = grant(
            r#"
            i2c = { "i2c/1" = [0x44, 0x76], display = { bus = "i2c/2", addresses = "all" } }
            spi = ["spi/0.0"]
            adc = { pressure = "adc/2" }
            pwm = { fan = { channel = "pwm/0", safe = "keep" } }
            [gpio]
            "gpio/A3" = "output"
            led = { line = "gpio/A4", mode = "output", active = "low", safe = "inactive" }
            "#,
        )
        .unwrap();
        let led = grant.line("led").unwrap();
        assert_eq!(led.line, "gpio/A4");
        assert_eq!((led.input, led.output), (false, true));
        assert_eq!(
            (led.active_low, led.safe),
            (Some(true), Some(Safe::Value(false)))
        );
        assert_eq!(grant.line("gpio/A3").unwrap().line, "gpio/A3");
        assert_eq!(grant.line("gpio/A4"), None);
        let bus = grant.bus("i2c/1").unwrap();
        assert_eq!(bus.addresses, Some(BTreeSet::from([0x44, 0x76])));
        assert_eq!(grant.bus("display").unwrap().addresses, None);
        assert_eq!(grant.other(Kind::Adc, "pressure").unwrap().name, "adc/2");
        assert_eq!(grant.other(Kind::Pwm, "fan").unwrap().keep, Some(true));
        assert_eq!(grant.aliases(Kind::Spi), ["spi/0.0"]);
        assert_eq!(grant.names().count(), 7);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let says = |text: &str, part: &str| {
            let error = grant(text).unwrap_err();
            assert!(error.message.contains(part), "{}", error.message);
        };
        says("gpoi = {}", "unknown key `gpoi`");
        says(
            "gpio = [\"gpio/A3\"]",
            "`gpio` must be a table, but is a list",
        );
        says(
            "gpio = { a = \"out\" }",
            "line `a` must be `input`, `output` or `both`, but is `out`",
        );
        says(
            "gpio = { a = { mode = \"input\", safe = \"active\" } }",
            "is granted as an input only",
        );
        says("gpio = { a = { line = \"x\" } }", "line `a` has no `mode`");
        says("gpio = { \"a+b\" = \"input\" }", "`a+b` is no name");
        says(
            "i2c = { \"i2c/1\" = [0x88] }",
            "0x88 on I2C bus `i2c/1` is no address",
        );
        says("i2c = { \"i2c/1\" = [] , x = 4 }", "I2C bus `x`");
        says("i2c = { a = { bus = \"i2c/1\" } }", "has no `addresses`");
        says("spi = 3", "`spi` must be a list of names, but is 3");
        says(
            "uart = { a = { channel = \"b\" } }",
            "serial port `a` must be a name, but is a table",
        );
        says("pwm = { a = { safe = \"on\" } }", "`off` or `keep`");
    }
}
