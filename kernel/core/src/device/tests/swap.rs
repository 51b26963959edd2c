//! Another version takes over: what survives, in which order, and what a refusal leaves.

use std::rc::Rc;

use super::rig::*;
use super::state::{counting, look};
use crate::bus::Overflow;
use crate::device::{DeviceState, Manner, Outcome, StopReason, SwapRefused};
use crate::schedule::Missed;

/// Counts events in its state and passes each on to `out`, plus `offset`.
pub(super) fn passing(offset: i64) -> Rc<Script> {
    let script = counting();
    script.on_event(move |stage, index, event| {
        *stage.state += 1;
        let value = number(event);
        stage.publish("out", value + offset, index);
        Ok(Ok(()))
    });
    script
}

#[test]
fn every_event_is_handled_once_and_in_order_and_the_state_goes_over() {
    play(|world| async move {
        let watch = world.watch("out");
        let (old, new) = (passing(0), passing(1_000));
        let device = world.start(&old).await;
        world.send("in/a", 0..100).await;
        // The order finds a full queue.
        world.publish("in/a", 100..300);
        let swap = world.order(&device, "second", &new, Manner::Trial).await;
        assert_eq!(swap, Ok(()));
        world.send("in/a", 300..400).await;
        let seen = values(&watch);
        let plain: Vec<i64> = seen.iter().map(|value| value % 1_000).collect();
        assert_eq!(plain, (0..400).collect::<Vec<_>>());
        assert!(seen.is_sorted(), "all of the old one come first");
        assert!(seen.contains(&1_399));
        assert_eq!(look(&world, &device).await, "400");
        let started = new.starts.borrow()[0].clone();
        assert_eq!((started.restored, started.incarnation), (true, 2));
        assert_eq!(device.state(), DeviceState::Running);
        world.stop(device).await;
    });
}

#[test]
fn the_old_version_has_its_last_words_before_the_new_one_speaks() {
    play(|world| async move {
        let watch = world.watch("out");
        let (old, new) = (passing(0), passing(0));
        old.on_stop(|stage, reason| {
            assert_eq!(reason, StopReason::Swap);
            stage.publish("out", 1, 0);
            // The timers and subscriptions are its own no more.
            stage.cancel("beat");
            stage.device.mailbox.unsubscribe(1);
            Ok(())
        });
        new.on_start(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, false);
            stage.every("beat", SECOND, Missed::Once);
            stage.publish("out", 2, 0);
            Ok(Ok(()))
        });
        let device = world.start(&old).await;
        world
            .order(&device, "second", &new, Manner::Trial)
            .await
            .unwrap();
        world.send("in/a", [3]).await;
        assert_eq!(values(&watch), [1, 2, 3]);
        world.stop(device).await;
    });
}

#[test]
fn a_version_that_is_refused_leaves_no_trace() {
    play(|world| async move {
        let letters = world.watch("$dead/#");
        let old = passing(0);
        old.on_start(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, true);
            stage.every("beat", SECOND, Missed::Once);
            Ok(Ok(()))
        });
        let device = world.start(&old).await;
        world.send("in/a", [1, 2]).await;
        world.publish("other/a", [9]);
        old.batches();
        let refusing = |how: &'static str| {
            let new = passing(0);
            let busy = move |stage: &mut Stage| {
                stage.subscribe("in/#", Overflow::LatestOnly, 1, true);
                stage.subscribe("other/#", Overflow::DropOldest, 0, true);
                stage.device.mailbox.unsubscribe(1);
                stage.cancel("beat");
                stage.publish("out", 77, 0);
                stage.rows.push(77);
            };
            new.on_import(move |_, _| match how {
                "state" => rejected("an unknown layout"),
                "state trap" => Err(trap("on the state")),
                _ => Ok(Ok(())),
            });
            new.on_start(move |stage, _| {
                busy(stage);
                match how {
                    "start" => rejected("not on this board"),
                    "start later" => retry("no cable"),
                    "start trap" => Err(trap("in start")),
                    _ => Ok(Ok(())),
                }
            });
            if how == "commit" {
                new.on_commit(|| Err("the disk is full".into()));
            }
            new
        };
        let watch = world.watch("out");
        for (how, reason) in [
            (
                "state",
                "the new version does not take the state (version 1, 8 bytes): rejected: an unknown layout",
            ),
            (
                "state trap",
                "the new version trapped on the state: on the state",
            ),
            (
                "start",
                "the new version refuses to start: not on this board",
            ),
            ("start later", "the new version refuses to start: no cable"),
            (
                "start trap",
                "the new version trapped in its start: in start",
            ),
            (
                "commit",
                "what the new version wrote in its start cannot be stored: the disk is full",
            ),
        ] {
            let new = refusing(how);
            let swap = world.order(&device, "second", &new, Manner::Trial).await;
            assert_eq!(swap.unwrap_err().to_string(), reason);
            assert!(new.rows.borrow().is_empty());
        }
        assert!(values(&watch).is_empty());
        assert_eq!(old.deliveries(), [], "no last value comes again");
        assert_eq!(
            world.bus.subscriptions().len(),
            3,
            "two watches and its own"
        );
        world.send("in/a", [3, 4]).await;
        assert_eq!(old.deliveries(), [(3, 1), (4, 1)], "no queue of one");
        world.run(SECOND).await;
        assert_eq!(old.topics().len(), 1, "the timer beats on");
        assert_eq!(look(&world, &device).await, "5");
        assert!(dead(&letters).is_empty());
        assert_eq!(old.starts.borrow().len(), 1);
        world.stop(device).await;
    });
}

#[test]
fn timers_keep_their_beat_however_often_versions_change() {
    play(|world| async move {
        let script = || {
            let script = Script::new();
            script.on_start(|stage, _| {
                stage.every("beat", SECOND, Missed::Once);
                Ok(Ok(()))
            });
            script
        };
        let device = world.start(&script()).await;
        let mut ticks = 0;
        for _ in 0..20 {
            world.run(300 * MS).await;
            let next = script();
            world
                .order(&device, "next", &next, Manner::Trial)
                .await
                .unwrap();
            world.run(200 * MS).await;
            ticks += next.batches().len();
        }
        assert_eq!(ticks, 10, "one a second");
        world.stop(device).await;
    });
}

#[test]
fn what_the_new_version_does_not_renew_goes_after_the_probation() {
    play(|world| async move {
        let old = Script::new();
        old.on_start(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, false);
            stage.subscribe("old/#", Overflow::DropOldest, 0, false);
            stage.every("old", SECOND, Missed::Once);
            Ok(Ok(()))
        });
        let device = world
            .start_with(&old, |spec| {
                // The new version may have as many, though the old ones are there yet.
                spec.limits.subscriptions = 2;
                spec.limits.timers = 1;
            })
            .await;
        let new = Script::new();
        new.on_start(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, false);
            stage.subscribe("new/#", Overflow::DropOldest, 0, false);
            stage.every("new", SECOND, Missed::Once);
            Ok(Ok(()))
        });
        world
            .order(&device, "second", &new, Manner::Trial)
            .await
            .unwrap();
        for topic in ["in/a", "old/a", "new/a"] {
            world.publish(topic, [1]);
        }
        world.run(SECOND).await;
        let ticks = |seen: &[(String, i64)]| {
            let tick = |(topic, _): &&(String, i64)| topic.contains("timer");
            seen.iter().filter(tick).count()
        };
        let seen = new.topics();
        assert_eq!((seen.len(), ticks(&seen)), (5, 2), "{seen:?}");
        assert_eq!(device.last_error(), "");
        world.run(30 * SECOND).await;
        new.topics();
        for topic in ["in/a", "old/a", "new/a"] {
            world.publish(topic, [2]);
        }
        world.run(SECOND).await;
        let seen = new.topics();
        assert_eq!((seen.len(), ticks(&seen)), (3, 1), "{seen:?}");
        world.stop(device).await;
    });
}

#[test]
fn inputs_that_wait_and_calls_that_are_open_go_over() {
    play(|world| async move {
        let old = Script::new();
        old.on_event(|_, _, event| match number(event) {
            2 => retry("not yet"),
            _ => Ok(Ok(())),
        });
        let open = Rc::new(std::cell::Cell::new(0));
        let id = open.clone();
        old.on_call(move |_, call| {
            id.set(call.id);
            Ok(Ok(Outcome::Pending))
        });
        let device = world.start(&old).await;
        let mut answer = world.call(&device, "measure");
        world.send("in/a", [1, 2, 3]).await;
        let new = Script::new();
        new.on_event(move |stage, _, _| {
            stage.reply(open.get(), Ok("21.5"));
            Ok(Ok(()))
        });
        world
            .order(&device, "second", &new, Manner::Trial)
            .await
            .unwrap();
        world.run(SECOND).await;
        assert_eq!(new.deliveries(), [(2, 2)]);
        assert_eq!(answer.try_recv().unwrap(), Ok("21.5".into()));
        world.stop(device).await;
    });
}

#[test]
fn last_values_come_again_only_to_a_version_that_got_no_state() {
    play(|world| async move {
        let listening = |has_state| {
            let script = Script::new();
            script.has_state.set(has_state);
            script.on_start(|stage, _| {
                stage.subscribe("in/#", Overflow::DropOldest, 0, true);
                Ok(Ok(()))
            });
            script
        };
        for (state, again) in [(false, 1), (true, 0)] {
            let device = world.start(&listening(state)).await;
            world.send("in/a", [1]).await;
            let second = listening(state);
            world
                .order(&device, "second", &second, Manner::Trial)
                .await
                .unwrap();
            assert_eq!(second.deliveries().len(), again);
            world.stop(device).await;
        }
    });
}

#[test]
fn a_device_that_was_given_up_runs_again_with_another_version() {
    play(|world| async move {
        let old = Script::new();
        old.on_call(|_, _| Err(trap("always")));
        let device = world.start(&old).await;
        for _ in 0..11 {
            let _answer = world.try_call(&device, "go");
            world.run(10 * SECOND).await;
            if device.state() == DeviceState::Failed {
                break;
            }
        }
        world.run(SECOND).await;
        assert_eq!(device.state(), DeviceState::Failed);
        let worse = Script::new();
        worse.on_start(|_, _| rejected("no"));
        let swap = world.order(&device, "worse", &worse, Manner::Trial).await;
        assert_eq!(swap, Err(SwapRefused::Start("no".into())));
        assert_eq!(device.state(), DeviceState::Failed);
        let new = Script::new();
        world
            .order(&device, "second", &new, Manner::Trial)
            .await
            .unwrap();
        assert_eq!(device.state(), DeviceState::Running);
        world.send("in/a", [1]).await;
        assert_eq!(new.deliveries(), [(1, 1)]);
        world.stop(device).await;
    });
}

#[test]
fn an_old_version_that_traps_on_its_state_gives_way_with_its_last_checkpoint() {
    play(|world| async move {
        let old = passing(0);
        let device = world.start(&old).await;
        world.send("in/a", [1, 2]).await;
        world.run(SECOND).await;
        old.on_export(|_| Err(trap("on export")));
        world.send("in/a", [3]).await;
        let new = passing(0);
        world
            .order(&device, "second", &new, Manner::Trial)
            .await
            .unwrap();
        assert_eq!(look(&world, &device).await, "2");
        assert_eq!(device.state(), DeviceState::Running);
        world.stop(device).await;
    });
}

#[test]
fn a_device_that_ends_refuses_the_order() {
    play(|world| async move {
        let device = world.start(&Script::new()).await;
        let orders = device.orders.clone();
        let kept = device.device.clone();
        world.stop(device).await;
        let factory = Factory {
            script: Script::new(),
            device: kept,
            version: "second",
        };
        let outcome = orders.give(factory, Manner::Trial).await.unwrap();
        assert_eq!(outcome, Err(SwapRefused::Ended));
    });
}
