//! Board files: any text is a board file or a list of faults, each with a place within the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weihe_hal::board::BoardFile;

fuzz_target!(|text: &str| {
    if let Err(faults) = BoardFile::parse("fuzzed", text) {
        assert!(!faults.is_empty());
        for fault in faults {
            assert!(!fault.message.is_empty());
            assert!(
                text.get(fault.span.clone()).is_some(),
                "{:?} of {}",
                fault.span,
                text.len()
            );
        }
    }
});
