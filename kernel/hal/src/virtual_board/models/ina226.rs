//! Texas Instruments INA226: current, voltage and power.
//!
//! Data sheet SBOS547: register map, programming of the calibration register (equations 1 to 4, with a worked
//! example), conversion times.

use super::{Bench, I2cModel, Nack, Seen, shown};
use crate::virtual_board::world::Source;

const CONFIGURATION: u16 = 0x4127;

/// What the identification registers say: TI, and the die.
const MANUFACTURER: u16 = 0x5449;
const DIE: u16 = 0x2260;

/// In microseconds, by three bits.
const TIMES: [u64; 8] = [140, 204, 332, 588, 1_100, 2_116, 4_156, 8_244];

/// How many are averaged, by three bits.
const AVERAGES: [u64; 8] = [1, 4, 16, 64, 128, 256, 512, 1_024];

/// Of the mask register: conversion ready, overflow.
const READY: u16 = 1 << 3;
const OVERFLOW: u16 = 1 << 2;

/// The sensor.
pub struct Ina226 {
    voltage: Source,
    current: Source,
    /// The resistor, in ohms.
    shunt: f64,
    /// Configuration, shunt voltage, bus voltage, power, current, calibration, mask, limit.
    registers: [u16; 8],
    pointer: u8,
    ready: Option<u64>,
}

impl Ina226 {
    /// A sensor at a voltage (in volts) and a current (in amperes) through a resistor (in ohms).
    pub fn new(voltage: Source, current: Source, shunt: f64) -> Self {
        Self {
            voltage,
            current,
            shunt,
            registers: [CONFIGURATION, 0, 0, 0, 0, 0, 0, 0],
            pointer: 0,
            ready: None,
        }
    }

    fn duration(&self) -> u64 {
        let configuration = self.registers[0];
        let pick = |shift: u16| usize::from(configuration >> shift & 7);
        let (bus, shunt) = (TIMES[pick(6)], TIMES[pick(3)]);
        let mode = configuration & 7;
        let bus = if mode & 2 != 0 { bus } else { 0 };
        let shunt = if mode & 1 != 0 { shunt } else { 0 };
        (bus + shunt) * AVERAGES[pick(9)] * 1_000
    }

    fn is_continuous(&self) -> bool {
        self.registers[0] & 4 != 0
    }

    fn start(&mut self, now: u64) {
        // Modes 0 and 4 are shut-downs.
        let converts = self.registers[0] & 3 != 0;
        self.ready = converts.then(|| now + self.duration());
    }

    /// What is computed from shunt voltage and calibration (equations 3 and 4), in two's complement, and
    /// whether it does not fit.
    fn compute(shunt: i64, bus: i64, calibration: i64) -> (u16, u16, bool) {
        let current = shunt * calibration / 2_048;
        let power = (current.abs() * bus) / 20_000;
        let fits = i16::try_from(current).is_ok() && u16::try_from(power).is_ok();
        let current = current.clamp(-32_768, 32_767) as i16;
        (
            current.cast_unsigned(),
            power.clamp(0, 65_535) as u16,
            !fits,
        )
    }

    fn finish(&mut self, now: u64) {
        let Some(ready) = self.ready.filter(|ready| *ready <= now) else {
            return;
        };
        let duration = self.duration().max(1);
        let at = if self.is_continuous() {
            ready + (now - ready) / duration * duration
        } else {
            ready
        };
        let mode = self.registers[0] & 3;
        if mode & 1 != 0 {
            // 2.5 microvolts a bit.
            let bits = (self.current.at(at) * self.shunt / 2.5e-6).round();
            self.registers[1] = (bits.clamp(-32_768.0, 32_767.0) as i16).cast_unsigned();
        }
        if mode & 2 != 0 {
            // 1.25 millivolts a bit; 36 V is what the part stands.
            let bits = (self.voltage.at(at).clamp(0.0, 36.0) / 1.25e-3).round();
            self.registers[2] = bits as u16;
        }
        let shunt = i64::from(self.registers[1].cast_signed());
        let bus = i64::from(self.registers[2]);
        let (current, power, overflows) = Self::compute(shunt, bus, i64::from(self.registers[5]));
        (self.registers[4], self.registers[3]) = (current, power);
        self.registers[6] |= READY;
        self.registers[6] &= !OVERFLOW;
        if overflows {
            self.registers[6] |= OVERFLOW;
        }
        self.ready = self.is_continuous().then_some(at + duration);
    }
}

impl I2cModel for Ina226 {
    fn part(&self) -> &'static str {
        "ina226"
    }

    fn write(&mut self, bytes: &[u8], bench: &Bench<'_>) -> Result<(), Nack> {
        self.finish(bench.now);
        let Some((pointer, value)) = bytes.split_first() else {
            return Ok(());
        };
        self.pointer = *pointer;
        let [high, low, ..] = value else {
            return Ok(());
        };
        let value = u16::from_be_bytes([*high, *low]);
        match pointer {
            0 if value & 1 << 15 != 0 => {
                self.registers = [CONFIGURATION, 0, 0, 0, 0, 0, 0, 0];
                self.start(bench.now);
            }
            0 => {
                // Bit 14 is always 1.
                self.registers[0] = value & 0x0fff | 0x4000;
                self.registers[6] &= !READY;
                self.start(bench.now);
            }
            5 => {
                self.registers[5] = value & 0x7fff;
                let shunt = i64::from(self.registers[1].cast_signed());
                let bus = i64::from(self.registers[2]);
                let (current, power, _) = Self::compute(shunt, bus, i64::from(value & 0x7fff));
                (self.registers[4], self.registers[3]) = (current, power);
            }
            6 => self.registers[6] = value & 0xfc03 | self.registers[6] & (READY | OVERFLOW),
            7 => self.registers[7] = value,
            // The others are read-only.
            _ => {}
        }
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8], bench: &Bench<'_>) -> Result<(), Nack> {
        self.finish(bench.now);
        let value = match self.pointer {
            0xfe => MANUFACTURER,
            0xff => DIE,
            pointer => self
                .registers
                .get(usize::from(pointer))
                .copied()
                .unwrap_or_default(),
        };
        if self.pointer == 6 {
            // Reading it clears the flag.
            self.registers[6] &= !READY;
        }
        for (byte, value) in bytes
            .iter_mut()
            .zip(value.to_be_bytes().into_iter().cycle())
        {
            *byte = value;
        }
        Ok(())
    }

    fn power_on(&mut self, bench: &Bench<'_>) {
        self.registers = [CONFIGURATION, 0, 0, 0, 0, 0, 0, 0];
        self.pointer = 0;
        self.start(bench.now);
    }

    fn seen(&self, bench: &Bench<'_>) -> Seen {
        vec![
            shown("voltage", self.voltage.at(bench.now), "V"),
            shown("current", self.current.at(bench.now), "A"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn current_and_power_are_those_of_the_example() {
        // SBOS547, "Programming the INA226": 20 mV at the shunt, 11.98 V, calibration A00h.
        let (current, power, overflows) = Ina226::compute(0x1f40, 0x2570, 0x0a00);
        assert_eq!((current, power, overflows), (0x2710, 0x12b8, false));
    }
}
