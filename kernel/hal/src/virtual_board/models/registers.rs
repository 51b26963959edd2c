//! A device that is described by its registers: for what has no model of its own.

use super::{Bench, I2cModel, Nack, Seen, shown};
use crate::virtual_board::world::Source;

/// A value of the world in registers.
#[derive(Debug, Clone)]
pub struct Field {
    /// What it is called.
    pub name: String,
    /// Where it begins.
    pub register: u8,
    /// Bytes: one to four.
    pub bytes: usize,
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
    /// From where.
    pub value: Source,
    /// What it is multiplied with.
    pub scale: f64,
    /// What is added then.
    pub offset: f64,
}

impl Field {
    fn octets(&self, now: u64) -> [u8; 4] {
        let bits = self.bytes as u32 * 8;
        let value = (self.value.at(now) * self.scale + self.offset).round() as i64;
        // Signed numbers as well as those without a sign, as far as they fit.
        let least = -(1_i64 << (bits - 1));
        let most = (1_i64 << bits) - 1;
        (value.clamp(least, most) as u32).to_le_bytes()
    }
}

/// The device.
pub struct Registers {
    first: [u8; 256],
    registers: [u8; 256],
    read_only: Vec<u8>,
    fields: Vec<Field>,
    /// Whether the address moves on with each byte.
    increments: bool,
    pointer: u8,
}

impl Registers {
    /// A device whose registers hold these at first.
    pub fn new(first: [u8; 256], read_only: Vec<u8>, fields: Vec<Field>, increments: bool) -> Self {
        Self {
            registers: first,
            first,
            read_only,
            fields,
            increments,
            pointer: 0,
        }
    }

    fn advance(&mut self) {
        if self.increments {
            self.pointer = self.pointer.wrapping_add(1);
        }
    }
}

impl I2cModel for Registers {
    fn part(&self) -> &'static str {
        "registers"
    }

    fn write(&mut self, bytes: &[u8], _: &Bench<'_>) -> Result<(), Nack> {
        let Some((pointer, values)) = bytes.split_first() else {
            return Ok(());
        };
        self.pointer = *pointer;
        for value in values {
            if !self.read_only.contains(&self.pointer) {
                self.registers[usize::from(self.pointer)] = *value;
            }
            self.advance();
        }
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8], bench: &Bench<'_>) -> Result<(), Nack> {
        for field in &self.fields {
            let octets = field.octets(bench.now);
            for (index, octet) in octets.iter().take(field.bytes).enumerate() {
                let place = if field.big_endian {
                    field.bytes - 1 - index
                } else {
                    index
                };
                let register = field.register.wrapping_add(place as u8);
                self.registers[usize::from(register)] = *octet;
            }
        }
        for byte in bytes {
            *byte = self.registers[usize::from(self.pointer)];
            self.advance();
        }
        Ok(())
    }

    fn power_on(&mut self, _: &Bench<'_>) {
        (self.registers, self.pointer) = (self.first, 0);
    }

    fn seen(&self, bench: &Bench<'_>) -> Seen {
        let fields = self.fields.iter();
        fields
            .map(|field| shown(&field.name, field.value.at(bench.now), ""))
            .collect()
    }

    fn memory(&self) -> &[u8] {
        &self.registers
    }
}
