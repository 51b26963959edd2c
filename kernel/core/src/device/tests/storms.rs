//! Devices that never rest, and the neighbours on their lane.

use super::rig::*;
use crate::schedule::Missed;

/// How often everything on the lane got its turn until the neighbour had handled an event.
async fn turns(world: &World, calm: &Script) -> usize {
    calm.batches();
    world.publish("calm/a", [1]);
    for turn in 0..100 {
        if !calm.batches().is_empty() {
            return turn;
        }
        tokio::task::yield_now().await;
    }
    panic!("the neighbour starves");
}

/// A device that handles what is published on `calm/#`.
async fn neighbour(world: &World) -> (std::rc::Rc<Script>, Running) {
    let calm = Script::new();
    calm.on_start(|stage, _| {
        stage.subscribe("calm/#", crate::bus::Overflow::DropOldest, 0, false);
        Ok(Ok(()))
    });
    let running = world.add("calm", &calm, |_| {});
    world.settle().await;
    (calm, running)
}

#[test]
fn a_timer_that_is_set_again_for_now_leaves_its_neighbours_their_turns() {
    play(|world| async move {
        let wild = Script::new();
        wild.on_start(|stage, _| {
            stage.after("again", 0);
            Ok(Ok(()))
        });
        wild.on_event(|stage, _, _| {
            stage.after("again", 0);
            Ok(Ok(()))
        });
        let device = world.add("wild", &wild, |_| {});
        let (calm, other) = neighbour(&world).await;
        assert!(wild.batches().len() > 100, "it never rests");
        for _ in 0..20 {
            assert!(turns(&world, &calm).await <= 3);
        }
        world.stop(other).await;
        world.stop(device).await;
    });
}

#[test]
fn as_many_timers_as_there_may_be_are_one_batch_a_turn() {
    play(|world| async move {
        let wild = Script::new();
        wild.on_start(|stage, _| {
            stage.subscribe("in/#", crate::bus::Overflow::DropOldest, 0, false);
            for timer in 0..256 {
                stage.every(&timer.to_string(), MS, Missed::CatchUp);
            }
            Ok(Ok(()))
        });
        let device = world.add("wild", &wild, |_| {});
        let (calm, other) = neighbour(&world).await;
        wild.batches();
        // An hour of which nothing was handled: a million ticks each.
        world.clock.advance(3_600 * SECOND);
        for _ in 0..20 {
            assert!(turns(&world, &calm).await <= 3);
        }
        let batches = wild.batches();
        assert!(batches.iter().all(|batch| batch.len() <= 512));
        // Its own events are not starved by its ticks.
        world.publish("in/a", [i64::MIN + 1]);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let seen = wild.batches();
        assert!(seen.iter().flatten().any(|value| *value == i64::MIN + 1));
        world.stop(other).await;
        world.stop(device).await;
    });
}

#[test]
fn a_device_that_feeds_itself_leaves_its_neighbours_their_turns() {
    play(|world| async move {
        let wild = Script::new();
        wild.on_event(|stage, index, event| {
            stage.publish("in/again", number(event), index);
            Ok(Ok(()))
        });
        let device = world.add("wild", &wild, |spec| spec.limits.publish_rate = u32::MAX);
        let (calm, other) = neighbour(&world).await;
        world.publish("in/a", [1]);
        for _ in 0..20 {
            assert!(turns(&world, &calm).await <= 3);
        }
        assert!(wild.batches().len() > 20, "it never rests");
        world.stop(other).await;
        world.stop(device).await;
    });
}
