//! A device that publishes faster than it may is slowed down, and loses nothing by that.

use super::rig::*;
use crate::device::{CallError, DeviceState, Manner, Outcome};

/// Passes on each event a hundredfold; may publish a thousand a second.
fn amplifier() -> std::rc::Rc<Script> {
    let script = Script::new();
    script.on_event(|stage, index, event| {
        for copy in 0..100 {
            stage.publish("out", number(event) * 100 + copy, index);
        }
        Ok(Ok(()))
    });
    script
}

#[test]
fn a_storm_is_slowed_to_its_rate_and_every_event_arrives_in_order() {
    play(|world| async move {
        let device = world
            .start_with(&amplifier(), |spec| {
                spec.limits.publish_rate = 1_000;
                spec.limits.batch = 1;
            })
            .await;
        let watch = world.watch("out");
        world.send("in/a", 0..30).await;
        let at_once = values(&watch);
        assert!(
            (1_000..=1_100).contains(&at_once.len()),
            "{}",
            at_once.len()
        );
        world.run(SECOND).await;
        let later = values(&watch);
        assert!((900..=1_100).contains(&later.len()), "{}", later.len());
        world.run(2 * SECOND).await;
        let mut all = at_once;
        all.extend(later);
        all.extend(values(&watch));
        assert_eq!(all, (0..3_000).collect::<Vec<_>>());
        assert_eq!(device.state(), DeviceState::Running);
        let held = &device.device.live.counters.held;
        let held = held.load(std::sync::atomic::Ordering::Relaxed);
        assert!((SECOND..3 * SECOND).contains(&held), "{held}");
        world.stop(device).await;
    });
}

#[test]
fn what_comes_meanwhile_meets_the_bound_that_the_device_declared_and_is_counted() {
    play(|world| async move {
        let device = world
            .start_with(&amplifier(), |spec| {
                spec.limits.publish_rate = 100;
                spec.limits.batch = 1;
                spec.limits.queue = 10;
            })
            .await;
        // The slack, and one more: now it is held for a second.
        for value in 0..3 {
            world.send("in/a", [value]).await;
        }
        world.send("in/a", 3..103).await;
        let dropped = &device.device.live.counters.dropped;
        let dropped = dropped.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(dropped, 91, "of 101 that wait, ten fit");
        world.stop(device).await;
    });
}

#[test]
fn timers_and_notices_wait_too_but_calls_go_on_while_little_is_owed() {
    play(|world| async move {
        let script = amplifier();
        script.on_start(|stage, _| {
            stage.subscribe("in/#", crate::bus::Overflow::DropOldest, 0, false);
            stage.every("tick", 100 * MS, crate::schedule::Missed::Once);
            Ok(Ok(()))
        });
        script.on_event(|stage, index, event| {
            if stage.device.bus.topic_name(event.topic).as_deref() == Some("in/a") {
                for _ in 0..number(event) {
                    stage.publish("out", 0, index);
                }
            }
            Ok(Ok(()))
        });
        script.on_call(|_, _| Ok(Ok(Outcome::Done("true".into()))));
        let device = world
            .start_with(&script, |spec| spec.limits.publish_rate = 1_000)
            .await;
        // Half a second more than the slack.
        world.send("in/a", [1_500]).await;
        script.topics();
        world.run(400 * MS).await;
        assert_eq!(script.topics(), []);
        let mut answer = world.call(&device, "open");
        world.settle().await;
        assert_eq!(answer.try_recv(), Ok(Ok("true".into())));
        world.run(200 * MS).await;
        assert_eq!(script.topics()[0], ("$timer/tick".into(), 5), "made up for");
        // Much more than a second's worth: nobody can be used to publish by calling him.
        world.run(SECOND).await;
        world.send("in/a", [4_000]).await;
        let mut answer = world.call(&device, "open");
        world.run(SECOND).await;
        assert!(answer.try_recv().is_err(), "it waits");
        world.run(SECOND).await;
        assert_eq!(answer.try_recv(), Ok(Ok::<_, CallError>("true".into())));
        world.stop(device).await;
    });
}

#[test]
fn a_device_that_is_held_ends_when_it_is_told_to() {
    play(|world| async move {
        let device = world
            .start_with(&amplifier(), |spec| spec.limits.publish_rate = 1)
            .await;
        world.send("in/a", 0..10).await;
        world.stop(device).await;
    });
}

#[test]
fn time_in_which_it_does_not_run_is_no_time_in_which_it_is_held() {
    play(|world| async move {
        let script = amplifier();
        script.on_call(|_, _| Err(trap("by a call, which may go on while little is owed")));
        let device = world
            .start_with(&script, |spec| {
                spec.limits.publish_rate = 1_000;
                spec.limits.batch = 1;
            })
            .await;
        for _ in 0..60 {
            if device.state() == DeviceState::Failed {
                break;
            }
            world.send("in/a", 0..15).await;
            let _answer = world.try_call(&device, "open");
            world.run(SECOND).await;
        }
        assert_eq!(device.state(), DeviceState::Failed);
        world.run(3_600 * SECOND).await;
        let swapped = world
            .order(&device, "second", &amplifier(), Manner::Trial)
            .await;
        assert_eq!(swapped, Ok(()));
        world.send("in/a", [1]).await;
        let held = &device.device.live.counters.held;
        let held = held.load(std::sync::atomic::Ordering::Relaxed);
        assert!((1..60 * SECOND).contains(&held), "{held}");
        world.stop(device).await;
    });
}
