//! Ticks are events on `$timer/<name>`.

use super::rig::*;
use crate::schedule::Missed;

#[test]
fn every_ticks_on_its_grid_and_after_ticks_once() {
    play(|world| async move {
        let script = Script::new();
        script.on_start(|stage, _| {
            stage.every("poll", 100 * MS, Missed::Once);
            stage.after("once", 250 * MS);
            Ok(Ok(()))
        });
        let device = world.start(&script).await;
        world.run(99 * MS).await;
        assert!(script.topics().is_empty());
        world.run(MS).await;
        assert_eq!(script.topics(), [("$timer/poll".into(), 1)]);
        world.run(200 * MS).await;
        let ticks = script
            .topics()
            .into_iter()
            .map(|(topic, _)| topic)
            .collect::<Vec<_>>();
        assert_eq!(ticks, ["$timer/poll", "$timer/once", "$timer/poll"]);
        world.run(100 * MS).await;
        assert_eq!(script.topics(), [("$timer/poll".into(), 1)]);
        world.stop(device).await;
        assert_eq!(
            world.clock.next_deadline(),
            None,
            "no timer outlives its device"
        );
    });
}

#[test]
fn a_tick_is_for_its_device_alone() {
    play(|world| async move {
        let script = Script::new();
        script.on_start(|stage, _| {
            stage.subscribe("$timer/#", crate::bus::Overflow::DropOldest, 0, false);
            stage.after("t", MS);
            Ok(Ok(()))
        });
        let watch = world.watch("$timer/#");
        let device = world.start(&script).await;
        world.run(SECOND).await;
        assert_eq!(script.topics(), [("$timer/t".into(), 1)]);
        assert!(taken(&watch).is_empty());
        world.stop(device).await;
    });
}

#[test]
fn a_timer_can_be_cancelled_and_replaced_by_its_name() {
    play(|world| async move {
        let script = Script::new();
        script.on_start(|stage, _| {
            stage.every("a", 100 * MS, Missed::Once);
            stage.every("b", 100 * MS, Missed::Once);
            Ok(Ok(()))
        });
        script.on_call(|stage, _| {
            stage.cancel("a");
            stage.after("b", 500 * MS);
            Ok(Ok(super::super::Outcome::Done("null".into())))
        });
        let device = world.start(&script).await;
        world.run(100 * MS).await;
        assert_eq!(script.topics().len(), 2);
        let _answer = world.call(&device, "change");
        world.run(499 * MS).await;
        assert!(script.topics().is_empty());
        world.run(SECOND).await;
        assert_eq!(script.topics(), [("$timer/b".into(), 1)]);
        world.stop(device).await;
    });
}

#[test]
fn missed_ticks_follow_their_policy() {
    for (missed, expected) in [
        (Missed::Skip, vec![1]),
        (Missed::Once, vec![4]),
        (Missed::CatchUp, vec![1, 1, 1, 1]),
    ] {
        play(|world| async move {
            let script = Script::new();
            script.on_start(move |stage, _| {
                stage.subscribe("in/a", crate::bus::Overflow::DropOldest, 0, false);
                stage.every("t", 100 * MS, missed);
                Ok(Ok(()))
            });
            let device = world.start(&script).await;
            // Busy from 50 ms until 450 ms: the ticks at 100, 200, 300 and 400 ms are late.
            script.slow.set(400 * MS);
            world.run(50 * MS).await;
            world.send("in/a", [0]).await;
            script.slow.set(0);
            world.run(400 * MS).await;
            let ticks: Vec<i64> = script
                .topics()
                .into_iter()
                .skip(1)
                .map(|tick| tick.1)
                .collect();
            assert_eq!(ticks, expected, "{missed:?}");
            world.run(50 * MS).await;
            assert_eq!(script.batches(), [[1]], "{missed:?}: back on its grid");
            world.stop(device).await;
        });
    }
}

#[test]
fn endless_ticks_leave_room_for_events() {
    play(|world| async move {
        let script = Script::new();
        script.on_start(|stage, _| {
            stage.subscribe("in/a", crate::bus::Overflow::DropOldest, 0, false);
            stage.every("t", MS, Missed::CatchUp);
            Ok(Ok(()))
        });
        let device = world
            .start_with(&script, |spec| spec.limits.batch = 4)
            .await;
        // Each batch takes longer than its ticks: they never end.
        script.slow.set(10 * MS);
        world.run(50 * MS).await;
        world.send("in/a", 100..=107).await;
        script.batches();
        world.run(100 * MS).await;
        let batches = script.batches();
        assert!(batches.iter().all(|batch| batch.len() <= 4), "{batches:?}");
        let events: Vec<i64> = batches
            .concat()
            .into_iter()
            .filter(|value| *value >= 100)
            .collect();
        assert_eq!(events, (100..=107).collect::<Vec<_>>());
        script.slow.set(0);
        world.run(10 * MS).await;
        world.stop(device).await;
    });
}

#[test]
fn more_timers_than_the_limit_are_refused_and_said() {
    play(|world| async move {
        let script = Script::new();
        script.on_start(|stage, _| {
            stage.after("a", MS);
            stage.after("b", MS);
            stage.after("c", MS);
            stage.after("a", 2 * MS);
            Ok(Ok(()))
        });
        let device = world
            .start_with(&script, |spec| spec.limits.timers = 2)
            .await;
        assert!(
            device.last_error().contains("timer `c`"),
            "{}",
            device.last_error()
        );
        world.run(SECOND).await;
        let ticks: Vec<String> = script
            .topics()
            .into_iter()
            .map(|(topic, _)| topic)
            .collect();
        assert_eq!(ticks, ["$timer/b", "$timer/a"]);
        world.stop(device).await;
    });
}

#[test]
fn timers_of_a_handler_that_trapped_are_not_set_and_older_ones_tick_on() {
    play(|world| async move {
        let script = Script::new();
        script.on_start(|stage, context| {
            stage.subscribe("in/a", crate::bus::Overflow::DropOldest, 0, false);
            if context.incarnation == 1 {
                stage.every("old", 100 * MS, Missed::Once);
            }
            Ok(Ok(()))
        });
        script.on_event(|stage, _, event| match number(event) {
            7 => {
                stage.after("new", 10 * MS);
                Err(trap("seven"))
            }
            _ => Ok(Ok(())),
        });
        let device = world.start(&script).await;
        world.send("in/a", [7]).await;
        world.run(SECOND).await;
        let ticks: Vec<_> = script
            .topics()
            .into_iter()
            .filter(|seen| seen.0 != "in/a")
            .collect();
        assert_eq!(ticks.len(), 10);
        assert!(ticks.iter().all(|tick| tick.0 == "$timer/old"), "{ticks:?}");
        world.stop(device).await;
    });
}
