use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_is_shown_is_parsed(nanos: u64) {
        let span = Duration::from_nanos(nanos);
        prop_assert_eq!(span.to_string().parse(), Ok(span));
    }

    #[test]
    fn a_shown_point_in_time_is_parsed_to_the_millisecond(millis in 0_u64..200_000_000_000_000 / 1_000) {
        let time = Timestamp::from_nanos(millis * 1_000_000);
        prop_assert_eq!(time.to_string().parse(), Ok(time));
    }

    #[test]
    fn any_text_is_parsed_without_a_panic(text: String) {
        let _ = text.parse::<Duration>();
        let _ = text.parse::<Timestamp>();
    }

    #[test]
    fn near_dates_are_parsed_without_a_panic(
        text in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{0,10})?(Z|[+-][0-9]{2}:[0-9]{2})",
    ) {
        let _ = text.parse::<Timestamp>();
    }

    #[test]
    fn near_misses_are_parsed_without_a_panic(text in "[0-9. dhminsuµ-]{0,20}") {
        let _ = text.parse::<Duration>();
    }
}

#[test]
fn spans_are_read_in_their_units() {
    let read = |text: &str| text.parse::<Duration>().map(Duration::as_nanos);
    assert_eq!(read("1.5s"), Ok(1_500_000_000));
    assert_eq!(read("2 h 5 min"), Ok(7_500_000_000_000));
    assert_eq!(read("7 µs"), Ok(7_000));
    assert_eq!(read("1 d"), Ok(86_400_000_000_000));
    for wrong in [
        "",
        "5",
        "s",
        "-1 s",
        "5 parsecs",
        "99999999999 d",
        "1.2.3 s",
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_negative_number_of_seconds_is_refused() {
    let error = serde_json::from_str::<Duration>("-3")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("-3 s: a span of time is not negative"),
        "{error}"
    );
}

#[test]
fn rfc3339_is_read_with_offset_and_fraction() {
    let nanos = |text: &str| text.parse::<Timestamp>().map(Timestamp::as_nanos);
    assert_eq!(nanos("1970-01-01T00:00:00Z"), Ok(0));
    assert_eq!(
        nanos("2023-11-14T22:13:20.5Z"),
        Ok(1_700_000_000_500_000_000)
    );
    assert_eq!(
        nanos("2023-11-15T06:13:20+08:00"),
        Ok(1_700_000_000_000_000_000)
    );
    for wrong in [
        "2023-02-29T00:00:00Z",
        "2023-13-01T00:00:00Z",
        "2023-01-01",
        "now",
        "",
    ] {
        assert!(nanos(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn dates_are_right_around_leap_days() {
    let date = |secs: u64| Timestamp::from_nanos(secs * 1_000_000_000).to_string();
    assert_eq!(date(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(date(951_782_400), "2000-02-29T00:00:00.000Z");
    assert_eq!(date(951_868_800), "2000-03-01T00:00:00.000Z");
    assert_eq!(date(4_107_542_400), "2100-03-01T00:00:00.000Z");
    assert_eq!(date(1_735_689_599), "2024-12-31T23:59:59.000Z");
}
