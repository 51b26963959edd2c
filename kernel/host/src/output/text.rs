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
        assert_eq!(bytes(97 * 1024 + 102), "97.1 KiB");
    }
}
