//! Publishers and slow subscribers.

use std::sync::atomic::Ordering::Relaxed;

use super::rig::*;
use crate::bus::Overflow;
use crate::clock::Clock;
use crate::device::DeviceState;

/// Publishes each value it gets on `out`.
fn relaying() -> std::rc::Rc<Script> {
    let script = Script::new();
    script.on_event(|stage, index, event| {
        stage.publish("out", number(event), index);
        Ok(Ok(()))
    });
    script
}

#[test]
fn a_publisher_waits_for_a_full_blocking_subscriber_until_its_limit() {
    play(|world| async move {
        let wake = std::sync::Arc::default();
        let filter = "out".parse().unwrap();
        let full = world
            .bus
            .subscribe("full", filter, Overflow::Block, 2, false, wake);
        let device = world.start(&relaying()).await;
        let began = world.clock.monotonic();
        world.send("in/a", 1..=5).await;
        let mut answer = world.call(&device, "look");
        world.run(99 * MS).await;
        assert!(answer.try_recv().is_err(), "it waits");
        world.run(MS).await;
        assert_eq!(answer.try_recv().unwrap(), Ok("null".into()));
        assert_eq!(world.clock.monotonic() - began, 100 * MS);
        assert_eq!((values(&full), full.dropped()), (vec![1, 2], 3));
        world.stop(device).await;
    });
}

#[test]
fn a_publisher_goes_on_as_soon_as_there_is_room_and_nothing_is_lost() {
    play(|world| async move {
        let slow = Script::new();
        slow.on_start(|stage, _| {
            stage.subscribe("out", Overflow::Block, 2, false);
            Ok(Ok(()))
        });
        let subscriber = world.add("slow", &slow, |spec| {
            spec.acyclic = true;
            spec.limits.batch = 1;
        });
        let device = world.start(&relaying()).await;
        world.send("in/a", 1..=20).await;
        world.run(MS).await;
        assert_eq!(slow.batches().concat(), (1..=20).collect::<Vec<_>>());
        assert_eq!(
            world
                .bus
                .subscriptions()
                .iter()
                .map(|s| s.dropped)
                .sum::<u64>(),
            0
        );
        world.stop(subscriber).await;
        world.stop(device).await;
    });
}

#[test]
fn one_slow_subscriber_never_stalls_the_publisher_or_the_others() {
    play(|world| async move {
        let (slow, fast) = (Script::new(), Script::new());
        for script in [&slow, &fast] {
            script.on_start(|stage, _| {
                stage.subscribe("out", Overflow::DropOldest, 8, false);
                Ok(Ok(()))
            });
        }
        slow.slow.set(1_000 * SECOND);
        let subscribers = [
            world.add("slow", &slow, |_| {}),
            world.add("fast", &fast, |_| {}),
        ];
        let device = world.start(&relaying()).await;
        for value in 0..100 {
            world.send("in/a", [value]).await;
        }
        assert_eq!(fast.batches().concat(), (0..100).collect::<Vec<_>>());
        assert_eq!(slow.batches(), [[0]], "still at its first");
        let status = world.bus.subscriptions();
        let dropped = |owner: &str| status.iter().find(|s| s.owner == owner).unwrap().dropped;
        assert_eq!((dropped("slow"), dropped("fast")), (91, 0));
        slow.slow.set(0);
        world.run(1_000 * SECOND).await;
        assert_eq!(
            slow.batches().concat(),
            (92..100).collect::<Vec<_>>(),
            "the newest are left"
        );
        for subscriber in subscribers {
            world.stop(subscriber).await;
        }
        world.stop(device).await;
    });
}

#[test]
fn what_a_failed_device_leaves_in_its_queues_is_still_shown_as_dropped() {
    play(|world| async move {
        let script = Script::new();
        script.on_start(|stage, context| {
            stage.subscribe("in/a", Overflow::DropOldest, 4, false);
            stage.subscribe("in/b", Overflow::DropOldest, 4, false);
            match context.incarnation {
                1 => Ok(Ok(())),
                _ => rejected("once is enough"),
            }
        });
        script.on_call(|stage, _| {
            stage
                .device
                .mailbox
                .direct(sample(&stage.device.bus, "$answer", 0));
            Err(trap("by a call"))
        });
        let device = world.start(&script).await;
        world.publish("in/a", 1..=6);
        world.publish("in/b", 1..=3);
        let _answer = world.call(&device, "trap");
        world.run(SECOND).await;
        assert_eq!(device.state(), DeviceState::Failed);
        assert!(script.batches().is_empty());
        assert!(world.bus.subscriptions().is_empty());
        let dropped = &device.device.live.counters.dropped;
        assert_eq!(dropped.load(Relaxed), 6 + 3 + 1, "answers as well");
        world.stop(device).await;
    });
}

#[test]
fn a_vanished_blocking_subscriber_frees_its_publisher() {
    play(|world| async move {
        let stuck = Script::new();
        stuck.on_start(|stage, _| {
            stage.subscribe("out", Overflow::Block, 1, false);
            Ok(Ok(()))
        });
        stuck.on_event(|_, _, _| retry("never"));
        let subscriber = world.add("stuck", &stuck, |spec| spec.acyclic = true);
        let device = world.start(&relaying()).await;
        world.send("in/a", 1..=5).await;
        let mut answer = world.call(&device, "look");
        world.stop(subscriber).await;
        assert_eq!(answer.try_recv().unwrap(), Ok("null".into()), "at once");
        world.stop(device).await;
    });
}
