//! The configuration.

use serde::Deserialize;
use weihe_plugin_kit::{Pace, address};
use weihe_sdk::Duration;

use crate::panel::Font;

/// Where the chip is, by the pin SA0 (data sheet SSD1306, 8.1.5).
pub const ADDRESSES: std::ops::RangeInclusive<u8> = 0x3c..=0x3d;

/// How often it is looked whether the display is still on.
const PERIOD: Duration = Duration::from_secs(2);

/// The configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    pub(crate) bus: String,
    #[serde(default = "usual")]
    pub(crate) address: u8,
    #[serde(default = "height")]
    pub(crate) height: u32,
    #[serde(default)]
    pub(crate) font: Font,
    #[serde(default)]
    pub(crate) upside_down: bool,
    #[serde(default = "contrast")]
    pub(crate) contrast: u8,
    #[serde(default)]
    pub(crate) rows: Vec<Row>,
    pub(crate) topic: Option<String>,
    period: Option<Duration>,
    #[serde(flatten)]
    pace: Pace,
}

fn usual() -> u8 {
    *ADDRESSES.start()
}

fn height() -> u32 {
    64
}

/// What the chip has after a reset (table 9-1).
fn contrast() -> u8 {
    127
}

/// A row, from the top.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    /// A text, in which `{}` is the value of the topic.
    #[serde(default)]
    pub(crate) text: String,
    /// The topic whose value is shown.
    pub(crate) input: Option<String>,
    /// Decimals of a number.
    pub(crate) decimals: Option<usize>,
    /// The numbers at which a bar is empty and full.
    pub(crate) bar: Option<[f64; 2]>,
}

impl Config {
    /// How often it is looked at.
    pub fn pace(&self) -> Pace {
        Pace {
            period: self.period.unwrap_or(PERIOD),
            ..self.pace.clone()
        }
    }

    /// How many rows there is room for.
    pub fn room(&self) -> usize {
        (self.height / self.font.height()) as usize
    }

    /// Whether it makes sense.
    pub fn check(&self) -> Result<(), String> {
        address(self.address, ADDRESSES, "an SSD1306")?;
        if self.height != 64 && self.height != 32 {
            return Err(format!("`height`: {} is neither 64 nor 32", self.height));
        }
        let (rows, room) = (self.rows.len(), self.room());
        if rows > room {
            return Err(format!(
                "`rows`: there is room for {room} rows, not for {rows}"
            ));
        }
        for row in &self.rows {
            if let Some([empty, full]) = row.bar
                && (empty - full).abs() < f64::EPSILON
            {
                return Err(format!("`rows.bar`: from {empty} to {full} is no range"));
            }
        }
        Ok(())
    }
}
