//! Colours.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Names that people use, and what screens show for them (CSS Color 3, basic keywords, and orange).
const NAMES: [(&str, [u8; 3]); 10] = [
    ("black", [0, 0, 0]),
    ("white", [255, 255, 255]),
    ("red", [255, 0, 0]),
    ("lime", [0, 255, 0]),
    ("green", [0, 128, 0]),
    ("blue", [0, 0, 255]),
    ("yellow", [255, 255, 0]),
    ("aqua", [0, 255, 255]),
    ("fuchsia", [255, 0, 255]),
    ("orange", [255, 165, 0]),
];

/// A colour: red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Color(pub [u8; 3]);

impl Color {
    /// No light.
    pub const BLACK: Color = Color([0; 3]);
    /// All of it.
    pub const WHITE: Color = Color([255; 3]);
}

impl FromStr for Color {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        if let Some((_, color)) = NAMES.iter().find(|(name, _)| *name == lower) {
            return Ok(Color(*color));
        }
        let digits = lower.strip_prefix('#').unwrap_or_default();
        let byte = |text: &str| u8::from_str_radix(text, 16).ok();
        let parts: Option<Vec<u8>> = match digits.len() {
            _ if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => None,
            // Each digit stands for two of it.
            3 => (0..3)
                .map(|at| byte(&digits[at..=at]).map(|value| value * 17))
                .collect(),
            6 => (0..3).map(|at| byte(&digits[at * 2..at * 2 + 2])).collect(),
            _ => None,
        };
        match parts.as_deref() {
            Some(&[red, green, blue]) => Ok(Color([red, green, blue])),
            _ => {
                let names = NAMES.map(|(name, _)| name).join(", ");
                Err(format!(
                    "{text:?} is no colour: write it like \"#ff8000\", or one of {names}"
                ))
            }
        }
    }
}

impl TryFrom<String> for Color {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Color> for String {
    fn from(color: Color) -> String {
        color.to_string()
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_on_screens() {
        assert_eq!("#f80".parse(), Ok(Color([255, 136, 0])));
        assert_eq!("#FF8001".parse(), Ok(Color([255, 128, 1])));
        assert_eq!("Orange".parse(), Ok(Color([255, 165, 0])));
        assert_eq!(Color([1, 2, 255]).to_string(), "#0102ff");
        for wrong in ["", "#", "#12", "#ff80zz", "ff8000", "#äö", "pink?"] {
            assert!(wrong.parse::<Color>().is_err(), "{wrong}");
        }
    }
}
