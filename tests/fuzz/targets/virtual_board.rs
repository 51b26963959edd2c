//! Any text as the description of a board: it is refused with places that are in it, or it is a board that can be
//! looked at and whose time passes.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use weihe_hal::virtual_board::VirtualBoard;
use weihe_kernel::VirtualClock;

fuzz_target!(|text: &str| {
    let clock = VirtualClock::new(0);
    match VirtualBoard::parse(text, Arc::new(clock.clone())) {
        Ok(board) => {
            clock.advance(1_000_000_000);
            let _ = board.look();
        }
        Err(error) => {
            assert!(!error.0.is_empty());
            for fault in error.0 {
                assert!(fault.line <= text.matches('\n').count() + 1);
                assert!(!fault.message.is_empty());
            }
        }
    }
});
