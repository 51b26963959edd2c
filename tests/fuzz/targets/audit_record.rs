//! A line of an audit trail: a record, or the reason why it is none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weihe::audit::{LINE_LIMIT, Record};

fuzz_target!(|line: &[u8]| match Record::parse(line) {
    Ok(mut record) => {
        // Written again it is a record again, unless its escapes make it too long for a line.
        let Ok(mut line) = record.seal() else { return };
        line.pop();
        if line.len() <= LINE_LIMIT {
            match Record::parse(&line) {
                Ok(again) => assert_eq!(again.hash, record.hash),
                Err(error) => panic!("{record:?}: {error}"),
            }
        }
    }
    Err(error) => {
        let _ = (error.to_string(), error.sequence());
    }
});
