//! NXP PCA9685: sixteen PWM channels on I2C.
//!
//! Data sheet PCA9685, revision 4: registers in 7.3, mode registers in 7.3.1 and 7.3.2, channels in 7.3.3, all
//! channels in 7.3.4, prescaler in 7.3.5.

use super::{Bench, I2cModel, Nack, Seen};

/// Bits of MODE1.
const RESTART: u8 = 1 << 7;
const AUTO_INCREMENT: u8 = 1 << 5;
const SLEEP: u8 = 1 << 4;

/// What the mode registers and the prescaler are at first: asleep, 200 Hz.
const MODE1: u8 = 0x11;
const MODE2: u8 = 0x04;
const PRESCALE: u8 = 0x1e;

/// The least prescaler that it takes.
const LEAST_PRESCALE: u8 = 3;

/// The oscillator inside, in hertz.
const OSCILLATOR: f64 = 25e6;

const FIRST_CHANNEL: u8 = 0x06;
const LAST_CHANNEL: u8 = 0x45;
const ALL_CHANNELS: u8 = 0xfa;
const PRESCALE_REGISTER: u8 = 0xfe;

/// Steps of a period.
const STEPS: u16 = 4_096;

/// The part.
pub struct Pca9685 {
    registers: [u8; 256],
    pointer: u8,
}

impl Pca9685 {
    /// A part that is asleep.
    pub fn new() -> Self {
        let mut part = Self {
            registers: [0; 256],
            pointer: 0,
        };
        part.reset();
        part
    }

    fn reset(&mut self) {
        self.registers = [0; 256];
        for channel in 0..16 {
            // All of them are off, by their own bits (table 7).
            self.registers[usize::from(FIRST_CHANNEL) + channel * 4 + 3] = 0x10;
        }
        self.registers[0] = MODE1;
        self.registers[1] = MODE2;
        // Further addresses at which it listens (7.3.6, 7.3.7).
        self.registers[2..6].copy_from_slice(&[0xe2, 0xe4, 0xe8, 0xe0]);
        self.registers[usize::from(PRESCALE_REGISTER)] = PRESCALE;
    }

    fn set(&mut self, address: u8, value: u8) {
        let asleep = self.registers[0] & SLEEP != 0;
        match address {
            0 => {
                // Writing a one to RESTART clears it, when the oscillator runs again.
                let running = value & SLEEP == 0;
                let kept = self.registers[0] & RESTART;
                let restart = match (asleep, running) {
                    (false, false) => RESTART,
                    (true, true) | (false, true) if value & RESTART != 0 => 0,
                    _ => kept,
                };
                self.registers[0] = value & !RESTART | restart;
            }
            ALL_CHANNELS..=0xfd => {
                let byte = usize::from(address - ALL_CHANNELS);
                for channel in 0..16 {
                    let place = usize::from(FIRST_CHANNEL) + channel * 4 + byte;
                    self.registers[place] = mask(byte, value);
                }
            }
            // It can only be set while the oscillator is off.
            PRESCALE_REGISTER if asleep => {
                self.registers[usize::from(PRESCALE_REGISTER)] = value.max(LEAST_PRESCALE);
            }
            PRESCALE_REGISTER => {}
            FIRST_CHANNEL..=LAST_CHANNEL => {
                let byte = usize::from(address - FIRST_CHANNEL) % 4;
                self.registers[usize::from(address)] = mask(byte, value);
            }
            1..=5 => self.registers[usize::from(address)] = value,
            _ => {}
        }
    }

    fn advance(&mut self) {
        if self.registers[0] & AUTO_INCREMENT != 0 {
            // After the last channel it begins anew (7.3.1).
            self.pointer = match self.pointer {
                LAST_CHANNEL => 0,
                pointer => pointer.wrapping_add(1),
            };
        }
    }

    /// The share of a channel's period during which it is on; nothing while it sleeps.
    pub fn duty(&self, channel: usize) -> f64 {
        let place = usize::from(FIRST_CHANNEL) + channel * 4;
        let Some([on_low, on_high, off_low, off_high]) = self.registers.get(place..place + 4)
        else {
            return 0.0;
        };
        if self.registers[0] & SLEEP != 0 || off_high & 0x10 != 0 {
            return 0.0;
        }
        if on_high & 0x10 != 0 {
            return 1.0;
        }
        let count = |low: &u8, high: &u8| u16::from_le_bytes([*low, high & 0x0f]);
        let (on, off) = (count(on_low, on_high), count(off_low, off_high));
        let width = (off + STEPS - on) % STEPS;
        f64::from(width) / f64::from(STEPS)
    }

    /// In hertz (7.3.5).
    pub fn frequency(&self) -> f64 {
        let prescale = self.registers[usize::from(PRESCALE_REGISTER)];
        OSCILLATOR / (f64::from(STEPS) * (f64::from(prescale) + 1.0))
    }
}

/// Counts have twelve bits, and one for always on or off.
fn mask(byte: usize, value: u8) -> u8 {
    if byte % 2 == 1 { value & 0x1f } else { value }
}

impl I2cModel for Pca9685 {
    fn part(&self) -> &'static str {
        "pca9685"
    }

    fn write(&mut self, bytes: &[u8], _: &Bench<'_>) -> Result<(), Nack> {
        let Some((pointer, values)) = bytes.split_first() else {
            return Ok(());
        };
        self.pointer = *pointer;
        for value in values {
            self.set(self.pointer, *value);
            self.advance();
        }
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8], _: &Bench<'_>) -> Result<(), Nack> {
        for byte in bytes {
            *byte = match self.pointer {
                // They are for writing only (table 4).
                ALL_CHANNELS..=0xfd => 0,
                pointer => self.registers[usize::from(pointer)],
            };
            self.advance();
        }
        Ok(())
    }

    fn power_on(&mut self, _: &Bench<'_>) {
        self.reset();
        self.pointer = 0;
    }

    fn seen(&self, _: &Bench<'_>) -> Seen {
        let mut seen = vec![(
            "frequency".to_owned(),
            format!("{:.1} Hz", self.frequency()),
        )];
        for channel in 0..16 {
            let duty = self.duty(channel);
            if duty > 0.0 {
                let width = duty / self.frequency() * 1e6;
                seen.push((
                    format!("channel {channel}"),
                    format!("{:.1} %, {width:.0} µs", duty * 100.0),
                ));
            }
        }
        seen
    }

    fn memory(&self) -> &[u8] {
        &self.registers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prescaler_and_the_counts_are_those_of_the_data_sheet() {
        let mut part = Pca9685::new();
        // 7.3.5: 1Eh is 200 Hz, and it is taken while the part sleeps.
        assert!(
            (part.frequency() - 200.0).abs() < 4.0,
            "{}",
            part.frequency()
        );
        part.set(PRESCALE_REGISTER, 0x79);
        assert!((part.frequency() - 50.0).abs() < 0.1);
        part.set(0, AUTO_INCREMENT);
        part.set(PRESCALE_REGISTER, 0x03);
        assert!((part.frequency() - 50.0).abs() < 0.1, "it runs");
        // 7.3.3, example 1: 10 % delay, 20 % on: ON = 199h, OFF = 4CCh.
        for (byte, value) in [0x99, 0x01, 0xcc, 0x04].into_iter().enumerate() {
            part.set(FIRST_CHANNEL + byte as u8, value);
        }
        assert!((part.duty(0) - 0.2).abs() < 0.001, "{}", part.duty(0));
        // Example 2: 90 % delay, 90 % on: it goes on into the next period. ON = E65h, OFF = CCBh.
        for (byte, value) in [0x65, 0x0e, 0xcb, 0x0c].into_iter().enumerate() {
            part.set(FIRST_CHANNEL + 4 + byte as u8, value);
        }
        assert!((part.duty(1) - 0.9).abs() < 0.001, "{}", part.duty(1));
    }
}
