//! Types of values in registers, and values of points.

use serde::Deserialize;
use serde_json::Value as Json;

/// The type of a value in registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataType {
    /// On or off: a coil, a discrete input, a bit of a register, or a register that is not 0.
    Bool,
    /// 16 bits, unsigned.
    U16,
    /// 16 bits, two's complement.
    S16,
    /// 32 bits, unsigned.
    U32,
    /// 32 bits, two's complement.
    S32,
    /// 64 bits, unsigned.
    U64,
    /// 64 bits, two's complement.
    S64,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// ASCII, two characters a register, filled with NUL.
    Text,
}

impl DataType {
    /// Its name in configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DataType::Bool => "bool",
            DataType::U16 => "u16",
            DataType::S16 => "s16",
            DataType::U32 => "u32",
            DataType::S32 => "s32",
            DataType::U64 => "u64",
            DataType::S64 => "s64",
            DataType::F32 => "f32",
            DataType::F64 => "f64",
            DataType::Text => "text",
        }
    }

    /// Registers that it takes; none for text, whose length is configured.
    #[must_use]
    pub fn registers(self) -> Option<u16> {
        Some(match self {
            DataType::Bool | DataType::U16 | DataType::S16 => 1,
            DataType::U32 | DataType::S32 | DataType::F32 => 2,
            DataType::U64 | DataType::S64 | DataType::F64 => 4,
            DataType::Text => return None,
        })
    }

    pub(crate) fn is_signed(self) -> bool {
        matches!(self, DataType::S16 | DataType::S32 | DataType::S64)
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, DataType::F32 | DataType::F64)
    }

    pub(crate) fn width(self) -> u32 {
        u32::from(self.registers().unwrap_or(0)) * 16
    }
}

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The most significant first, as the standard has it within a register.
    #[default]
    Big,
    /// The least significant first.
    #[serde(alias = "swapped")]
    Little,
}

/// A range of bits in a number, both ends included; bit 0 is the lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BitRange {
    /// The lowest bit.
    pub low: u8,
    /// The highest bit.
    pub high: u8,
}

impl BitRange {
    pub(crate) fn width(self) -> u32 {
        u32::from(self.high - self.low) + 1
    }

    /// The bits' mask in the number.
    #[must_use]
    pub fn mask(self) -> u64 {
        ones(self.width()) << self.low
    }
}

/// Value = content × scale + offset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scaling {
    /// The factor; not 0.
    pub scale: f64,
    /// What is added.
    pub offset: f64,
}

impl Scaling {
    /// 10 for a scale of 0.1: dividing by it rounds once, multiplying by 0.1 twice, and 3 would
    /// become 0.30000000000000004.
    fn divisor(self) -> Option<f64> {
        let divisor = (1.0 / self.scale).round();
        (self.scale.abs() < 1.0 && (divisor * self.scale - 1.0).abs() < 1e-12).then_some(divisor)
    }

    pub(crate) fn apply(self, content: f64) -> f64 {
        let scaled = match self.divisor() {
            Some(divisor) => content / divisor,
            None => content * self.scale,
        };
        scaled + self.offset
    }

    pub(crate) fn remove(self, value: f64) -> f64 {
        match self.divisor() {
            Some(divisor) => (value - self.offset) * divisor,
            None => (value - self.offset) / self.scale,
        }
    }
}

/// A value of a point.
#[derive(Debug, Clone, PartialEq)]
pub enum PointValue {
    /// On or off.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number; always finite.
    Float(f64),
    /// Text.
    Text(String),
}

impl PointValue {
    /// It in JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            PointValue::Boolean(on) => Json::from(*on),
            PointValue::Integer(number) => Json::from(*number),
            PointValue::Float(number) => Json::from(*number),
            PointValue::Text(text) => Json::from(text.as_str()),
        }
    }

    /// It as a number; none for text.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            PointValue::Boolean(on) => Some(f64::from(u8::from(*on))),
            PointValue::Integer(number) => Some(*number as f64),
            PointValue::Float(number) => Some(*number),
            PointValue::Text(_) => None,
        }
    }
}

/// Why a value cannot be read from or written to registers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The registers hold no usable value.
    #[error("{0}")]
    Unusable(String),
    /// What is to be written is of the wrong kind.
    #[error("{found} is not {expected}")]
    Kind {
        /// What the point takes.
        expected: &'static str,
        /// What was given.
        found: String,
    },
    /// What is to be written does not fit.
    #[error("{found} is outside of {low} to {high}")]
    Range {
        /// What was given.
        found: String,
        /// The lowest value.
        low: String,
        /// The highest value.
        high: String,
    },
}

/// So many low bits, 1 to 64 of them.
pub(crate) fn ones(width: u32) -> u64 {
    u64::MAX >> (64 - width.clamp(1, 64))
}
