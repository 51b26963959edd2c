//! One frame, taken apart: decoding ends in fields that lie within the frame or in an error, and what is
//! read as a request is written as the same request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weihe_modbus::{Asked, Direction, Mode, decode, encode};

fuzz_target!(|input: (bool, Vec<u8>, Vec<u8>, String)| {
    let (reply, request, bytes, text) = input;
    let direction = if reply {
        Direction::Reply
    } else {
        Direction::Request
    };
    for options in ["", r#"{"mode":"tcp"}"#, r#"{"mode":"rtu"}"#] {
        if let Ok(explained) = decode(direction, &request, options, &bytes) {
            for field in &explained.fields {
                let end = field.offset.saturating_add(field.length);
                assert!(end <= bytes.len(), "{field:?} of {} bytes", bytes.len());
            }
        }
    }
    for mode in [Mode::Tcp, Mode::Rtu] {
        if let Ok(asked) = Asked::parse(mode, &bytes)
            && let Ok(written) = asked.encode()
        {
            assert_eq!(Asked::parse(mode, &written).as_ref(), Ok(&asked));
        }
    }
    let _ = encode(&text);
});
