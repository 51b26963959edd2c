//! Exchanges on a line: replies, time-outs, noise, and devices that come, go and do not keep up.

use std::sync::Arc;

use bytes::Bytes;

use super::super::*;
use super::rig::*;

#[tokio::test]
async fn a_reply_comes_back_with_its_times() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    rig.run(SECOND).await;
    seat.submit(7, poll("ask")).unwrap();
    assert_eq!(rig.sent().await, "ask");
    rig.run(20 * MS).await;
    rig.answer("#2a").await;
    rig.run(3 * MS).await;
    rig.answer("b").await;
    let reply = Reply {
        bytes: Bytes::from_static(b"#2ab"),
        sent: EPOCH + SECOND,
        received: EPOCH + SECOND + 23 * MS,
    };
    assert_eq!(
        mailbox.take(),
        [Notice::Replied {
            ticket: 7,
            outcome: Ok(reply)
        }]
    );
    let stats = rig.connection.stats();
    assert_eq!((stats.counters.requests, stats.counters.replies), (1, 1));
    assert_eq!((stats.bytes_out, stats.bytes_in), (3, 4));
    assert_eq!(stats.round_trip.last, 23 * MS);
    assert_eq!(stats.devices[0].device, "meter");
    assert_eq!(stats.devices[0].round_trip.count, 1);
}

#[tokio::test]
async fn a_transaction_is_awaited_and_dropping_it_withdraws_it() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    let first = tokio::spawn({
        let seat = seat.clone();
        async move { seat.transact(poll("first")).await }
    });
    rig.run(0).await;
    let second = tokio::spawn(async move { seat.transact(poll("second")).await });
    rig.run(0).await;
    second.abort();
    assert!(second.await.unwrap_err().is_cancelled());
    rig.answer("#1x").await;
    assert_eq!(text_of(&first.await.unwrap()), "#1x");
    assert_eq!(rig.sent().await, "first");
    assert_eq!(mailbox.take(), []);
    assert_eq!(rig.connection.stats().counters.cancelled, 1);
}

#[tokio::test]
async fn a_time_out_gives_what_came_and_the_rest_is_unasked() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    let (_other, other_mailbox) = rig.device("other");
    let request = Request {
        reply: ReplyRule::Length(7),
        ..poll("a")
    };
    seat.submit(1, request).unwrap();
    rig.run(900 * MS).await;
    rig.answer("#5ab").await;
    rig.run(99 * MS).await;
    assert_eq!(mailbox.replies(), []);
    rig.run(MS).await;
    let partial = Failure::Timeout(Bytes::from_static(b"#5ab"));
    assert_eq!(mailbox.replies(), [(1, Err(partial))]);
    rig.answer("cde").await;
    assert_eq!(mailbox.received(), b"cde");
    assert_eq!(
        other_mailbox.received(),
        b"cde",
        "everyone on the line hears it"
    );
    let counters = rig.connection.stats().counters;
    assert_eq!(
        (
            counters.timeouts,
            counters.skipped_bytes,
            counters.unasked_bytes
        ),
        (1, 4, 3)
    );
}

#[tokio::test]
async fn the_time_out_counts_from_the_last_byte_on_the_wire() {
    let settings = Settings {
        byte_time: 100 * MS,
        ..Settings::default()
    };
    let rig = Rig::new(settings).await;
    let (seat, mailbox) = rig.device("meter");
    seat.submit(1, poll("12345")).unwrap();
    rig.run(1_499 * MS).await;
    assert_eq!(mailbox.replies(), []);
    rig.run(MS).await;
    assert_eq!(mailbox.replies().len(), 1);
}

#[tokio::test]
async fn stale_bytes_do_not_become_the_next_reply() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    // Both are there when the line's task wakes up.
    tokio::io::AsyncWriteExt::write_all(&mut rig.far, b"#1old")
        .await
        .unwrap();
    let request = Request {
        reply: ReplyRule::Length(3),
        ..poll("a")
    };
    seat.submit(1, request).unwrap();
    assert_eq!(rig.sent().await, "a");
    rig.answer("new").await;
    let notices = mailbox.take();
    let [
        Notice::Received {
            bytes,
            peer: None,
            time: EPOCH,
        },
        Notice::Replied { outcome, .. },
    ] = &notices[..]
    else {
        panic!("{notices:?}");
    };
    assert_eq!(&bytes[..], b"#1old");
    assert_eq!(text_of(outcome), "new");
}

#[tokio::test]
async fn garbage_before_a_frame_is_skipped_and_what_follows_is_unasked() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    seat.submit(1, poll("a")).unwrap();
    rig.run(0).await;
    rig.answer("xx").await;
    rig.answer("yy#2abzz").await;
    let notices = mailbox.take();
    let [
        Notice::Replied { outcome, .. },
        Notice::Received { bytes, .. },
    ] = &notices[..]
    else {
        panic!("{notices:?}");
    };
    assert_eq!(text_of(outcome), "#2ab");
    assert_eq!(&bytes[..], b"zz");
    let stats = rig.connection.stats();
    assert_eq!(stats.counters.skipped_bytes, 4);
    assert_eq!(stats.devices[0].counters.unasked_bytes, 2);
}

#[tokio::test]
async fn silence_ends_a_reply_and_tells_the_framer() {
    let settings = Settings {
        silence: 10 * MS,
        ..Settings::default()
    };
    let mut rig = Rig::new(settings).await;
    let (seat, mailbox) = rig.device("meter");
    let request = Request {
        reply: ReplyRule::Silence,
        ..poll("a")
    };
    seat.submit(1, request).unwrap();
    rig.run(50 * MS).await;
    rig.answer("ab").await;
    rig.run(9 * MS).await;
    rig.answer("cd").await;
    rig.run(9 * MS).await;
    assert_eq!(mailbox.replies(), []);
    rig.run(MS).await;
    let replies = mailbox.replies();
    assert_eq!(text_of(&replies[0].1), "abcd");
    let Ok(reply) = &replies[0].1 else {
        panic!("{replies:?}");
    };
    assert_eq!(reply.received, EPOCH + 59 * MS, "when its last byte came");

    seat.submit(2, poll("b")).unwrap();
    rig.run(0).await;
    rig.answer("#9torn").await;
    rig.run(10 * MS).await;
    rig.answer("#1x").await;
    assert_eq!(
        text_of(&mailbox.replies()[0].1),
        "#1x",
        "the torn frame was given up"
    );
}

#[tokio::test]
async fn a_framer_that_fails_or_a_reply_without_end_fails_the_exchange() {
    let settings = Settings {
        max_reply: 8,
        ..Settings::default()
    };
    let mut rig = Rig::new(settings).await;
    let (seat, mailbox) = rig.device("meter");
    seat.submit(1, poll("a")).unwrap();
    rig.run(0).await;
    rig.answer("?").await;
    assert!(text_of(&mailbox.replies()[0].1).contains("a question is no answer"));
    let line = Request {
        reply: ReplyRule::Delimiter(b"\n".to_vec()),
        ..poll("b")
    };
    seat.submit(2, line).unwrap();
    rig.run(0).await;
    rig.answer("123456789").await;
    let text = text_of(&mailbox.replies()[0].1);
    assert!(text.contains("max-reply = 8"), "{text}");
    assert_eq!(rig.connection.stats().counters.framing, 2);
    seat.submit(3, poll("c")).unwrap();
    rig.run(0).await;
    rig.answer("#1x").await;
    assert_eq!(text_of(&mailbox.replies()[0].1), "#1x", "the line goes on");
}

#[tokio::test]
async fn a_device_that_does_not_look_holds_up_nobody() {
    let mut rig = Rig::new(Settings::default()).await;
    let slow_mailbox = Mailbox::with_capacity(1);
    let slow = rig
        .connection
        .attach("slow", slow_mailbox.clone(), Some(Box::new(Hash)))
        .unwrap();
    let (quick, quick_mailbox) = rig.device("quick");
    for ticket in 0..5 {
        slow.submit(ticket, poll("s")).unwrap();
        quick.submit(ticket, poll("q")).unwrap();
    }
    for _ in 0..10 {
        rig.run(0).await;
        rig.answer("#0").await;
    }
    assert_eq!(quick_mailbox.replies().len(), 5);
    assert_eq!(rig.connection.stats().devices[0].undelivered, 5);
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.extend(slow_mailbox.replies().into_iter().map(|(ticket, _)| ticket));
        rig.run(0).await;
    }
    assert_eq!(
        seen,
        [0, 1, 2, 3, 4],
        "nothing is lost, and the order stays"
    );
}

#[tokio::test]
async fn unasked_bytes_beyond_what_may_wait_are_dropped_and_counted() {
    let mut rig = Rig::new(Settings::default()).await;
    let mailbox = Mailbox::with_capacity(1);
    let _seat = rig
        .connection
        .attach("slow", mailbox.clone(), None)
        .unwrap();
    let (_quick, quick_mailbox) = rig.device("quick");
    for _ in 0..limits::UNASKED_BACKLOG + 3 {
        rig.answer("ab").await;
    }
    assert_eq!(
        quick_mailbox.received().len(),
        2 * (limits::UNASKED_BACKLOG + 3)
    );
    let stats = rig.connection.stats();
    assert_eq!(stats.devices[0].counters.dropped_bytes, 6);
    assert_eq!(stats.devices[1].counters.dropped_bytes, 0);
    assert_eq!(stats.devices[0].undelivered, limits::UNASKED_BACKLOG);
}

#[tokio::test]
async fn what_is_cancelled_is_not_sent_and_what_was_sent_is_not_cancelled() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    seat.submit(1, poll("a")).unwrap();
    seat.submit(2, poll("b")).unwrap();
    seat.submit(3, poll("c")).unwrap();
    rig.run(0).await;
    for ticket in [1, 2, 99] {
        seat.cancel(ticket);
    }
    assert_eq!(mailbox.replies(), [(2, Err(Failure::Cancelled))]);
    rig.answer("#0").await;
    assert_eq!(mailbox.replies()[0].0, 1);
    assert_eq!(rig.sent().await, "ac");
}

#[tokio::test]
async fn a_device_that_leaves_takes_its_requests_along_and_its_reply_meets_nobody() {
    let mut rig = Rig::new(Settings::default()).await;
    let (leaving, leaving_mailbox) = rig.device("leaving");
    let (staying, staying_mailbox) = rig.device("staying");
    leaving.submit(1, poll("a")).unwrap();
    leaving.submit(2, poll("b")).unwrap();
    rig.run(0).await;
    staying.submit(1, poll("c")).unwrap();
    leaving.detach();
    let mut outcomes = leaving_mailbox.replies();
    outcomes.sort_by_key(|(ticket, _)| *ticket);
    assert_eq!(
        outcomes,
        [(1, Err(Failure::Cancelled)), (2, Err(Failure::Cancelled))]
    );
    assert_eq!(leaving.submit(3, poll("d")), Err(Failure::Cancelled));
    assert_eq!(rig.sent().await, "a");
    rig.answer("#1a").await;
    assert_eq!(rig.sent().await, "c");
    rig.answer("#1c").await;
    assert_eq!(text_of(&staying_mailbox.replies()[0].1), "#1c");
    assert_eq!(leaving_mailbox.take(), []);
    assert_eq!(
        Arc::strong_count(&leaving_mailbox),
        1,
        "nothing holds the device"
    );
}

#[tokio::test]
async fn a_new_instance_gets_the_place_of_the_one_before() {
    let mut rig = Rig::new(Settings::default()).await;
    let (before, old_mailbox) = rig.device("meter");
    before.submit(1, poll("a")).unwrap();
    before.submit(2, poll("b")).unwrap();
    rig.run(0).await;
    let (after, mailbox) = rig.device("meter");
    rig.answer("#0").await;
    rig.answer("#0").await;
    after.submit(3, poll("c")).unwrap();
    rig.run(0).await;
    rig.answer("#0").await;
    let tickets: Vec<Ticket> = mailbox
        .replies()
        .iter()
        .map(|(ticket, _)| *ticket)
        .collect();
    assert_eq!(tickets, [1, 2, 3]);
    assert_eq!(old_mailbox.take(), []);
    assert_eq!(rig.connection.stats().devices.len(), 1);
}

#[tokio::test]
async fn bytes_are_sent_without_awaiting_a_reply() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    seat.send(None, Bytes::from_static(b"hello")).unwrap();
    assert_eq!(rig.sent().await, "hello");
    assert_eq!(mailbox.take(), []);
    assert!(matches!(
        seat.send(Some(1), Bytes::from_static(b"x")),
        Err(Failure::Invalid(_))
    ));
}

#[tokio::test]
async fn whether_bytes_can_be_sent_is_known_beforehand() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, _mailbox) = rig.device("meter");
    let hello = Bytes::from_static(b"hello");
    assert_eq!(seat.check_send(None, &hello), Ok(()));
    for (peer, bytes) in [(Some(1), hello.clone()), (None, Bytes::new())] {
        let said = seat.check_send(peer, &bytes);
        assert!(matches!(said, Err(Failure::Invalid(_))), "{said:?}");
    }
    assert_eq!(rig.sent().await, "", "asking sends nothing");
    rig.refuse(Some("no route"));
    rig.unplug().await;
    rig.run(SECOND).await;
    let down = Failure::LinkDown("no route".into());
    assert_eq!(seat.check_send(None, &hello), Err(down));
    seat.detach();
    assert_eq!(seat.check_send(None, &hello), Err(Failure::Cancelled));
}

#[tokio::test]
async fn exchanges_are_open_until_they_are_finished() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, _mailbox) = rig.device("meter");
    let (other, _other_mailbox) = rig.device("other");
    for ticket in 1..=3 {
        seat.submit(ticket, poll("a")).unwrap();
    }
    rig.run(0).await;
    assert_eq!((seat.open_tickets(), other.open_tickets()), (3, 0));
    rig.answer("#0").await;
    seat.cancel(3);
    assert_eq!(seat.open_tickets(), 1);
    seat.detach();
    assert_eq!(seat.open_tickets(), 0);
}

#[tokio::test]
async fn a_codec_that_panics_fails_its_own_exchange_only() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    seat.submit(1, poll("a")).unwrap();
    rig.run(0).await;
    rig.answer("#!").await;
    let text = text_of(&mailbox.replies()[0].1);
    assert!(text.contains("the codec panicked"), "{text}");
    seat.submit(2, poll("b")).unwrap();
    rig.run(0).await;
    rig.answer("#1x").await;
    assert_eq!(text_of(&mailbox.replies()[0].1), "#1x");
}

/// Notes what passes, while it is told to.
#[derive(Clone, Default)]
struct Ear {
    heard: Arc<std::sync::Mutex<Vec<String>>>,
    is_deaf: Arc<std::sync::atomic::AtomicBool>,
}

impl Tap for Ear {
    fn is_wanted(&self) -> bool {
        !self.is_deaf.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn passed(&self, frame: Frame<'_>) {
        let words = match frame {
            Frame::Exchange {
                request, outcome, ..
            } => format!("{} {}", request.len(), outcome.is_ok()),
            Frame::Received { bytes, .. } => format!("unasked {}", bytes.len()),
        };
        self.heard.lock().unwrap().push(words);
    }
}

#[tokio::test]
async fn whoever_listens_in_hears_exchanges_when_they_end_and_bytes_that_nobody_asked_for() {
    let mut rig = Rig::new(Settings::default()).await;
    let ear = Ear::default();
    let heard = ear.heard.clone();
    rig.connection.listen_in(Box::new(ear.clone()));
    let (seat, _mailbox) = rig.device("meter");
    seat.submit(1, poll("ask")).unwrap();
    assert_eq!(rig.sent().await, "ask");
    assert!(heard.lock().unwrap().is_empty(), "it is under way");
    rig.answer("#1x").await;
    rig.answer("noise").await;
    seat.submit(2, poll("again")).unwrap();
    rig.run(10 * SECOND).await;
    assert_eq!(*heard.lock().unwrap(), ["3 true", "unasked 5", "5 false"]);

    // Nobody wants to know any more.
    ear.is_deaf
        .store(true, std::sync::atomic::Ordering::Relaxed);
    seat.submit(3, poll("ask")).unwrap();
    rig.run(10 * SECOND).await;
    rig.answer("noise").await;
    assert_eq!(heard.lock().unwrap().len(), 3);
}
