//! Replies that come too late, on lines where nothing in a reply says which request it answers.

use super::super::*;
use super::rig::*;

/// A poll whose late reply looks like any other.
fn alike(text: &'static str) -> Request {
    Request {
        turnaround: 400 * MS,
        ..poll(text)
    }
}

#[tokio::test]
async fn a_late_reply_is_not_the_reply_to_the_next_request() {
    let mut rig = Rig::new(Settings::default()).await;
    let (one, one_mailbox) = rig.device("one");
    let (two, two_mailbox) = rig.device("two");
    one.submit(1, alike("a")).unwrap();
    one.submit(2, alike("b")).unwrap();
    two.submit(1, alike("c")).unwrap();
    assert_eq!(rig.sent().await, "a");
    rig.run(SECOND).await;
    assert!(matches!(
        one_mailbox.replies()[..],
        [(1, Err(Failure::Timeout(_)))]
    ));
    rig.run(399 * MS).await;
    rig.answer("#1").await;
    assert_eq!(rig.sent().await, "", "nobody may speak yet");
    rig.answer("a").await;
    assert_eq!(
        rig.sent().await,
        "c",
        "it has come, so nothing is waited for"
    );
    rig.answer("#1c").await;
    assert_eq!(rig.sent().await, "b");
    rig.answer("#1b").await;
    let text = |(ticket, outcome): &(Ticket, _)| (*ticket, text_of(outcome));
    let replies: Vec<_> = two_mailbox.replies().iter().map(text).collect();
    assert_eq!(replies, [(1, "#1c".to_owned())]);
    let replies: Vec<_> = one_mailbox.replies().iter().map(text).collect();
    assert_eq!(replies, [(2, "#1b".to_owned())]);
    assert_eq!(rig.connection.stats().counters.unasked_bytes, 3);
}

#[tokio::test]
async fn noise_and_silence_do_not_end_the_hold_and_the_rest_of_a_torn_reply_does() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    for (ticket, text) in [(1, "a"), (2, "b"), (3, "c")] {
        seat.submit(ticket, alike(text)).unwrap();
    }
    assert_eq!(rig.sent().await, "a");
    rig.run(SECOND).await;
    rig.answer("noise").await;
    rig.run(399 * MS).await;
    assert_eq!(rig.sent().await, "");
    rig.run(MS).await;
    assert_eq!(rig.sent().await, "b");
    rig.run(990 * MS).await;
    rig.answer("#3xy").await;
    rig.run(10 * MS).await;
    let torn = Failure::Timeout("#3xy".into());
    assert_eq!(mailbox.replies()[1], (2, Err(torn)));
    assert_eq!(rig.sent().await, "");
    rig.answer("z").await;
    assert_eq!(rig.sent().await, "c");
}

#[tokio::test]
async fn a_reply_in_time_holds_up_nobody_and_neither_does_one_that_says_what_it_answers() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    seat.submit(1, alike("a")).unwrap();
    seat.submit(2, poll("b")).unwrap();
    seat.submit(3, poll("c")).unwrap();
    assert_eq!(rig.sent().await, "a");
    rig.answer("#0").await;
    assert_eq!(rig.sent().await, "b");
    rig.run(SECOND).await;
    assert_eq!(rig.sent().await, "c");
    assert_eq!(mailbox.replies().len(), 2);
}

#[tokio::test]
async fn a_deadline_does_not_shorten_the_time_in_which_a_reply_may_come() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    let hasty = Request {
        deadline: 100 * MS,
        ..alike("a")
    };
    seat.submit(1, hasty).unwrap();
    seat.submit(2, poll("b")).unwrap();
    rig.run(100 * MS).await;
    assert!(matches!(
        mailbox.replies()[..],
        [(1, Err(Failure::Timeout(_)))]
    ));
    // Given up after a tenth of its time: the reply may still come in time, and late.
    rig.run(1_299 * MS).await;
    assert_eq!(rig.sent().await, "a");
    rig.run(MS).await;
    assert_eq!(rig.sent().await, "b");
}

#[tokio::test]
async fn a_reply_that_cannot_be_framed_may_go_on_for_a_while() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    seat.submit(1, alike("a")).unwrap();
    seat.submit(2, poll("b")).unwrap();
    assert_eq!(rig.sent().await, "a");
    rig.answer("?").await;
    assert!(matches!(
        mailbox.replies()[..],
        [(1, Err(Failure::Framing(_)))]
    ));
    rig.run(1_399 * MS).await;
    assert_eq!(rig.sent().await, "");
    rig.run(MS).await;
    assert_eq!(rig.sent().await, "b");
}

#[tokio::test]
async fn a_reply_can_be_late_beyond_the_channel_it_was_awaited_on() {
    let settings = Settings {
        reconnect_min: 10 * MS,
        max_timeouts: Some(1),
        ..Settings::default()
    };
    let mut rig = Rig::new(settings).await;
    let (seat, mailbox) = rig.device("meter");
    seat.submit(1, alike("a")).unwrap();
    seat.submit(2, poll("b")).unwrap();
    rig.run(SECOND).await;
    rig.run(20 * MS).await;
    rig.plug_in();
    assert_eq!(rig.connection.link().0, LinkState::Up);
    rig.run(379 * MS).await;
    assert_eq!(rig.sent().await, "");
    rig.answer("#1a").await;
    rig.run(MS).await;
    assert_eq!(rig.sent().await, "b");
    rig.answer("#1b").await;
    let replies = mailbox.replies();
    assert_eq!(text_of(&replies[1].1), "#1b");
}
