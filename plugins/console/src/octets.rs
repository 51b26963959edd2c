//! Octets as people write them.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Octets, written as hexadecimal digits; blanks between them do not count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Octets(pub Vec<u8>);

impl Octets {
    /// The octets that a text stands for.
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits: Vec<u8> = text
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        if digits.len() % 2 == 1 {
            return Err(format!(
                "`{text}` has an odd number of hexadecimal digits; an octet has two"
            ));
        }
        let octet = |pair: &[u8]| {
            let digits = std::str::from_utf8(pair).ok()?;
            let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            plain.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
        };
        digits
            .chunks(2)
            .map(octet)
            .collect::<Option<_>>()
            .map(Self)
            .ok_or_else(|| format!("`{text}` are no octets: write them like `fd 01`"))
    }
}

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // `write=10` comes as a number from the command line, whose digits are meant.
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            Value::Number(digits) if digits.is_u64() => digits.to_string(),
            other => {
                return Err(serde::de::Error::custom(format!(
                    "{other} are no octets: write them in quotes within quotes, like '\"1e05\"'"
                )));
            }
        };
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn digits_that_look_like_a_number_are_digits() {
        let read = |json: &str| serde_json::from_str::<Octets>(json);
        assert_eq!(read("10").ok(), Some(Octets(vec![0x10])));
        assert_eq!(read("\"10\"").ok(), Some(Octets(vec![0x10])));
        let error = read("1e05").map(|octets| octets.0).unwrap_err();
        assert!(error.to_string().contains("in quotes"), "{error}");
    }

    #[test]
    fn octets_are_read_and_shown_as_hexadecimal_digits() {
        assert_eq!(Octets::parse("fd 01"), Ok(Octets(vec![0xfd, 1])));
        assert_eq!(Octets(vec![0xfd, 1]).to_string(), "fd01");
        assert_eq!(Octets::parse(""), Ok(Octets::default()));
        for wrong in ["f", "fd0", "gg", "+1", "泵泵"] {
            assert!(Octets::parse(wrong).is_err(), "{wrong}");
        }
    }
}
