//! What a device uses of its limits, as it is shown.

use super::rig::*;
use crate::bus::Overflow;
use crate::device::{BudgetStatus, Manner, NO_CAUSE, Usage};

fn usage(world: &World, device: &Running) -> Usage {
    let all = world.bus.subscriptions();
    let own: Vec<_> = all
        .iter()
        .filter(|queue| *queue.owner == *device.device.name)
        .collect();
    device.device.usage(&own)
}

fn budget(world: &World, device: &Running, limit: &str) -> BudgetStatus {
    let usage = usage(world, device);
    let found = usage.budgets.into_iter().find(|of| of.limit == limit);
    found.unwrap_or_else(|| panic!("{limit} is not shown"))
}

fn levels(budget: &BudgetStatus) -> (Option<u64>, Option<u64>, u64) {
    (budget.now, budget.peak, budget.most)
}

#[test]
fn every_limit_that_something_can_use_up_is_shown() {
    play(|world| async move {
        let device = world.start(&Script::new()).await;
        let shown: Vec<String> = usage(&world, &device)
            .budgets
            .into_iter()
            .map(|budget| budget.limit)
            .collect();
        let settings = [
            "attempts",
            "block",
            "checkpoint",
            "probation",
            "timer-period",
            "log-bytes",
        ];
        let limits = toml::Table::try_from(crate::limits::Limits::default()).unwrap();
        for limit in limits.keys() {
            let expected = !settings.contains(&limit.as_str());
            assert_eq!(shown.contains(limit), expected, "{limit}");
        }
        assert!(shown.contains(&"restarts".to_owned()));
        world.stop(device).await;
    });
}

#[test]
fn levels_and_their_peaks_follow_what_the_device_does() {
    play(|world| async move {
        let script = Script::new();
        script.on_event(|stage, index, event| {
            if stage.device.bus.topic_name(event.topic).as_deref() != Some("in/a") {
                return Ok(Ok(()));
            }
            for copy in 0..number(event) {
                stage.publish("out", copy, index);
            }
            stage.after(&number(event).to_string(), SECOND);
            Ok(Ok(()))
        });
        script.slow.set(20 * MS);
        let device = world
            .start_with(&script, |spec| spec.limits.queue = 10)
            .await;
        world.publish("in/a", [7, 8]);
        world.run(20 * MS).await;
        // Nine come while one is being handled.
        world.publish("in/a", [1]);
        world.run(10 * MS).await;
        world.publish("in/a", [3; 9]);
        assert_eq!(
            levels(&budget(&world, &device, "queue")),
            (Some(9), Some(9), 10)
        );
        assert!(budget(&world, &device, "queue").is_near());
        world.run(SECOND / 2).await;
        assert_eq!(
            levels(&budget(&world, &device, "queue")),
            (Some(0), Some(9), 10)
        );
        assert_eq!(
            levels(&budget(&world, &device, "outbox-events")),
            (Some(27), Some(27), 4_096)
        );
        assert_eq!(
            levels(&budget(&world, &device, "batch")),
            (Some(9), Some(9), 512)
        );
        assert_eq!(
            levels(&budget(&world, &device, "timers")),
            (Some(4), Some(4), 256)
        );
        assert_eq!(
            levels(&budget(&world, &device, "call-time")),
            (Some(20 * MS), Some(20 * MS), 10_000 * MS)
        );
        assert_eq!(
            levels(&budget(&world, &device, "subscriptions")),
            (Some(1), None, 64)
        );
        world.run(2 * SECOND).await;
        assert_eq!(
            levels(&budget(&world, &device, "timers")),
            (Some(0), Some(4), 256)
        );
        world.stop(device).await;
    });
}

#[test]
fn rates_and_latencies_are_those_of_the_last_seconds() {
    play(|world| async move {
        let relay = Script::new();
        relay.on_event(|stage, index, event| {
            stage.publish("relayed/a", number(event), index);
            Ok(Ok(()))
        });
        let first = world.start(&relay).await;
        let sink = Script::new();
        sink.on_start(|stage, _| {
            stage.subscribe("relayed/#", Overflow::DropOldest, 0, false);
            Ok(Ok(()))
        });
        sink.slow.set(30 * MS);
        let second = world.add("sink", &sink, |_| {});
        world.settle().await;
        for round in 0..100 {
            world.publish("in/a", [round]);
            world.run(100 * MS).await;
        }
        let (relay, sink) = (usage(&world, &first), usage(&world, &second));
        assert!((9.0..=11.0).contains(&relay.rates.published), "{relay:?}");
        assert!((9.0..=11.0).contains(&sink.rates.events), "{sink:?}");
        assert_eq!(relay.handling.longest, 0, "it takes no time here");
        assert_eq!(
            relay.latency.count, 0,
            "nobody knows when its input was published"
        );
        assert_eq!(sink.handling.longest, 30 * MS);
        assert_eq!(sink.latency.longest, 30 * MS);
        assert!(sink.latency.count >= 50, "{sink:?}");
        // Two wait for one another: the second waits twice.
        world.publish("in/a", [1]);
        world.settle().await;
        world.publish("in/a", [2]);
        world.run(100 * MS).await;
        assert_eq!(usage(&world, &second).latency.longest, 60 * MS);
        world.run(60 * SECOND).await;
        assert_eq!(usage(&world, &second).rates.events, 0.0);
        world.stop(second).await;
        world.stop(first).await;
    });
}

#[test]
fn the_restart_budget_is_shown_as_it_is_used_and_as_it_comes_back() {
    play(|world| async move {
        let script = Script::new();
        script.on_call(|_, _| Err(trap("no")));
        let device = world.start(&script).await;
        for traps in 1..=8 {
            let mut answer = world.call(&device, "trap");
            world.run(10 * SECOND).await;
            assert!(answer.try_recv().unwrap().is_err());
            let restarts = budget(&world, &device, "restarts");
            assert_eq!(levels(&restarts), (Some(traps), None, 10));
            assert_eq!(restarts.is_near(), traps >= 8);
        }
        world.run(300 * SECOND).await;
        assert_eq!(
            budget(&world, &device, "restarts").now,
            Some(0),
            "healthy time"
        );
        // And it holds for the device, not only for the eye: ten more are forgiven.
        for _ in 0..10 {
            let mut answer = world.call(&device, "trap");
            world.run(SECOND * 20).await;
            assert!(answer.try_recv().unwrap().is_err());
        }
        assert_eq!(device.state(), crate::device::DeviceState::Running);
        world.stop(device).await;
    });
}

#[test]
fn of_several_queues_the_fullest_is_shown_and_no_peak_is_hidden() {
    play(|world| async move {
        let script = Script::new();
        script.on_start(|stage, _| {
            stage.subscribe("in/a", Overflow::DropOldest, 10, false);
            stage.subscribe("in/b", Overflow::DropOldest, 100, false);
            Ok(Ok(()))
        });
        script.slow.set(SECOND);
        let device = world.start(&script).await;
        world.publish("in/a", [1]);
        world.settle().await;
        world.publish("in/a", 0..20);
        world.run(5 * SECOND).await;
        world.publish("in/a", [1]);
        world.settle().await;
        world.publish("in/b", 0..20);
        let queue = budget(&world, &device, "queue");
        assert_eq!(levels(&queue), (Some(20), Some(100), 100));
        assert!(queue.is_near(), "the other one was full");
        world.run(5 * SECOND).await;
        world.stop(device).await;
    });
}

#[test]
fn what_versions_publish_as_they_change_places_counts_from_then() {
    play(|world| async move {
        let sink = Script::new();
        sink.on_start(|stage, _| {
            stage.subscribe("words", Overflow::DropOldest, 0, false);
            Ok(Ok(()))
        });
        let sink = world.add("sink", &sink, |_| {});
        let script = Script::new();
        script.on_stop(|stage, _| {
            stage.publish("words", 1, NO_CAUSE);
            Ok(())
        });
        let device = world.start(&script).await;
        world.run(SECOND).await;
        world.send("in/a", [1]).await;
        // Nothing happens for long.
        world.run(3_600 * SECOND).await;
        let next = Script::new();
        next.on_start(|stage, _| {
            stage.publish("words", 2, NO_CAUSE);
            Ok(Ok(()))
        });
        next.on_stop(|stage, _| {
            stage.publish("words", 3, NO_CAUSE);
            Ok(())
        });
        let swapped = world.order(&device, "second", &next, Manner::Trial).await;
        assert_eq!(swapped, Ok(()));
        let told = usage(&world, &sink).latency;
        assert_eq!((told.count > 0, told.longest), (true, 0), "{told:?}");
        world.run(3_600 * SECOND).await;
        world.stop(device).await;
        let told = usage(&world, &sink).latency;
        assert_eq!((told.count, told.longest), (1, 0), "{told:?}");
        world.stop(sink).await;
    });
}
