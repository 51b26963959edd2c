//! What registers mean: numbers of several widths in every order that devices use, bit fields and text.
//!
//! The standard knows 16-bit registers only; how two or four of them make a number is each maker's
//! choice. With the value 0x0A0B0C0D in two registers:
//!
//! | word order | byte order | bytes on the wire | also called |
//! |---|---|---|---|
//! | big | big | 0A 0B 0C 0D | ABCD |
//! | little | big | 0C 0D 0A 0B | CDAB |
//! | big | little | 0B 0A 0D 0C | BADC |
//! | little | little | 0D 0C 0B 0A | DCBA |

use serde_json::Value as Json;

use crate::value::{BitRange, DataType, Order, PointValue, Scaling, ValueError, ones};

/// How a value lies in registers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Format {
    /// Its type.
    pub data_type: DataType,
    /// Registers that it takes.
    pub registers: u16,
    /// Order of its registers.
    pub word_order: Order,
    /// Order of the bytes in each register.
    pub byte_order: Order,
    /// The bits that hold it, when it does not take all of them.
    pub bits: Option<BitRange>,
    /// Value = content × scale + offset; none when neither is configured.
    pub scaling: Option<Scaling>,
}

impl Format {
    /// A whole number or float without scaling, in the standard's order.
    #[must_use]
    pub fn plain(data_type: DataType) -> Format {
        Format {
            data_type,
            registers: data_type.registers().unwrap_or(1),
            word_order: Order::Big,
            byte_order: Order::Big,
            bits: None,
            scaling: None,
        }
    }

    /// The value that registers hold.
    ///
    /// # Errors
    /// When they hold none: not a number, infinite, beyond 2^63 − 1, or no text.
    pub fn decode(&self, registers: &[u16]) -> Result<PointValue, ValueError> {
        if registers.len() != usize::from(self.registers) {
            return Err(ValueError::Unusable(format!(
                "{} registers, expected {}",
                registers.len(),
                self.registers
            )));
        }
        if self.data_type == DataType::Text {
            return self.decode_text(registers);
        }
        let content = self.join(registers);
        let content = match self.bits {
            Some(bits) => (content & bits.mask()) >> bits.low,
            None => content,
        };
        if self.is_boolean() {
            return Ok(PointValue::Boolean(content != 0));
        }
        let float = match self.data_type {
            DataType::F32 => Some(f64::from(f32::from_bits(content as u32))),
            DataType::F64 => Some(f64::from_bits(content)),
            _ => None,
        };
        if let Some(float) = float {
            return finite(self.scaling.map_or(float, |scaling| scaling.apply(float)));
        }
        let number = if self.data_type.is_signed() {
            i128::from(extend_sign(content, self.content_width()))
        } else {
            i128::from(content)
        };
        match self.scaling {
            Some(scaling) => finite(scaling.apply(number as f64)),
            None => i64::try_from(number).map(PointValue::Integer).map_err(|_| {
                ValueError::Unusable(format!(
                    "{number} is beyond 9223372036854775807; configure `scale` to get a float"
                ))
            }),
        }
    }

    /// The registers that hold a value. Bits outside of a bit field are taken from `current`.
    ///
    /// A number is rounded to the nearest step of a scaled or a float type; a whole-number type
    /// without scaling refuses fractions.
    ///
    /// # Errors
    /// When the value is of the wrong kind or does not fit.
    pub fn encode(&self, value: &Json, current: &[u16]) -> Result<Vec<u16>, ValueError> {
        if self.data_type == DataType::Text {
            return self.encode_text(value);
        }
        let content = if self.is_boolean() {
            u64::from(boolean(value)?)
        } else if self.data_type.is_float() {
            self.encode_float(value)?
        } else {
            self.encode_integer(value)?
        };
        let content = match self.bits {
            Some(bits) => {
                let kept = if current.len() == usize::from(self.registers) {
                    self.join(current)
                } else {
                    0
                };
                (kept & !bits.mask()) | ((content << bits.low) & bits.mask())
            }
            None => content,
        };
        Ok(self.split(content))
    }

    /// Whether its values are on or off.
    #[must_use]
    pub fn is_boolean(&self) -> bool {
        self.data_type == DataType::Bool
            || (self.scaling.is_none() && self.bits.is_some_and(|bits| bits.low == bits.high))
    }

    fn content_width(&self) -> u32 {
        self.bits.map_or(self.data_type.width(), BitRange::width)
    }

    /// The registers as one number.
    fn join(&self, registers: &[u16]) -> u64 {
        let push = |number: u64, register: &u16| {
            number << 16 | u64::from(in_order(*register, self.byte_order))
        };
        match self.word_order {
            Order::Big => registers.iter().fold(0, push),
            Order::Little => registers.iter().rev().fold(0, push),
        }
    }

    /// One number as registers.
    fn split(&self, content: u64) -> Vec<u16> {
        let mut registers: Vec<u16> = (0..self.registers)
            .rev()
            .map(|index| in_order((content >> (16 * index)) as u16, self.byte_order))
            .collect();
        if self.word_order == Order::Little {
            registers.reverse();
        }
        registers
    }

    fn encode_float(&self, value: &Json) -> Result<u64, ValueError> {
        let wanted = number(value)?;
        let content = self
            .scaling
            .map_or(wanted, |scaling| scaling.remove(wanted));
        if self.data_type == DataType::F64 {
            return finite(content).map(|_| content.to_bits());
        }
        let narrow = content as f32;
        if !narrow.is_finite() {
            return Err(self.out_of_range(value, f64::from(f32::MIN), f64::from(f32::MAX)));
        }
        Ok(u64::from(narrow.to_bits()))
    }

    fn encode_integer(&self, value: &Json) -> Result<u64, ValueError> {
        let width = self.content_width();
        let (low, high) = if self.data_type.is_signed() {
            (-(1_i128 << (width - 1)), (1_i128 << (width - 1)) - 1)
        } else {
            (0, i128::from(ones(width)))
        };
        let content = match (self.scaling, whole(value)) {
            (None, Some(whole)) => whole,
            (None, None) => {
                number(value)?;
                return Err(ValueError::Kind {
                    expected: "a whole number",
                    found: value.to_string(),
                });
            }
            // Beyond i128 the conversion saturates, and is refused below.
            (Some(scaling), _) => scaling.remove(number(value)?).round() as i128,
        };
        if content < low || content > high {
            return Err(match self.scaling {
                None => ValueError::Range {
                    found: value.to_string(),
                    low: low.to_string(),
                    high: high.to_string(),
                },
                Some(_) => self.out_of_range(value, low as f64, high as f64),
            });
        }
        Ok(content as u64 & ones(width))
    }

    fn out_of_range(&self, value: &Json, low: f64, high: f64) -> ValueError {
        let apply = |content: f64| {
            self.scaling
                .map_or(content, |scaling| scaling.apply(content))
        };
        let (low, high) = (apply(low), apply(high));
        ValueError::Range {
            found: value.to_string(),
            low: low.min(high).to_string(),
            high: low.max(high).to_string(),
        }
    }

    fn decode_text(&self, registers: &[u16]) -> Result<PointValue, ValueError> {
        let bytes: Vec<u8> = registers
            .iter()
            .flat_map(|register| in_order(*register, self.byte_order).to_be_bytes())
            .take_while(|byte| *byte != 0)
            .collect();
        if let Some(byte) = bytes.iter().find(|byte| !byte.is_ascii()) {
            return Err(ValueError::Unusable(format!(
                "the text holds the byte {byte:02X} hex, which is not ASCII"
            )));
        }
        let text = String::from_utf8_lossy(&bytes);
        Ok(PointValue::Text(text.trim_end().to_owned()))
    }

    fn encode_text(&self, value: &Json) -> Result<Vec<u16>, ValueError> {
        let Some(text) = value
            .as_str()
            .filter(|text| text.is_ascii() && !text.contains('\0'))
        else {
            return Err(ValueError::Kind {
                expected: "ASCII text",
                found: value.to_string(),
            });
        };
        let room = usize::from(self.registers) * 2;
        if text.len() > room {
            return Err(ValueError::Range {
                found: format!("a text of {} characters", text.len()),
                low: "0".to_owned(),
                high: room.to_string(),
            });
        }
        let byte = |at: usize| text.as_bytes().get(at).copied().unwrap_or(0);
        Ok((0..usize::from(self.registers))
            .map(|index| {
                let register = u16::from_be_bytes([byte(2 * index), byte(2 * index + 1)]);
                in_order(register, self.byte_order)
            })
            .collect())
    }
}

fn in_order(register: u16, order: Order) -> u16 {
    match order {
        Order::Big => register,
        Order::Little => register.swap_bytes(),
    }
}

fn extend_sign(content: u64, width: u32) -> i64 {
    let shift = 64 - width.clamp(1, 64);
    ((content << shift) as i64) >> shift
}

fn finite(number: f64) -> Result<PointValue, ValueError> {
    if number.is_finite() {
        return Ok(PointValue::Float(number));
    }
    Err(ValueError::Unusable(format!("the value is {number}")))
}

/// A state: `true`, `false`, 1 or 0.
pub(crate) fn boolean(value: &Json) -> Result<bool, ValueError> {
    match (value.as_bool(), value.as_f64()) {
        (Some(on), _) => Ok(on),
        (_, Some(number)) if number == 0.0 || number == 1.0 => Ok(number == 1.0),
        _ => Err(ValueError::Kind {
            expected: "true or false",
            found: value.to_string(),
        }),
    }
}

fn number(value: &Json) -> Result<f64, ValueError> {
    value.as_f64().ok_or_else(|| ValueError::Kind {
        expected: "a number",
        found: value.to_string(),
    })
}

/// A whole number, also when it is written as `21.0`.
fn whole(value: &Json) -> Option<i128> {
    if let Some(number) = value.as_i64() {
        return Some(i128::from(number));
    }
    if let Some(number) = value.as_u64() {
        return Some(i128::from(number));
    }
    value
        .as_f64()
        .filter(|number| number.fract() == 0.0)
        .map(|number| number as i128)
}
