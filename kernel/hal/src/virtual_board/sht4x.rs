//! Sensirion SHT40, SHT41 and SHT45: temperature and humidity (data sheet SHT4x, version 6).

use super::bus::I2cModel;

/// The sensor.
pub struct Sht4x {
    temperature: f64,
    humidity: f64,
    answer: Option<[u8; 6]>,
}

/// The serial number that it tells.
const SERIAL: [u16; 2] = [0x0123, 0x4567];

impl Sht4x {
    pub(super) fn new(temperature: f64, humidity: f64) -> Self {
        Self {
            temperature,
            humidity,
            answer: None,
        }
    }
}

/// CRC-8 with the polynomial 0x31 and 0xff at the start (data sheet, 4.4).
fn crc(bytes: [u8; 2]) -> u8 {
    bytes.iter().fold(0xff, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| {
            if crc & 0x80 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x31
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

impl I2cModel for Sht4x {
    fn write(&mut self, bytes: &[u8]) -> Option<()> {
        self.answer = match bytes {
            // Measurements with high, medium and low precision, and with the heater (data sheet, 4.5).
            [0xfd | 0xf6 | 0xe0 | 0x39 | 0x32 | 0x2f | 0x24 | 0x1e | 0x15] => Some(words(
                ticks((self.temperature + 45.0) / 175.0),
                ticks((self.humidity + 6.0) / 125.0),
            )),
            [0x89] => Some(words(SERIAL[0], SERIAL[1])),
            [0x94] => None,
            _ => return None,
        };
        Some(())
    }

    fn read(&mut self, bytes: &mut [u8]) -> Option<()> {
        let answer = self.answer.take()?;
        bytes.fill(0xff);
        for (byte, value) in bytes.iter_mut().zip(answer) {
            *byte = value;
        }
        Some(())
    }
}
