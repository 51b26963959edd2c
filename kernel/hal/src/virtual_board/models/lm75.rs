//! LM75: temperature, with a thermostat.
//!
//! Data sheet NXP LM75B: register list, temperature register (11 bits), thermostat registers (9 bits). That of
//! National (LM75, SNIS153) counts 9 bits.

use super::{Bench, I2cModel, Nack, Seen, shown};
use crate::virtual_board::world::Source;

/// What the thresholds are at first: 75 and 80 degrees.
const HYSTERESIS: u16 = 0x4b00;
const OVERTEMPERATURE: u16 = 0x5000;

/// The sensor.
pub struct Lm75 {
    temperature: Source,
    bits: u32,
    configuration: u8,
    thresholds: [u16; 2],
    pointer: u8,
    kept: u16,
}

/// What is counted for a temperature, with so many bits.
pub fn word(degrees: f64, bits: u32) -> u16 {
    let bits = bits.clamp(9, 12);
    let steps = (degrees.clamp(-55.0, 125.0) * f64::from(1_u32 << (bits - 8))).round() as i16;
    steps.cast_unsigned() << (16 - bits)
}

impl Lm75 {
    /// A sensor that counts so many bits.
    pub fn new(temperature: Source, bits: u32) -> Self {
        Self {
            temperature,
            bits,
            configuration: 0,
            thresholds: [HYSTERESIS, OVERTEMPERATURE],
            pointer: 0,
            kept: 0,
        }
    }
}

impl I2cModel for Lm75 {
    fn part(&self) -> &'static str {
        "lm75"
    }

    fn write(&mut self, bytes: &[u8], bench: &Bench<'_>) -> Result<(), Nack> {
        let Some((pointer, value)) = bytes.split_first() else {
            return Ok(());
        };
        self.pointer = pointer & 3;
        match (self.pointer, value) {
            (1, [configuration, ..]) => {
                // Shut down, it keeps what it measured last.
                if configuration & 1 == 1 && self.configuration & 1 == 0 {
                    self.kept = word(self.temperature.at(bench.now), self.bits);
                }
                self.configuration = configuration & 0x1f;
            }
            (register @ 2..=3, [high, low, ..]) => {
                let value = u16::from_be_bytes([*high, *low]) & 0xff80;
                self.thresholds[usize::from(register - 2)] = value;
            }
            _ => {}
        }
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8], bench: &Bench<'_>) -> Result<(), Nack> {
        let value = match self.pointer {
            0 if self.configuration & 1 == 1 => self.kept.to_be_bytes(),
            0 => word(self.temperature.at(bench.now), self.bits).to_be_bytes(),
            1 => [self.configuration; 2],
            2 => self.thresholds[0].to_be_bytes(),
            _ => self.thresholds[1].to_be_bytes(),
        };
        for (byte, value) in bytes.iter_mut().zip(value.into_iter().cycle()) {
            *byte = value;
        }
        Ok(())
    }

    fn power_on(&mut self, _: &Bench<'_>) {
        (self.configuration, self.pointer) = (0, 0);
        self.thresholds = [HYSTERESIS, OVERTEMPERATURE];
    }

    fn seen(&self, bench: &Bench<'_>) -> Seen {
        vec![shown("temperature", self.temperature.at(bench.now), "°C")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_table() {
        // NXP LM75B, "Temp register value": 11 bits, left-aligned.
        for (degrees, bits) in [
            (127.0 - 2.0, 0x3e8_u16),
            (25.0, 0x0c8),
            (0.125, 0x001),
            (0.0, 0x000),
            (-0.125, 0x7ff),
            (-25.0, 0x738),
            (-55.0, 0x648),
        ] {
            assert_eq!(word(degrees, 11), bits << 5, "{degrees}");
        }
        assert_eq!(word(-0.5, 9), 0xff80);
    }
}
