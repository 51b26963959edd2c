//! Events come in, publications go out.

use super::super::NO_CAUSE;
use super::rig::*;
use std::cell::RefCell;
use std::rc::Rc;

use crate::bus::Overflow;
use crate::device::GuestError;
use crate::event::{Event, Value};
use crate::schedule::Missed;
use crate::units::Size;

#[test]
fn events_arrive_in_order_and_in_batches_up_to_the_limit() {
    play(|world| async move {
        let script = Script::new();
        let device = world
            .start_with(&script, |spec| spec.limits.batch = 4)
            .await;
        world.send("in/a", 1..=10).await;
        assert_eq!(
            script.batches(),
            [vec![1, 2, 3, 4], vec![5, 6, 7, 8], vec![9, 10]]
        );
        world.send("in/a", [-1, 0]).await;
        assert_eq!(script.batches(), [[-1, 0]]);
        world.stop(device).await;
    });
}

#[test]
fn a_busy_subscription_leaves_room_for_the_others() {
    play(|world| async move {
        let script = Script::new();
        script.on_start(|stage, _| {
            stage.subscribe("busy", Overflow::DropOldest, 0, false);
            stage.subscribe("quiet", Overflow::DropOldest, 0, false);
            Ok(Ok(()))
        });
        let device = world
            .start_with(&script, |spec| spec.limits.batch = 4)
            .await;
        world.publish("busy", 1..=20);
        world.publish("quiet", [100]);
        world.settle().await;
        let batches = script.batches();
        assert_eq!(batches[0], [1, 2, 3, 4]);
        assert!(batches[1].contains(&100), "{batches:?}");
        assert_eq!(batches.concat().len(), 21);
        world.stop(device).await;
    });
}

fn text(world: &World, topic: &str, size: usize) -> Event {
    Event {
        value: Value::Text("x".repeat(size).into()),
        ..sample(&world.bus, topic, 0)
    }
}

/// The payloads of each batch that a device was given.
type Sizes = Rc<RefCell<Vec<Vec<usize>>>>;

fn sizes() -> (Rc<Script>, Sizes) {
    let (script, seen) = (Script::new(), Sizes::default());
    let log = seen.clone();
    script.on_event(move |_, index, event| {
        let mut log = log.borrow_mut();
        if index == 0 {
            log.push(Vec::new());
        }
        log.last_mut().unwrap().push(event.value.payload_len());
        Ok(Ok(()))
    });
    (script, seen)
}

#[test]
fn a_backlog_of_large_events_comes_in_batches_within_the_limit_in_bytes() {
    play(|world| async move {
        let (script, seen) = sizes();
        let device = world
            .start_with(&script, |spec| {
                spec.limits.batch_bytes = Size(100_000);
                spec.limits.queue_bytes = Size(100 << 20);
            })
            .await;
        let mut run: Vec<Event> = (0..512).map(|_| text(&world, "in/a", 30_000)).collect();
        let source = world.bus.source("outside").unwrap();
        drop(world.bus.publish(source, &mut run));
        world.settle().await;
        let batches = seen.take();
        assert_eq!(batches.concat().len(), 512, "all of them");
        assert!(batches.iter().all(|batch| batch.len() <= 3), "{batches:?}");
        assert_eq!(batches.len(), 171);
        world.stop(device).await;
    });
}

#[test]
fn an_event_larger_than_a_batch_comes_without_others_and_starves_nobody() {
    play(|world| async move {
        let (script, seen) = sizes();
        script.on_start(|stage, _| {
            stage.subscribe("small", Overflow::DropOldest, 0, false);
            stage.subscribe("large", Overflow::DropOldest, 0, false);
            stage.every("t", MS, Missed::Once);
            Ok(Ok(()))
        });
        let device = world
            .start_with(&script, |spec| spec.limits.batch_bytes = Size(1_000))
            .await;
        let source = world.bus.source("outside").unwrap();
        let small = (0..8).map(|_| text(&world, "small", 400));
        let large = (0..4).map(|_| text(&world, "large", 5_000));
        let mut run: Vec<Event> = small.chain(large).collect();
        drop(world.bus.publish(source, &mut run));
        world.run(10 * MS).await;
        let batches = seen.take();
        let payloads: usize = batches.concat().iter().sum();
        assert_eq!(payloads, 8 * 400 + 4 * 5_000, "{batches:?}");
        let alone = |batch: &Vec<usize>| {
            let sum: usize = batch.iter().sum();
            sum <= 1_000 || sum == 5_000
        };
        assert!(batches.iter().all(alone), "{batches:?}");
        let last_small = batches.iter().rposition(|batch| batch.contains(&400));
        let first_large = batches.iter().position(|batch| batch.contains(&5_000));
        assert!(first_large < last_small, "in turn: {batches:?}");
        world.stop(device).await;
    });
}

#[test]
fn publications_wait_until_the_handler_returns() {
    play(|world| async move {
        let script = Script::new();
        script.on_event(|stage, index, event| {
            stage.publish("out", number(event) * 10, index);
            assert!(
                stage.device.bus.last("out").is_none(),
                "left before its time"
            );
            Ok(Ok(()))
        });
        let watch = world.watch("out");
        let device = world.start(&script).await;
        world.send("in/a", [1, 2, 3]).await;
        assert_eq!(values(&watch), [10, 20, 30]);
        world.stop(device).await;
    });
}

#[test]
fn publications_name_the_event_that_led_to_them() {
    play(|world| async move {
        let script = Script::new();
        script.on_event(|stage, index, event| {
            stage.publish("out", number(event), index);
            stage.publish("out", -number(event), NO_CAUSE);
            Ok(Ok(()))
        });
        let (inputs, watch) = (world.watch("in/#"), world.watch("out"));
        let device = world.start(&script).await;
        world.send("in/a", [1, 2]).await;
        let inputs = taken(&inputs);
        for event in taken(&watch) {
            let value = number(&event);
            let expected = inputs.iter().find(|input| number(input) == value);
            let cause = event.cause.map(|cause| (cause.source, cause.sequence));
            assert_eq!(
                cause,
                expected.map(|input| (input.source, input.sequence)),
                "{value}"
            );
            assert_eq!(event.source, device.device.source);
        }
        world.stop(device).await;
    });
}

#[test]
fn a_device_that_floods_itself_does_not_starve_its_neighbour() {
    play(|world| async move {
        let flood = Script::new();
        flood.on_start(|stage, _| {
            stage.subscribe("flood", Overflow::DropOldest, 0, false);
            Ok(Ok(()))
        });
        flood.on_event(|stage, index, event| {
            stage.publish("flood", number(event) + 1, index);
            Ok(Ok(()))
        });
        let flooding = world.add("flood", &flood, |_| {});
        let script = Script::new();
        let device = world.start(&script).await;
        world.publish("flood", [0]);
        for round in 0..100 {
            world.publish("in/a", [round]);
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            assert_eq!(script.batches(), [[round]]);
        }
        assert!(flood.batches().len() >= 100, "it went on");
        world.stop(flooding).await;
        world.stop(device).await;
    });
}

#[test]
fn errors_for_one_event_twice_or_for_none_are_told_apart() {
    play(|world| async move {
        let script = Script::new();
        script.on_event(|_, _, event| match number(event) {
            2 => rejected("two"),
            _ => Ok(Ok(())),
        });
        let letters = world.watch("$dead/#");
        let device = world.start(&script).await;
        script.stray.borrow_mut().extend([
            (1, GuestError::Rejected("two again".into())),
            (77, GuestError::Retry("nobody".into())),
        ]);
        world.send("in/a", [1, 2, 3]).await;
        assert_eq!(dead(&letters), [2], "once");
        assert_eq!(script.deliveries(), [(1, 1), (2, 1), (3, 1)]);
        let handled = &device.device.live.counters.events;
        assert_eq!(handled.load(std::sync::atomic::Ordering::Relaxed), 2);
        world.stop(device).await;
    });
}
