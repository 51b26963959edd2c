//! The codec on any bytes: nothing panics, everything comes back, frames are found wherever they stand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use weihe_modbus::{
    Asked, Body, DecodeError, Direction, Exception, FrameError, Message, Mode, Reply, Request,
    Table, decode, encode, scan, wrap,
};

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Tcp), Just(Mode::Rtu)]
}

fn table() -> impl Strategy<Value = Table> {
    prop::sample::select(Table::ALL.to_vec())
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        (table(), any::<u16>(), 1u16..=2000).prop_map(|(table, address, quantity)| {
            let quantity = quantity.min(table.max_read());
            Request::Read {
                table,
                address: address.min(u16::MAX - quantity + 1),
                quantity,
            }
        }),
        (any::<u16>(), any::<bool>()).prop_map(|(address, on)| Request::WriteCoil { address, on }),
        (any::<u16>(), any::<u16>())
            .prop_map(|(address, value)| Request::WriteRegister { address, value }),
        (0u16..60000, prop::collection::vec(any::<bool>(), 1..=1968))
            .prop_map(|(address, values)| Request::WriteCoils { address, values }),
        (0u16..60000, prop::collection::vec(any::<u16>(), 1..=123))
            .prop_map(|(address, values)| Request::WriteRegisters { address, values }),
        (any::<u16>(), any::<u16>(), any::<u16>())
            .prop_map(|(address, and, or)| Request::MaskRegister { address, and, or }),
        (
            0u16..60000,
            1u16..=125,
            0u16..60000,
            prop::collection::vec(any::<u16>(), 1..=121)
        )
            .prop_map(|(address, quantity, write_address, values)| {
                Request::ReadWriteRegisters {
                    address,
                    quantity,
                    write_address,
                    values,
                }
            }),
    ]
}

fn asked() -> impl Strategy<Value = Asked> {
    (mode(), any::<u16>(), 1u8..=247, request()).prop_map(|(mode, transaction, unit, request)| {
        Asked {
            mode,
            transaction: if mode == Mode::Tcp { transaction } else { 0 },
            unit,
            request,
        }
    })
}

/// The reply to a request, its content made from a seed; an exception when `refuse` is set.
fn answer(request: &Request, seed: u16, refuse: bool) -> Reply {
    if refuse {
        return Reply::Exception {
            function: request.function().code(),
            exception: Exception(1 + seed as u8 % 11),
        };
    }
    let at = |index: usize| {
        seed.wrapping_mul(40503)
            .wrapping_add((index as u16).wrapping_mul(977))
    };
    match request {
        Request::Read {
            table, quantity, ..
        } if table.is_bits() => Reply::Bits {
            table: *table,
            bits: (0..usize::from(*quantity))
                .map(|index| at(index) & 64 != 0)
                .collect(),
        },
        Request::Read {
            table, quantity, ..
        } => Reply::Registers {
            table: *table,
            registers: (0..usize::from(*quantity)).map(at).collect(),
        },
        Request::WriteCoil { address, on } => Reply::CoilWritten {
            address: *address,
            on: *on,
        },
        Request::WriteRegister { address, value } => Reply::RegisterWritten {
            address: *address,
            value: *value,
        },
        Request::MaskRegister { address, and, or } => Reply::RegisterMasked {
            address: *address,
            and: *and,
            or: *or,
        },
        Request::ReadWriteRegisters { quantity, .. } => Reply::ReadWritten {
            registers: (0..usize::from(*quantity)).map(at).collect(),
        },
        other => Reply::Written {
            table: other.function().table().unwrap(),
            address: other.address().unwrap(),
            quantity: other.quantity() as u16,
        },
    }
}

fn frame(asked: &Asked, reply: &Reply) -> Vec<u8> {
    wrap(
        asked.mode,
        asked.transaction,
        asked.unit,
        &reply.encode().unwrap(),
    )
}

/// What a connection does with `scan`: drops what is to be skipped, waits while there is no frame.
fn receive(asked: &Asked, chunks: &[&[u8]], idle_at_end: bool) -> Option<Vec<u8>> {
    let mut buffer = Vec::new();
    for (index, chunk) in chunks.iter().enumerate() {
        buffer.extend_from_slice(chunk);
        let idles: &[bool] = if idle_at_end && index + 1 == chunks.len() {
            &[false, true]
        } else {
            &[false]
        };
        for idle in idles {
            let found = scan(asked.mode, Direction::Reply, Some(asked), &buffer, *idle);
            assert!(found.skip + found.frame.unwrap_or(0) <= buffer.len());
            buffer.drain(..found.skip);
            if let Some(length) = found.frame {
                return Some(buffer[..length].to_vec());
            }
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_panics_on_any_bytes(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        context in prop::collection::vec(any::<u8>(), 0..20),
        asked in asked(),
        idle in any::<bool>(),
    ) {
        for direction in [Direction::Request, Direction::Reply] {
            for options in ["{}", r#"{"mode":"tcp"}"#, r#"{"mode":"rtu"}"#] {
                if let Ok(explained) = decode(direction, &context, options, &bytes) {
                    let covered: usize = explained.fields.iter().map(|field| field.length).sum();
                    prop_assert_eq!(covered, explained.consumed);
                }
                if let Err(DecodeError::Frame(FrameError::Incomplete(missing))) =
                    decode(direction, &[], options, &bytes)
                {
                    prop_assert!(missing > 0);
                }
            }
            for asked in [None, Some(&asked)] {
                for mode in [Mode::Tcp, Mode::Rtu] {
                    let found = scan(mode, direction, asked, &bytes, idle);
                    prop_assert!(found.skip + found.frame.unwrap_or(0) <= bytes.len());
                    prop_assert!(found.frame != Some(0));
                }
            }
        }
    }

    #[test]
    fn nothing_panics_on_frames_with_some_wrong_bytes(
        asked in asked(),
        seed in any::<u16>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        idle in any::<bool>(),
    ) {
        let mut bytes = frame(&asked, &answer(&asked.request, seed, false));
        for (index, byte) in flips {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        let context = asked.encode().unwrap();
        let _ = decode(Direction::Reply, &context, "{}", &bytes);
        let _ = decode(Direction::Request, &[], "{}", &bytes);
        let found = scan(asked.mode, Direction::Reply, Some(&asked), &bytes, idle);
        prop_assert!(found.skip + found.frame.unwrap_or(0) <= bytes.len());
    }

    #[test]
    fn nothing_panics_on_any_json(text in "[ -~]{0,60}") {
        let _ = encode(&text);
        let _ = decode(Direction::Reply, &[], &text, &[1, 2, 3]);
    }

    #[test]
    fn what_is_encoded_is_decoded(asked in asked(), seed in any::<u16>(), refuse in any::<bool>()) {
        let bytes = asked.encode().unwrap();
        prop_assert_eq!(&Asked::parse(asked.mode, &bytes).unwrap(), &asked);
        let explained = decode(Direction::Request, &[], &format!(r#"{{"mode":"{}"}}"#, asked.mode), &bytes);
        prop_assert_eq!(explained.unwrap().consumed, bytes.len());
        let reply = answer(&asked.request, seed, refuse);
        let bytes = frame(&asked, &reply);
        prop_assert_eq!(&asked.reply(&bytes).unwrap(), &reply);
        // Without its request the same bytes are a frame of the same length.
        let alone = Message::parse(asked.mode, Direction::Reply, None, &bytes).unwrap();
        prop_assert_eq!(alone.frame.length, bytes.len());
        prop_assert!(matches!(alone.body, Body::Reply(_)));
    }

    #[test]
    fn every_shorter_piece_says_how_much_is_missing(asked in asked(), seed in any::<u16>()) {
        let bytes = frame(&asked, &answer(&asked.request, seed, false));
        for cut in 0..bytes.len() {
            match asked.reply(&bytes[..cut]) {
                Err(FrameError::Incomplete(missing)) => prop_assert!(cut + missing <= bytes.len()),
                other => prop_assert!(false, "{} of {}: {:?}", cut, bytes.len(), other),
            }
        }
    }

    #[test]
    fn a_reply_is_found_however_it_is_split(
        asked in asked(),
        seed in any::<u16>(),
        refuse in any::<bool>(),
        idle in any::<bool>(),
    ) {
        let bytes = frame(&asked, &answer(&asked.request, seed, refuse));
        for cut in 0..=bytes.len() {
            let (left, right) = bytes.split_at(cut);
            let found = receive(&asked, &[left, right], idle);
            prop_assert_eq!(found.as_ref(), Some(&bytes), "cut at {}", cut);
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(receive(&asked, &single, false), Some(bytes));
    }

    #[test]
    fn garbage_before_a_reply_is_skipped(
        asked in asked(),
        seed in any::<u16>(),
        garbage in prop::collection::vec(any::<u8>(), 1..24),
    ) {
        let bytes = frame(&asked, &answer(&asked.request, seed, false));
        let mut stream = garbage.clone();
        stream.extend(&bytes);
        // Garbage can be the beginning of a longer frame by accident: then the idle line decides.
        prop_assert_eq!(receive(&asked, &[&stream], true), Some(bytes));
    }

    #[test]
    fn replies_to_others_are_skipped(
        asked in asked(),
        seed in any::<u16>(),
        other in any::<u8>(),
        transaction in any::<u16>(),
        split in any::<prop::sample::Index>(),
    ) {
        let mut foreign = asked.clone();
        foreign.unit = if other == asked.unit { other ^ 1 } else { other };
        foreign.transaction = transaction;
        let mut stream = frame(&foreign, &answer(&asked.request, seed ^ 0x5555, false));
        let bytes = frame(&asked, &answer(&asked.request, seed, false));
        stream.extend(&bytes);
        let (left, right) = stream.split_at(split.index(stream.len()));
        prop_assert_eq!(receive(&asked, &[left, right], true), Some(bytes));
    }

    #[test]
    fn a_wrong_crc_is_handed_over_once_the_line_is_idle(
        request in request(),
        unit in 1u8..=247,
        seed in any::<u16>(),
        at in any::<prop::sample::Index>(),
        flip in 1u8..=255,
    ) {
        let asked = Asked { mode: Mode::Rtu, transaction: 0, unit, request };
        let mut bytes = frame(&asked, &answer(&asked.request, seed, false));
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert_eq!(receive(&asked, &[&bytes], false), None);
        // A flip that makes an exception reply is shorter; any other keeps the length.
        if let Some(found) = receive(&asked, &[&bytes], true) {
            prop_assert!(asked.reply(&found).is_err());
        } else {
            prop_assert!(false, "a corrupt reply was kept back");
        }
    }

    #[test]
    fn a_server_finds_pipelined_requests(
        mode in mode(),
        requests in prop::collection::vec((1u8..=247, request()), 1..5),
    ) {
        let mut stream = Vec::new();
        for (unit, request) in &requests {
            stream.extend(wrap(mode, 7, *unit, &request.encode().unwrap()));
        }
        for (unit, request) in &requests {
            let found = scan(mode, Direction::Request, None, &stream, false);
            prop_assert_eq!(found.skip, 0);
            let length = found.frame.unwrap();
            let read = Asked::parse(mode, &stream[..length]).unwrap();
            prop_assert_eq!((&read.unit, &read.request), (unit, request));
            stream.drain(..length);
        }
        prop_assert!(stream.is_empty());
    }
}

#[test]
fn a_reply_with_a_corrupt_unit_is_handed_over_whatever_else_it_looks_like() {
    // Among so many frames some hold the front of the reply, or a whole frame of another unit.
    for address in 0..=u16::MAX - 2 {
        let asked = Asked {
            mode: Mode::Rtu,
            transaction: 0,
            unit: 12,
            request: Request::WriteRegisters {
                address,
                values: vec![0, 0],
            },
        };
        let mut bytes = frame(&asked, &answer(&asked.request, 0, false));
        bytes[0] ^= 1;
        let found = receive(&asked, &[&bytes], true).expect("handed over");
        assert!(asked.reply(&found).is_err());
    }
}
