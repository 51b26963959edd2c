//! Sensirion SHT40, SHT41 and SHT45: temperature and humidity.
//!
//! Data sheet SHT4x, version 6: timings in 3.1, check sum in 4.4, commands in 4.5, conversion in 4.6.

use super::{Bench, I2cModel, Nack, Seen, shown};
use crate::virtual_board::world::Source;

/// The serial number that it tells.
const SERIAL: [u16; 2] = [0x0123, 0x4567];

/// How long measurements with high, medium and low precision take at most, and a soft reset, in
/// nanoseconds (3.1).
const DURATIONS: [u64; 3] = [8_300_000, 4_500_000, 1_600_000];
const RESET: u64 = 1_000_000;

/// For how long the heater is on, in the commands for a second and for a tenth of one.
const HEATER_LONG: u64 = 1_100_000_000;
const HEATER_SHORT: u64 = 110_000_000;

/// The sensor.
pub struct Sht4x {
    temperature: Source,
    humidity: Source,
    answer: Option<[u8; 6]>,
    /// When its answer is there.
    ready: u64,
    is_measuring: bool,
}

impl Sht4x {
    /// A sensor that feels these, in degrees Celsius and per cent.
    pub fn new(temperature: Source, humidity: Source) -> Self {
        Self {
            temperature,
            humidity,
            answer: None,
            ready: 0,
            is_measuring: false,
        }
    }
}

/// CRC-8 with the polynomial 0x31 and 0xff at the start (4.4).
pub fn crc(bytes: [u8; 2]) -> u8 {
    bytes.iter().fold(0xff, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| {
            if crc & 0x80 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x31
            }
        })
    })
}

fn words(first: u16, second: u16) -> [u8; 6] {
    let ([a, b], [c, d]) = (first.to_be_bytes(), second.to_be_bytes());
    [a, b, crc([a, b]), c, d, crc([c, d])]
}

/// A share of the range, as 16 bits.
fn ticks(share: f64) -> u16 {
    (share.clamp(0.0, 1.0) * 65_535.0).round() as u16
}

/// What the sensor counts for a temperature and a humidity (4.6, the other way round).
pub fn measured(temperature: f64, humidity: f64) -> [u8; 6] {
    words(
        ticks((temperature + 45.0) / 175.0),
        ticks((humidity + 6.0) / 125.0),
    )
}

impl I2cModel for Sht4x {
    fn part(&self) -> &'static str {
        "sht4x"
    }

    fn write(&mut self, bytes: &[u8], bench: &Bench<'_>) -> Result<(), Nack> {
        // It does not listen while it measures.
        if self.is_measuring && bench.now < self.ready {
            return Err(Nack::Address);
        }
        let (duration, is_measurement) = match bytes {
            [] => return Ok(()),
            [0xfd] => (DURATIONS[0], true),
            [0xf6] => (DURATIONS[1], true),
            [0xe0] => (DURATIONS[2], true),
            [0x39 | 0x2f | 0x1e] => (HEATER_LONG, true),
            [0x32 | 0x24 | 0x15] => (HEATER_SHORT, true),
            [0x89] => (0, false),
            [0x94] => {
                self.answer = None;
                self.is_measuring = true;
                self.ready = bench.now + RESET;
                return Ok(());
            }
            // Unknown commands are acknowledged by nobody.
            _ => return Err(Nack::Data(1)),
        };
        self.is_measuring = is_measurement;
        self.ready = bench.now + duration;
        self.answer = Some(if is_measurement {
            measured(self.temperature.at(bench.now), self.humidity.at(bench.now))
        } else {
            words(SERIAL[0], SERIAL[1])
        });
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8], bench: &Bench<'_>) -> Result<(), Nack> {
        if bench.now < self.ready {
            return Err(Nack::Address);
        }
        let answer = self.answer.take().ok_or(Nack::Address)?;
        for (byte, value) in bytes.iter_mut().zip(answer) {
            *byte = value;
        }
        Ok(())
    }

    fn power_on(&mut self, _: &Bench<'_>) {
        (self.answer, self.ready, self.is_measuring) = (None, 0, false);
    }

    fn seen(&self, bench: &Bench<'_>) -> Seen {
        vec![
            shown("temperature", self.temperature.at(bench.now), "°C"),
            shown("humidity", self.humidity.at(bench.now), "%"),
        ]
    }
}
