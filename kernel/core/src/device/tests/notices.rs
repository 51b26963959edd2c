//! What connections tell.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;

use super::super::{Effect, OpenFailure};
use super::rig::*;
use crate::bus::Overflow;
use crate::connection::{Channel, Failure, LinkState, Notice, Priority, Reply, ReplyRule, Request};
use crate::device::{DeviceState, Manner};

type Heard = Rc<RefCell<Vec<Notice>>>;

fn replied(ticket: u64) -> Notice {
    let bytes = Bytes::from_static(&[0x0f, 0xa0]);
    Notice::Replied {
        ticket,
        outcome: Ok(Reply {
            bytes,
            sent: EPOCH,
            received: EPOCH,
        }),
    }
}

fn received(byte: u8) -> Notice {
    Notice::Received {
        peer: None,
        bytes: vec![byte].into(),
        time: EPOCH,
    }
}

fn link(state: LinkState) -> Notice {
    Notice::Link {
        state,
        reason: "".into(),
    }
}

/// Hears everything, and publishes how many it has heard.
fn hearing() -> (Rc<Script>, Heard) {
    let (script, heard) = (Script::new(), Heard::default());
    let log = heard.clone();
    script.on_notice(move |stage, connection, notice| {
        assert_eq!(connection, "field");
        log.borrow_mut().push(notice.clone());
        stage.publish("out", log.borrow().len() as i64, 0);
        Ok(Ok(()))
    });
    (script, heard)
}

#[test]
fn notices_arrive_in_order_and_what_they_lead_to_is_published() {
    play(|world| async move {
        let (script, heard) = hearing();
        let watch = world.watch("out");
        let device = world.start(&script).await;
        let notices = [
            link(LinkState::Up),
            received(1),
            replied(5),
            link(LinkState::Down),
        ];
        for notice in &notices {
            device.notify(notice.clone());
        }
        world.settle().await;
        assert_eq!(*heard.borrow(), notices);
        let out = taken(&watch);
        assert_eq!(out.iter().map(number).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert!(out.iter().all(|event| event.cause.is_none()));
        world.stop(device).await;
    });
}

#[test]
fn a_notice_that_traps_is_told_once_more_and_then_becomes_a_dead_letter() {
    play(|world| async move {
        let (script, heard) = (Script::new(), Heard::default());
        let log = heard.clone();
        script.on_notice(move |stage, _, notice| {
            log.borrow_mut().push(notice.clone());
            stage.publish("out", 1, 0);
            match notice {
                Notice::Replied { ticket: 5, .. } => Err(trap("bad frame")),
                _ => Ok(Ok(())),
            }
        });
        let (watch, out) = (world.watch("$dead/device"), world.watch("out"));
        let device = world.start(&script).await;
        for notice in [replied(5), received(1), replied(6)] {
            device.notify(notice);
        }
        world.run(SECOND).await;
        assert_eq!(
            *heard.borrow(),
            [replied(5), replied(5), received(1), replied(6)]
        );
        assert_eq!(
            script.starts.borrow().len(),
            3,
            "each time on a fresh instance"
        );
        assert_eq!(values(&out), [1, 1]);
        let letters = letters(&watch);
        let input =
            serde_json::json!({"connection": "field", "notice": "replied", "bytes": "0fa0"});
        assert_eq!(letters, [(input, "bad frame".to_owned())]);
        world.stop(device).await;
    });
}

/// Traps on received bytes that are not zero.
fn trapping_on_bytes() -> Rc<Script> {
    let script = Script::new();
    script.on_notice(|_, _, notice| match notice {
        Notice::Received { bytes, .. } if bytes[0] != 0 => Err(trap("bad frame")),
        _ => Ok(Ok(())),
    });
    script
}

#[test]
fn bad_frames_among_good_ones_do_not_end_a_device() {
    play(|world| async move {
        let letters_at = world.watch("$dead/#");
        let device = world.start(&trapping_on_bytes()).await;
        for _ in 0..50 {
            device.notify(received(1));
            device.notify(received(0));
            world.run(SECOND).await;
            assert_eq!(device.state(), DeviceState::Running);
        }
        assert_eq!(letters(&letters_at).len(), 50);
        world.stop(device).await;
    });
}

#[test]
fn a_plugin_that_traps_on_all_that_it_receives_is_given_up_though_it_hears_of_links() {
    play(|world| async move {
        let device = world.start(&trapping_on_bytes()).await;
        for _ in 0..60 {
            device.notify(received(1));
            device.notify(link(LinkState::Up));
            world.run(SECOND).await;
        }
        assert_eq!(device.state(), DeviceState::Failed);
        world.stop(device).await;
    });
}

#[test]
fn a_notice_can_be_put_off_and_keeps_its_place() {
    play(|world| async move {
        let (script, heard, asked) = (Script::new(), Heard::default(), Rc::new(Cell::new(0)));
        let log = heard.clone();
        script.on_notice(move |_, _, notice| {
            asked.set(asked.get() + 1);
            if asked.get() <= 2 {
                return retry("busy");
            }
            log.borrow_mut().push(notice.clone());
            Ok(Ok(()))
        });
        let device = world.start(&script).await;
        device.notify(received(1));
        device.notify(received(2));
        world.run(99 * MS).await;
        assert!(heard.borrow().is_empty());
        world.run(201 * MS).await;
        assert_eq!(*heard.borrow(), [received(1), received(2)]);
        assert_eq!(device.state(), crate::device::DeviceState::Running);
        world.stop(device).await;
    });
}

#[test]
fn a_rejected_notice_is_a_dead_letter_at_once() {
    play(|world| async move {
        let script = Script::new();
        script.on_notice(|_, _, _| rejected("noise"));
        let watch = world.watch("$dead/#");
        let device = world.start(&script).await;
        device.notify(received(0xff));
        world.settle().await;
        let input = serde_json::json!({"connection": "field", "notice": "received", "bytes": "ff"});
        assert_eq!(letters(&watch), [(input, "rejected: noise".to_owned())]);
        world.stop(device).await;
    });
}

fn request() -> Request {
    Request {
        bytes: Bytes::from_static(b"?"),
        reply: ReplyRule::Length(1),
        priority: Priority::Poll,
        timeout: SECOND,
        deadline: SECOND,
        turnaround: 0,
        peer: None,
    }
}

#[test]
fn submissions_that_are_refused_are_told_in_their_order() {
    play(|world| async move {
        let connection = world.connect("field", || Err("no such port".into()));
        let (script, heard) = hearing();
        script.on_event(|stage, _, _| {
            let seat = stage.device.open("field").unwrap();
            for ticket in [1, 2] {
                let (seat, request) = (seat.clone(), request());
                stage.outbox.effects.push(Effect::Submit {
                    seat,
                    ticket,
                    request,
                });
            }
            Ok(Ok(()))
        });
        let own = |spec: &mut super::super::DeviceSpec| spec.connection = Some("field".into());
        let device = world.start_with(&script, own).await;
        world.send("in/a", [1]).await;
        let heard = heard.take();
        let failure = Failure::LinkDown("no such port".into());
        let told: Vec<_> = heard
            .into_iter()
            .filter_map(|notice| match notice {
                Notice::Replied { ticket, outcome } => Some((ticket, outcome.unwrap_err())),
                _ => None,
            })
            .collect();
        assert_eq!(told, [(1, failure.clone()), (2, failure)]);
        world.stop(device).await;
        connection.close().await;
    });
}

#[test]
fn each_instance_is_told_the_state_of_the_link_it_opens() {
    play(|world| async move {
        let connection = world.connect("field", open_end);
        world.settle().await;
        let (script, heard) = hearing();
        script.on_start(|stage, _| {
            stage.device.open("field").unwrap();
            // Once more is the same place.
            stage.device.open("field").unwrap();
            Ok(Ok(()))
        });
        script.on_call(|_, _| Err(trap("on purpose")));
        let own = |spec: &mut super::super::DeviceSpec| spec.connection = Some("field".into());
        let device = world.start_with(&script, own).await;
        assert_eq!(heard.take(), [link(LinkState::Up)]);
        let _answer = world.call(&device, "trap");
        world.run(SECOND).await;
        assert_eq!(heard.take(), [link(LinkState::Up)]);
        assert_eq!(connection.stats().devices.len(), 1, "one place");
        world.stop(device).await;
        assert!(connection.stats().devices.is_empty(), "given up");
        connection.close().await;
    });
}

#[test]
fn places_are_the_devices_own_and_a_refused_version_leaves_none() {
    play(|world| async move {
        let field = world.connect("field", open_end);
        let spare = world.connect("spare", open_end);
        world.settle().await;
        let (script, heard) = hearing();
        script.on_start(|stage, _| {
            stage.device.open("field").unwrap();
            Ok(Ok(()))
        });
        let own = |spec: &mut super::super::DeviceSpec| {
            spec.connection = Some("field".into());
            spec.grants.connections.push("spare".into());
        };
        let device = world.start_with(&script, own).await;
        heard.take();
        let (next, told) = hearing();
        next.on_start(|stage, _| {
            stage.device.open("field").unwrap();
            stage.device.open("spare").unwrap();
            rejected("no")
        });
        let refused = world.order(&device, "second", &next, Manner::Trial).await;
        refused.unwrap_err();
        assert!(spare.stats().devices.is_empty(), "left again");
        assert_eq!(field.stats().devices.len(), 1, "kept");
        device.notify(link(LinkState::Down));
        world.settle().await;
        assert_eq!(heard.take().last(), Some(&link(LinkState::Down)));
        next.on_start(|stage, _| {
            stage.device.open("field").unwrap();
            Ok(Ok(()))
        });
        let swap = world.order(&device, "second", &next, Manner::Trial).await;
        assert_eq!(swap, Ok(()));
        assert_eq!(told.take(), [link(LinkState::Up)], "it opened it");
        assert_eq!(field.stats().devices.len(), 1, "the same place");
        world.stop(device).await;
        field.close().await;
        spare.close().await;
    });
}

/// A line to nowhere that stays open.
fn open_end() -> Result<Box<dyn Channel>, String> {
    let (near, far) = tokio::io::duplex(64);
    // Nobody is at the other end, and nobody hangs up.
    std::mem::forget(far);
    Ok(Box::new(near))
}

#[test]
fn after_a_connection_was_removed_and_added_again_the_next_open_gets_a_place_at_the_new_one() {
    play(|world| async move {
        let first = world.connect("field", open_end);
        world.settle().await;
        let (script, heard) = hearing();
        script.on_start(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, false);
            stage.device.open("field").unwrap();
            Ok(Ok(()))
        });
        let states = Rc::new(RefCell::new(Vec::new()));
        let seen = states.clone();
        script.on_event(move |stage, _, _| {
            let seat = stage.device.open("field").unwrap();
            seen.borrow_mut().push(seat.state());
            Ok(Ok(()))
        });
        let own = |spec: &mut super::super::DeviceSpec| spec.connection = Some("field".into());
        let device = world.start_with(&script, own).await;
        world.around.connections.lock().unwrap().clear();
        first.close().await;
        world.send("in/a", [1]).await;
        let second = world.connect("field", open_end);
        world.settle().await;
        heard.take();
        world.send("in/a", [2]).await;
        assert_eq!(*states.borrow(), [LinkState::Down, LinkState::Up]);
        assert_eq!(heard.take(), [link(LinkState::Up)], "told as at any open");
        world.stop(device).await;
        assert!(second.stats().devices.is_empty());
        second.close().await;
    });
}

thread_local! {
    /// The far end of the line that was opened last.
    static FAR: RefCell<Option<tokio::io::DuplexStream>> = const { RefCell::new(None) };
}

#[test]
fn what_a_device_sends_in_its_stop_is_written_before_it_leaves() {
    play(|world| async move {
        let connection = world.connect("field", || {
            let (near, far) = tokio::io::duplex(64);
            FAR.set(Some(far));
            Ok(Box::new(near))
        });
        world.settle().await;
        let script = Script::new();
        script.on_start(|stage, _| {
            stage.device.open("field").unwrap();
            Ok(Ok(()))
        });
        script.on_stop(|stage, _| {
            stage.outbox.effects.push(Effect::Send {
                seat: stage.device.open("field").unwrap(),
                peer: None,
                bytes: Bytes::from_static(b"valve shut"),
            });
            Ok(())
        });
        let own = |spec: &mut super::super::DeviceSpec| spec.connection = Some("field".into());
        let device = world.start_with(&script, own).await;
        world.stop(device).await;
        assert!(connection.stats().devices.is_empty());
        connection.close().await;
        let mut far = FAR.take().unwrap();
        let mut heard = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut far, &mut heard)
            .await
            .unwrap();
        assert_eq!(heard, "valve shut");
    });
}

#[test]
fn a_connection_needs_a_grant() {
    play(|world| async move {
        let script = Script::new();
        script.on_start(|stage, _| {
            let denied = OpenFailure::Denied {
                device: "device".into(),
                connection: "field".into(),
            };
            assert_eq!(stage.device.open("field").err(), Some(denied));
            Ok(Ok(()))
        });
        let device = world.start(&script).await;
        world.stop(device).await;
    });
}
