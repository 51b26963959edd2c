//! Numbers, sizes and times as people read them.

use std::io::{self, ErrorKind, Write};

use weihe_kernel::units::Size;

/// "97.1 KiB".
pub fn bytes(size: u64) -> String {
    Size(size).to_string()
}

/// "1,234,567".
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A span of nanoseconds in its two largest units: "3h 12m", "4.2s", "15ms", "730ns".
pub fn duration(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    match nanoseconds {
        0..1_000 => format!("{nanoseconds}ns"),
        1_000..1_000_000 => format!("{}µs", nanoseconds / 1_000),
        1_000_000..1_000_000_000 => format!("{}ms", nanoseconds / 1_000_000),
        _ if seconds < 60 => {
            format!("{}.{}s", seconds, nanoseconds % 1_000_000_000 / 100_000_000)
        }
        _ if seconds < 3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ if seconds < 86_400 => format!("{}h {}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// The time of day (UTC) of nanoseconds since 1970: "14:03:07.250Z".
pub fn time_of_day(nanoseconds: u64) -> String {
    let milliseconds = nanoseconds / 1_000_000;
    let seconds = milliseconds / 1_000 % 86_400;
    format!(
        "{:02}:{:02}:{:02}.{:03}Z",
        seconds / 3_600,
        seconds % 3_600 / 60,
        seconds % 60,
        milliseconds % 1_000
    )
}

/// Date and time (UTC) of nanoseconds since 1970: "2026-11-26 14:03:07Z".
pub fn date_and_time(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let (year, month, day) = civil(seconds / 86_400);
    let seconds = seconds % 86_400;
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}Z",
        seconds / 3_600,
        seconds % 3_600 / 60,
        seconds % 60
    )
}

/// Year, month and day of the Gregorian calendar from days since 1970, after Howard Hinnant's
/// `civil_from_days`: years begin in March there, so that the leap day is the last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

/// A text of anybody's on one line, without anything that a terminal would obey.
pub fn one_line(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    text.trim_end().chars().map(shown).collect()
}

/// Prints a text to standard output. A reader that has gone away (`weihe ps | head -1`) ends the
/// process, as it ends other tools.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        std::process::exit(0);
    }
}

/// Prints one line of JSON.
pub fn print_json(value: &serde_json::Value) {
    print(&format!("{value}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(duration(730), "730ns");
        assert_eq!(duration(15_200_000), "15ms");
        assert_eq!(duration(4_250_000_000), "4.2s");
        assert_eq!(duration(11_532_000_000_000), "3h 12m");
        assert_eq!(time_of_day(1_700_000_000_250_000_000), "22:13:20.250Z");
        assert_eq!(
            date_and_time(1_700_000_000_250_000_000),
            "2023-11-14 22:13:20Z"
        );
        assert_eq!(
            date_and_time(1_709_208_000_000_000_000),
            "2024-02-29 12:00:00Z"
        );
        assert_eq!(date_and_time(0), "1970-01-01 00:00:00Z");
        assert_eq!(bytes(97 * 1024 + 102), "97.1 KiB");
        assert_eq!(one_line("a\n\u{1b}[31mb\t"), "a  [31mb");
    }
}
