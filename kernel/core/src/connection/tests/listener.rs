//! Listeners: one device, many peers.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::super::*;
use super::rig::*;
use crate::clock::VirtualClock;

type Knocks = Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<DuplexStream>>>;

struct Door {
    knocks: Knocks,
    taken: Arc<Mutex<bool>>,
}

#[async_trait]
impl Binder for Door {
    async fn bind(&self) -> Result<Box<dyn Acceptor>, String> {
        if *self.taken.lock().unwrap() {
            return Err("door: address already in use".into());
        }
        Ok(Box::new(Open(Arc::clone(&self.knocks))))
    }

    fn describe(&self) -> String {
        "door".into()
    }
}

struct Open(Knocks);

#[async_trait]
impl Acceptor for Open {
    async fn accept(&mut self) -> Result<Accepted, NotAccepted> {
        match self.0.lock().await.recv().await {
            Some(channel) => Ok(Accepted {
                channel: Box::new(channel),
                address: "10.0.0.9:1234".into(),
            }),
            None => Err(NotAccepted::Closed("door: walled up".into())),
        }
    }

    fn local(&self) -> String {
        "door, open".into()
    }
}

struct Hall {
    clock: VirtualClock,
    connection: Connection,
    knock: mpsc::UnboundedSender<DuplexStream>,
    taken: Arc<Mutex<bool>>,
}

impl Hall {
    async fn new(max_peers: usize, idle_timeout: Option<u64>) -> Self {
        Self::with_door(max_peers, idle_timeout, false).await
    }

    async fn with_door(max_peers: usize, idle_timeout: Option<u64>, is_taken: bool) -> Self {
        let clock = VirtualClock::new(EPOCH);
        let (knock, knocks) = mpsc::unbounded_channel();
        let taken = Arc::new(Mutex::new(is_taken));
        let endpoint = Endpoint::Listener(Listener {
            binder: Box::new(Door {
                knocks: Arc::new(tokio::sync::Mutex::new(knocks)),
                taken: Arc::clone(&taken),
            }),
            settings: Settings::default(),
            max_peers,
            idle_timeout,
        });
        let connection = Connection::spawn(
            "server",
            endpoint,
            Arc::new(clock.clone()),
            Handle::current(),
            |_, _| {},
        );
        clock.run(0).await;
        Self {
            clock,
            connection,
            knock,
            taken,
        }
    }

    fn device(&self, name: &str) -> (Seat, Arc<Mailbox>) {
        let mailbox = Mailbox::new();
        let observer: Arc<Mailbox> = Arc::clone(&mailbox);
        let seat = self.connection.attach(name, observer, Some(Box::new(Hash)));
        mailbox.take();
        (seat.unwrap(), mailbox)
    }

    async fn peer(&self, buffer: usize) -> DuplexStream {
        let (near, far) = duplex(buffer);
        self.knock.send(near).unwrap();
        self.run(0).await;
        far
    }

    async fn run(&self, span: u64) {
        self.clock.run(span).await;
    }
}

fn peers(notices: &[Notice]) -> Vec<(PeerId, bool)> {
    let peer = |notice: &Notice| match notice {
        Notice::Peer {
            peer, connected, ..
        } => Some((*peer, *connected)),
        _ => None,
    };
    notices.iter().filter_map(peer).collect()
}

#[tokio::test]
async fn a_listener_takes_no_frames_for_when_its_device_is_gone() {
    let hall = Hall::new(4, None).await;
    let (seat, _mailbox) = hall.device("hj212");
    let _far = hall.peer(64).await;
    let frame = crate::failsafe::SafeFrame::new("off", "0".into(), ReplyRule::None, 0);
    let refused = seat.check_unattended(&frame.request).unwrap_err();
    assert!(
        refused.to_string().contains("`server` is a listener"),
        "{refused}"
    );
}

#[tokio::test]
async fn the_second_device_is_told_who_holds_the_listener() {
    let hall = Hall::new(4, None).await;
    let (_seat, _mailbox) = hall.device("hj212");
    let error = hall
        .connection
        .attach("iec104", Mailbox::new(), None)
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "connection `server` is held by device `hj212`"
    );
    assert!(
        hall.connection
            .attach("hj212", Mailbox::new(), None)
            .is_ok()
    );
}

#[tokio::test]
async fn a_peer_comes_talks_and_leaves() {
    let hall = Hall::new(4, None).await;
    let (seat, mailbox) = hall.device("server");
    let mut far = hall.peer(64).await;
    far.write_all(b"hello").await.unwrap();
    hall.run(0).await;
    let notices = mailbox.take();
    let [
        Notice::Peer {
            peer,
            address,
            connected: true,
        },
        Notice::Received {
            peer: Some(from),
            bytes,
            time: EPOCH,
        },
    ] = &notices[..]
    else {
        panic!("{notices:?}");
    };
    assert_eq!(
        (peer, &**address, &bytes[..]),
        (from, "10.0.0.9:1234", &b"hello"[..])
    );
    seat.send(Some(*peer), Bytes::from_static(b"welcome"))
        .unwrap();
    hall.run(0).await;
    assert_eq!(read_now(&mut far).await, "welcome");
    let stats = hall.connection.stats();
    assert_eq!((stats.peers[0].bytes_in, stats.peers[0].bytes_out), (5, 7));
    assert_eq!(stats.endpoint, "door, open");
    drop(far);
    hall.run(0).await;
    assert_eq!(peers(&mailbox.take()), [(*peer, false)]);
    assert_eq!(hall.connection.stats().peers, []);
}

#[tokio::test]
async fn a_peer_is_asked_like_a_line() {
    let hall = Hall::new(4, None).await;
    let (seat, mailbox) = hall.device("server");
    let mut far = hall.peer(64).await;
    let peer = peers(&mailbox.take())[0].0;
    let ask = |text| Request {
        peer: Some(peer),
        ..poll(text)
    };
    seat.submit(1, ask("temperature?")).unwrap();
    hall.run(0).await;
    assert_eq!(read_now(&mut far).await, "temperature?");
    far.write_all(b"#221").await.unwrap();
    hall.run(0).await;
    assert_eq!(text_of(&mailbox.replies()[0].1), "#221");
    seat.submit(2, ask("and now?")).unwrap();
    seat.submit(3, ask("later")).unwrap();
    drop(far);
    hall.run(0).await;
    let failures = mailbox.replies();
    assert_eq!(failures.len(), 2);
    assert!(
        failures
            .iter()
            .all(|(_, outcome)| matches!(outcome, Err(Failure::LinkDown(_))))
    );
    let gone = seat.submit(4, ask("hello?")).unwrap_err();
    assert_eq!(gone, Failure::LinkDown(format!("peer {peer} is gone")));
    assert!(matches!(
        seat.submit(5, poll("who?")),
        Err(Failure::Invalid(_))
    ));
}

#[tokio::test]
async fn a_full_mailbox_pauses_the_peer_and_loses_no_byte() {
    let hall = Hall::new(4, None).await;
    let mailbox = Mailbox::with_capacity(3);
    let observer: Arc<Mailbox> = Arc::clone(&mailbox);
    let _seat = hall.connection.attach("server", observer, None).unwrap();
    let mut far = hall.peer(16).await;
    let written = Arc::new(Mutex::new(0));
    let count = Arc::clone(&written);
    let text: Vec<u8> = (0..20_000u32).map(|n| (n % 251) as u8).collect();
    let expected = text.clone();
    tokio::spawn(async move {
        for chunk in text.chunks(10) {
            far.write_all(chunk).await.unwrap();
            *count.lock().unwrap() += chunk.len();
        }
        far.shutdown().await.unwrap();
        far
    });
    hall.run(SECOND).await;
    assert!(*written.lock().unwrap() < 100, "the peer has to wait");
    let mut all = Vec::new();
    while all.len() < expected.len() {
        let before = all.len();
        all.extend(mailbox.received());
        hall.run(0).await;
        assert!(all.len() > before, "stuck after {before} bytes");
    }
    assert!(all == expected);
    assert_eq!(hall.connection.stats().counters.dropped_bytes, 0);
}

#[tokio::test]
async fn while_a_device_is_not_looking_peers_can_still_be_asked() {
    let hall = Hall::new(4, None).await;
    let (seat, mailbox) = hall.device("server");
    let mut far = hall.peer(64).await;
    let peer = peers(&mailbox.take())[0].0;
    mailbox.set_capacity(0);
    far.write_all(b"unasked").await.unwrap();
    hall.run(0).await;
    let asking = tokio::spawn(async move {
        let request = Request {
            peer: Some(peer),
            ..poll("?")
        };
        seat.transact(request).await
    });
    hall.run(0).await;
    assert_eq!(read_now(&mut far).await, "?");
    far.write_all(b"#1y").await.unwrap();
    hall.run(0).await;
    assert_eq!(text_of(&asking.await.unwrap()), "#1y");
    mailbox.set_capacity(9);
    hall.run(0).await;
    assert_eq!(mailbox.received(), b"unasked");
}

#[tokio::test]
async fn bytes_for_all_reach_all_and_a_farewell_is_sent_before_the_end() {
    let hall = Hall::new(4, None).await;
    let (seat, mailbox) = hall.device("server");
    let (mut one, mut two) = (hall.peer(64).await, hall.peer(64).await);
    let ids: Vec<PeerId> = peers(&mailbox.take()).iter().map(|(id, _)| *id).collect();
    assert_ne!(ids[0], ids[1]);
    seat.send(None, Bytes::from_static(b"all,")).unwrap();
    seat.send(Some(ids[0]), Bytes::from_static(b"bye")).unwrap();
    seat.disconnect(ids[0]);
    hall.run(0).await;
    assert_eq!(read_now(&mut one).await, "all,bye<eof>");
    assert_eq!(read_now(&mut two).await, "all,");
    assert_eq!(peers(&mailbox.take()), [(ids[0], false)]);
}

#[tokio::test]
async fn one_peer_too_many_is_turned_away_and_counted() {
    let hall = Hall::new(1, None).await;
    let (_seat, mailbox) = hall.device("server");
    let one = hall.peer(64).await;
    let mut two = hall.peer(64).await;
    assert_eq!(read_now(&mut two).await, "<eof>");
    assert_eq!(hall.connection.stats().refused_peers, 1);
    drop(one);
    hall.run(0).await;
    let mut three = hall.peer(64).await;
    assert_eq!(read_now(&mut three).await, "");
    assert_eq!(peers(&mailbox.take()).len(), 3);
}

#[tokio::test]
async fn a_silent_peer_is_closed_after_the_idle_time() {
    let hall = Hall::new(4, Some(10 * SECOND)).await;
    let (_seat, mailbox) = hall.device("server");
    let mut far = hall.peer(64).await;
    hall.run(9 * SECOND).await;
    far.write_all(b"alive").await.unwrap();
    hall.run(9 * SECOND).await;
    assert_eq!(peers(&mailbox.take()).len(), 1);
    hall.run(SECOND).await;
    assert_eq!(read_now(&mut far).await, "<eof>");
    assert_eq!(peers(&mailbox.take()).len(), 1);
}

#[tokio::test]
async fn a_door_that_is_taken_is_tried_again() {
    let hall = Hall::with_door(4, None, true).await;
    let (seat, mailbox) = hall.device("server");
    let (state, reason) = hall.connection.link();
    assert_eq!(
        (state, &*reason),
        (LinkState::Down, "door: address already in use")
    );
    *hall.taken.lock().unwrap() = false;
    hall.run(SECOND).await;
    assert_eq!(seat.state(), LinkState::Up);
    let states = mailbox.take();
    let up = Notice::Link {
        state: LinkState::Up,
        reason: "".into(),
    };
    assert_eq!(states.last(), Some(&up));
}

#[tokio::test]
async fn a_door_that_closes_is_down_and_is_opened_again() {
    let hall = Hall::new(4, None).await;
    let (seat, mailbox) = hall.device("server");
    assert_eq!(seat.state(), LinkState::Up);
    *hall.taken.lock().unwrap() = true;
    let Hall {
        clock,
        connection,
        knock,
        ..
    } = hall;
    drop(knock);
    clock.run(0).await;
    let (state, reason) = connection.link();
    assert_eq!((state, &*reason), (LinkState::Down, "door: walled up"));
    let down = Notice::Link {
        state: LinkState::Down,
        reason: "door: walled up".into(),
    };
    assert_eq!(mailbox.take(), [down]);
    clock.run(SECOND).await;
    let (state, reason) = connection.link();
    assert_eq!(
        (state, &*reason),
        (LinkState::Down, "door: address already in use")
    );
}

#[tokio::test]
async fn when_the_device_leaves_its_peers_go_and_the_next_device_gets_new_ones() {
    let hall = Hall::new(4, None).await;
    let (seat, mailbox) = hall.device("first");
    let mut far = hall.peer(64).await;
    mailbox.take();
    seat.detach();
    hall.run(0).await;
    assert_eq!(read_now(&mut far).await, "<eof>");
    assert_eq!(mailbox.take(), []);
    let mut waiting = hall.peer(64).await;
    assert_eq!(
        read_now(&mut waiting).await,
        "",
        "who comes meanwhile waits"
    );
    let (_seat, mailbox) = hall.device("second");
    waiting.write_all(b"hi").await.unwrap();
    hall.run(0).await;
    assert_eq!(mailbox.received(), b"hi");
}

#[tokio::test]
async fn a_device_that_leaves_in_order_says_goodbye_to_its_peers() {
    let hall = Hall::new(4, None).await;
    let (seat, mailbox) = hall.device("server");
    let (mut one, mut two) = (hall.peer(64).await, hall.peer(64).await);
    let first = peers(&mailbox.take())[0].0;
    seat.send(None, Bytes::from_static(b"bye")).unwrap();
    seat.disconnect(first);
    seat.written(u64::MAX).await;
    seat.detach();
    hall.run(0).await;
    assert_eq!(read_now(&mut one).await, "bye<eof>");
    assert_eq!(read_now(&mut two).await, "bye<eof>");
}

#[tokio::test]
async fn a_new_instance_learns_which_peers_are_there() {
    let hall = Hall::new(4, None).await;
    let (_seat, mailbox) = hall.device("server");
    let _far = hall.peer(64).await;
    let before = peers(&mailbox.take());
    let again = Mailbox::new();
    let observer: Arc<Mailbox> = Arc::clone(&again);
    hall.connection.attach("server", observer, None).unwrap();
    assert_eq!(peers(&again.take()), before);
}

#[tokio::test]
async fn closing_the_listener_closes_its_peers() {
    let hall = Hall::new(4, None).await;
    let (seat, mailbox) = hall.device("server");
    let mut far = hall.peer(64).await;
    let peer = peers(&mailbox.take())[0].0;
    let request = Request {
        peer: Some(peer),
        ..poll("?")
    };
    seat.submit(1, request).unwrap();
    hall.run(0).await;
    hall.connection.close().await;
    assert_eq!(read_now(&mut far).await, "?<eof>");
    let notices = mailbox.take();
    assert_eq!(peers(&notices), [(peer, false)]);
    let replied = |notice: &Notice| {
        matches!(
            notice,
            Notice::Replied {
                ticket: 1,
                outcome: Err(_)
            }
        )
    };
    assert!(notices.iter().any(replied));
    assert_eq!(hall.clock.next_deadline(), None);
}
