//! Reads a connection's table key by key, so that every error names connection, key and value, and
//! a key that nobody asked for is refused.

use std::str::FromStr;

use crate::units::{Size, Span};

use super::kind::{ConfigError, UnknownKey};
use super::limits;
use super::transport::Settings;

/// An unknown word is taken for a mistyped known one when at most every so-manieth letter (and
/// always one) is wrong. Beyond, a suggestion would be a guess.
const LETTERS_PER_MISTAKE: usize = 3;

/// From so many letters on, the beginning of a known word is taken for an abbreviation of it.
const ABBREVIATION: usize = 3;

/// A connection's table while a kind reads it. Ask for every key, then [`TableReader::finish`].
pub struct TableReader<'a> {
    connection: &'a str,
    table: &'a toml::Table,
    asked: Vec<&'static str>,
}

impl<'a> TableReader<'a> {
    /// Starts to read.
    pub fn new(connection: &'a str, table: &'a toml::Table) -> Self {
        Self {
            connection,
            table,
            asked: vec!["type"],
        }
    }

    /// An error at a key: `message` says what is wrong with it, `help` what to do.
    pub fn error(&self, key: &str, message: impl AsRef<str>, help: Option<String>) -> ConfigError {
        ConfigError {
            key: Some(key.to_owned()),
            message: format!(
                "connection `{}`: `{key}` {}",
                self.connection,
                message.as_ref()
            ),
            help,
            unknown: None,
        }
    }

    /// A key that must be there is not; or it is there, but misspelled.
    fn missing(&self, key: &'static str, help: String) -> ConfigError {
        let others = self.table.keys().map(String::as_str);
        let misspelled = others
            .filter(|other| !self.asked.contains(other))
            .find(|other| suggestion(other, &[key]).is_some());
        match misspelled {
            Some(other) => self.unknown(other, Some(key)),
            None => self.error(key, "is missing", Some(help)),
        }
    }

    fn unknown(&self, key: &str, meant: Option<&str>) -> ConfigError {
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => {
                let mut known = self.asked.clone();
                known.sort_unstable();
                format!("this kind of connection knows: {}", known.join(", "))
            }
        };
        let unknown = UnknownKey {
            meant: meant.map(str::to_owned),
        };
        ConfigError {
            unknown: Some(unknown),
            ..self.error(key, "is not a key of this kind of connection", Some(help))
        }
    }

    fn get(&mut self, key: &'static str) -> Option<&'a toml::Value> {
        self.asked.push(key);
        self.table.get(key)
    }

    fn wrong_type(&self, key: &str, wanted: &str, found: &toml::Value) -> ConfigError {
        let message = format!("is {}; it must be {wanted}", with_article(found.type_str()));
        self.error(key, message, None)
    }

    /// A text, or none when the key is missing.
    pub fn text(&mut self, key: &'static str) -> Result<Option<&'a str>, ConfigError> {
        match self.get(key) {
            None => Ok(None),
            Some(toml::Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong_type(key, "a text", other)),
        }
    }

    /// A table, or none when the key is missing.
    pub fn table(&mut self, key: &'static str) -> Result<Option<&'a toml::Table>, ConfigError> {
        match self.get(key) {
            None => Ok(None),
            Some(toml::Value::Table(table)) => Ok(Some(table)),
            Some(other) => Err(self.wrong_type(key, "a table", other)),
        }
    }

    /// A text that must be there; `example` shows one.
    pub fn required(&mut self, key: &'static str, example: &str) -> Result<&'a str, ConfigError> {
        self.text(key)?
            .ok_or_else(|| self.missing(key, format!("add {key} = \"{example}\"")))
    }

    /// A text that must be there and be one of `choices`.
    pub fn choice<'c>(
        &mut self,
        key: &'static str,
        choices: &[&'c str],
    ) -> Result<&'c str, ConfigError> {
        let list = choices.join(", ");
        let text = self
            .text(key)?
            .ok_or_else(|| self.missing(key, format!("it can be: {list}")))?;
        self.pick(key, text, choices)
    }

    /// A text out of `choices`; the first of them when the key is missing.
    pub fn choice_or_first<'c>(
        &mut self,
        key: &'static str,
        choices: &[&'c str],
    ) -> Result<&'c str, ConfigError> {
        match self.text(key)? {
            Some(text) => self.pick(key, text, choices),
            None => Ok(choices.first().copied().unwrap_or_default()),
        }
    }

    fn pick<'c>(&self, key: &str, text: &str, choices: &[&'c str]) -> Result<&'c str, ConfigError> {
        let found = choices.iter().find(|choice| **choice == text).copied();
        found.ok_or_else(|| {
            let help = match suggestion(text, choices) {
                Some(alike) => format!("did you mean \"{alike}\"?"),
                None => format!("it can be: {}", choices.join(", ")),
            };
            self.error(key, format!("has the unknown value \"{text}\""), Some(help))
        })
    }

    /// A whole number within `range`, or none when the key is missing.
    pub fn integer(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<Option<i64>, ConfigError> {
        match self.get(key) {
            None => Ok(None),
            Some(toml::Value::Integer(number)) if range.contains(number) => Ok(Some(*number)),
            Some(toml::Value::Integer(number)) => {
                let (low, high) = range.into_inner();
                Err(self.error(
                    key,
                    format!("is {number}; it must be {low} to {high}"),
                    None,
                ))
            }
            Some(other) => Err(self.wrong_type(key, "a whole number", other)),
        }
    }

    /// A span of time in nanoseconds, or none when the key is missing.
    pub fn span(&mut self, key: &'static str) -> Result<Option<u64>, ConfigError> {
        let help = || Some("write it with its unit, like \"250ms\" or \"5s\"".to_owned());
        match self.get(key) {
            None => Ok(None),
            Some(toml::Value::String(text)) => match Span::from_str(text) {
                Ok(span) => Ok(Some(span.nanoseconds())),
                Err(_) => {
                    Err(self.error(key, format!("is \"{text}\", not a span of time"), help()))
                }
            },
            Some(toml::Value::Integer(number)) => {
                Err(self.error(key, format!("is {number} without a unit of time"), help()))
            }
            Some(other) => Err(self.wrong_type(key, "a span of time", other)),
        }
    }

    /// A size in bytes within `range`, or none when the key is missing.
    pub fn size(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<usize>,
    ) -> Result<Option<usize>, ConfigError> {
        let help = || Some("write it like \"16 KiB\", or as a number of bytes".to_owned());
        let size = match self.get(key) {
            None => return Ok(None),
            Some(toml::Value::String(text)) => match Size::from_str(text) {
                Ok(size) => size.bytes(),
                Err(_) => {
                    return Err(self.error(key, format!("is \"{text}\", not a size"), help()));
                }
            },
            Some(toml::Value::Integer(number)) => match usize::try_from(*number) {
                Ok(size) => size,
                Err(_) => return Err(self.error(key, format!("is {number}, not a size"), help())),
            },
            Some(other) => return Err(self.wrong_type(key, "a size", other)),
        };
        if !range.contains(&size) {
            let (low, high) = range.into_inner();
            let message = format!("is {size} bytes; it must be {low} to {high}");
            return Err(self.error(key, message, None));
        }
        Ok(Some(size))
    }

    /// Reads the keys that all connections share into `settings`, which hold the defaults:
    /// `gap`, `silence`, `max-reply`, `connect-timeout`, `reconnect-min`, `reconnect-max` and
    /// `max-timeouts` (0 stands for never).
    pub fn settings(&mut self, mut settings: Settings) -> Result<Settings, ConfigError> {
        if let Some(gap) = self.span("gap")? {
            settings.gap = gap;
        }
        if let Some(silence) = self.span("silence")? {
            settings.silence = silence;
        }
        if let Some(max) = self.size("max-reply", 1..=limits::MAX_REPLY_CEILING)? {
            settings.max_reply = max;
        }
        if let Some(timeout) = self.positive_span("connect-timeout")? {
            settings.connect_timeout = timeout;
        }
        let min = self.positive_span("reconnect-min")?;
        let max = self.positive_span("reconnect-max")?;
        if let Some(min) = min {
            settings.reconnect_min = min;
            settings.reconnect_max = settings.reconnect_max.max(min);
        }
        if let Some(max) = max {
            if min.is_some_and(|min| min > max) {
                return Err(self.error("reconnect-max", "is shorter than `reconnect-min`", None));
            }
            settings.reconnect_max = max;
            settings.reconnect_min = settings.reconnect_min.min(max);
        }
        if let Some(count) = self.integer("max-timeouts", 0..=i64::from(u32::MAX))? {
            settings.max_timeouts = u32::try_from(count).ok().filter(|count| *count > 0);
        }
        Ok(settings)
    }

    fn positive_span(&mut self, key: &'static str) -> Result<Option<u64>, ConfigError> {
        match self.span(key)? {
            Some(0) => Err(self.error(key, "is 0; it must be longer", None)),
            span => Ok(span),
        }
    }

    /// Refuses keys that nobody asked for.
    pub fn finish(self) -> Result<(), ConfigError> {
        let Some(unknown) = self
            .table
            .keys()
            .find(|key| !self.asked.contains(&key.as_str()))
        else {
            return Ok(());
        };
        Err(self.unknown(unknown, suggestion(unknown, &self.asked)))
    }
}

fn with_article(type_name: &str) -> String {
    let article = if type_name.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {type_name}")
}

fn suggestion<'c>(word: &str, known: &[&'c str]) -> Option<&'c str> {
    let most = (word.chars().count() / LETTERS_PER_MISTAKE).max(1);
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), *candidate))
        .filter(|(mistakes, candidate)| {
            *mistakes <= most || (word.len() >= ABBREVIATION && candidate.starts_with(word))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refused(toml: &str) -> ConfigError {
        let table: toml::Table = toml.parse().unwrap();
        let mut reader = TableReader::new("field", &table);
        let settings = reader.settings(Settings::default());
        settings
            .map(|_| ())
            .and_then(|()| reader.finish())
            .unwrap_err()
    }

    #[test]
    fn reads_what_all_connections_share() {
        let text = "type = \"tcp\"\ngap = \"5ms\"\nreconnect-min = \"1m\"\nmax-reply = \"1 KiB\"\nmax-timeouts = 0";
        let table: toml::Table = text.parse().unwrap();
        let mut reader = TableReader::new("field", &table);
        let defaults = Settings {
            max_timeouts: Some(3),
            ..Settings::default()
        };
        let settings = reader.settings(defaults).unwrap();
        reader.finish().unwrap();
        assert_eq!(settings.gap, 5_000_000);
        assert_eq!(settings.reconnect_min, 60_000_000_000);
        assert_eq!(settings.reconnect_max, 60_000_000_000);
        assert_eq!(settings.max_reply, 1024);
        assert_eq!(settings.max_timeouts, None);
    }

    #[test]
    fn names_connection_key_and_remedy() {
        let unknown = refused("reconect-min = \"1s\"");
        assert_eq!(unknown.key.as_deref(), Some("reconect-min"));
        assert!(unknown.message.contains("`field`"), "{unknown}");
        assert_eq!(
            unknown.help.as_deref(),
            Some("did you mean `reconnect-min`?")
        );

        assert!(unknown.unknown.is_some());

        let unit = refused("gap = 5");
        assert_eq!(unit.unknown, None);
        assert!(unit.message.contains("5 without a unit"), "{unit}");
        assert!(unit.help.unwrap().contains("\"250ms\""));

        let kind = refused("max-reply = true");
        assert!(kind.message.contains("is a boolean"), "{kind}");
        assert!(refused("max-reply = 0").message.contains("must be 1 to"));
        assert!(refused("reconnect-min = \"0s\"").message.contains("is 0"));
        let order = refused("reconnect-min = \"2s\"\nreconnect-max = \"1s\"");
        assert_eq!(order.key.as_deref(), Some("reconnect-max"));
        let far = refused("colour = 1");
        assert!(far.help.unwrap().contains("knows: connect-timeout, gap"));
    }

    #[test]
    fn a_misspelled_key_is_not_called_missing() {
        for word in ["adress", "addr"] {
            let table: toml::Table = format!("{word} = \"a:1\"").parse().unwrap();
            let error = TableReader::new("field", &table)
                .required("address", "a:1")
                .unwrap_err();
            assert_eq!(error.key.as_deref(), Some(word));
            assert_eq!(error.help.as_deref(), Some("did you mean `address`?"));
            let meant = error.unknown.and_then(|unknown| unknown.meant);
            assert_eq!(meant.as_deref(), Some("address"));
        }
    }
}
