//! Starts and ends.

use std::cell::Cell;
use std::rc::Rc;

use super::super::{
    CallError, DeviceState, GuestError, MAX_NOTICES, NO_CAUSE, Outcome, StartError, StopReason,
};
use super::rig::*;
use crate::bus::Overflow;
use crate::connection::{LinkState, Notice, Observer};
use crate::device::Hooked;
use crate::schedule::Missed;

/// How a start ends.
type End = fn() -> Hooked<()>;

/// Does all that a start can do, and ends like this.
fn starting(ends: End) -> Rc<Script> {
    let script = Script::new();
    script.on_start(move |stage, _| {
        stage.subscribe("in/#", Overflow::DropOldest, 0, true);
        stage.device.open("field").unwrap();
        stage.every("t", MS, Missed::Once);
        stage.publish("out", 1, NO_CAUSE);
        stage.rows.push(1);
        ends()
    });
    script
}

#[test]
fn a_device_is_told_who_it_is() {
    play(|world| async move {
        let script = Script::new();
        let device = world
            .start_with(&script, |spec| {
                spec.config = serde_json::json!({ "unit": 1 })
            })
            .await;
        let starts = script.starts.borrow().clone();
        let expected = crate::device::StartContext {
            device: "device".into(),
            config: "{\"unit\":1}".into(),
            connection: None,
            restored: false,
            incarnation: 1,
        };
        assert_eq!(starts, [expected]);
        assert_eq!(device.state(), DeviceState::Running);
        world.stop(device).await;
    });
}

#[test]
fn a_failed_first_start_leaves_nothing_and_says_why() {
    let ends: [(End, &str); 3] = [
        (
            || rejected("`unit` is 300"),
            "device `device` refused to start: `unit` is 300",
        ),
        (
            || Ok(Err(GuestError::Fatal("no register map".into()))),
            "device `device` refused to start: no register map",
        ),
        (
            || Err(trap("unreachable")),
            "device `device` trapped in its start: unreachable",
        ),
    ];
    for (end, expected) in ends {
        play(|world| async move {
            let connection = world.connect("field", || Err("closed".into()));
            let (script, watch) = (starting(end), world.watch("out"));
            let mut device = world.add("device", &script, |spec| {
                spec.connection = Some("field".into());
            });
            // Whoever is told finds everything freed already.
            let error = (&mut device.started).await.unwrap().unwrap_err();
            assert_eq!(world.bus.subscriptions().len(), 1, "only the watch");
            assert!(connection.stats().devices.is_empty());
            assert_eq!(error.to_string(), expected);
            assert_eq!(device.last_error(), expected);
            device.actor.await.unwrap();
            assert!(values(&watch).is_empty());
            assert!(script.rows.borrow().is_empty());
            let refused = world.try_call_to(&device.device, "anything").unwrap_err();
            assert_eq!(
                refused,
                CallError::Unavailable("the device has ended".into())
            );
            connection.close().await;
            assert_eq!(world.clock.next_deadline(), None, "no timer");
        });
    }
}

#[test]
fn an_instance_that_cannot_be_made_is_a_failed_start() {
    play(|world| async move {
        let script = Script::new();
        *script.instantiate.borrow_mut() = Box::new(|| Err(trap("out of memory")));
        let device = world.add("device", &script, |_| {});
        let error = device.started.await.unwrap().unwrap_err();
        assert!(
            matches!(error, StartError::Trapped { trap, .. } if trap.message == "out of memory")
        );
        device.actor.await.unwrap();
    });
}

#[test]
fn a_plugin_that_cannot_start_yet_is_asked_again() {
    play(|world| async move {
        let (script, ready) = (Script::new(), Rc::new(Cell::new(false)));
        let is_ready = ready.clone();
        script.on_start(move |stage, _| {
            stage.subscribe("in/a", Overflow::DropOldest, 0, false);
            stage.publish("out", 1, NO_CAUSE);
            stage.after("t", MS);
            if is_ready.get() {
                Ok(Ok(()))
            } else {
                retry("the meter is off")
            }
        });
        let watch = world.watch("out");
        let device = world.start(&script).await;
        assert_eq!(device.state(), DeviceState::Waiting);
        world.run(60 * SECOND).await;
        let tries = script.starts.borrow().len();
        assert!(
            (9..20).contains(&tries),
            "{tries} times in a minute: the pause grows up to 10 s"
        );
        assert!(device.last_error().contains("the meter is off"));
        assert!(values(&watch).is_empty());
        let mut answer = world.call(&device, "look");
        world.settle().await;
        let expected = "the device has not started yet: the meter is off";
        assert_eq!(
            answer.try_recv().unwrap(),
            Err(CallError::Unavailable(expected.into()))
        );
        ready.set(true);
        world.run(10 * SECOND).await;
        assert_eq!(device.state(), DeviceState::Running);
        assert_eq!(values(&watch), [1]);
        let incarnations: Vec<u32> = script
            .starts
            .borrow()
            .iter()
            .map(|start| start.incarnation)
            .collect();
        assert_eq!(
            incarnations,
            (1..=incarnations.len() as u32).collect::<Vec<_>>()
        );
        world.stop(device).await;
    });
}

#[test]
fn a_start_whose_commit_fails_is_tried_again() {
    play(|world| async move {
        let (script, broken) = (Script::new(), Rc::new(Cell::new(true)));
        script.on_start(|stage, _| {
            stage.rows.push(1);
            stage.publish("out", 1, NO_CAUSE);
            Ok(Ok(()))
        });
        let locked = broken.clone();
        script.on_commit(move || {
            if locked.get() {
                Err("locked".into())
            } else {
                Ok(())
            }
        });
        let watch = world.watch("out");
        let device = world.start(&script).await;
        world.run(SECOND).await;
        assert!(values(&watch).is_empty());
        broken.set(false);
        world.run(SECOND).await;
        assert_eq!(
            (values(&watch), script.rows.borrow().clone()),
            (vec![1], vec![1])
        );
        world.stop(device).await;
    });
}

#[test]
fn a_later_start_that_is_refused_fails_the_device() {
    play(|world| async move {
        let script = Script::new();
        script.on_start(|stage, context| {
            stage.subscribe("in/a", Overflow::DropOldest, 0, false);
            if context.incarnation == 1 {
                Ok(Ok(()))
            } else {
                rejected("once is enough")
            }
        });
        script.on_event(|_, _, _| Err(trap("poison")));
        let letters = world.watch("$dead/#");
        let device = world.start(&script).await;
        world.publish("in/a", [1]);
        world.run(SECOND).await;
        assert_eq!(device.state(), DeviceState::Failed);
        assert_eq!(
            device.last_error(),
            "device `device` refused to start: once is enough"
        );
        assert_eq!(dead(&letters), [1]);
        assert_eq!(world.bus.subscriptions().len(), 1, "only the watch");
        world.stop(device).await;
    });
}

#[test]
fn a_stop_lets_last_publications_out_and_frees_everything() {
    play(|world| async move {
        let connection = world.connect("field", || Err("closed".into()));
        let script = starting(|| Ok(Ok(())));
        script.on_call(|_, _| Ok(Ok(Outcome::Pending)));
        script.on_stop(|stage, reason| {
            assert_eq!(reason, StopReason::Unload);
            stage.publish("out", 2, NO_CAUSE);
            stage.rows.push(2);
            stage.after("late", MS);
            Ok(())
        });
        let watch = world.watch("out");
        let device = world
            .start_with(&script, |spec| spec.connection = Some("field".into()))
            .await;
        let mut pending = world.call(&device, "open");
        world.settle().await;
        let (shared, last) = (device.device.clone(), world.call(&device, "too-late"));
        world.stop(device).await;
        assert_eq!(values(&watch), [1, 2]);
        assert_eq!(*script.rows.borrow(), [1, 2]);
        let ended = Err(CallError::Unavailable("the device has ended".into()));
        assert_eq!(pending.try_recv().unwrap(), ended);
        assert_eq!(last.await.unwrap(), ended);
        assert_eq!(world.bus.subscriptions().len(), 1, "only the watch");
        assert!(connection.stats().devices.is_empty());
        assert_eq!(shared.live.get().0, DeviceState::Stopped);
        // Nothing is taken in any more, and nobody is kept waiting.
        let up = || Notice::Link {
            state: LinkState::Up,
            reason: "".into(),
        };
        for _ in 0..=MAX_NOTICES {
            shared.mailbox.notify(&"field".into(), up()).unwrap();
        }
        let filter = "in/#".parse().unwrap();
        shared
            .subscribe(filter, Overflow::DropOldest, 0, false)
            .unwrap();
        assert_eq!(world.bus.subscriptions().len(), 1);
        shared.mailbox.stop(StopReason::Shutdown).await.unwrap_err();
        connection.close().await;
        assert_eq!(world.clock.next_deadline(), None);
    });
}

#[test]
fn a_trap_in_the_stop_is_said_and_the_device_ends_all_the_same() {
    play(|world| async move {
        let script = starting(|| Ok(Ok(())));
        script.on_start(|_, _| Ok(Ok(())));
        script.on_stop(|stage, _| {
            stage.publish("out", 2, NO_CAUSE);
            Err(trap("in the stop"))
        });
        let watch = world.watch("out");
        let device = world.start(&script).await;
        let shared = device.device.clone();
        world.stop(device).await;
        assert!(values(&watch).is_empty());
        assert_eq!(
            shared.live.get().1.unwrap().message,
            "it trapped in its stop: in the stop"
        );
    });
}

#[test]
fn all_who_stop_a_device_wait_for_its_end() {
    play(|world| async move {
        let script = Script::new();
        let device = world.start(&script).await;
        script.slow.set(SECOND);
        world.send("in/a", [1]).await;
        let mut first = device.device.mailbox.stop(StopReason::Unload);
        let mut second = device.device.mailbox.stop(StopReason::Shutdown);
        world.settle().await;
        assert!(
            first
                .try_recv()
                .is_err_and(|e| e == tokio::sync::oneshot::error::TryRecvError::Empty)
        );
        assert!(
            second
                .try_recv()
                .is_err_and(|e| e == tokio::sync::oneshot::error::TryRecvError::Empty)
        );
        world.run(SECOND).await;
        first.await.unwrap();
        second.await.unwrap();
        device.actor.await.unwrap();
    });
}

#[test]
fn a_device_can_be_stopped_while_it_waits_for_its_next_instance() {
    play(|world| async move {
        let script = Script::new();
        script.on_event(|_, _, _| Err(trap("poison")));
        let (letters, device) = (world.watch("$dead/#"), world.start(&script).await);
        world.send("in/a", [1, 2]).await;
        assert_eq!(device.state(), DeviceState::Restarting);
        world.stop(device).await;
        assert_eq!(dead(&letters), [1, 2], "what was kept is not lost unseen");
    });
}
