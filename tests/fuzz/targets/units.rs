//! Spans, sizes and points in time as people write them: what is read is written so that it is read the
//! same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weihe_kernel::units::{Size, Span};
use weihe_sdk::{Duration, Timestamp};

fuzz_target!(|text: &str| {
    if let Ok(span) = text.parse::<Span>() {
        assert_eq!(span.to_string().parse(), Ok(span));
    }
    let _ = text.parse::<Size>();
    if let Ok(duration) = text.parse::<Duration>() {
        assert_eq!(duration.to_string().parse().ok(), Some(duration));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        assert_eq!(time.to_string().parse().ok(), Some(time));
    }
});
