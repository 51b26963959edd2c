//! Numbers in the texts of instruments and configurations, read and written without the tables of
//! the standard library, which are a fifth of a small component.
//!
//! ```
//! use weihe_sdk::number;
//!
//! let celsius = number::parse("21.5").unwrap();
//! assert_eq!(number::fixed(celsius * 1.8 + 32.0, 1), "70.7");
//! ```

mod decimal;

use decimal::EXACT;
use std::cmp::Ordering;

pub(crate) use decimal::Decimal;

/// Reads a decimal number: `21.5`, `-3`, `+1.25e-3`. The result is the nearest `f64`, as that of
/// [`str::parse`]; `None` for all else, `inf` and `NaN` included, and for numbers beyond the range.
///
/// ```
/// use weihe_sdk::number;
///
/// assert_eq!(number::parse("21.5"), Some(21.5));
/// assert_eq!(number::parse("1e-3"), Some(0.001));
/// assert_eq!(number::parse("21,5"), None);
/// ```
pub fn parse(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    let value = Decimal::scan(digits)?.to_f64();
    value
        .is_finite()
        .then_some(if negative { -value } else { value })
}

/// Writes a number with so many digits behind the point, at most 9; half away from zero. What is no
/// number, or beyond 2⁵³ in units of the last digit (where not every step exists), is written as by
/// [`shortest`].
///
/// ```
/// use weihe_sdk::number;
///
/// assert_eq!(number::fixed(23.04, 1), "23.0");
/// assert_eq!(number::fixed(-0.5, 2), "-0.50");
/// assert_eq!(number::fixed(1e300, 1), "1e+300");
/// ```
pub fn fixed(value: f64, digits: u8) -> String {
    let digits = digits.min(9);
    let scale = 10_u64.pow(u32::from(digits));
    let steps = (value * scale as f64).round();
    // What is no number is not below.
    if !matches!(
        steps.abs().partial_cmp(&(EXACT as f64)),
        Some(Ordering::Less)
    ) {
        return shortest(value);
    }
    let sign = if steps < 0.0 { "-" } else { "" };
    let steps = steps.abs() as u64;
    let (whole, part) = (steps / scale, steps % scale);
    match digits {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{part:0width$}", width = usize::from(digits)),
    }
}

/// Writes a number as briefly as it can be read again: `21.5`, `1e+300`. For logs and messages.
///
/// ```
/// assert_eq!(weihe_sdk::number::shortest(0.1), "0.1");
/// assert_eq!(weihe_sdk::number::shortest(f64::INFINITY), "inf");
/// ```
pub fn shortest(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    // Finite numbers have a JSON form.
    let text = serde_json::to_string(&value).unwrap_or_default();
    match text.strip_suffix(".0") {
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
