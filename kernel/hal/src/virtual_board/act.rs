//! What people and tests do with a board, as data.

use serde::{Deserialize, Serialize};

use super::board::VirtualBoard;
use super::fault::Fault;
use crate::error::HalError;

/// The longest time for which a button is held, in milliseconds: a day.
const LONGEST: u64 = 86_400_000;

/// Something that is done with a board: `{"do": "press", "name": "start", "for-ms": 50}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "do",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum Act {
    /// Presses a button.
    Press {
        /// Its line.
        name: String,
        /// For how long; none: until it is released.
        #[serde(default)]
        for_ms: Option<u64>,
    },
    /// Releases a button.
    Release {
        /// Its line.
        name: String,
    },
    /// Sets a value of the world (a number), closes or opens a switch (`true`, `"on"`, …), or drives a line from
    /// outside (`true`, `"high"`, …; `"open"` lets go of it).
    Set {
        /// What.
        name: String,
        /// To what.
        value: Setting,
    },
    /// Turns an encoder.
    Turn {
        /// Which.
        name: String,
        /// By how much; clockwise when it is positive.
        steps: i64,
    },
    /// Breaks something.
    Fault {
        /// What.
        name: String,
        /// How: `nack`, `nack-at=2`, `broken`, …
        fault: String,
        /// How often it shows; none: until it is mended.
        #[serde(default)]
        times: Option<u32>,
    },
    /// Mends something.
    Mend {
        /// What; none: everything.
        #[serde(default)]
        name: Option<String>,
    },
    /// Says something at the other end of a serial port that leads nowhere else.
    Say {
        /// Which.
        name: String,
        /// Octets in hexadecimal.
        bytes: String,
    },
    /// Takes what was sent on such a port: the answer is octets in hexadecimal.
    Hear {
        /// Which.
        name: String,
    },
}

/// What something is set to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// On or off.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// In words.
    Text(String),
}

impl Setting {
    /// As a level or state: none for `open`.
    fn level(&self) -> Result<Option<bool>, HalError> {
        match self {
            Self::Boolean(level) => Ok(Some(*level)),
            Self::Number(number) => Ok(Some(*number != 0.0)),
            Self::Text(text) => match text.as_str() {
                "on" | "high" | "closed" | "true" => Ok(Some(true)),
                "off" | "low" | "false" => Ok(Some(false)),
                "open" => Ok(None),
                _ => Err(HalError::Invalid(format!(
                    "`{text}` is no state; there are on, off, high, low, open"
                ))),
            },
        }
    }
}

impl VirtualBoard {
    /// Does something with the board. The answer is what [`Act::Hear`] asks for, and empty else.
    pub fn act(&self, act: &Act) -> Result<String, HalError> {
        let done = |()| String::new();
        match act {
            Act::Press { name, for_ms } => {
                let span = for_ms.map(|span| span.min(LONGEST) * 1_000_000);
                self.press(name, span).map(done)
            }
            Act::Release { name } => self.release(name).map(done),
            Act::Set { name, value } => match value {
                _ if let Some(error) = self.cannot_set(name) => Err(error),
                Setting::Number(number) if self.is_world(name) => {
                    self.set_world(name, *number).map(done)
                }
                _ if self.is_world(name) => Err(HalError::Invalid(format!(
                    "the value `{name}` of the world is a number"
                ))),
                value => self.set_line(name, value.level()?).map(done),
            },
            Act::Turn { name, steps } => self.turn(name, *steps).map(done),
            Act::Fault { name, fault, times } => {
                let fault: Fault = fault.parse().map_err(HalError::Invalid)?;
                match times {
                    Some(times) => self.fault_times(name, fault, *times).map(done),
                    None => self.fault(name, fault).map(done),
                }
            }
            Act::Mend { name: Some(name) } => self.mend(name).map(done),
            Act::Mend { name: None } => {
                self.mend_all();
                Ok(String::new())
            }
            Act::Say { name, bytes } => {
                let bytes = octets(bytes)?;
                self.say(name, &bytes).map(done)
            }
            Act::Hear { name } => {
                let heard = self.hear(name)?;
                Ok(heard.iter().map(|byte| format!("{byte:02x}")).collect())
            }
        }
    }
}

/// Octets in hexadecimal.
fn octets(text: &str) -> Result<Vec<u8>, HalError> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .map(|digit| digit.to_digit(16))
        .collect::<Option<_>>()
        .filter(|digits: &Vec<u32>| digits.len().is_multiple_of(2))
        .ok_or_else(|| HalError::Invalid(format!("`{text}` are no octets in hexadecimal")))?;
    Ok(digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit) as u8)
        .collect())
}
