//! Public frames and the standard's own examples, byte by byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use weihe_modbus::{DecodeError, Direction, Explained, Field, FrameError, Raw, decode, encode};

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

fn registers(explained: &Explained) -> Vec<u16> {
    explained
        .readings
        .iter()
        .map(|reading| match &reading.value {
            Raw::Register(register) => *register,
            other => panic!("expected a register, found {other:?}"),
        })
        .collect()
}

fn bits(explained: &Explained) -> Vec<bool> {
    explained
        .readings
        .iter()
        .map(|reading| match &reading.value {
            Raw::Bit(on) => *on,
            other => panic!("expected a bit, found {other:?}"),
        })
        .collect()
}

fn every_byte_is_explained(fields: &[Field], consumed: usize) {
    let mut at = 0;
    for field in fields {
        assert_eq!(field.offset, at, "{field:?}");
        assert!(field.length > 0 && !field.name.is_empty() && !field.meaning.is_empty());
        at += field.length;
    }
    assert_eq!(at, consumed);
}

fn refusal(error: DecodeError) -> (usize, String) {
    match error {
        DecodeError::Frame(FrameError::Refused { offset, reason }) => (offset, reason),
        other => panic!("expected a refusal, found {other:?}"),
    }
}

#[test]
fn rtu_request_and_reply_of_the_public_vectors() {
    let request = hex("11 03 00 6B 00 03 76 87");
    let reply = hex("11 03 06 AE 41 56 52 43 40 49 AD");
    let asked = decode(Direction::Request, &[], "{}", &request).unwrap();
    assert_eq!(asked.mode.name(), "rtu");
    every_byte_is_explained(&asked.fields, 8);
    assert_eq!(
        asked.fields[2].meaning,
        "holding register 107, counted from 0"
    );

    let read = decode(Direction::Reply, &request, "{}", &reply).unwrap();
    every_byte_is_explained(&read.fields, 11);
    assert_eq!(registers(&read), [44609, 22098, 17216]);
    assert_eq!(read.readings[0].name, "holding 107");
    assert_eq!(read.readings[2].name, "holding 109");

    let alone = decode(Direction::Reply, &[], r#"{"mode":"rtu"}"#, &reply).unwrap();
    assert_eq!(registers(&alone), [44609, 22098, 17216]);
    assert_eq!(alone.readings[0].name, "register 0");
}

#[test]
fn tcp_reply_of_the_public_vectors() {
    let reply = hex("00 03 00 00 00 09 01 03 06 02 2B 00 00 00 64");
    let read = decode(Direction::Reply, &[], "{}", &reply).unwrap();
    assert_eq!((read.mode.name(), read.consumed), ("tcp", 15));
    every_byte_is_explained(&read.fields, 15);
    assert_eq!(registers(&read), [555, 0, 100]);
}

/// The examples of V1.1b3, 6.1 to 6.6, 6.11, 6.12, 6.16 and 6.17: JSON, request PDU, reply PDU.
const EXAMPLES: [(&str, &str, &str); 10] = [
    (
        r#"{"function":1,"address":19,"quantity":19}"#,
        "01 00 13 00 13",
        "01 03 CD 6B 05",
    ),
    (
        r#"{"function":2,"address":196,"quantity":22}"#,
        "02 00 C4 00 16",
        "02 03 AC DB 35",
    ),
    (
        r#"{"function":3,"address":107,"quantity":3}"#,
        "03 00 6B 00 03",
        "03 06 02 2B 00 00 00 64",
    ),
    (
        r#"{"function":4,"address":8,"quantity":1}"#,
        "04 00 08 00 01",
        "04 02 00 0A",
    ),
    (
        r#"{"function":5,"address":172,"value":true}"#,
        "05 00 AC FF 00",
        "05 00 AC FF 00",
    ),
    (
        r#"{"function":6,"address":1,"value":3}"#,
        "06 00 01 00 03",
        "06 00 01 00 03",
    ),
    (
        r#"{"function":15,"address":19,"values":[1,0,1,1,0,0,1,1,1,0]}"#,
        "0F 00 13 00 0A 02 CD 01",
        "0F 00 13 00 0A",
    ),
    (
        r#"{"function":16,"address":1,"values":[10,258]}"#,
        "10 00 01 00 02 04 00 0A 01 02",
        "10 00 01 00 02",
    ),
    (
        r#"{"function":22,"address":4,"and":242,"or":37}"#,
        "16 00 04 00 F2 00 25",
        "16 00 04 00 F2 00 25",
    ),
    (
        r#"{"function":23,"address":3,"quantity":6,"write-address":14,"values":[255,255,255]}"#,
        "17 00 03 00 06 00 0E 00 03 06 00 FF 00 FF 00 FF",
        "17 0C 00 FE 0A CD 00 01 00 03 00 0D 00 FF",
    ),
];

#[test]
fn the_standards_examples_in_both_modes() {
    for (json, request, reply) in EXAMPLES {
        let (request, reply) = (hex(request), hex(reply));
        for mode in [weihe_modbus::Mode::Tcp, weihe_modbus::Mode::Rtu] {
            let asked = weihe_modbus::wrap(mode, 0, 1, &request);
            let json = json.replace('{', &format!(r#"{{"mode":"{mode}","#));
            assert_eq!(encode(&json).unwrap(), asked, "{json}");
            let explained = decode(Direction::Request, &[], "{}", &asked).unwrap();
            assert_eq!(explained.mode, mode);
            every_byte_is_explained(&explained.fields, asked.len());
            let answer = weihe_modbus::wrap(mode, 0, 1, &reply);
            let explained = decode(Direction::Reply, &asked, "{}", &answer).unwrap();
            every_byte_is_explained(&explained.fields, answer.len());
            let alone = decode(Direction::Reply, &[], "{}", &answer).unwrap();
            every_byte_is_explained(&alone.fields, answer.len());
        }
    }
}

#[test]
fn coils_of_the_standards_example() {
    let request = hex("00 00 00 00 00 06 01 01 00 13 00 13");
    let reply = hex("00 00 00 00 00 06 01 01 03 CD 6B 05");
    let read = decode(Direction::Reply, &request, "{}", &reply).unwrap();
    let states: String = bits(&read)
        .iter()
        .map(|on| if *on { '1' } else { '0' })
        .collect();
    assert_eq!(states, "1011001111010110101");
    assert_eq!(read.readings[18].name, "coil 37");
    let alone = decode(Direction::Reply, &[], "{}", &reply).unwrap();
    assert_eq!(
        (alone.readings.len(), alone.readings[23].name.as_str()),
        (24, "bit 23")
    );
}

#[test]
fn exceptions_are_named() {
    let read = decode(
        Direction::Reply,
        &[],
        "{}",
        &hex("00 01 00 00 00 03 0A 81 02"),
    )
    .unwrap();
    assert_eq!(read.readings[0].value, Raw::Exception(2));
    assert_eq!(
        read.fields.last().unwrap().meaning,
        "2 (illegal data address)"
    );
    assert!(read.fields[4].meaning.contains("function 1 (Read Coils)"));
}

#[test]
fn wrong_frames_are_refused_where_they_are_wrong() {
    let rtu = r#"{"mode":"rtu"}"#;
    let tcp = r#"{"mode":"tcp"}"#;
    let request = |options: &str, bytes: &str| {
        refusal(decode(Direction::Request, &[], options, &hex(bytes)).unwrap_err())
    };
    let (offset, reason) = request(rtu, "11 03 00 6B 00 03 76 88");
    assert_eq!(
        (offset, reason.as_str()),
        (6, "CRC is 76 88, computed 76 87")
    );
    let (offset, reason) = request(tcp, "00 01 00 01 00 06 01 03 00 00 00 01");
    assert!(offset == 2 && reason.contains("0001 hex"), "{reason}");
    for length in ["00 01", "00 FF", "01 00"] {
        let (offset, reason) = request(tcp, &format!("00 01 00 00 {length} 01 03 00 00 00 01"));
        assert!(offset == 4 && reason.contains("2 to 254"), "{reason}");
    }
    for (pdu, at, words) in [
        ("03 00 00 00 7E", 10, "1 to 125"),
        ("03 00 00 00 00", 10, "1 to 125"),
        ("01 00 00 07 D1", 10, "1 to 2000"),
        ("03 FF FF 00 02", 8, "beyond address 65535"),
        ("05 00 00 12 34", 10, "FF00"),
        ("10 00 00 00 01 04 00 01 00 02", 12, "byte count 4"),
        ("10 00 00 00 7C 02 00 01", 10, "1 to 123"),
        ("0F 00 00 07 B1 01 01", 10, "1 to 1968"),
        ("07", 7, "7 (Read Exception Status) is not supported"),
        ("17 00 03 00 7E 00 0E 00 01 02 00 FF", 10, "1 to 125"),
        ("17 00 03 00 06 00 0E 00 7A 02 00 FF", 14, "1 to 121"),
        ("17 00 03 00 06 FF FF 00 02 04 00 01 00 02", 12, "beyond"),
        (
            "17 00 03 00 06 00 0E 00 01 04 00 FF 00 FF",
            16,
            "byte count 4",
        ),
        ("16 00 04 00 F2", 12, "has 5 bytes, expected 7"),
        ("2B 0D 00 00", 8, "MEI type 13"),
        (
            "2B 0E 05 00",
            9,
            "Read Device ID code 5, expected 1 (basic)",
        ),
    ] {
        let pdu = hex(pdu);
        let bytes = weihe_modbus::wrap(weihe_modbus::Mode::Tcp, 1, 1, &pdu);
        let (offset, reason) = refusal(decode(Direction::Request, &[], tcp, &bytes).unwrap_err());
        assert_eq!(offset, at, "{reason}");
        assert!(reason.contains(words), "{reason}");
    }
    let (_, reason) = request("{}", "FF FF FF FF FF FF FF FF");
    assert!(
        reason.contains("as rtu:") && reason.contains("as tcp:"),
        "{reason}"
    );
}

#[test]
fn a_reply_to_something_else_is_refused() {
    let request = hex("00 07 00 00 00 06 01 03 00 00 00 02");
    for (reply, words) in [
        (
            "00 08 00 00 00 07 01 03 04 00 01 00 02",
            "transaction identifier 8, expected 7",
        ),
        ("00 07 00 00 00 07 02 03 04 00 01 00 02", "expected unit 1"),
        (
            "00 07 00 00 00 07 01 04 04 00 01 00 02",
            "expected 3 (Read Holding Registers)",
        ),
        ("00 07 00 00 00 05 01 03 02 00 01", "expected 4"),
    ] {
        let (_, reason) =
            refusal(decode(Direction::Reply, &request, "{}", &hex(reply)).unwrap_err());
        assert!(reason.contains(words), "{reason}");
    }
}

#[test]
fn options_and_requests_name_the_culprit() {
    let options = |text: &str| {
        decode(Direction::Reply, &[], text, &[1])
            .unwrap_err()
            .to_string()
    };
    assert!(options(r#"{"mode":"ascii"}"#).contains("\"ascii\""));
    assert!(options(r#"{"mod":"rtu"}"#).contains("unknown option `mod`"));
    assert!(options("[]").contains("expected an object"));
    for (json, words) in [
        (r#"{"function":3,"address":0}"#, "`quantity` is missing"),
        (
            r#"{"function":3,"address":0,"quantity":1,"value":1}"#,
            "`value` has no place",
        ),
        (
            r#"{"function":7,"address":0}"#,
            "7 (Read Exception Status) is not supported",
        ),
        (r#"{"function":3,"quantity":1}"#, "`address` is missing"),
        (r#"{"function":22,"address":0,"and":1}"#, "`or` is missing"),
        (
            r#"{"function":22,"address":0,"and":1,"or":65536}"#,
            "`or` is 65536",
        ),
        (
            r#"{"function":43,"address":0}"#,
            "`address` has no place in function 43",
        ),
        (r#"{"function":43,"access":"all"}"#, "\"individual\""),
        (r#"{"function":43,"object":"name"}"#, "vendor-name"),
        (
            r#"{"mode":"rtu","unit":0,"function":43}"#,
            "none of them replies",
        ),
        (r#"{"function":"read-coil","address":0}"#, "read-coils"),
        (
            r#"{"function":6,"address":0,"value":65536}"#,
            "-32768 to 65535",
        ),
        (
            r#"{"function":15,"address":0,"values":[true,2]}"#,
            "values[1]",
        ),
        (r#"{"function":3,"address":0,"quantity":126}"#, "1 to 125"),
        (r#"{"function":3,"adress":0,"quantity":1}"#, "adress"),
        (
            r#"{"mode":"rtu","unit":0,"function":3,"address":0,"quantity":1}"#,
            "only writes",
        ),
    ] {
        let error = encode(json).unwrap_err();
        assert!(error.contains(words), "{json}: {error}");
    }
    let named = encode(r#"{"function":"write-single-register","address":1,"value":-1}"#).unwrap();
    assert_eq!(named[7..], [6, 0, 1, 0xFF, 0xFF]);
}

#[test]
fn garbage_before_a_frame_is_shown_as_such() {
    let bytes = hex("FF 00 55 11 03 00 6B 00 03 76 87 99");
    let explained = decode(Direction::Request, &[], r#"{"mode":"rtu"}"#, &bytes).unwrap();
    assert_eq!(explained.consumed, 11);
    assert_eq!(explained.fields[0].name, "skipped");
    every_byte_is_explained(&explained.fields, 11);
}
