//! A stream of bytes on a line, looked at as they arrive: whatever they are, each look ends, takes
//! nothing that has not arrived, and says the same of the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weihe_modbus::{Access, Asked, Direction, Mode, Request, Table, scan};

fuzz_target!(|input: (bool, bool, u8, u16, u8, Vec<u8>)| {
    let (rtu, reply, unit, address, count, bytes) = input;
    let mode = if rtu { Mode::Rtu } else { Mode::Tcp };
    let direction = if reply {
        Direction::Reply
    } else {
        Direction::Request
    };
    let asked = Asked {
        mode,
        transaction: address,
        unit,
        request: match count {
            // Its reply has the length that its objects make.
            0 => Request::Identify {
                access: Access::Extended,
                object: 0,
            },
            count => Request::Read {
                table: Table::Holding,
                address,
                quantity: u16::from(count).clamp(1, 125),
            },
        },
    };
    let asked = reply.then_some(&asked);
    let mut stream = bytes.as_slice();
    loop {
        let found = scan(mode, direction, asked, stream, true);
        assert_eq!(found, scan(mode, direction, asked, stream, true));
        let taken = found.skip + found.frame.unwrap_or(0);
        assert!(taken <= stream.len(), "{found:?} of {} bytes", stream.len());
        assert_ne!(found.frame, Some(0));
        if taken == 0 {
            break;
        }
        stream = &stream[taken..];
    }
});
