//! The driver without hardware: the test is the far end of its line. Natively it takes milliseconds; with `--features
//! sandbox` the built component runs in the real kernel, too.

use super::*;

fn start(setup: Setup<Driver>) -> TestKernel<Driver> {
    setup
        .device("oven")
        .connection("line")
        .start(r#"{ "period": "1 s" }"#)
        .unwrap()
}

/// What the driver sends within a second, and its ticket.
fn polled(kernel: &mut TestKernel<Driver>) -> (Ticket, Vec<u8>) {
    let submitted = kernel.until_submitted(Duration::from_secs(1)).unwrap();
    let [poll] = submitted.as_slice() else {
        panic!("one poll a second: {submitted:?}");
    };
    (poll.ticket, poll.request.bytes.clone())
}

#[weihe_sdk::test(sandbox)]
fn a_poll_becomes_a_reading(setup: Setup<Driver>) {
    let mut kernel = start(setup);
    let (ticket, sent) = polled(&mut kernel);
    assert_eq!(sent, b"T?\n");
    kernel.reply(ticket, Ok(b"21.5\n")).unwrap();
    assert_eq!(
        kernel.last("plugin/oven/temperature"),
        Some(ValueBuf::Float(21.5))
    );
}

#[weihe_sdk::test(sandbox)]
fn without_an_answer_the_reading_is_bad(setup: Setup<Driver>) {
    let mut kernel = start(setup);
    let (ticket, _) = polled(&mut kernel);
    kernel
        .reply(ticket, Err(Failure::Timeout(Vec::new())))
        .unwrap();
    let published = kernel.take_published();
    assert_eq!(published[0].quality, Quality::Bad);
    // And it goes on.
    let (ticket, _) = polled(&mut kernel);
    kernel.reply(ticket, Ok(b"hello\n")).unwrap();
    assert_eq!(kernel.take_published()[0].quality, Quality::Bad);
}

#[weihe_sdk::test(sandbox)]
fn without_a_link_the_reading_is_bad_until_it_is_back(setup: Setup<Driver>) {
    let mut kernel = start(setup);
    kernel.link("line", LinkState::Down, "unplugged").unwrap();
    kernel.advance(Duration::from_secs(1)).unwrap();
    let published = kernel.take_published();
    assert_eq!(published[0].quality, Quality::Bad);
    kernel.link("line", LinkState::Up, "").unwrap();
    let (ticket, _) = polled(&mut kernel);
    kernel.reply(ticket, Ok(b"21.5\n")).unwrap();
    assert_eq!(
        kernel.last("plugin/oven/temperature"),
        Some(ValueBuf::Float(21.5))
    );
}

#[weihe_sdk::test(sandbox)]
fn a_set_point_is_sent_and_answered(setup: Setup<Driver>) {
    let mut kernel = start(setup);
    let answer = kernel.call("set-point", r#"{ "value": 23 }"#).unwrap();
    assert_eq!(answer, None, "it waits for the controller");
    let submitted = kernel.take_submitted();
    assert_eq!(submitted[0].request.bytes, b"SP 23.0\n");
    kernel.reply(submitted[0].ticket, Ok(b"OK\n")).unwrap();
    assert!(kernel.answers()[0].1.is_ok());
}
