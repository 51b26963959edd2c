#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use weihe_sdk::codec::{Codec, Context as Frame, DecodeError, Direction};

/// "What is the gross weight, A?", from the manual.
const QUESTION: &[u8] = b"\x02AB03\x03";

/// A reply with its sum.
fn reply(body: &str) -> Vec<u8> {
    let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    format!("\x02{body}{sum:02X}\x03").into_bytes()
}

fn start(setup: Setup<Scale>) -> TestKernel<Scale> {
    let setup = setup.device("hopper").connection("line");
    setup.start("{}").unwrap()
}

/// The question under way.
fn asked(kernel: &mut TestKernel<Scale>) -> (Ticket, Vec<u8>) {
    let submitted = kernel.take_submitted();
    let [question] = submitted.as_slice() else {
        panic!("one question: {submitted:?}");
    };
    (question.ticket, question.request.bytes.clone())
}

fn polled(kernel: &mut TestKernel<Scale>) -> Ticket {
    let mut polls = kernel.until_submitted(Duration::from_millis(500)).unwrap();
    let poll = polls.pop().unwrap();
    let (ticket, bytes) = (poll.ticket, poll.request.bytes);
    assert_eq!(bytes, QUESTION);
    ticket
}

#[weihe_sdk::test(sandbox)]
fn a_poll_becomes_a_weight(setup: Setup<Scale>) {
    let mut kernel = start(setup);
    for (body, weight) in [
        ("AB+0123452", 123.45),
        ("AB-0000501", -5.0),
        ("AB+0000000", 0.0),
    ] {
        let ticket = polled(&mut kernel);
        kernel.reply(ticket, Ok(&reply(body))).unwrap();
        assert_eq!(
            kernel.last("plugin/hopper/weight"),
            Some(ValueBuf::Float(weight))
        );
    }
    assert_eq!(
        kernel.last("plugin/hopper/online"),
        Some(ValueBuf::Boolean(true))
    );
}

#[weihe_sdk::test(sandbox)]
fn a_spoilt_answer_is_asked_for_again_at_once(setup: Setup<Scale>) {
    let mut kernel = start(setup);
    let ticket = polled(&mut kernel);
    let mut spoilt = reply("AB+0123452");
    spoilt[5] ^= 1;
    kernel.reply(ticket, Ok(&spoilt)).unwrap();
    let (ticket, bytes) = asked(&mut kernel);
    assert_eq!(bytes, QUESTION);
    assert!(kernel.published().is_empty(), "nothing is said of it yet");
    kernel.reply(ticket, Ok(&reply("AB+0123452"))).unwrap();
    assert_eq!(
        kernel.last("plugin/hopper/weight"),
        Some(ValueBuf::Float(123.45))
    );
}

#[weihe_sdk::test(sandbox)]
fn an_indicator_that_does_not_answer_is_offline_after_its_retries(setup: Setup<Scale>) {
    let mut kernel = start(setup);
    let ticket = polled(&mut kernel);
    kernel.reply(ticket, Ok(&reply("AB+0123452"))).unwrap();
    let mut ticket = polled(&mut kernel);
    for _ in 0..2 {
        kernel
            .reply(ticket, Err(Failure::Timeout(Vec::new())))
            .unwrap();
        ticket = asked(&mut kernel).0;
    }
    kernel.take_published();
    kernel
        .reply(ticket, Err(Failure::Timeout(Vec::new())))
        .unwrap();
    let published = kernel.take_published();
    assert_eq!(
        (&published[0].value, published[0].quality),
        (&ValueBuf::None, Quality::Bad)
    );
    assert_eq!(published[1].value, ValueBuf::Boolean(false));
    assert!(kernel.logs()[0].message.contains("no reply in time"));
    // It is polled again, and comes back.
    let ticket = polled(&mut kernel);
    kernel.reply(ticket, Ok(&reply("AB+0123452"))).unwrap();
    assert_eq!(
        kernel.last("plugin/hopper/online"),
        Some(ValueBuf::Boolean(true))
    );
}

#[weihe_sdk::test(sandbox)]
fn a_pulled_cable_makes_the_weight_bad_at_once(setup: Setup<Scale>) {
    let mut kernel = start(setup);
    kernel.link("line", LinkState::Down, "unplugged").unwrap();
    assert_eq!(kernel.published()[0].quality, Quality::Bad);
    kernel.advance(Duration::from_secs(5)).unwrap();
    assert!(kernel.submitted().is_empty(), "nothing can be asked");
    kernel.link("line", LinkState::Up, "").unwrap();
    let ticket = polled(&mut kernel);
    kernel.reply(ticket, Ok(&reply("AB+0123452"))).unwrap();
    assert_eq!(
        kernel.last("plugin/hopper/weight"),
        Some(ValueBuf::Float(123.45))
    );
}

#[weihe_sdk::test(sandbox)]
fn a_cable_that_is_pulled_during_a_poll_makes_no_retries(setup: Setup<Scale>) {
    let mut kernel = start(setup);
    let ticket = polled(&mut kernel);
    let down = Failure::LinkDown("unplugged".to_owned());
    kernel.reply(ticket, Err(down)).unwrap();
    assert!(kernel.take_submitted().is_empty(), "retries are of no use");
    assert_eq!(
        kernel.last("plugin/hopper/online"),
        Some(ValueBuf::Boolean(false))
    );
}

// In the sandbox a poll that nobody answers ends by itself.
#[weihe_sdk::test]
fn a_slow_line_has_no_queue_of_polls(setup: Setup<Scale>) {
    let mut kernel = start(setup);
    kernel.advance(Duration::from_secs(5)).unwrap();
    assert_eq!(kernel.submitted().len(), 1);
}

#[weihe_sdk::test(sandbox)]
fn an_operator_weighs_now(setup: Setup<Scale>) {
    let mut kernel = start(setup);
    assert_eq!(kernel.call("weigh", r#"{ "what": "net" }"#), Ok(None));
    let (ticket, bytes) = asked(&mut kernel);
    assert_eq!(bytes, b"\x02AD05\x03");
    kernel.reply(ticket, Ok(&reply("AD+0100002"))).unwrap();
    let answer = r#"{"unit":"kg","weight":100.0}"#.to_owned();
    assert_eq!(kernel.answers()[0].1, Ok(answer));
    kernel.call("weigh", "{}").unwrap();
    let mut ticket = asked(&mut kernel).0;
    for _ in 0..2 {
        kernel.reply(ticket, Ok(&reply("BB+0100002"))).unwrap();
        ticket = asked(&mut kernel).0;
    }
    kernel.reply(ticket, Ok(&reply("BB+0100002"))).unwrap();
    let error = kernel.answers().pop().unwrap().1.unwrap_err();
    assert_eq!(error.text(), "asked A for gross, and B answered with gross");
}

#[weihe_sdk::test(sandbox)]
fn an_address_that_no_indicator_has_is_refused(setup: Setup<Scale>) {
    let setup = setup.device("hopper").connection("line");
    let error = setup.start(r#"{ "address": "a" }"#).unwrap_err();
    assert_eq!(error.text(), "config: `address`: 'a' is none of A to Z");
}

#[test]
fn frames_are_built_and_every_byte_of_them_is_explained() {
    let bytes = Frames::encode(r#"{ "address": "A" }"#).unwrap();
    assert_eq!(bytes, QUESTION);
    assert!(
        Frames::encode(r#"{ "address": "A", "what": "volume" }"#)
            .unwrap_err()
            .contains("volume")
    );
    for (direction, bytes) in [
        (Direction::Request, bytes),
        (Direction::Reply, reply("AB+0123452")),
    ] {
        let decoded = Frames::decode(direction, &Frame::new("{}"), &bytes).unwrap();
        let explained: u32 = decoded.fields.iter().map(|field| field.length).sum();
        assert_eq!(
            (explained, decoded.consumed),
            (bytes.len() as u32, bytes.len() as u32)
        );
    }
}

#[test]
fn a_wrong_byte_is_refused_with_its_place() {
    let place = |bytes: &[u8]| match Frames::decode(Direction::Reply, &Frame::new("{}"), bytes) {
        Err(DecodeError::Refused(refusal)) => refusal.offset,
        other => panic!("{other:?}"),
    };
    assert_eq!(place(b"\x03"), 0);
    assert_eq!(place(&reply("AX+0123452")), 2);
    assert_eq!(place(&reply("AB*0123452")), 3);
    assert_eq!(place(&reply("AB+01x3452")), 4);
    assert_eq!(place(&reply("AB+0123459")), 3, "nine places");
    let mut spoilt = reply("AB+0123452");
    spoilt[4] ^= 1;
    assert_eq!(place(&spoilt), 11);
}

#[test]
fn a_reply_is_found_in_pieces_and_behind_noise() {
    let scan = |bytes: &[u8]| {
        let found = Frames::scan(Direction::Reply, &Frame::new("{}"), bytes, false);
        (found.skip, found.frame)
    };
    let whole = reply("AB+0123452");
    assert_eq!(scan(&[b"\xff\x00", &whole[..]].concat()), (2, Some(14)));
    for end in 0..whole.len() {
        assert_eq!(scan(&whole[..end]), (0, None), "{end} bytes are no frame");
    }
    // The end of an older reply, cut off by a power failure, and one that begins within it.
    let cut = [b"\x02AB+0", &whole[..], b"......"].concat();
    assert_eq!(scan(&cut), (5, Some(14)));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(0_u8..0x48, 0..40)) {
        for direction in [Direction::Request, Direction::Reply] {
            let _ = Frames::decode(direction, &Frame::new("{}"), &bytes);
            let found = Frames::scan(direction, &Frame::new("{}"), &bytes, false);
            let end = found.skip as usize + found.frame.unwrap_or(0) as usize;
            proptest::prop_assert!(end <= bytes.len());
        }
    }

    #[test]
    fn any_weight_behind_any_noise_is_found(weight in 0_u32..1_000_000, noise in "[a-zA-Z0-9]{0,20}") {
        let frame = reply(&format!("AB+{weight:06}0"));
        let bytes = [noise.as_bytes(), &frame].concat();
        let found = Frames::scan(Direction::Reply, &Frame::new("{}"), &bytes, false);
        proptest::prop_assert_eq!((found.skip as usize, found.frame), (noise.len(), Some(14)));
        proptest::prop_assert_eq!(frame::weight('A', What::Gross, &frame), Ok(f64::from(weight)));
    }
}
