use super::*;
use proptest::prelude::*;

fn same(text: &str) {
    let expected = text.parse::<f64>().unwrap();
    let expected = expected.is_finite().then_some(expected.to_bits());
    assert_eq!(parse(text).map(f64::to_bits), expected, "{text}");
}

#[test]
fn the_hard_cases_are_read_as_by_the_standard_library() {
    let long = format!("1{}", "0".repeat(330));
    let middle = "9007199254740993";
    for text in [
        "0",
        "-0.0",
        "00.10",
        "1.",
        ".5",
        "5e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "1e309",
        "1e-400",
        "1e99999999999999999999",
        "0e99999999999999999999",
        "1e-99999999999999999999",
        middle,
        "9007199254740992.99999999999999",
        "9007199254740993.00000000000001",
        "123456789012345678901234567890",
        "6.02214076e23",
        &long,
    ] {
        same(text);
    }
    let digits = format!("{middle}.{}1", "0".repeat(900));
    same(&digits);
    same(&format!("0.{}{middle}", "0".repeat(320)));
    for text in [
        "", ".", "-", "e5", "1e", "1e+", "0x10", "inf", "NaN", "1 ", "1.2.3", "--1",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn fixed_rounds_and_never_writes_an_exponent() {
    for (value, digits, text) in [
        (0.25, 1, "0.3"),
        (-0.04, 1, "0.0"),
        (1e15, 0, "1000000000000000"),
        (12.5, 200, "12.500000000"),
    ] {
        assert_eq!(fixed(value, digits), text);
    }
    assert_eq!(fixed(-1e20, 3), "-1e+20");
    assert_eq!(fixed(f64::NEG_INFINITY, 0), "-inf");
    assert_eq!(fixed(f64::NAN, 0), "NaN");
}

proptest! {
    #[test]
    fn any_number_is_read_as_by_the_standard_library(bits: u64) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        same(&format!("{value:e}"));
        // Not the shortest form: more digits, a point, no exponent where it is short.
        same(&format!("{value:.30e}"));
        prop_assert_eq!(parse(&shortest(value)).map(f64::to_bits), Some(value.to_bits()));
    }

    #[test]
    fn any_decimal_is_read_as_by_the_standard_library(
        text in "[0-9]{1,25}(\\.[0-9]{0,25})?(e[+-]?[0-9]{1,3})?",
    ) {
        same(&text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-+0-9.eE]{0,12}") {
        prop_assert_eq!(parse(&text), text.parse().ok().filter(|value: &f64| value.is_finite()));
    }
}
