//! The codec hook as a host calls it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use weihe_plugin_modbus::Modbus;
use weihe_sdk::Quality;
use weihe_sdk::codec::{Codec, Context, DecodeError, Direction, Scan, Value};

const REQUEST: [u8; 8] = [0x11, 0x03, 0x00, 0x6B, 0x00, 0x03, 0x76, 0x87];
const REPLY: [u8; 11] = [
    0x11, 0x03, 0x06, 0xAE, 0x41, 0x56, 0x52, 0x43, 0x40, 0x49, 0xAD,
];

#[test]
fn a_reply_is_taken_apart_with_its_request() {
    let context = Context::new("{}").request(REQUEST);
    let decoded = Modbus::decode(Direction::Reply, &context, &REPLY).unwrap();
    assert_eq!(decoded.consumed, 11);
    assert_eq!(
        decoded.fields.iter().map(|field| field.length).sum::<u32>(),
        11
    );
    let first = &decoded.readings[0];
    assert_eq!(first.name, "holding 107");
    assert!(matches!(first.value, Value::Integer(44609)));
    assert_eq!(first.quality, Quality::Good);
}

#[test]
fn what_cannot_be_decoded_says_why() {
    let context = Context::new("{}").request(REQUEST);
    let incomplete = Modbus::decode(Direction::Reply, &context, &REPLY[..6]);
    assert!(matches!(incomplete, Err(DecodeError::Incomplete(5))));
    let mut corrupt = REPLY;
    corrupt[4] ^= 1;
    match Modbus::decode(Direction::Reply, &context, &corrupt) {
        Err(DecodeError::Refused(refusal)) => {
            assert_eq!(refusal.offset, 9);
            assert!(
                refusal.reason.contains("CRC is 49 AD"),
                "{}",
                refusal.reason
            );
        }
        other => panic!("{other:?}"),
    }
    let options = Modbus::decode(Direction::Reply, &Context::new(r#"{"mode":1}"#), &REPLY);
    assert!(matches!(options, Err(DecodeError::Options(_))));
    let unsolicited = Modbus::decode(Direction::Unsolicited, &Context::new("{}"), &REPLY);
    assert!(matches!(unsolicited, Err(DecodeError::Refused(_))));
}

#[test]
fn a_reply_is_found_behind_garbage_and_replies_of_others() {
    let context = Context::new(r#"{"mode":"rtu"}"#).request(REQUEST);
    let scan = |bytes: &[u8], idle| {
        let Scan { skip, frame } = Modbus::scan(Direction::Reply, &context, bytes, idle);
        (skip, frame)
    };
    let other = [0x12, 0x83, 0x02, 0x60, 0xFD];
    let other = [&other[..3], &weihe_modbus::crc16(&other[..3]).to_le_bytes()].concat();
    let stream = [&[0xFF, 0x00][..], &other, &REPLY].concat();
    assert_eq!(scan(&stream, false), (7, Some(11)));
    assert_eq!(scan(&REPLY[..7], false), (0, None));
    let mut corrupt = REPLY;
    corrupt[10] ^= 0xFF;
    assert_eq!(scan(&corrupt, false), (0, None));
    assert_eq!(scan(&corrupt, true), (0, Some(11)));
    assert_eq!(
        Modbus::encode(r#"{"mode":"rtu","unit":17,"function":3,"address":107,"quantity":3}"#)
            .unwrap(),
        REQUEST
    );
}
