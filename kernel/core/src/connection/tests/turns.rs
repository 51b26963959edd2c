//! Turn-taking, gaps, deadlines and full queues.

use super::super::*;
use super::rig::*;

/// Answers each request with `#0` and returns the requests in the order of arrival.
async fn serve(rig: &mut Rig, count: usize) -> Vec<String> {
    let mut seen = Vec::new();
    for _ in 0..count {
        seen.push(rig.sent().await);
        rig.answer("#0").await;
    }
    seen
}

#[tokio::test]
async fn emergency_stops_go_before_writes_before_polls() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, _mailbox) = rig.device("pump");
    let (other, _other_mailbox) = rig.device("fan");
    seat.submit(1, poll("running")).unwrap();
    rig.run(0).await;
    seat.submit(2, poll("poll")).unwrap();
    let write = Request {
        priority: Priority::Command,
        ..poll("write")
    };
    seat.submit(3, write).unwrap();
    let stop = Request {
        priority: Priority::Urgent,
        ..poll("stop")
    };
    other.submit(1, stop).unwrap();
    assert_eq!(
        serve(&mut rig, 4).await,
        ["running", "stop", "write", "poll"]
    );
}

#[tokio::test]
async fn a_flood_of_one_device_leaves_the_other_every_second_turn() {
    let mut rig = Rig::new(Settings::default()).await;
    let (flood, _m1) = rig.device("flood");
    let (calm, _m2) = rig.device("calm");
    for ticket in 0..100 {
        flood.submit(ticket, poll("F")).unwrap();
    }
    rig.run(0).await;
    calm.submit(1, poll("c")).unwrap();
    calm.submit(2, poll("c")).unwrap();
    assert_eq!(serve(&mut rig, 6).await.concat(), "FFcFcF");
}

#[tokio::test]
async fn the_gap_is_kept_after_a_reply_and_after_unasked_bytes() {
    let settings = Settings {
        gap: 5 * MS,
        ..Settings::default()
    };
    let mut rig = Rig::new(settings).await;
    let (seat, mailbox) = rig.device("meter");
    seat.submit(1, poll("a")).unwrap();
    seat.submit(2, poll("b")).unwrap();
    rig.run(5 * MS).await;
    assert_eq!(rig.sent().await, "a");
    rig.answer("#0").await;
    assert_eq!(mailbox.replies().len(), 1);
    rig.run(4 * MS).await;
    rig.answer("noise").await;
    rig.run(4 * MS).await;
    assert_eq!(
        rig.sent().await,
        "",
        "the line was not silent for long enough"
    );
    rig.run(MS).await;
    assert_eq!(rig.sent().await, "b");
    assert_eq!(mailbox.received(), b"noise");
}

#[tokio::test]
async fn a_line_that_never_falls_silent_is_used_all_the_same() {
    let settings = Settings {
        gap: 5 * MS,
        ..Settings::default()
    };
    let mut rig = Rig::new(settings).await;
    let (seat, _mailbox) = rig.device("meter");
    seat.submit(1, poll("a")).unwrap();
    let mut sent = String::new();
    for _ in 0..limits::SILENCE_PATIENCE / (4 * MS) + 1 {
        rig.answer(".").await;
        rig.run(4 * MS).await;
        sent += &rig.sent().await;
    }
    assert_eq!(sent, "a");
}

#[tokio::test]
async fn the_turn_around_delay_follows_a_broadcast_and_its_time_on_the_wire() {
    let settings = Settings {
        byte_time: MS,
        ..Settings::default()
    };
    let mut rig = Rig::new(settings).await;
    let (seat, mailbox) = rig.device("meter");
    let all = Request {
        turnaround: 100 * MS,
        ..broadcast("0123456789")
    };
    seat.submit(1, all).unwrap();
    seat.submit(2, poll("next")).unwrap();
    assert_eq!(rig.sent().await, "0123456789");
    let replies = mailbox.replies();
    let (1, Ok(reply)) = &replies[0] else {
        panic!("{replies:?}");
    };
    assert_eq!((reply.sent, reply.received), (EPOCH, EPOCH));
    rig.run(109 * MS).await;
    assert_eq!(rig.sent().await, "");
    rig.run(MS).await;
    assert_eq!(rig.sent().await, "next");
}

#[tokio::test]
async fn a_deadline_passes_on_time_while_another_exchange_runs() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    seat.submit(1, poll("slow")).unwrap();
    let short = Request {
        deadline: 300 * MS,
        ..poll("short")
    };
    seat.submit(2, short).unwrap();
    rig.run(299 * MS).await;
    assert_eq!(mailbox.replies(), []);
    rig.run(MS).await;
    assert_eq!(mailbox.replies(), [(2, Err(Failure::Expired))]);
    rig.answer("#0").await;
    assert_eq!(mailbox.replies()[0].0, 1);
    assert_eq!(rig.sent().await, "slow");
}

#[tokio::test]
async fn the_deadline_also_ends_an_exchange_under_way() {
    let rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    let request = Request {
        deadline: 300 * MS,
        ..poll("a")
    };
    seat.submit(1, request).unwrap();
    rig.run(299 * MS).await;
    assert_eq!(mailbox.replies(), []);
    rig.run(MS).await;
    assert_eq!(mailbox.replies(), [(1, Err(Failure::Timeout("".into())))]);
}

#[tokio::test]
async fn a_full_queue_refuses_polls_and_still_takes_an_emergency_stop() {
    let rig = Rig::new(Settings::default()).await;
    let (seat, _mailbox) = rig.device("meter");
    let (other, _other_mailbox) = rig.device("other");
    let mut accepted = 0;
    while seat.submit(accepted, poll("a")).is_ok() {
        accepted += 1;
    }
    assert_eq!(seat.submit(accepted, poll("a")), Err(Failure::QueueFull));
    assert_eq!(accepted, limits::OUTSTANDING[2] as u64);
    other.submit(0, poll("a")).unwrap();
    let stop = Request {
        priority: Priority::Urgent,
        ..poll("stop")
    };
    seat.submit(accepted, stop).unwrap();
}

#[tokio::test]
async fn outcomes_that_the_device_does_not_take_count_against_its_queue() {
    let rig = Rig::new(Settings::default()).await;
    let mailbox = Mailbox::with_capacity(0);
    let seat = rig
        .connection
        .attach("stuck", mailbox.clone(), None)
        .unwrap();
    let mut accepted = 0;
    while seat.submit(accepted, broadcast("a")).is_ok() {
        rig.run(0).await;
        accepted += 1;
    }
    assert_eq!(accepted, limits::OUTSTANDING[2] as u64);
    mailbox.set_capacity(usize::MAX);
    rig.run(0).await;
    assert_eq!(mailbox.replies().len() as u64, accepted);
    seat.submit(accepted, broadcast("a")).unwrap();
}

#[tokio::test]
async fn a_request_that_cannot_be_carried_out_is_refused_with_the_reason() {
    let rig = Rig::new(Settings::default()).await;
    let (seat, _mailbox) = rig.device("meter");
    let refusal = |request| match seat.submit(1, request) {
        Err(Failure::Invalid(text)) => text,
        other => panic!("{other:?}"),
    };
    let rule = |reply| Request { reply, ..poll("a") };
    assert!(refusal(rule(ReplyRule::Length(0))).contains("length of 0"));
    assert!(refusal(rule(ReplyRule::Length(u32::MAX))).contains("max-reply"));
    assert!(refusal(rule(ReplyRule::Delimiter(vec![]))).contains("delimiter"));
    let field = LengthField {
        offset: 0,
        size: 3,
        order: ByteOrder::BigEndian,
        adjust: 0,
    };
    assert!(refusal(rule(ReplyRule::LengthField(field))).contains("3 bytes"));
    let peer = Request {
        peer: Some(7),
        ..poll("a")
    };
    assert!(refusal(peer).contains("`field` is a line"));
    assert!(
        refusal(Request {
            timeout: 0,
            ..poll("a")
        })
        .contains("timeout")
    );
    assert!(
        refusal(Request {
            deadline: 0,
            ..poll("a")
        })
        .contains("deadline")
    );
    assert!(refusal(broadcast("")).contains("nothing to send"));
    seat.submit(1, poll("a")).unwrap();
    assert!(refusal(poll("a")).contains("ticket: 1 is in use"));
    let plain = rig
        .connection
        .attach("plain", Mailbox::new(), None)
        .unwrap();
    let codec = plain.submit(1, poll("a")).unwrap_err();
    assert!(codec.to_string().contains("exports `codec`"));
}
