//! Traps: a fresh instance, inputs one by one, dead letters, the budget.

use std::cell::RefCell;
use std::rc::Rc;

use super::rig::*;
use crate::bus::Overflow;
use crate::clock::Clock;
use crate::device::{BUDGET, CallError, DeviceState, FIRST_PAUSE, StopReason};

/// Writes each value as a row, and traps on some.
fn poisoned_by(poison: &'static [i64]) -> Rc<Script> {
    let script = Script::new();
    script.on_event(move |stage, index, event| {
        stage.rows.push(number(event));
        stage.publish("out", number(event), index);
        if poison.contains(&number(event)) {
            return Err(trap("poison"));
        }
        Ok(Ok(()))
    });
    script
}

#[test]
fn nothing_of_a_handler_that_trapped_is_left() {
    play(|world| async move {
        let script = poisoned_by(&[2]);
        let watch = world.watch("out");
        let device = world
            .start_with(&script, |spec| spec.limits.attempts = 1)
            .await;
        world.send("in/a", [1, 2]).await;
        assert!(values(&watch).is_empty());
        assert!(script.rows.borrow().is_empty());
        world.stop(device).await;
    });
}

#[test]
fn inputs_of_a_trap_come_one_by_one_to_a_fresh_instance() {
    play(|world| async move {
        let script = Script::new();
        let mut first = true;
        script.on_event(move |_, _, _| match std::mem::take(&mut first) {
            true => Err(trap("once")),
            false => Ok(Ok(())),
        });
        let device = world.start(&script).await;
        world.send("in/a", [1, 2, 3]).await;
        assert_eq!(script.batches(), [[1, 2, 3]]);
        assert_eq!(device.state(), DeviceState::Restarting);
        assert_eq!(device.last_error(), "once");
        world.send("in/a", [4, 5]).await;
        world.run(FIRST_PAUSE).await;
        let batches = script.batches.take();
        let attempts: Vec<Vec<(i64, u16)>> = batches
            .iter()
            .map(|batch| batch.iter().map(|seen| (seen.1, seen.2)).collect())
            .collect();
        assert_eq!(
            attempts,
            [
                vec![(1, 2)],
                vec![(2, 2)],
                vec![(3, 2)],
                vec![(4, 1), (5, 1)]
            ],
            "nothing new overtakes"
        );
        assert_eq!(script.starts.borrow().last().unwrap().incarnation, 2);
        assert_eq!(device.state(), DeviceState::Running);
        world.stop(device).await;
    });
}

#[test]
fn a_poison_event_becomes_a_dead_letter_and_the_others_are_handled_once() {
    play(|world| async move {
        let script = poisoned_by(&[3]);
        let (letters, watch) = (world.watch("$dead/device"), world.watch("out"));
        let device = world
            .start_with(&script, |spec| spec.limits.batch = 4)
            .await;
        world.publish("in/a", 1..=10);
        world.run(SECOND).await;
        let deliveries = script.deliveries();
        let poison: Vec<_> = deliveries.iter().filter(|seen| seen.0 == 3).collect();
        assert_eq!(poison, [&(3, 1), &(3, 2), &(3, 3)]);
        assert_eq!(dead(&letters), [3]);
        let others: Vec<i64> = (1..=10).filter(|value| *value != 3).collect();
        assert_eq!(
            *script.rows.borrow(),
            others,
            "in order, also those that waited in the queue"
        );
        assert_eq!(values(&watch), others);
        assert_eq!(device.state(), DeviceState::Running);
        world.stop(device).await;
    });
}

#[test]
fn a_dead_letter_holds_the_event_and_the_reason() {
    play(|world| async move {
        let script = poisoned_by(&[3]);
        let watch = world.watch("$dead/#");
        let device = world.start(&script).await;
        world.publish("in/a", [3]);
        world.run(SECOND).await;
        let letter = taken(&watch).remove(0);
        assert_eq!(world.topic(letter.topic), "$dead/device");
        let letter = letter.value.to_json();
        assert_eq!(letter["device"], "device");
        assert_eq!(letter["error"], "poison");
        assert_eq!(letter["input"]["topic"], "in/a");
        assert_eq!(letter["input"]["source"], "outside");
        assert_eq!(letter["input"]["attempt"], 3);
        world.stop(device).await;
    });
}

#[test]
fn a_retained_poison_event_does_not_come_back_with_each_instance() {
    play(|world| async move {
        let script = poisoned_by(&[3]);
        script.on_start(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, true);
            Ok(Ok(()))
        });
        let letters = world.watch("$dead/#");
        world.publish("in/a", [3]);
        world.publish("in/b", [4]);
        let device = world.start(&script).await;
        world.run(60 * SECOND).await;
        assert_eq!(dead(&letters), [3]);
        assert_eq!(device.state(), DeviceState::Running);
        assert_eq!(script.starts.borrow().len(), 4);
        world.stop(device).await;
    });
}

#[test]
fn a_fresh_instance_gets_the_retained_values_that_do_not_come_anyway() {
    play(|world| async move {
        let script = Script::new();
        script.on_start(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, true);
            Ok(Ok(()))
        });
        script.on_call(|_, _| Err(trap("by a call")));
        let device = world.start(&script).await;
        world.send("in/a", [1]).await;
        world.send("in/b", [2]).await;
        script.batches();
        let _answer = world.call(&device, "trap");
        world.settle().await;
        world.send("in/b", [3]).await;
        world.run(SECOND).await;
        let mut again = script.batches().concat();
        again.sort_unstable();
        assert_eq!(again, [1, 3], "the present, each topic once");
        world.stop(device).await;
    });
}

#[test]
fn a_device_at_its_limit_of_subscriptions_outlives_a_trap() {
    play(|world| async move {
        let script = Script::new();
        script.on_start(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, false);
            let filter = "more".parse().unwrap();
            let more = stage
                .device
                .subscribe(filter, Overflow::DropOldest, 0, false);
            let text = more.unwrap_err().to_string();
            assert_eq!(
                text,
                "device `device` may have 1 subscriptions (limit `subscriptions`)"
            );
            Ok(Ok(()))
        });
        script.on_call(|_, _| Err(trap("by a call")));
        let device = world
            .start_with(&script, |spec| spec.limits.subscriptions = 1)
            .await;
        let _answer = world.call(&device, "trap");
        world.run(SECOND).await;
        world.send("in/a", [1]).await;
        assert_eq!(script.batches(), [[1]]);
        world.stop(device).await;
    });
}

#[test]
fn a_plugin_that_cannot_go_on_is_replaced_like_one_that_trapped() {
    play(|world| async move {
        let script = Script::new();
        let mut first = true;
        script.on_event(move |stage, index, event| {
            stage.publish("out", number(event), index);
            match std::mem::take(&mut first) {
                true => Ok(Err(crate::device::GuestError::Fatal(
                    "lost the device".into(),
                ))),
                false => Ok(Ok(())),
            }
        });
        let watch = world.watch("out");
        let device = world.start(&script).await;
        world.send("in/a", [1, 2]).await;
        assert_eq!(
            device.last_error(),
            "the plugin cannot go on: lost the device"
        );
        assert!(values(&watch).is_empty());
        world.run(SECOND).await;
        assert_eq!(values(&watch), [1, 2]);
        world.stop(device).await;
    });
}

#[test]
fn a_restart_that_finds_no_memory_waits_for_it_and_costs_no_budget() {
    play(|world| async move {
        let script = poisoned_by(&[1]);
        let short = Rc::new(RefCell::new(false));
        let is_short = short.clone();
        *script.instantiate.borrow_mut() = Box::new(move || match *is_short.borrow() {
            true => Err(crate::device::Trap {
                no_memory: true,
                ..trap("there is no memory for an instance")
            }),
            false => Ok(()),
        });
        let device = world.start(&script).await;
        *short.borrow_mut() = true;
        world.publish("in/a", [1, 2]);
        // Far longer than the budget would last.
        world.run(600 * SECOND).await;
        assert_eq!(device.state(), DeviceState::Waiting);
        assert!(
            device.last_error().contains("no memory"),
            "{}",
            device.last_error()
        );
        *short.borrow_mut() = false;
        world.run(60 * SECOND).await;
        assert_eq!(device.state(), DeviceState::Running);
        world.stop(device).await;
    });
}

#[test]
fn restarts_wait_longer_each_time_until_the_budget_ends() {
    play(|world| async move {
        let script = poisoned_by(&[1]);
        let begun: Rc<RefCell<Vec<u64>>> = Rc::default();
        let (log, clock) = (begun.clone(), world.clock.clone());
        *script.instantiate.borrow_mut() = Box::new(move || {
            log.borrow_mut().push(clock.monotonic());
            Ok(())
        });
        let letters = world.watch("$dead/#");
        let device = world
            .start_with(&script, |spec| spec.limits.attempts = 100)
            .await;
        let first = world.call(&device, "ok");
        world.publish("in/a", 1..=6);
        world.run(60 * SECOND).await;
        assert_eq!(first.await.unwrap(), Ok("null".into()));
        let pauses: Vec<u64> = begun
            .borrow()
            .windows(2)
            .map(|two| two[1] - two[0])
            .collect();
        let doubled: Vec<u64> = (0..BUDGET).map(|trap| FIRST_PAUSE << trap).collect();
        assert_eq!(pauses, doubled);
        assert_eq!(device.state(), DeviceState::Failed);
        assert_eq!(
            device.last_error(),
            "given up after too many traps; the last: poison"
        );
        assert_eq!(
            dead(&letters),
            [1, 2, 3, 4, 5, 6],
            "what was kept is not lost unseen"
        );
        world.stop(device).await;
    });
}

/// A device that has spent its budget.
async fn failed(world: &World) -> Running {
    let script = Script::new();
    script.on_call(|_, _| Err(trap("bad call")));
    let device = world.start(&script).await;
    for _ in 0..=BUDGET {
        let _answer = world.call(&device, "trap");
        world.run(30 * SECOND).await;
    }
    assert_eq!(device.state(), DeviceState::Failed);
    device
}

#[test]
fn a_failed_device_refuses_commands_with_its_last_error_and_holds_nothing() {
    play(|world| async move {
        let device = failed(&world).await;
        let answer = world.call(&device, "anything");
        world.settle().await;
        let Err(CallError::Unavailable(text)) = answer.await.unwrap() else {
            panic!("not refused");
        };
        let expected = "the device has failed: given up after too many traps; the last: bad call";
        assert_eq!(text, expected);
        assert!(world.bus.subscriptions().is_empty());
        assert_eq!(world.clock.next_deadline(), None);
        let ended = device.device.mailbox.stop(StopReason::Unload);
        world.settle().await;
        ended.await.unwrap();
        assert_eq!(device.state(), DeviceState::Stopped);
        assert!(device.last_error().contains("bad call"), "kept");
    });
}

#[test]
fn healthy_time_gives_the_budget_back() {
    play(|world| async move {
        let script = Script::new();
        script.on_call(|_, _| Err(trap("bad call")));
        let device = world.start(&script).await;
        for _ in 0..3 * BUDGET {
            let _answer = world.call(&device, "trap");
            world.run(60 * SECOND).await;
            assert_eq!(device.state(), DeviceState::Running);
        }
        world.stop(device).await;
    });
}

#[test]
fn retries_do_not_bring_an_event_nearer_to_the_dead_letters() {
    play(|world| async move {
        let script = Script::new();
        script.on_event(|_, _, event| match event.attempt {
            1..=5 => retry("busy"),
            6 => Err(trap("bad luck")),
            _ => Ok(Ok(())),
        });
        let letters = world.watch("$dead/#");
        let device = world.start(&script).await;
        world.publish("in/a", [1]);
        world.run(60 * SECOND).await;
        assert!(dead(&letters).is_empty());
        assert_eq!(script.deliveries().last(), Some(&(1, 7)));
        world.stop(device).await;
    });
}

#[test]
fn letters_about_letters_are_not_written() {
    play(|world| async move {
        let script = Script::new();
        script.on_start(|stage, _| {
            stage.subscribe("$dead/#", Overflow::DropOldest, 0, false);
            stage.subscribe("in/a", Overflow::DropOldest, 0, false);
            Ok(Ok(()))
        });
        script.on_event(|_, _, _| rejected("everything"));
        let watch = world.watch("$dead/#");
        let device = world.start(&script).await;
        world.send("in/a", [1]).await;
        assert_eq!(dead(&watch), [1]);
        assert_eq!(script.batches().len(), 2);
        assert!(
            device.last_error().contains("$dead/device"),
            "{}",
            device.last_error()
        );
        world.stop(device).await;
    });
}

#[test]
fn that_a_device_is_given_up_is_in_the_log_whatever_it_has_written_before() {
    play(|world| async move {
        let script = Script::new();
        script.on_event(|_, _, _| Err(trap("on purpose")));
        let device = world
            .start_with(&script, |spec| spec.limits.log_rate = 0)
            .await;
        for value in 0..60 {
            world.send("in/a", [value]).await;
            world.run(SECOND).await;
        }
        assert_eq!(device.state(), DeviceState::Failed);
        assert_eq!(device.device.words.said(), 1);
        assert!(device.last_error().starts_with("given up after too many"));
        world.stop(device).await;
    });
}
