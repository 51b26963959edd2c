//! Microchip MCP3008: eight analogue inputs, 10 bits, on SPI. And a loop, for what only wants to see its own bytes.
//!
//! Data sheet DS21295: configuration bits in table 5-2, the exchange in figure 5-1 and, with bytes, figure 6-1; output
//! code in equation 4-2.

use super::{Bench, Seen, SpiModel, shown};
use crate::virtual_board::world::Source;

/// Clocks with configuration bits after the start bit: single-ended or differential, and three of the channel.
const CONFIGURATION: u32 = 4;

/// Of one clock more the sample is taken, and of another one a null bit comes.
const NULL: u32 = CONFIGURATION + 2;

/// The converter.
pub struct Mcp3008 {
    /// Volts at the inputs.
    inputs: [Source; 8],
    /// Volts of the reference.
    reference: f64,
    /// Clocks since the start bit; none before it.
    clocks: Option<u32>,
    configuration: u8,
    code: u16,
}

/// What is counted for a voltage (equation 4-2).
pub fn code(volts: f64, reference: f64) -> u16 {
    (volts * 1_024.0 / reference).floor().clamp(0.0, 1_023.0) as u16
}

impl Mcp3008 {
    /// A converter with these voltages at its inputs, and at its reference.
    pub fn new(inputs: [Source; 8], reference: f64) -> Self {
        Self {
            inputs,
            reference,
            clocks: None,
            configuration: 0,
            code: 0,
        }
    }

    fn volts(&self, now: u64) -> f64 {
        let channel = usize::from(self.configuration & 7);
        let input = |index: usize| self.inputs[index].at(now);
        if self.configuration & 8 != 0 {
            input(channel)
        } else {
            // In pairs; the lowest bit says which one is the positive (table 5-2).
            input(channel) - input(channel ^ 1)
        }
    }

    fn clock(&mut self, bit: bool, bench: &Bench<'_>) -> bool {
        let Some(clocks) = &mut self.clocks else {
            if bit {
                self.clocks = Some(0);
            }
            return false;
        };
        *clocks += 1;
        match *clocks {
            clock if clock <= CONFIGURATION => {
                self.configuration = self.configuration << 1 & 0x0f | u8::from(bit);
                if clock == CONFIGURATION {
                    self.code = code(self.volts(bench.now), self.reference);
                }
                false
            }
            clock if clock <= NULL => false,
            // The most significant bit first; then backwards, without the least one again (figure 5-1).
            clock => match clock - NULL {
                place @ 1..=10 => self.code >> (10 - place) & 1 == 1,
                place @ 11..=19 => self.code >> (place - 10) & 1 == 1,
                _ => false,
            },
        }
    }
}

impl SpiModel for Mcp3008 {
    fn part(&self) -> &'static str {
        "mcp3008"
    }

    fn modes(&self) -> &'static [u8] {
        &[0, 3]
    }

    fn select(&mut self, _: &Bench<'_>) {
        (self.clocks, self.configuration) = (None, 0);
    }

    fn exchange(&mut self, byte: u8, bench: &Bench<'_>) -> u8 {
        (0..8).rev().fold(0, |read, place| {
            let bit = self.clock(byte >> place & 1 == 1, bench);
            read << 1 | u8::from(bit)
        })
    }

    fn seen(&self, bench: &Bench<'_>) -> Seen {
        (0..8)
            .map(|index| shown(&format!("ch{index}"), self.inputs[index].at(bench.now), "V"))
            .collect()
    }
}

/// What goes out comes back.
pub struct Loopback;

impl SpiModel for Loopback {
    fn part(&self) -> &'static str {
        "loopback"
    }

    fn modes(&self) -> &'static [u8] {
        &[0, 1, 2, 3]
    }

    fn select(&mut self, _: &Bench<'_>) {}

    fn exchange(&mut self, byte: u8, _: &Bench<'_>) -> u8 {
        byte
    }

    fn seen(&self, _: &Bench<'_>) -> Seen {
        Seen::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_equation() {
        // DS21295, equation 4-2: 1024 * V / V_REF.
        assert_eq!(code(0.0, 3.3), 0);
        assert_eq!(code(1.65, 3.3), 512);
        assert_eq!(code(3.3, 3.3), 1_023);
        assert_eq!(code(-1.0, 3.3), 0);
    }
}
