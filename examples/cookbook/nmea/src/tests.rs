#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use weihe_sdk::codec::DecodeError;

/// The example that every description of NMEA 0183 has.
const GGA: &str = "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n";
const NO_FIX: &str = "$GNGGA,123520,,,,,0,03,,,M,,M,,*7C\r\n";

fn start(setup: Setup<Nmea>) -> TestKernel<Nmea> {
    let setup = setup.device("gps").connection("line");
    setup.start("{}").unwrap()
}

fn receive(kernel: &mut TestKernel<Nmea>, bytes: impl AsRef<[u8]>) {
    kernel.received("line", None, bytes.as_ref()).unwrap();
}

fn latitude(kernel: &TestKernel<Nmea>) -> Option<ValueBuf> {
    kernel.last("plugin/gps/latitude")
}

const NORTH: Option<ValueBuf> = Some(ValueBuf::Float(48.0 + 7.038 / 60.0));

#[weihe_sdk::test(sandbox)]
fn a_sentence_becomes_a_position(setup: Setup<Nmea>) {
    let mut kernel = start(setup);
    receive(&mut kernel, GGA);
    assert_eq!(latitude(&kernel), NORTH);
    let longitude = kernel.last("plugin/gps/longitude").unwrap();
    assert_eq!(longitude, ValueBuf::Float(11.0 + 31.0 / 60.0));
    assert_eq!(
        kernel.last("plugin/gps/altitude"),
        Some(ValueBuf::Float(545.4))
    );
    assert_eq!(
        kernel.last("plugin/gps/satellites"),
        Some(ValueBuf::Integer(8))
    );
}

#[weihe_sdk::test(sandbox)]
fn south_and_west_are_below_zero(setup: Setup<Nmea>) {
    let mut kernel = start(setup);
    receive(
        &mut kernel,
        "$GPGGA,123519,3351.000,S,07030.000,W,1,08,0.9,520.0,M,46.9,M,,*4D\r\n",
    );
    assert_eq!(latitude(&kernel), Some(ValueBuf::Float(-33.85)));
    assert_eq!(
        kernel.last("plugin/gps/longitude"),
        Some(ValueBuf::Float(-70.5))
    );
}

#[test]
fn a_sentence_is_put_together_wherever_it_is_cut() {
    for cut in 0..GGA.len() {
        let mut kernel = start(FakeKernel::setup("test"));
        receive(&mut kernel, &GGA[..cut]);
        assert_eq!(latitude(&kernel), None, "{cut}");
        receive(&mut kernel, &GGA[cut..]);
        assert_eq!(latitude(&kernel), NORTH, "{cut}");
    }
}

#[weihe_sdk::test(sandbox)]
fn several_in_one_piece_are_all_taken_with_noise_between_them(setup: Setup<Nmea>) {
    let mut kernel = start(setup);
    let other = "$GPGSV,1,1,00*79\r\n";
    let stream = [
        b"\xff\x00,47\r\n",
        GGA.as_bytes(),
        other.as_bytes(),
        b"$GPG",
        GGA.as_bytes(),
    ]
    .concat();
    receive(&mut kernel, stream);
    let positions = kernel
        .published()
        .into_iter()
        .filter(|sample| sample.topic.ends_with("latitude"));
    assert_eq!(positions.count(), 2);
}

#[weihe_sdk::test(sandbox)]
fn a_spoilt_sentence_is_counted_and_no_position(setup: Setup<Nmea>) {
    let mut kernel = start(setup);
    receive(&mut kernel, GGA.replace("4807", "4907"));
    assert_eq!(latitude(&kernel), None);
    assert_eq!(kernel.last("plugin/gps/spoilt"), Some(ValueBuf::Integer(1)));
}

#[test]
fn noise_without_end_is_not_kept() {
    let mut kernel = start(FakeKernel::setup("test"));
    for _ in 0..100 {
        receive(&mut kernel, [b'$'; 1_000]);
        receive(&mut kernel, [b'x'; 1_000]);
    }
    assert!(kernel.plugin().unwrap().pending.len() < 1_000);
    receive(&mut kernel, "\r\n");
    receive(&mut kernel, GGA);
    assert_eq!(latitude(&kernel), NORTH);
}

#[test]
fn without_satellites_or_line_or_words_the_position_is_bad() {
    let lost = |lose: fn(&mut TestKernel<Nmea>)| {
        let mut kernel = start(FakeKernel::setup("test"));
        receive(&mut kernel, GGA);
        kernel.take_published();
        lose(&mut kernel);
        let published = kernel.take_published();
        let bad = published
            .iter()
            .filter(|sample| sample.quality == Quality::Bad);
        assert_eq!(bad.count(), 3, "{published:?}");
        receive(&mut kernel, GGA);
        assert_eq!(latitude(&kernel), NORTH);
    };
    lost(|kernel| receive(kernel, NO_FIX));
    lost(|kernel| kernel.link("line", LinkState::Down, "unplugged").unwrap());
    lost(|kernel| kernel.advance(Duration::from_secs(5)).unwrap());
}

#[weihe_sdk::test(sandbox)]
fn half_a_sentence_does_not_wait_for_the_next_connection(setup: Setup<Nmea>) {
    let mut kernel = start(setup);
    receive(&mut kernel, &GGA[..20]);
    kernel.link("line", LinkState::Down, "unplugged").unwrap();
    kernel.link("line", LinkState::Up, "").unwrap();
    receive(&mut kernel, &GGA[20..]);
    assert_eq!(kernel.last("plugin/gps/latitude"), Some(ValueBuf::None));
}

#[test]
fn every_byte_is_explained_and_a_wrong_one_refused_with_its_place() {
    let decode =
        |text: &str| Sentences::decode(Direction::Unsolicited, &Frame::new("{}"), text.as_bytes());
    let decoded = decode(GGA).unwrap();
    let explained: u32 = decoded.fields.iter().map(|field| field.length).sum();
    assert_eq!(
        (explained, decoded.consumed),
        (GGA.len() as u32, GGA.len() as u32)
    );
    assert_eq!(decoded.readings.len(), 3);
    match decode(&GGA.replace("*47", "*48")) {
        Err(DecodeError::Refused(refusal)) => {
            assert_eq!(refusal.offset, 63);
            assert_eq!(refusal.reason, "expected the checksum 47, found 48");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        decode(&GGA[..30]),
        Err(DecodeError::Incomplete(_))
    ));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in "[$*,\\r\\nGA0-9.xé]{0,80}") {
        let _ = Sentences::decode(Direction::Unsolicited, &Frame::new("{}"), bytes.as_bytes());
        let found = Sentences::scan(Direction::Unsolicited, &Frame::new("{}"), bytes.as_bytes(), false);
        let end = found.skip as usize + found.frame.unwrap_or(0) as usize;
        proptest::prop_assert!(end <= bytes.len());
    }

    #[test]
    fn any_fields_are_read_without_a_panic(fields in "[,NSEW0-9.a-z-]{0,60}") {
        let body = format!("GPGGA,{fields}");
        let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
        let mut kernel = start(FakeKernel::setup("test"));
        receive(&mut kernel, format!("${body}*{sum:02X}\r\n"));
        proptest::prop_assert_eq!(kernel.last("plugin/gps/spoilt"), None);
    }
}
