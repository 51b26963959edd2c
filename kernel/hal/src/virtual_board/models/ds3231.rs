//! Maxim DS3231: a clock with a temperature.
//!
//! Data sheet 19-5170: register map in figure 1, control and status in their sections, temperature registers 11h and
//! 12h. Its time is the kernel's wall clock, moved by what a driver sets.

use super::{Bench, I2cModel, Nack, Seen, shown};
use crate::virtual_board::world::Source;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// What control and status are at first: square wave off, oscillator was stopped, 32 kHz output on.
const CONTROL: u8 = 0x1c;
const STATUS: u8 = 0x88;

/// Bits of the status that can only be cleared: stopped, alarm 2, alarm 1.
const FLAGS: u8 = 0x83;

const CENTURY: u8 = 0x80;
const HOURS_12: u8 = 0x40;
const AFTERNOON: u8 = 0x20;

/// The clock.
pub struct Ds3231 {
    temperature: Source,
    /// From the kernel's clock to its own, in nanoseconds.
    offset: i64,
    /// The day of the week that was set, and on which day since 1970 that was.
    week: (u8, i64),
    is_12_hours: bool,
    /// Alarms, control, status, ageing.
    registers: [u8; 0x13],
    pointer: u8,
    looked: i64,
}

fn bcd(value: i64) -> u8 {
    let value = value.rem_euclid(100) as u8;
    ((value / 10) << 4) | (value % 10)
}

fn plain(value: u8) -> i64 {
    i64::from((value >> 4) * 10 + (value & 0x0f))
}

/// Days since 1970 of a day, and back (Howard Hinnant's algorithms).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days - era * 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// Quarters of a degree in both temperature registers.
pub fn temperature(degrees: f64) -> [u8; 2] {
    let quarters = (degrees.clamp(-40.0, 85.0) * 4.0).round() as i16;
    (quarters << 6).to_be_bytes()
}

impl Ds3231 {
    /// A clock that feels a temperature and shows the kernel's time.
    pub fn new(temperature: Source) -> Self {
        let mut clock = Self {
            temperature,
            offset: 0,
            week: (4, 0),
            is_12_hours: false,
            registers: [0; 0x13],
            pointer: 0,
            looked: 0,
        };
        clock.reset();
        clock
    }

    fn reset(&mut self) {
        self.registers = [0; 0x13];
        self.registers[0x0e] = CONTROL;
        self.registers[0x0f] = STATUS;
    }

    /// Seconds since 1970 of its own time.
    fn seconds(&self, bench: &Bench<'_>) -> i64 {
        let wall = i64::try_from(bench.wall).unwrap_or(i64::MAX);
        wall.saturating_add(self.offset).div_euclid(SECOND)
    }

    fn hours(&self, hours: i64) -> u8 {
        if !self.is_12_hours {
            return bcd(hours);
        }
        let afternoon = if hours >= 12 { AFTERNOON } else { 0 };
        HOURS_12 | afternoon | bcd((hours + 11) % 12 + 1)
    }

    /// The time registers.
    fn time(&self, seconds: i64) -> [u8; 7] {
        let (day, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let (year, month, date) = date(day);
        let week = (i64::from(self.week.0) - 1 + day - self.week.1).rem_euclid(7) + 1;
        let century = if year >= 2_100 { CENTURY } else { 0 };
        [
            bcd(second % 60),
            bcd(second / 60 % 60),
            self.hours(second / 3_600),
            week as u8,
            bcd(date),
            bcd(month) | century,
            bcd(year),
        ]
    }

    fn set_time(&mut self, registers: [u8; 7], bench: &Bench<'_>) {
        let [second, minute, hour, week, day, month, year] = registers;
        self.is_12_hours = hour & HOURS_12 != 0;
        let hours = if self.is_12_hours {
            plain(hour & 0x1f) % 12 + if hour & AFTERNOON != 0 { 12 } else { 0 }
        } else {
            plain(hour & 0x3f)
        };
        let century = if month & CENTURY != 0 { 100 } else { 0 };
        let of_month = plain(month & 0x1f).clamp(1, 12);
        let day = days(2_000 + century + plain(year), of_month, plain(day & 0x3f));
        let seconds = day * DAY + hours * 3_600 + plain(minute & 0x7f) * 60 + plain(second & 0x7f);
        let wall = i64::try_from(bench.wall).unwrap_or(i64::MAX);
        // Writing the seconds begins a new one.
        self.offset = seconds.saturating_mul(SECOND).saturating_sub(wall);
        self.week = (week & 7, day);
    }

    /// Alarms that were due since the clock was looked at last.
    fn alarms(&mut self, bench: &Bench<'_>) {
        let now = self.seconds(bench);
        // Within a day all that depends on times of day has been seen; what is rarer is found when a day is
        // looked at, and clocks that are set do not make it run for long.
        let from = self.looked.clamp(now - DAY, now) + 1;
        for second in from..=now {
            let time = self.time(second);
            if self.matches(&[0, 1, 2], [0x07, 0x08, 0x09, 0x0a], time) {
                self.registers[0x0f] |= 1;
            }
            if time[0] == 0 && self.matches(&[1, 2], [0x0b, 0x0c, 0x0d, 0x0d], time) {
                self.registers[0x0f] |= 2;
            }
        }
        self.looked = now;
    }

    /// Whether the time registers are those of an alarm, apart from what its mask bits leave out.
    fn matches(&self, parts: &[usize], places: [u8; 4], time: [u8; 7]) -> bool {
        let alarm = |place: u8| self.registers[usize::from(place)];
        let times = parts.iter().zip(places).all(|(part, place)| {
            let value = alarm(place);
            value & 0x80 != 0 || value & 0x7f == time[*part]
        });
        let day = alarm(places[parts.len()]);
        let is_day = match (day & 0x80 != 0, day & 0x40 != 0) {
            (true, _) => true,
            (false, true) => day & 0x0f == time[3],
            (false, false) => day & 0x3f == time[4],
        };
        times && is_day
    }
}

impl I2cModel for Ds3231 {
    fn part(&self) -> &'static str {
        "ds3231"
    }

    fn write(&mut self, bytes: &[u8], bench: &Bench<'_>) -> Result<(), Nack> {
        self.alarms(bench);
        let Some((pointer, values)) = bytes.split_first() else {
            return Ok(());
        };
        self.pointer = pointer % 0x13;
        let mut time = self.time(self.seconds(bench));
        let mut is_set = false;
        for value in values {
            match self.pointer {
                place @ 0..=6 => {
                    time[usize::from(place)] = *value;
                    is_set = true;
                }
                0x0e => self.registers[0x0e] = value & !0x20,
                0x0f => {
                    // Flags can be cleared, not set; BSY is the part's own.
                    let flags = self.registers[0x0f] & value & FLAGS;
                    self.registers[0x0f] = value & 0x08 | flags;
                }
                0x11 | 0x12 => {}
                place => self.registers[usize::from(place)] = *value,
            }
            self.pointer = (self.pointer + 1) % 0x13;
        }
        if is_set {
            self.set_time(time, bench);
            self.looked = self.seconds(bench);
        }
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8], bench: &Bench<'_>) -> Result<(), Nack> {
        self.alarms(bench);
        let time = self.time(self.seconds(bench));
        let degrees = temperature(self.temperature.at(bench.now));
        for byte in bytes {
            *byte = match self.pointer {
                place @ 0..=6 => time[usize::from(place)],
                0x11 => degrees[0],
                0x12 => degrees[1],
                place => self.registers[usize::from(place)],
            };
            self.pointer = (self.pointer + 1) % 0x13;
        }
        Ok(())
    }

    /// Its battery keeps the time; a board that is described anew has one that has never been set.
    fn power_on(&mut self, bench: &Bench<'_>) {
        self.pointer = 0;
        if self.looked == 0 {
            self.reset();
            let day = self.seconds(bench).div_euclid(DAY);
            // 1970-01-01 was a Thursday; Monday is 1.
            self.week = ((day + 3).rem_euclid(7) as u8 + 1, day);
            self.looked = self.seconds(bench);
        }
    }

    fn seen(&self, bench: &Bench<'_>) -> Seen {
        let seconds = self.seconds(bench);
        let ((year, month, day), second) = (date(seconds.div_euclid(DAY)), seconds.rem_euclid(DAY));
        let text = format!(
            "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}",
            second / 3_600,
            second / 60 % 60,
            second % 60
        );
        vec![
            ("time".to_owned(), text),
            shown("temperature", self.temperature.at(bench.now), "°C"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn temperatures_are_those_of_the_data_sheet() {
        // 19-5170, "Temperature Registers": 0001 1001 01b is +25.25 °C.
        assert_eq!(temperature(25.25), [0b0001_1001, 0b0100_0000]);
        assert_eq!(temperature(-0.25), [0xff, 0xc0]);
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 3, 1), 11_017);
        assert_eq!(date(11_016), (2000, 2, 29));
    }

    proptest! {
        #[test]
        fn dates_come_back_as_they_were(day in -100_000_i64..200_000) {
            let (year, month, of_month) = date(day);
            prop_assert_eq!(days(year, month, of_month), day);
        }
    }
}
