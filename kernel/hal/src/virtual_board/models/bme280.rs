//! Bosch BME280: temperature, pressure and humidity.
//!
//! Data sheet BST-BME280-DS002: registers in 5.3 and 5.4, compensation in 4.2.3, measurement times in 9.1. The model goes the compensation's way back: it looks for the raw values from which a driver computes what
//! the world is.

use super::{Bench, I2cModel, Nack, Seen, shown};
use crate::virtual_board::world::Source;

/// The calibration: temperature and pressure as in the worked example of the BMP280's data sheet
/// (BST-BMP280-DS001, 3.12), whose compensation is the same; humidity of the size that parts have.
const T: [i64; 3] = [27_504, 26_435, -1_000];
const P: [i64; 9] = [
    36_477, -10_685, 3_024, 2_855, 140, -7, 15_500, -14_600, 6_000,
];
const H: [i64; 6] = [75, 362, 0, 323, 50, 30];

/// Raw values of 20 and of 16 bits.
const RAW_20: i64 = (1 << 20) - 1;
const RAW_16: i64 = (1 << 16) - 1;

/// What data registers hold before the first measurement (5.4.7 to 5.4.9).
const NOTHING_20: i64 = 0x80000;
const NOTHING_16: i64 = 0x8000;

const ID: u8 = 0x60;
const RESET: u8 = 0xb6;

/// Of the nonvolatile memory being copied after a reset: 2 ms (1.1, start-up time).
const START_UP: u64 = 2_000_000;

/// The sensor.
pub struct Bme280 {
    temperature: Source,
    humidity: Source,
    pressure: Source,
    registers: [u8; 256],
    pointer: u8,
    /// When the measurement under way is done; what is in force of humidity oversampling.
    ready: Option<u64>,
    humidity_oversampling: u8,
    started: u64,
}

/// Temperature as 4.2.3 computes it: hundredths of a degree, and `t_fine`.
fn temperature(raw: i64) -> (i64, i64) {
    let var1 = (((raw >> 3) - (T[0] << 1)) * T[1]) >> 11;
    let near = (raw >> 4) - T[0];
    let var2 = (((near * near) >> 12) * T[2]) >> 14;
    let fine = var1 + var2;
    ((fine * 5 + 128) >> 8, fine)
}

/// Pressure as 4.2.3 computes it: 256ths of a pascal.
fn pressure(raw: i64, fine: i64) -> i64 {
    let mut var1 = fine - 128_000;
    let mut var2 = var1 * var1 * P[5];
    var2 += (var1 * P[4]) << 17;
    var2 += P[3] << 35;
    var1 = ((var1 * var1 * P[2]) >> 8) + ((var1 * P[1]) << 12);
    var1 = (((1_i64 << 47) + var1) * P[0]) >> 33;
    if var1 == 0 {
        return 0;
    }
    let mut p = 1_048_576 - raw;
    p = (((p << 31) - var2) * 3_125) / var1;
    var1 = (P[8] * (p >> 13) * (p >> 13)) >> 25;
    var2 = (P[7] * p) >> 19;
    ((p + var1 + var2) >> 8) + (P[6] << 4)
}

/// Humidity as 4.2.3 computes it: 1024ths of a per cent.
fn humidity(raw: i64, fine: i64) -> i64 {
    let mut v = fine - 76_800;
    let left = ((raw << 14) - (H[3] << 20) - (H[4] * v) + 16_384) >> 15;
    let right = ((((((v * H[5]) >> 10) * (((v * H[2]) >> 11) + 32_768)) >> 10) + 2_097_152) * H[1]
        + 8_192)
        >> 14;
    v = left * right;
    v -= ((((v >> 15) * (v >> 15)) >> 7) * H[0]) >> 4;
    v.clamp(0, 419_430_400) >> 12
}

/// The raw value from which a growing function computes what is nearest to a wanted one.
fn inverse(most: i64, wanted: i64, compute: impl Fn(i64) -> i64) -> i64 {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = (low + high) / 2;
        if compute(middle) < wanted {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let before = (low - 1).max(0);
    if (compute(before) - wanted).abs() <= (compute(low) - wanted).abs() {
        before
    } else {
        low
    }
}

/// The raw values of a temperature in degrees Celsius, a pressure in hectopascals and a relative humidity
/// in per cent.
pub fn raw(degrees: f64, hectopascals: f64, percent: f64) -> (i64, i64, i64) {
    let wanted = (degrees.clamp(-40.0, 85.0) * 100.0).round() as i64;
    // Of all raw values that give these hundredths the one in their middle.
    let first = inverse(RAW_20, wanted, |raw| temperature(raw).0);
    let mut last = first;
    while temperature(last + 1).0 == temperature(first).0 && last < RAW_20 {
        last += 1;
    }
    let raw_t = (first + last) / 2;
    let fine = temperature(raw_t).1;
    let wanted = (hectopascals.clamp(300.0, 1_100.0) * 100.0 * 256.0).round() as i64;
    let raw_p = RAW_20 - inverse(RAW_20, wanted, |raw| pressure(RAW_20 - raw, fine));
    let wanted = (percent.clamp(0.0, 100.0) * 1_024.0).round() as i64;
    let raw_h = inverse(RAW_16, wanted, |raw| humidity(raw, fine));
    (raw_t, raw_p, raw_h)
}

/// How many times something is measured for a setting of oversampling (5.4.3, 5.4.5).
fn times(setting: u8) -> u64 {
    match setting {
        0 => 0,
        1..=5 => 1 << (setting - 1),
        _ => 16,
    }
}

impl Bme280 {
    /// A sensor that feels these: degrees Celsius, per cent, hectopascals.
    pub fn new(temperature: Source, humidity: Source, pressure: Source) -> Self {
        Self {
            temperature,
            humidity,
            pressure,
            registers: [0; 256],
            pointer: 0,
            ready: None,
            humidity_oversampling: 0,
            started: 0,
        }
    }

    fn register(&mut self, address: u8) -> &mut u8 {
        // An index of eight bits is within 256.
        &mut self.registers[usize::from(address)]
    }

    fn calibration(&mut self) {
        let mut put = |address: u8, value: i64| {
            let [low, high, ..] = value.to_le_bytes();
            *self.register(address) = low;
            *self.register(address + 1) = high;
        };
        for (index, value) in T.iter().chain(&P).enumerate() {
            put(0x88 + 2 * index as u8, *value);
        }
        put(0xe1, H[1]);
        *self.register(0xa1) = H[0] as u8;
        *self.register(0xe3) = H[2] as u8;
        *self.register(0xe4) = (H[3] >> 4) as u8;
        *self.register(0xe5) = (H[3] as u8 & 0x0f) | ((H[4] as u8 & 0x0f) << 4);
        *self.register(0xe6) = (H[4] >> 4) as u8;
        *self.register(0xe7) = H[5] as u8;
    }

    fn reset(&mut self, now: u64) {
        self.registers = [0; 256];
        self.calibration();
        *self.register(0xd0) = ID;
        self.ready = None;
        self.humidity_oversampling = 0;
        self.started = now;
        self.show(NOTHING_20, NOTHING_20, NOTHING_16);
    }

    fn show(&mut self, t: i64, p: i64, h: i64) {
        for (address, value) in [(0xf7, p), (0xfa, t)] {
            *self.register(address) = (value >> 12) as u8;
            *self.register(address + 1) = (value >> 4) as u8;
            *self.register(address + 2) = ((value << 4) & 0xf0) as u8;
        }
        *self.register(0xfd) = (h >> 8) as u8;
        *self.register(0xfe) = h as u8;
    }

    /// How long a measurement typically takes, in nanoseconds (9.1). Not the longest time: a driver of the
    /// ecosystem waits for the typical one.
    fn duration(&mut self) -> u64 {
        let control = *self.register(0xf4);
        let (t, p) = (times(control >> 5), times(control >> 2 & 7));
        let h = times(self.humidity_oversampling);
        let extra = |times: u64| if times > 0 { 500 } else { 0 };
        (1_000 + 2_000 * (t + p + h) + extra(p) + extra(h)) * 1_000
    }

    /// The pause between two measurements in normal mode, in nanoseconds (5.4.6, table 27).
    fn standby(&mut self) -> u64 {
        let milliseconds = [0.5, 62.5, 125.0, 250.0, 500.0, 1_000.0, 10.0, 20.0];
        let setting = usize::from(*self.register(0xf5) >> 5);
        (milliseconds.get(setting).copied().unwrap_or(0.5) * 1e6) as u64
    }

    /// Ends the measurement that is done by now.
    fn finish(&mut self, now: u64) {
        let Some(ready) = self.ready.filter(|ready| *ready <= now) else {
            return;
        };
        // In normal mode the newest one is what counts.
        let round = self.duration() + self.standby();
        let control = *self.register(0xf4);
        let normal = control & 3 == 3;
        let at = if normal {
            ready + (now - ready) / round * round
        } else {
            ready
        };
        let (t, p, h) = raw(
            self.temperature.at(at),
            self.pressure.at(at),
            self.humidity.at(at),
        );
        let skipped = |setting: u8, value: i64, nothing: i64| {
            if setting == 0 { nothing } else { value }
        };
        self.show(
            skipped(control >> 5, t, NOTHING_20),
            skipped(control >> 2 & 7, p, NOTHING_20),
            skipped(self.humidity_oversampling, h, NOTHING_16),
        );
        if normal {
            self.ready = Some(at + round);
        } else {
            self.ready = None;
            *self.register(0xf4) &= !3;
        }
    }

    fn set(&mut self, address: u8, value: u8, now: u64) {
        match address {
            0xe0 if value == RESET => self.reset(now),
            0xf2 => *self.register(0xf2) = value & 7,
            0xf4 => {
                *self.register(0xf4) = value;
                // Humidity oversampling takes effect with a write of this one (5.4.3).
                self.humidity_oversampling = *self.register(0xf2);
                self.ready = match value & 3 {
                    0 => None,
                    _ => Some(now + self.duration()),
                };
            }
            0xf5 => *self.register(0xf5) = value & 0xfd,
            // The others are read-only (table 18).
            _ => {}
        }
    }

    fn status(&self, now: u64) -> u8 {
        let measuring = u8::from(self.ready.is_some_and(|ready| now < ready)) << 3;
        measuring | u8::from(now < self.started + START_UP)
    }
}

impl I2cModel for Bme280 {
    fn part(&self) -> &'static str {
        "bme280"
    }

    fn write(&mut self, bytes: &[u8], bench: &Bench<'_>) -> Result<(), Nack> {
        self.finish(bench.now);
        // Pairs of address and value; a lone address is for what is read then (6.2.1, 6.2.2).
        for pair in bytes.chunks(2) {
            match pair {
                [address, value] => self.set(*address, *value, bench.now),
                [address] => self.pointer = *address,
                _ => {}
            }
        }
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8], bench: &Bench<'_>) -> Result<(), Nack> {
        self.finish(bench.now);
        let status = self.status(bench.now);
        *self.register(0xf3) = status;
        for byte in bytes {
            *byte = *self.register(self.pointer);
            self.pointer = self.pointer.wrapping_add(1);
        }
        Ok(())
    }

    fn power_on(&mut self, bench: &Bench<'_>) {
        self.reset(bench.now);
    }

    fn seen(&self, bench: &Bench<'_>) -> Seen {
        vec![
            shown("temperature", self.temperature.at(bench.now), "°C"),
            shown("humidity", self.humidity.at(bench.now), "%"),
            shown("pressure", self.pressure.at(bench.now), "hPa"),
        ]
    }

    fn memory(&self) -> &[u8] {
        &self.registers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compensation_is_that_of_the_worked_example() {
        // BST-BMP280-DS001, 3.12: 25.08 degrees, and 100 653.27 Pa with 64 bits.
        assert_eq!(temperature(519_888), (2_508, 128_422));
        let pascals = pressure(415_148, 128_422) as f64 / 256.0;
        assert!((pascals - 100_653.27).abs() < 0.2, "{pascals}");
    }

    #[test]
    fn a_driver_computes_what_the_world_is() {
        for degrees in [-39.5, -10.0, 0.0, 0.01, 21.37, 60.0, 84.9] {
            for (hectopascals, percent) in [(301.0, 0.5), (1_013.25, 47.3), (1_099.0, 99.5)] {
                let (t, p, h) = raw(degrees, hectopascals, percent);
                let (hundredths, fine) = temperature(t);
                assert_eq!(hundredths, (degrees * 100.0_f64).round() as i64);
                let pascals = pressure(p, fine) as f64 / 256.0;
                assert!((pascals - hectopascals * 100.0).abs() < 1.0, "{pascals}");
                let relative = humidity(h, fine) as f64 / 1_024.0;
                assert!(
                    (relative - percent).abs() < 0.02,
                    "{relative} {percent} at {degrees}"
                );
            }
        }
    }
}
