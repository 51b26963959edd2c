//! Function 43/14, Read Device Identification (MODBUS Application Protocol V1.1b3, 6.21), and what a
//! server makes of it and of functions 22 and 23.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use weihe_modbus::{
    Access, Asked, Bank, Direction, Exception, FrameError, Identification, Mode, Object, Raw,
    Reply, Request, Table, answer, decode, encode, scan, wrap,
};

/// The objects of the standard's example.
fn objects() -> Vec<Object> {
    vec![
        Object::new(0, "Company identification"),
        Object::new(1, "Product code XX"),
        Object::new(2, "V2.11"),
    ]
}

/// The request and the reply of the standard's first example, each length that of its text.
fn example() -> (Vec<u8>, Vec<u8>) {
    let mut reply = vec![0x2B, 0x0E, 0x01, 0x01, 0x00, 0x00, 0x03];
    reply.extend([0x00, 0x16]);
    reply.extend(b"Company identification");
    reply.extend([0x01, 0x0F]);
    reply.extend(b"Product code XX");
    reply.extend([0x02, 0x05]);
    reply.extend(b"V2.11");
    (vec![0x2B, 0x0E, 0x01, 0x00], reply)
}

#[test]
fn the_standards_example_is_read_and_made_in_both_modes() {
    let (request, reply) = example();
    for mode in [Mode::Tcp, Mode::Rtu] {
        for function in [
            r#"43,"access":"basic","object":0"#,
            r#""read-device-identification""#,
        ] {
            let json = format!(r#"{{"mode":"{mode}","function":{function}}}"#);
            assert_eq!(encode(&json).unwrap(), wrap(mode, 0, 1, &request));
        }
        let asked = wrap(mode, 0, 1, &request);
        let explained = decode(Direction::Request, &[], "{}", &asked).unwrap();
        assert_eq!(explained.consumed, asked.len());
        let bytes = wrap(mode, 0, 1, &reply);
        for context in [&asked[..], &[]] {
            let read = decode(Direction::Reply, context, "{}", &bytes).unwrap();
            assert_eq!((read.mode, read.consumed), (mode, bytes.len()));
            let covered: usize = read.fields.iter().map(|field| field.length).sum();
            assert_eq!(covered, bytes.len());
            let texts: Vec<(&str, Raw)> = read
                .readings
                .iter()
                .map(|reading| (reading.name.as_str(), reading.value.clone()))
                .collect();
            assert_eq!(
                texts,
                [
                    ("vendor-name", Raw::Text("Company identification".into())),
                    ("product-code", Raw::Text("Product code XX".into())),
                    ("revision", Raw::Text("V2.11".into())),
                ]
            );
        }
        let asked = Asked::parse(mode, &asked).unwrap();
        let Ok(Reply::Identification(found)) = asked.reply(&bytes) else {
            panic!("not an identification");
        };
        assert_eq!(
            (found.level(), found.has_individual()),
            (Some(Access::Basic), false)
        );
        assert_eq!((found.next, found.objects.clone()), (None, objects()));
        assert_eq!(Reply::Identification(found).encode().unwrap(), reply);
    }
}

#[test]
fn a_makers_own_example_is_read_with_its_crc() {
    // KBR multicomp F144-3, data point description for the Modbus protocol, 25359_EDEBDA0279-2320-1.
    let mut bytes = vec![0x01, 0x2B, 0x0E, 0x01, 0x01, 0x00, 0x00, 0x03, 0x00, 0x08];
    bytes.extend(b"KBR GmbH");
    bytes.extend([0x01, 0x12]);
    bytes.extend(b"multicomp F144-3  ");
    bytes.extend([0x02, 0x09]);
    bytes.extend(b" 2.00r016");
    bytes.extend([0xCD, 0xDB]);
    let read = decode(Direction::Reply, &[], "{}", &bytes).unwrap();
    assert_eq!((read.mode, read.consumed), (Mode::Rtu, bytes.len()));
    assert_eq!(read.readings[1].value, Raw::Text("multicomp F144-3".into()));
    assert_eq!(read.readings[2].value, Raw::Text(" 2.00r016".into()));
}

#[test]
fn a_reply_that_goes_on_names_the_object_to_ask_for_next() {
    let mut pdu = vec![0x2B, 0x0E, 0x01, 0x01, 0xFF, 0x02, 0x01, 0x00, 0x03];
    pdu.extend(b"abc");
    let Ok(Reply::Identification(found)) = Reply::parse(&pdu, None) else {
        panic!("not an identification");
    };
    assert_eq!(found.next, Some(2));
    pdu[4] = 0x01;
    let error = Reply::parse(&pdu, None).unwrap_err();
    assert!(
        error.offset == 4 && error.reason.contains("00 or FF"),
        "{error}"
    );
}

#[test]
fn a_server_may_answer_at_its_own_level_but_not_with_a_stream_for_one_object() {
    let (_, reply) = example();
    let identify = |access| Request::Identify { access, object: 0 };
    assert!(Reply::parse(&reply, Some(&identify(Access::Extended))).is_ok());
    let error = Reply::parse(&reply, Some(&identify(Access::Individual))).unwrap_err();
    assert!(
        error.offset == 2 && error.reason.contains("code 1, expected 4"),
        "{error}"
    );
}

#[test]
fn text_is_shown_as_it_is_and_other_bytes_as_what_they_are() {
    let shown = |value: &[u8]| {
        Object {
            id: 128,
            value: value.to_vec(),
        }
        .text()
    };
    assert_eq!(shown(b"ABB \0\0"), "ABB");
    assert_eq!(shown(b"\x00\x01a"), "\\x00\\x01a");
    assert_eq!(shown(b""), "");
    assert_eq!(Object::new(128, "").name(), "object-128");
    assert_eq!(Object::new(6, "").name(), "user-application-name");
}

#[test]
fn a_reply_with_objects_beyond_a_frame_is_refused_and_not_awaited() {
    let mut pdu = vec![0x2B, 0x0E, 0x01, 0x01, 0x00, 0x00, 0x03, 0x00, 0xFF];
    pdu.extend([b'x'; 240]);
    let bytes = wrap(Mode::Rtu, 0, 1, &pdu);
    match Asked::parse(Mode::Rtu, &wrap(Mode::Rtu, 0, 1, &example().0))
        .unwrap()
        .reply(&bytes)
    {
        Err(FrameError::Refused { offset: 7, reason }) => {
            assert!(reason.contains("longer than 256"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

/// Holding registers 0 to 9, and the objects of the example.
#[derive(Default)]
struct Unit {
    registers: [u16; 10],
    objects: Vec<Object>,
}

impl Bank for Unit {
    fn bits(&self, _: Table, _: u16, _: u16) -> Result<Vec<bool>, Exception> {
        Err(Exception::ILLEGAL_DATA_ADDRESS)
    }

    fn registers(&self, _: Table, address: u16, quantity: u16) -> Result<Vec<u16>, Exception> {
        let from = usize::from(address);
        let found = self.registers.get(from..from + usize::from(quantity));
        found
            .map(<[u16]>::to_vec)
            .ok_or(Exception::ILLEGAL_DATA_ADDRESS)
    }

    fn write_coils(&mut self, _: u16, _: &[bool]) -> Result<(), Exception> {
        Err(Exception::ILLEGAL_DATA_ADDRESS)
    }

    fn write_registers(&mut self, address: u16, values: &[u16]) -> Result<(), Exception> {
        let from = usize::from(address);
        let place = self.registers.get_mut(from..from + values.len());
        place
            .ok_or(Exception::ILLEGAL_DATA_ADDRESS)?
            .copy_from_slice(values);
        Ok(())
    }

    fn identification(&self) -> Vec<Object> {
        self.objects.clone()
    }
}

fn ask(unit: &mut Unit, request: &Request) -> Reply {
    let pdu = answer(unit, &request.encode().unwrap()).unwrap();
    Reply::parse(&pdu, Some(request)).unwrap()
}

#[test]
fn a_server_masks_as_the_standards_example_says() {
    let mut unit = Unit::default();
    unit.registers[4] = 0x12;
    let request = Request::MaskRegister {
        address: 4,
        and: 0xF2,
        or: 0x25,
    };
    assert_eq!(
        ask(&mut unit, &request),
        Reply::RegisterMasked {
            address: 4,
            and: 0xF2,
            or: 0x25
        }
    );
    assert_eq!(unit.registers[4], 0x17);
}

#[test]
fn a_server_writes_before_it_reads_and_changes_nothing_when_it_refuses() {
    let mut unit = Unit::default();
    let mut request = Request::ReadWriteRegisters {
        address: 0,
        quantity: 3,
        write_address: 1,
        values: vec![7, 8],
    };
    assert_eq!(
        ask(&mut unit, &request),
        Reply::ReadWritten {
            registers: vec![0, 7, 8]
        }
    );
    if let Request::ReadWriteRegisters {
        address, values, ..
    } = &mut request
    {
        *address = 9;
        *values = vec![1, 1];
    }
    assert!(matches!(
        ask(&mut unit, &request),
        Reply::Exception {
            function: 23,
            exception: Exception::ILLEGAL_DATA_ADDRESS
        }
    ));
    assert_eq!(unit.registers[..3], [0, 7, 8]);
}

#[test]
fn a_server_answers_at_its_own_level_and_knows_single_objects() {
    let mut unit = Unit {
        objects: objects(),
        ..Unit::default()
    };
    let identify = |access, object| Request::Identify { access, object };
    let Reply::Identification(found) = ask(&mut unit, &identify(Access::Extended, 77)) else {
        panic!("refused");
    };
    assert_eq!(found.conformity, 0x81);
    assert_eq!(
        found.objects,
        objects(),
        "a stream from nowhere begins at the first object"
    );
    let Reply::Identification(found) = ask(&mut unit, &identify(Access::Individual, 2)) else {
        panic!("refused");
    };
    assert_eq!(found.objects, [Object::new(2, "V2.11")]);
    let refused = |code| Reply::Exception {
        function: 43,
        exception: Exception(code),
    };
    assert_eq!(ask(&mut unit, &identify(Access::Individual, 5)), refused(2));
    assert_eq!(
        ask(&mut Unit::default(), &identify(Access::Basic, 0)),
        refused(1)
    );
}

/// Objects as a device has them: some numbers, in order, with values of any bytes.
fn any_objects() -> impl Strategy<Value = Vec<Object>> {
    prop::collection::btree_map(
        any::<u8>(),
        prop::collection::vec(any::<u8>(), 0..=244),
        1..12,
    )
    .prop_map(|objects| {
        objects
            .into_iter()
            .map(|(id, value)| Object { id, value })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_stream_brings_every_object_once_however_often_it_goes_on(objects in any_objects()) {
        let mut unit = Unit { objects: objects.clone(), ..Unit::default() };
        let (mut found, mut next) = (Vec::new(), Some(0));
        while let Some(object) = next {
            let request = Request::Identify { access: Access::Extended, object };
            let Reply::Identification(part) = ask(&mut unit, &request) else {
                return Err(TestCaseError::fail("refused"));
            };
            prop_assert!(part.next.is_none_or(|next| next > object));
            next = part.next;
            found.extend(part.objects);
        }
        prop_assert_eq!(found, objects);
    }

    #[test]
    fn a_reply_of_any_length_is_found_however_it_is_split(
        objects in any_objects(),
        mode in prop_oneof![Just(Mode::Tcp), Just(Mode::Rtu)],
        cut in any::<prop::sample::Index>(),
    ) {
        let request = Request::Identify { access: Access::Extended, object: 0 };
        let asked = Asked { mode, transaction: if mode == Mode::Tcp { 7 } else { 0 }, unit: 9, request };
        let found = Identification::answer(&objects, Access::Extended, 0).unwrap();
        let reply = Reply::Identification(found);
        let bytes = wrap(mode, 7, 9, &reply.encode().unwrap());
        let cut = cut.index(bytes.len());
        let part = scan(mode, Direction::Reply, Some(&asked), &bytes[..cut], false);
        prop_assert_eq!((part.skip, part.frame), (0, None));
        match asked.reply(&bytes[..cut]) {
            Err(FrameError::Incomplete(missing)) => prop_assert!(cut + missing <= bytes.len()),
            other => prop_assert!(false, "{:?}", other),
        }
        let whole = scan(mode, Direction::Reply, Some(&asked), &bytes, false);
        prop_assert_eq!((whole.skip, whole.frame), (0, Some(bytes.len())));
        prop_assert_eq!(asked.reply(&bytes).unwrap(), reply);
    }

    #[test]
    fn garbage_and_replies_of_others_before_a_reply_are_skipped(
        objects in any_objects(),
        // None of these is a function code, so that no frame is made of them by accident.
        garbage in prop::collection::vec(0x40u8..=0x7F, 0..24),
        other in 10u8..=247,
    ) {
        let request = Request::Identify { access: Access::Extended, object: 0 };
        let asked = Asked { mode: Mode::Rtu, transaction: 0, unit: 9, request };
        let found = Identification::answer(&objects, Access::Extended, 0).unwrap();
        let pdu = Reply::Identification(found).encode().unwrap();
        let bytes = wrap(Mode::Rtu, 0, 9, &pdu);
        let before = [wrap(Mode::Rtu, 0, other, &pdu), garbage].concat();
        let stream = [&before[..], &bytes].concat();
        let found = scan(Mode::Rtu, Direction::Reply, Some(&asked), &stream, true);
        prop_assert_eq!((found.skip, found.frame), (before.len(), Some(bytes.len())));
    }

    #[test]
    fn nothing_panics_on_any_bytes(
        front in prop::sample::select(vec![vec![], vec![9, 0x2B, 0x0E], vec![9, 0x2B], vec![0x2B]]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
        idle in any::<bool>(),
    ) {
        let bytes = [front, rest].concat();
        for mode in [Mode::Tcp, Mode::Rtu] {
            let request = Request::Identify { access: Access::Basic, object: 0 };
            let asked = Asked { mode, transaction: 0, unit: 9, request };
            let found = scan(mode, Direction::Reply, Some(&asked), &bytes, idle);
            prop_assert!(found.skip + found.frame.unwrap_or(0) <= bytes.len());
            let _ = asked.reply(&bytes);
            let _ = decode(Direction::Reply, &asked.encode().unwrap(), "{}", &bytes);
            let _ = Reply::parse(&bytes, None);
            let _ = Request::parse(&bytes);
        }
    }

    #[test]
    fn a_corrupt_reply_is_never_taken_for_a_sound_one(
        objects in any_objects(),
        at in any::<prop::sample::Index>(),
        flip in 1u8..=255,
    ) {
        let request = Request::Identify { access: Access::Extended, object: 0 };
        let asked = Asked { mode: Mode::Rtu, transaction: 0, unit: 9, request };
        let found = Identification::answer(&objects, Access::Extended, 0).unwrap();
        let mut bytes = wrap(Mode::Rtu, 0, 9, &Reply::Identification(found).encode().unwrap());
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let found = scan(Mode::Rtu, Direction::Reply, Some(&asked), &bytes, true);
        if let Some(length) = found.frame {
            prop_assert!(asked.reply(&bytes[found.skip..found.skip + length]).is_err());
        }
    }
}
