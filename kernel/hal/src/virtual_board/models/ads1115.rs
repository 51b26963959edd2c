//! Texas Instruments ADS1115: four analogue inputs, 16 bits.
//!
//! Data sheet SBAS444: register map, data format (two's complement, table of ideal codes), single-shot mode.

use super::{Bench, I2cModel, Nack, Seen, shown};
use crate::virtual_board::world::Source;

/// What the configuration is after a reset.
const CONFIGURATION: u16 = 0x8583;

/// The bit that starts a conversion and tells that none is under way.
const IDLE: u16 = 1 << 15;

/// Full scales in volts, by the three bits of the gain.
const SCALES: [f64; 8] = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256];

/// Samples in a second, by the three bits of the rate.
const RATES: [u64; 8] = [8, 16, 32, 64, 128, 250, 475, 860];

/// The converter.
pub struct Ads1115 {
    /// Volts at the inputs.
    inputs: [Source; 4],
    /// Conversion, configuration, and the thresholds of the comparator.
    registers: [u16; 4],
    pointer: usize,
    ready: Option<u64>,
    begun: u64,
}

/// What is counted for a voltage: two's complement, from the most negative to the most positive.
pub fn code(volts: f64, scale: f64) -> u16 {
    let counted = (volts / scale * 32_768.0).round();
    (counted.clamp(-32_768.0, 32_767.0) as i16).cast_unsigned()
}

impl Ads1115 {
    /// A converter with these voltages at its inputs.
    pub fn new(inputs: [Source; 4]) -> Self {
        Self {
            inputs,
            registers: [0, CONFIGURATION, 0x8000, 0x7fff],
            pointer: 0,
            ready: None,
            begun: 0,
        }
    }

    fn configuration(&self) -> u16 {
        self.registers[1]
    }

    fn is_continuous(&self) -> bool {
        self.configuration() & 1 << 8 == 0
    }

    fn duration(&self) -> u64 {
        let rate = RATES[usize::from(self.configuration() >> 5 & 7)];
        1_000_000_000 / rate
    }

    /// What is between the inputs that are chosen (MUX).
    fn volts(&self, now: u64) -> f64 {
        let input = |index: usize| self.inputs[index].at(now);
        match self.configuration() >> 12 & 7 {
            0 => input(0) - input(1),
            1 => input(0) - input(3),
            2 => input(1) - input(3),
            3 => input(2) - input(3),
            single => input(usize::from(single - 4)),
        }
    }

    fn finish(&mut self, now: u64) {
        let Some(ready) = self.ready.filter(|ready| *ready <= now) else {
            return;
        };
        let duration = self.duration();
        let at = if self.is_continuous() {
            ready + (now - ready) / duration * duration
        } else {
            ready
        };
        let scale = SCALES[usize::from(self.configuration() >> 9 & 7)];
        self.registers[0] = code(self.volts(at), scale);
        self.ready = self.is_continuous().then_some(at + duration);
    }

    fn configure(&mut self, value: u16, now: u64) {
        let starts = value & IDLE != 0;
        self.registers[1] = value & !IDLE;
        if self.is_continuous() || starts && self.ready.is_none() {
            self.begun = now;
            self.ready = Some(now + self.duration());
        }
    }
}

impl I2cModel for Ads1115 {
    fn part(&self) -> &'static str {
        "ads1115"
    }

    fn write(&mut self, bytes: &[u8], bench: &Bench<'_>) -> Result<(), Nack> {
        self.finish(bench.now);
        let (pointer, value) = match bytes {
            [pointer] => (*pointer, None),
            [pointer, high, low, ..] => (*pointer, Some(u16::from_be_bytes([*high, *low]))),
            _ => return Ok(()),
        };
        self.pointer = usize::from(pointer & 3);
        match (self.pointer, value) {
            (1, Some(value)) => self.configure(value, bench.now),
            (threshold @ 2..=3, Some(value)) => self.registers[threshold] = value,
            // The conversion is read-only.
            _ => {}
        }
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8], bench: &Bench<'_>) -> Result<(), Nack> {
        self.finish(bench.now);
        let mut value = self.registers[self.pointer];
        if self.pointer == 1 {
            // In continuous mode a conversion is always under way, and the bit says 1.
            let busy = self.ready.is_some() && !self.is_continuous();
            value = value & !IDLE | if busy { 0 } else { IDLE };
        }
        for (byte, value) in bytes
            .iter_mut()
            .zip(value.to_be_bytes().into_iter().cycle())
        {
            *byte = value;
        }
        Ok(())
    }

    fn power_on(&mut self, _: &Bench<'_>) {
        self.registers = [0, CONFIGURATION, 0x8000, 0x7fff];
        (self.pointer, self.ready) = (0, None);
    }

    fn seen(&self, bench: &Bench<'_>) -> Seen {
        (0..4)
            .map(|index| shown(&format!("a{index}"), self.inputs[index].at(bench.now), "V"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_table() {
        // SBAS444, "Data Format": ideal codes.
        let scale = 2.048;
        let least = scale / 32_768.0;
        assert_eq!(code(scale, scale), 0x7fff);
        assert_eq!(code(least, scale), 0x0001);
        assert_eq!(code(0.0, scale), 0x0000);
        assert_eq!(code(-least, scale), 0xffff);
        assert_eq!(code(-scale, scale), 0x8000);
    }
}
