//! The parser against frames from the sensor's manual.

use super::*;

const REQUEST: [u8; 4] = [0xAA, 0x01, 0x10, 0x11];
const REPLY: [u8; 7] = [0xAA, 0x04, 0x10, 0x00, 0xD7, 0x2D, 0x18];

#[test]
fn a_reply_says_temperature_and_humidity() {
    let decoded = Frames::decode(Direction::Reply, &Frame::new("{}"), &REPLY).unwrap();
    assert_eq!(decoded.readings[0].value, Content::Float(21.5));
    assert_eq!(decoded.readings[1].value, Content::Integer(45));
    // Every byte is explained.
    let explained: u32 = decoded.fields.iter().map(|field| field.length).sum();
    assert_eq!(explained, decoded.consumed);
}

#[test]
fn a_request_is_built_and_understood() {
    assert_eq!(
        Frames::encode(r#"{ "function": "read" }"#).unwrap(),
        REQUEST
    );
    assert!(
        Frames::encode(r#"{ "function": "fly" }"#)
            .unwrap_err()
            .contains("fly")
    );
    assert!(Frames::decode(Direction::Request, &Frame::new("{}"), &REQUEST).is_ok());
}

#[test]
fn a_wrong_sum_is_refused_with_its_place() {
    let mut wrong = REPLY;
    wrong[6] = 0;
    match Frames::decode(Direction::Reply, &Frame::new("{}"), &wrong) {
        Err(DecodeError::Refused(refusal)) => assert_eq!(refusal.offset, 6),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reply_is_found_in_pieces_and_behind_noise() {
    let scan = |bytes: &[u8]| {
        let found = Frames::scan(Direction::Reply, &Frame::new("{}"), bytes, false);
        (found.skip, found.frame)
    };
    let noisy = [&[0x00, 0xFF][..], &REPLY].concat();
    assert_eq!(scan(&noisy), (2, Some(7)));
    for end in 0..REPLY.len() {
        assert_eq!(scan(&REPLY[..end]).1, None, "{end} bytes are no frame");
    }
}

#[weihe_sdk::test(sandbox)]
fn it_starts_without_configuration(setup: Setup<Frames>) {
    setup.start("{}").unwrap();
}
