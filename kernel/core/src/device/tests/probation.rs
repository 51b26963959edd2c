//! After a swap: a version that traps is taken back, healthy time confirms it.

use std::rc::Rc;

use super::rig::*;
use super::state::{look, restart};
use super::swap::passing;
use crate::bus::Overflow;
use crate::device::{DeviceState, GuestError, Manner};
use crate::schedule::Missed;

/// Passes events on, and traps on the value 13.
fn bad(offset: i64) -> Rc<Script> {
    let script = passing(offset);
    script.on_event(move |stage, index, event| {
        let value = number(event);
        if value == 13 {
            return Err(trap("unlucky"));
        }
        *stage.state += 1;
        stage.publish("out", value + offset, index);
        Ok(Ok(()))
    });
    script
}

fn taken_back(world: &World) -> Vec<(String, String)> {
    world.around.taken_back.lock().unwrap().clone()
}

async fn swap(world: &World, device: &Running, version: &'static str, script: &Rc<Script>) {
    let swap = world.order(device, version, script, Manner::Trial).await;
    assert_eq!(swap, Ok(()));
}

#[test]
fn a_trap_brings_the_version_before_back_with_the_failed_batch_and_the_queue() {
    play(|world| async move {
        let watch = world.watch("out");
        let (old, new) = (passing(0), bad(1_000));
        let device = world.start(&old).await;
        world.send("in/a", 0..5).await;
        swap(&world, &device, "second", &new).await;
        assert!(
            device
                .device
                .live
                .probation
                .load(std::sync::atomic::Ordering::Relaxed)
        );
        world.send("in/a", 5..10).await;
        // Two batches wait: 10 to 14, of which none is acknowledged, and the rest of the queue.
        world.publish("in/a", 10..15);
        world.settle().await;
        world.send("in/a", 15..20).await;
        let seen = values(&watch);
        let expected: Vec<i64> = (0..5).chain(1_005..1_010).chain(10..20).collect();
        assert_eq!(seen, expected, "each once, in order");
        let reason = "the new version trapped on probation: unlucky";
        assert_eq!(taken_back(&world), [("second".into(), reason.into())]);
        assert_eq!(device.state(), DeviceState::Running);
        assert_eq!(
            device.last_error(),
            "the new version trapped on probation: unlucky; the version before comes back"
        );
        assert_eq!(old.starts.borrow().len(), 2);
        assert!(old.starts.borrow()[1].restored);
        world.stop(device).await;
    });
}

#[test]
fn it_goes_on_from_the_newest_state_that_it_can_read() {
    play(|world| async move {
        let (old, new) = (passing(0), bad(0));
        let device = world.start(&old).await;
        world.send("in/a", 0..5).await;
        swap(&world, &device, "second", &new).await;
        world.send("in/a", 5..8).await;
        world.run(SECOND).await;
        world.send("in/a", [13]).await;
        assert_eq!(
            look(&world, &device).await,
            "9",
            "the checkpoint of 8, and the 13"
        );
        world.stop(device).await;
    });
}

#[test]
fn else_from_the_state_of_the_swap_and_the_newest_is_kept_aside() {
    play(|world| async move {
        let (old, new) = (passing(0), bad(0));
        old.on_import(|_, state| match state {
            5 => Ok(Ok(())),
            _ => rejected("of the future"),
        });
        let device = world.start(&old).await;
        world.send("in/a", 0..5).await;
        swap(&world, &device, "second", &new).await;
        world.send("in/a", 5..8).await;
        world.run(SECOND).await;
        world.send("in/a", [13]).await;
        assert_eq!(look(&world, &device).await, "6");
        let aside = world.vault.kept.refused("device").unwrap();
        assert_eq!(aside.bytes, 8_i64.to_le_bytes());
        world.stop(device).await;
    });
}

#[test]
fn an_error_that_ends_a_version_counts_as_a_trap_and_a_rejected_event_does_not() {
    play(|world| async move {
        let (old, new) = (passing(0), passing(0));
        new.on_event(|_, _, event| match number(event) {
            1 => rejected("nonsense"),
            _ => Ok(Err(GuestError::Fatal("no memory".into()))),
        });
        let device = world.start(&old).await;
        swap(&world, &device, "second", &new).await;
        world.send("in/a", [1]).await;
        assert_eq!(taken_back(&world), []);
        world.send("in/a", [2]).await;
        assert_eq!(taken_back(&world).len(), 1);
        assert_eq!(old.deliveries(), [(2, 2)]);
        world.stop(device).await;
    });
}

#[test]
fn a_trap_in_a_call_or_with_one_attempt_left_is_no_reason_to_lose_an_event() {
    play(|world| async move {
        let letters = world.watch("$dead/#");
        let (old, new) = (passing(0), bad(0));
        let device = world
            .start_with(&old, |spec| spec.limits.attempts = 1)
            .await;
        swap(&world, &device, "second", &new).await;
        world.send("in/a", [13]).await;
        assert_eq!(old.deliveries(), [(13, 2)]);
        assert!(dead(&letters).is_empty());
        world.stop(device).await;
    });
}

#[test]
fn healthy_time_confirms_and_a_trap_after_it_restarts_the_new_version() {
    play(|world| async move {
        let (old, new) = (passing(0), passing(0));
        let device = world
            .start_with(&old, |spec| {
                spec.limits.probation = crate::units::Span::from_millis(5_000);
            })
            .await;
        swap(&world, &device, "second", &new).await;
        world.run(5 * SECOND).await;
        assert!(
            !device
                .device
                .live
                .probation
                .load(std::sync::atomic::Ordering::Relaxed)
        );
        assert_eq!(*world.around.confirmed.lock().unwrap(), ["second"]);
        restart(&world, &device).await;
        assert_eq!(taken_back(&world), []);
        assert_eq!(
            (old.starts.borrow().len(), new.starts.borrow().len()),
            (1, 2)
        );
        world.stop(device).await;
    });
}

#[test]
fn a_further_swap_confirms_the_version_on_probation_first() {
    play(|world| async move {
        let (first, second, third) = (passing(0), passing(0), bad(0));
        first.on_start(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, false);
            stage.subscribe("first/#", Overflow::DropOldest, 0, false);
            Ok(Ok(()))
        });
        let device = world.start(&first).await;
        swap(&world, &device, "second", &second).await;
        swap(&world, &device, "third", &third).await;
        world.send("in/a", [13]).await;
        world.send("first/a", [1]).await;
        assert_eq!(second.deliveries(), [(13, 2)]);
        assert_eq!(
            (first.starts.borrow().len(), second.starts.borrow().len()),
            (1, 2)
        );
        world.stop(device).await;
    });
}

#[test]
fn a_version_that_is_refused_leaves_the_one_that_runs_on_probation() {
    play(|world| async move {
        let (first, second, third) = (passing(0), bad(0), passing(0));
        first.on_start(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, false);
            stage.subscribe("first/#", Overflow::DropOldest, 0, false);
            Ok(Ok(()))
        });
        third.on_start(|stage, _| {
            stage.subscribe("third/#", Overflow::DropOldest, 0, false);
            rejected("not on this board")
        });
        let device = world.start(&first).await;
        swap(&world, &device, "second", &second).await;
        let refused = world.order(&device, "third", &third, Manner::Trial).await;
        assert!(refused.is_err());
        world.send("in/a", [13]).await;
        let reason = "the new version trapped on probation: unlucky";
        assert_eq!(taken_back(&world), [("second".into(), reason.into())]);
        world.send("first/a", [1]).await;
        assert_eq!(first.deliveries(), [(13, 2), (1, 1)]);
        world.stop(device).await;
    });
}

#[test]
fn a_further_swap_ends_what_only_the_version_before_the_last_had() {
    play(|world| async move {
        let (first, second, third) = (passing(0), passing(0), bad(0));
        first.on_start(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, false);
            stage.subscribe("first/#", Overflow::DropOldest, 0, false);
            stage.every("first", SECOND, Missed::Once);
            Ok(Ok(()))
        });
        let device = world.start(&first).await;
        swap(&world, &device, "second", &second).await;
        swap(&world, &device, "third", &third).await;
        // And not when the third is taken back: it was confirmed that the second does without.
        assert_eq!(world.bus.subscriptions().len(), 1);
        world.send("in/a", [13]).await;
        world.run(SECOND).await;
        assert_eq!(second.deliveries(), [(13, 2)]);
        assert_eq!(world.bus.subscriptions().len(), 1);
        world.stop(device).await;
    });
}

#[test]
fn what_a_version_took_up_again_goes_with_it_when_the_one_before_did_without() {
    play(|world| async move {
        let (first, second, third) = (passing(0), passing(0), bad(0));
        for script in [&first, &third] {
            script.on_start(|stage, _| {
                stage.subscribe("in/#", Overflow::DropOldest, 0, false);
                stage.subscribe("more/#", Overflow::DropOldest, 0, false);
                Ok(Ok(()))
            });
        }
        let device = world.start(&first).await;
        swap(&world, &device, "second", &second).await;
        swap(&world, &device, "third", &third).await;
        assert_eq!(world.bus.subscriptions().len(), 2);
        world.send("in/a", [13]).await;
        assert_eq!(second.deliveries(), [(13, 2)]);
        assert_eq!(world.bus.subscriptions().len(), 1);
        world.stop(device).await;
    });
}

#[test]
fn what_only_the_bad_version_had_goes_with_it_and_the_rest_is_as_before() {
    play(|world| async move {
        let (old, new) = (passing(0), bad(0));
        old.on_start(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, true);
            stage.every("beat", SECOND, Missed::Once);
            Ok(Ok(()))
        });
        // Made while it ran, so no start renews it.
        old.on_call(|stage, _| {
            stage.subscribe("extra/#", Overflow::DropOldest, 0, false);
            stage.every("extra", SECOND, Missed::Once);
            Ok(Ok(crate::device::Outcome::Done("null".into())))
        });
        new.on_start(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, true);
            stage.subscribe("new/#", Overflow::DropOldest, 0, false);
            stage.every("new", SECOND, Missed::Once);
            Ok(Ok(()))
        });
        let device = world.start(&old).await;
        let _ = look(&world, &device).await;
        swap(&world, &device, "second", &new).await;
        world.send("in/a", [13]).await;
        old.on_event(|_, _, _| Ok(Ok(())));
        assert_eq!(
            old.deliveries(),
            [(13, 2)],
            "the last value does not come again"
        );
        for topic in ["new/a", "extra/a", "in/a"] {
            world.publish(topic, [1]);
        }
        world.run(SECOND).await;
        let mut topics: Vec<String> = old.topics().into_iter().map(|(topic, _)| topic).collect();
        topics.sort();
        let timers = topics.iter().filter(|topic| topic.starts_with('$')).count();
        assert_eq!((topics.len(), timers), (4, 2), "{topics:?}");
        world.run(60 * SECOND).await;
        old.topics();
        world.send("extra/a", [2]).await;
        assert_eq!(old.topics().len(), 1, "also after the span of a probation");
        world.stop(device).await;
    });
}

#[test]
fn an_operator_goes_back_the_same_way_and_the_state_comes_along() {
    play(|world| async move {
        let (old, new) = (passing(0), passing(0));
        let device = world.start(&old).await;
        world.send("in/a", 0..5).await;
        swap(&world, &device, "second", &new).await;
        world.send("in/a", 5..8).await;
        let back = world.order(&device, "first", &old, Manner::Return).await;
        assert_eq!(back, Ok(()));
        assert_eq!(look(&world, &device).await, "8");
        assert_eq!(taken_back(&world), []);
        // Nothing is before it any more: a trap is supervision's.
        restart(&world, &device).await;
        assert_eq!(old.starts.borrow().len(), 3);
        world.stop(device).await;
    });
}

#[test]
fn a_return_takes_the_state_of_the_swap_when_it_must_and_is_forced_when_it_has_to_be() {
    play(|world| async move {
        let (old, new) = (passing(0), passing(0));
        old.on_import(|_, state| match state {
            5 => Ok(Ok(())),
            _ => rejected("of the future"),
        });
        let device = world.start(&old).await;
        world.send("in/a", 0..5).await;
        swap(&world, &device, "second", &new).await;
        world.send("in/a", 5..8).await;
        let back = world.order(&device, "first", &old, Manner::Return).await;
        assert_eq!(back, Ok(()));
        assert_eq!(look(&world, &device).await, "5");
        assert_eq!(
            world.vault.kept.refused("device").unwrap().bytes,
            8_i64.to_le_bytes()
        );

        swap(&world, &device, "third", &new).await;
        old.on_start(|_, _| retry("the line is down"));
        let back = world.order(&device, "first", &old, Manner::Return).await;
        assert!(back.is_err(), "it is refused, and the other one goes on");
        assert_eq!(device.state(), DeviceState::Running);
        let back = world
            .order(&device, "first", &old, Manner::ForcedReturn)
            .await;
        assert_eq!(back, Ok(()));
        assert_eq!(device.state(), DeviceState::Waiting);
        old.on_start(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, false);
            Ok(Ok(()))
        });
        world.run(10 * SECOND).await;
        assert_eq!(device.state(), DeviceState::Running);
        assert_eq!(look(&world, &device).await, "5");
        world.stop(device).await;
    });
}
