//! The SDK's own numbers, beside the standard library's: read to the same bit, and written so that they are read
//! again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weihe_sdk::number;

fuzz_target!(|input: (&str, f64, u8)| {
    let (text, value, digits) = input;
    // Digits only: the words for what is no number are not read here, nor what is beyond the range.
    let theirs = text.parse::<f64>().ok().filter(|number| number.is_finite());
    let ours = number::parse(text);
    assert_eq!(ours.map(f64::to_bits), theirs.map(f64::to_bits), "{text}");

    let shortest = number::shortest(value);
    if value.is_finite() {
        assert_eq!(
            number::parse(&shortest).map(f64::to_bits),
            Some(value.to_bits()),
            "{shortest}"
        );
    }
    let fixed = number::fixed(value, digits);
    assert!(!fixed.is_empty());
    if let Some(read) = number::parse(&fixed) {
        // Half a step of the last digit, and what a product of floats rounds.
        let step = 0.1_f64.powi(i32::from(digits.min(9)));
        let off = (read - value).abs();
        assert!(
            off <= step * 0.5 + value.abs() * 1e-15,
            "{value} {digits} {fixed}"
        );
    } else {
        assert!(!value.is_finite(), "{value} {digits} {fixed}");
    }
});
