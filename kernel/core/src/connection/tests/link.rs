//! The link: opening, breaking, opening again, closing.

use std::sync::Arc;

use super::super::*;
use super::log::Log;
use super::rig::*;

#[tokio::test]
async fn a_link_that_breaks_fails_what_was_under_way_and_keeps_what_waits() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    seat.submit(1, poll("a")).unwrap();
    seat.submit(2, poll("b")).unwrap();
    rig.run(0).await;
    rig.unplug().await;
    let notices = mailbox.take();
    let [
        Notice::Replied { ticket: 1, outcome },
        Notice::Link { state, reason },
    ] = &notices[..]
    else {
        panic!("{notices:?}");
    };
    assert_eq!(
        *outcome,
        Err(Failure::LinkDown("closed by the other side".into()))
    );
    assert_eq!(
        (*state, &**reason),
        (LinkState::Down, "closed by the other side")
    );
    rig.run(SECOND).await;
    rig.plug_in();
    assert_eq!(rig.sent().await, "b");
    let links = rig.links.lock().unwrap().join(", ");
    assert_eq!(
        links,
        "connecting, up, down closed by the other side, connecting, up"
    );
    let stats = rig.connection.stats();
    assert_eq!(
        (stats.opened, stats.failures, stats.state),
        (2, 1, LinkState::Up)
    );
}

#[tokio::test]
async fn while_it_cannot_be_opened_requests_fail_at_once_with_the_reason() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    rig.refuse(Some("no route to 10.0.0.1"));
    rig.unplug().await;
    seat.submit(1, poll("a")).unwrap();
    rig.run(SECOND).await;
    let down = Failure::LinkDown("no route to 10.0.0.1".into());
    assert_eq!(mailbox.replies(), [(1, Err(down.clone()))]);
    assert_eq!(seat.submit(2, poll("b")), Err(down));
    assert_eq!(seat.state(), LinkState::Down);
    rig.refuse(None);
    rig.run(5 * SECOND).await;
    assert_eq!(seat.state(), LinkState::Up);
    seat.submit(2, poll("c")).unwrap();
    rig.plug_in();
    assert_eq!(rig.sent().await, "c");
}

#[tokio::test]
async fn pauses_grow_up_to_the_longest_and_start_over_after_a_sound_link() {
    let settings = Settings {
        reconnect_min: SECOND,
        reconnect_max: 8 * SECOND,
        ..Settings::default()
    };
    let mut rig = Rig::new(settings).await;
    rig.refuse(Some("refused"));
    rig.unplug().await;
    rig.run(60 * SECOND).await;
    let attempts = rig.attempts();
    let pauses = attempts.windows(2).map(|pair| pair[1] - pair[0]);
    for (pause, expected) in pauses.zip([1, 2, 4, 8, 8, 8]) {
        let expected = expected * SECOND;
        assert!(
            pause.abs_diff(expected) <= expected / 5,
            "{pause} for {expected}"
        );
    }
    rig.refuse(None);
    rig.run(10 * SECOND).await;
    rig.plug_in();
    rig.run(limits::STABLE_AFTER).await;
    let before = rig.attempts().len();
    rig.unplug().await;
    rig.run(1_200 * MS).await;
    assert_eq!(rig.attempts().len(), before + 1);
}

#[tokio::test]
async fn an_attempt_that_hangs_is_given_up() {
    let mut rig = Rig::new(Settings::default()).await;
    rig.stick();
    rig.unplug().await;
    rig.run(limits::CONNECT_TIMEOUT + limits::RECONNECT_MIN * 6 / 5)
        .await;
    let (state, reason) = rig.connection.link();
    assert_eq!(state, LinkState::Down);
    assert_eq!(&*reason, "plug: no connection within 5000 ms");
}

#[tokio::test]
async fn a_link_on_which_nobody_answers_any_more_is_opened_anew() {
    let settings = Settings {
        max_timeouts: Some(3),
        ..Settings::default()
    };
    let mut rig = Rig::new(settings).await;
    let (seat, mailbox) = rig.device("meter");
    for ticket in 0..4 {
        seat.submit(ticket, poll("a")).unwrap();
    }
    rig.run(3 * SECOND).await;
    let failures = mailbox.replies();
    assert_eq!(failures.len(), 3);
    let (_, reason) = rig.connection.link();
    assert_eq!(&*reason, "3 requests in a row got no reply");
    rig.run(500 * MS).await;
    rig.plug_in();
    assert_eq!(rig.sent().await, "a", "the fourth goes out on the new link");
}

/// Opens anew after three time-outs, and pauses for a second and longer.
fn impatient() -> Settings {
    Settings {
        max_timeouts: Some(3),
        reconnect_min: SECOND,
        ..Settings::default()
    }
}

#[tokio::test]
async fn a_dead_unit_does_not_take_the_link_from_its_neighbour() {
    let mut rig = Rig::new(impatient()).await;
    let (dead, dead_mailbox) = rig.device("dead");
    let (sound, sound_mailbox) = rig.device("sound");
    sound.submit(1, poll("s")).unwrap();
    rig.run(0).await;
    rig.answer("#0").await;
    for ticket in 0..30 {
        dead.submit(ticket, poll("d")).unwrap();
        rig.run(SECOND).await;
    }
    assert_eq!(dead_mailbox.replies().len(), 30);
    sound.submit(2, poll("s")).unwrap();
    rig.run(0).await;
    rig.answer("#0").await;
    assert!(
        sound_mailbox
            .replies()
            .iter()
            .all(|(_, reply)| reply.is_ok())
    );
    assert_eq!(rig.attempts().len(), 1, "the link stayed open");
}

#[tokio::test]
async fn a_link_on_which_nobody_is_served_is_opened_anew_whoever_asks() {
    let mut rig = Rig::new(impatient()).await;
    let (one, _mailbox) = rig.device("one");
    let (two, _other_mailbox) = rig.device("two");
    for (ticket, seat) in [&one, &two].into_iter().enumerate() {
        seat.submit(ticket as u64, poll("a")).unwrap();
        rig.run(0).await;
        rig.answer("#0").await;
    }
    for ticket in 2..4 {
        one.submit(ticket, poll("a")).unwrap();
        rig.run(SECOND).await;
    }
    two.submit(2, poll("b")).unwrap();
    rig.run(SECOND).await;
    assert_eq!(
        &*rig.connection.link().1,
        "3 requests in a row got no reply"
    );
    rig.run(2 * SECOND).await;
    assert_eq!(rig.attempts().len(), 2);
    // The other one has not asked for long: nobody vouches for the link.
    rig.plug_in();
    two.submit(3, poll("b")).unwrap();
    rig.run(0).await;
    rig.answer("#0").await;
    rig.run(limits::NEIGHBOUR_SILENCE).await;
    for ticket in 4..7 {
        one.submit(ticket, poll("a")).unwrap();
        rig.run(SECOND).await;
    }
    rig.run(2 * SECOND).await;
    assert_eq!(rig.attempts().len(), 3);
}

#[tokio::test]
async fn pauses_do_not_grow_because_nobody_replies() {
    let rig = Rig::new(impatient()).await;
    let (seat, _mailbox) = rig.device("meter");
    for ticket in 0..30 {
        let request = Request {
            timeout: 100 * MS,
            deadline: 600 * SECOND,
            ..poll("a")
        };
        seat.submit(ticket, request).unwrap();
    }
    rig.run(20 * SECOND).await;
    let attempts = rig.attempts();
    let longest = attempts.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(
        attempts.len() >= 10 && longest < Some(2 * SECOND),
        "{attempts:?}"
    );
}

#[tokio::test]
async fn a_far_side_that_does_not_read_breaks_the_link() {
    let rig = Rig::with_buffer(Settings::default(), 4).await;
    let (seat, mailbox) = rig.device("meter");
    seat.submit(1, poll("more than four bytes")).unwrap();
    rig.run(SECOND).await;
    let text = text_of(&mailbox.replies()[0].1);
    assert!(
        text.contains("20 bytes could not be written in time"),
        "{text}"
    );
}

#[tokio::test]
async fn closing_fails_what_is_outstanding_and_leaves_nothing_behind() {
    let mut rig = Rig::new(Settings::default()).await;
    let (seat, mailbox) = rig.device("meter");
    seat.submit(1, poll("a")).unwrap();
    rig.run(0).await;
    seat.submit(2, poll("b")).unwrap();
    rig.connection.close().await;
    assert_eq!(rig.sent().await, "a<eof>");
    let mut outcomes = mailbox.replies();
    outcomes.sort_by_key(|(ticket, _)| *ticket);
    let closed = Failure::LinkDown("the connection is closed".into());
    assert_eq!(
        outcomes,
        [(1, Err(closed.clone())), (2, Err(closed.clone()))]
    );
    assert_eq!(seat.submit(3, poll("c")), Err(closed));
    let attach = rig.connection.attach("late", Mailbox::new(), None);
    assert_eq!(attach.err(), Some(OpenError::Closed("field".into())));
    assert_eq!(rig.clock.next_deadline(), None, "no timer is left");
}

#[tokio::test]
async fn a_link_that_goes_down_is_a_warning_unless_the_host_stops() {
    let log = Log::new();
    let mut rig = Rig::new(Settings::default()).await;
    rig.unplug().await;
    assert!(
        log.take()
            .contains(&"WARN link down: closed by the other side".to_owned())
    );
    rig.run(SECOND).await;
    rig.plug_in();
    rig.connection.expect_end();
    rig.unplug().await;
    rig.connection.close().await;
    let said = log.take();
    assert!(
        said.contains(&"INFO link down: closed by the other side".to_owned()),
        "{said:?}"
    );
    assert_eq!(said.last().map(String::as_str), Some("INFO closed"));
    assert!(
        !said.iter().any(|line| line.starts_with("WARN")),
        "{said:?}"
    );
}

#[tokio::test]
async fn dropping_the_last_handle_closes_it_and_seats_do_not_keep_it() {
    let rig = Rig::new(Settings::default()).await;
    let (seat, _mailbox) = rig.device("meter");
    let Rig {
        connection,
        mut far,
        clock,
        ..
    } = rig;
    let other = connection.clone();
    drop(connection);
    clock.run(0).await;
    assert_eq!(seat.state(), LinkState::Up);
    drop(other);
    clock.run(0).await;
    assert_eq!(seat.state(), LinkState::Down);
    assert_eq!(read_now(&mut far).await, "<eof>");
}

#[tokio::test]
async fn a_device_that_was_not_looking_is_told_the_newest_state_only() {
    let mut rig = Rig::new(Settings::default()).await;
    let mailbox = Mailbox::with_capacity(0);
    let _seat = rig
        .connection
        .attach("slow", Arc::clone(&mailbox) as _, None)
        .unwrap();
    rig.unplug().await;
    rig.run(SECOND).await;
    mailbox.set_capacity(10);
    rig.run(0).await;
    let up = Notice::Link {
        state: LinkState::Up,
        reason: "".into(),
    };
    assert_eq!(mailbox.take(), [up]);
}
