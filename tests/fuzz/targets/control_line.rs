//! A line on the control socket: a request, or a reply that says what is wrong with it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weihe::control::parse_request;

fuzz_target!(|line: &[u8]| {
    match parse_request(line) {
        Ok(request) => {
            let _ = format!("{request:?}");
        }
        Err(reply) => {
            let _ = format!("{reply:?}");
        }
    }
});
