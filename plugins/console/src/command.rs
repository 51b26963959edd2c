//! What an operator can ask for.

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use weihe_sdk::hal::Bias;
use weihe_sdk::prelude::*;

use crate::octets::Octets;

/// The most octets of an answer that are awaited from a serial port.
pub const LONGEST_ANSWER: usize = 4096;

/// The most octets that are read from a chip at once.
const LONGEST_READ: usize = 4096;

/// An address on an I2C bus: a number, or a text like `0x44`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(pub u8);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let number = match &value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => match text.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16).ok(),
                None => text.parse().ok(),
            },
            _ => None,
        };
        let address = number.and_then(|number| u8::try_from(number).ok());
        address
            .filter(|address| *address <= 0x7f)
            .map(Self)
            .ok_or_else(|| {
                serde::de::Error::custom(format!(
                    "{value} is no address: they go from 0x00 to 0x7f, like \"0x44\""
                ))
            })
    }
}

fn length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let length = usize::deserialize(deserializer)?;
    if length > LONGEST_READ {
        let message = format!("{length} octets are more than the {LONGEST_READ} of one read");
        return Err(serde::de::Error::custom(message));
    }
    Ok(length)
}

/// The resistor at an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pull {
    /// To the supply.
    PullUp,
    /// To ground.
    PullDown,
    /// None.
    Disabled,
    /// The one that there is.
    AsIs,
}

impl From<Pull> for Bias {
    fn from(pull: Pull) -> Self {
        match pull {
            Pull::PullUp => Bias::PullUp,
            Pull::PullDown => Bias::PullDown,
            Pull::Disabled => Bias::Disabled,
            Pull::AsIs => Bias::AsIs,
        }
    }
}

fn baud() -> u32 {
    9600
}

fn hertz() -> u32 {
    1_000_000
}

fn timeout() -> Duration {
    Duration::from_secs(1)
}

fn gap() -> Duration {
    Duration::from_millis(20)
}

/// What an operator can ask for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Whether a line is active.
    ReadLine {
        /// Which line.
        line: String,
        /// With which resistor, from now on; that of the last time when none is named.
        bias: Option<Pull>,
    },
    /// Sets a line.
    WriteLine {
        /// Which line.
        line: String,
        /// Whether it is to be active.
        value: bool,
    },
    /// Sets a line to what it was not.
    ToggleLine {
        /// Which line.
        line: String,
    },
    /// Takes the edges of a line.
    Watch {
        /// Which line.
        line: String,
        /// With which resistor, from now on; that of the last time when none is named.
        bias: Option<Pull>,
    },
    /// Which addresses of a bus answer.
    Scan {
        /// Which bus.
        bus: String,
    },
    /// Writes, then reads, in one transaction.
    I2c {
        /// Which bus.
        bus: String,
        /// Whom.
        address: Address,
        /// What is written.
        #[serde(default)]
        write: Octets,
        /// How many octets are read.
        #[serde(default, deserialize_with = "length")]
        read: usize,
    },
    /// Writes, and reads at the same time and on.
    Spi {
        /// Which peripheral.
        peripheral: String,
        /// The highest clock frequency.
        #[serde(default = "hertz")]
        hertz: u32,
        /// What is written.
        #[serde(default)]
        write: Octets,
        /// How many octets are read after that.
        #[serde(default, deserialize_with = "length")]
        read: usize,
    },
    /// Sends, and takes what comes.
    Uart {
        /// Which port.
        port: String,
        /// Bits in a second.
        #[serde(default = "baud")]
        baud: u32,
        /// What is sent.
        #[serde(default)]
        send: Octets,
        /// How long the first octet is awaited.
        #[serde(default = "timeout")]
        timeout: Duration,
        /// The silence that ends the answer.
        #[serde(default = "gap")]
        gap: Duration,
    },
    /// Sets a channel; a width of nothing switches it off.
    Pwm {
        /// Which channel.
        channel: String,
        /// From pulse to pulse.
        period: Duration,
        /// Of a pulse.
        width: Duration,
    },
    /// Measures.
    Adc {
        /// Which channel.
        channel: String,
    },
}

/// What is said of the commands.
pub fn infos() -> Vec<CommandInfo> {
    let text = || json!({ "type": "string" });
    let octets = || json!({ "type": ["string", "integer"], "description": "hexadecimal digits" });
    let span = || json!({ "type": ["string", "number"], "description": "a span such as \"20 ms\", or seconds" });
    let bias = || {
        json!({
            "enum": ["pull-up", "pull-down", "disabled", "as-is"],
            "description": "the resistor, from now on",
        })
    };
    let count = || json!({ "type": "integer", "minimum": 0, "maximum": LONGEST_READ });
    let address = json!({ "type": ["string", "integer"], "description": "like 0x44" });
    let command = |name: &str, summary: &str, required: &[&str], properties: Value| {
        let schema = json!({
            "type": "object",
            "additionalProperties": false,
            "required": required,
            "properties": properties,
        });
        CommandInfo::new(name, summary).arguments(&schema.to_string())
    };
    vec![
        command(
            "read-line",
            "Whether a line is active",
            &["line"],
            json!({ "line": text(), "bias": bias() }),
        ),
        command(
            "write-line",
            "Sets a line",
            &["line", "value"],
            json!({ "line": text(), "value": { "type": "boolean" } }),
        ),
        command(
            "toggle-line",
            "Sets a line to what it was not",
            &["line"],
            json!({ "line": text() }),
        ),
        command(
            "watch",
            "Takes the edges of a line, which come as events on $edge/<device>/<line>",
            &["line"],
            json!({ "line": text(), "bias": bias() }),
        ),
        command(
            "scan",
            "Which addresses of a bus answer",
            &["bus"],
            json!({ "bus": text() }),
        ),
        command(
            "i2c",
            "Writes, then reads, in one transaction",
            &["bus", "address"],
            json!({ "bus": text(), "address": address, "write": octets(), "read": count() }),
        ),
        command(
            "spi",
            "Writes and reads at the same time, then reads on",
            &["peripheral"],
            json!({ "peripheral": text(), "hertz": { "type": "integer" }, "write": octets(), "read": count() }),
        ),
        command(
            "uart",
            "Sends, and takes what comes until the line is silent",
            &["port"],
            json!({ "port": text(), "baud": { "type": "integer" }, "send": octets(), "timeout": span(), "gap": span() }),
        ),
        command(
            "pwm",
            "Sets a channel; a width of 0 switches it off",
            &["channel", "period", "width"],
            json!({ "channel": text(), "period": span(), "width": span() }),
        ),
        command(
            "adc",
            "Measures",
            &["channel"],
            json!({ "channel": text() }),
        ),
    ]
}
