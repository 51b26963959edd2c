//! Batches of which some events fail.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::rig::*;
use crate::bus::Overflow;
use crate::device::{DeviceState, GuestError, Hooked, Outcome, StopReason};
use crate::event::Event;

/// Writes each value as a row and publishes it, then ends as `end` says for value and attempt.
fn storing(end: impl Fn(i64, u16) -> Hooked<()> + 'static) -> Rc<Script> {
    let script = Script::new();
    script.on_event(move |stage, index, event| {
        stage.rows.push(number(event));
        stage.publish("out", number(event), index);
        end(number(event), event.attempt)
    });
    script
}

#[test]
fn rows_of_an_event_that_failed_are_not_kept_with_those_of_its_neighbours() {
    play(|world| async move {
        let script = storing(|value, _| match value {
            2 => rejected("two is wrong"),
            _ => Ok(Ok(())),
        });
        let (letters, watch) = (world.watch("$dead/#"), world.watch("out"));
        let device = world.start(&script).await;
        world.send("in/a", [1, 2, 3]).await;
        assert_eq!(*script.rows.borrow(), [1, 3], "once each");
        assert_eq!(values(&watch), [1, 3]);
        assert_eq!(dead(&letters), [2]);
        assert_eq!(
            script.deliveries(),
            [(1, 1), (2, 1), (3, 1), (1, 2), (3, 2)],
            "the rest again as one batch"
        );
        assert_eq!(device.state(), DeviceState::Running);
        world.stop(device).await;
    });
}

#[test]
fn calls_and_timers_of_an_event_that_asks_for_a_retry_are_made_once() {
    play(|world| async move {
        let valve = Script::new();
        let opened = Rc::new(RefCell::new(Vec::new()));
        let log = opened.clone();
        valve.on_call(move |_, call| {
            log.borrow_mut().push(call.command.clone());
            Ok(Ok(Outcome::Done("null".into())))
        });
        let valve = world.add("valve", &valve, |_| {});
        let script = Script::new();
        script.on_event(|stage, _, event| {
            // Answers and ticks come in here as well.
            if topic(stage, event).starts_with("in/") {
                stage.call("valve", &format!("open-{}", number(event)), SECOND);
                stage.after(&format!("t{}", number(event)), MS);
                if number(event) == 2 && event.attempt < 3 {
                    return retry("not yet");
                }
            }
            Ok(Ok(()))
        });
        let device = world.start(&script).await;
        world.send("in/a", [1, 2, 3]).await;
        assert_eq!(*opened.borrow(), ["open-1", "open-3"]);
        world.run(SECOND).await;
        assert_eq!(*opened.borrow(), ["open-1", "open-3", "open-2"]);
        let ticks = |name: &str| {
            let topics = script.batches.borrow();
            let seen = topics.iter().flatten();
            seen.filter(|(topic, ..)| topic == name).count()
        };
        for timer in ["$timer/t1", "$timer/t2", "$timer/t3"] {
            assert_eq!(ticks(timer), 1, "{timer}");
        }
        world.stop(device).await;
        world.stop(valve).await;
    });
}

fn topic(stage: &Stage, event: &Event) -> String {
    stage
        .device
        .bus
        .topic_name(event.topic)
        .unwrap()
        .to_string()
}

#[test]
fn the_rest_may_fail_in_part_again_and_each_time_shrinks() {
    play(|world| async move {
        // Each delivery one more fails, as with a table that takes only some rows.
        let script = storing(|value, attempt| match value {
            value if value == i64::from(attempt) => rejected("its turn"),
            _ => Ok(Ok(())),
        });
        let letters = world.watch("$dead/#");
        let device = world.start(&script).await;
        world.send("in/a", 1..=6).await;
        assert_eq!(script.batches().iter().map(Vec::len).sum::<usize>(), 21);
        assert_eq!(dead(&letters), [1, 2, 3, 4, 5, 6]);
        assert!(script.rows.borrow().is_empty());
        assert_eq!(device.state(), DeviceState::Running);
        world.send("in/a", [7]).await;
        assert_eq!(*script.rows.borrow(), [7]);
        world.stop(device).await;
    });
}

#[test]
fn an_event_that_was_put_off_comes_after_the_rest_of_its_batch_and_before_new_ones() {
    play(|world| async move {
        let script = storing(|value, attempt| match (value, attempt) {
            (1, 1) => retry("not yet"),
            _ => Ok(Ok(())),
        });
        let device = world.start(&script).await;
        world.send("in/a", [1, 2, 3]).await;
        assert_eq!(*script.rows.borrow(), [2, 3], "at once");
        assert_eq!(device.state(), DeviceState::Waiting);
        world.send("in/a", [4]).await;
        world.run(99 * MS).await;
        assert_eq!(*script.rows.borrow(), [2, 3]);
        world.run(MS).await;
        assert_eq!(*script.rows.borrow(), [2, 3, 1, 4]);
        assert_eq!(device.state(), DeviceState::Running);
        world.stop(device).await;
    });
}

#[test]
fn a_put_off_event_keeps_its_pause_when_the_rest_traps() {
    play(|world| async move {
        let script = Script::new();
        script.on_event(|stage, _, event| {
            stage.rows.push(number(event));
            match (number(event), event.attempt) {
                (1, 1) => retry("not yet"),
                (2, 2) => Err(trap("bad luck")),
                _ => Ok(Ok(())),
            }
        });
        let device = world.start(&script).await;
        world.send("in/a", [1, 2, 3]).await;
        world.run(50 * MS).await;
        assert_eq!(*script.rows.borrow(), [2, 3]);
        world.run(50 * MS).await;
        assert_eq!(*script.rows.borrow(), [2, 3, 1]);
        world.stop(device).await;
    });
}

#[test]
fn failed_events_cost_nothing_of_the_restart_budget_and_the_instance_stays() {
    play(|world| async move {
        let script = storing(|value, _| match value % 2 {
            0 => rejected("even"),
            _ => Ok(Ok(())),
        });
        let device = world.start(&script).await;
        for first in 0..50 {
            world.send("in/a", [first * 2, first * 2 + 1]).await;
        }
        assert_eq!(device.state(), DeviceState::Running);
        assert_eq!(script.starts.borrow().len(), 1);
        let odd: Vec<i64> = (0..50).map(|value| value * 2 + 1).collect();
        assert_eq!(*script.rows.borrow(), odd);
        world.stop(device).await;
    });
}

#[test]
fn commands_go_before_the_rest() {
    play(|world| async move {
        let script = storing(|value, _| match value {
            1 => rejected("one"),
            _ => Ok(Ok(())),
        });
        let seen = Rc::new(Cell::new(usize::MAX));
        let (look, at) = (seen.clone(), script.clone());
        script.on_call(move |_, _| {
            look.set(at.rows.borrow().len());
            Ok(Ok(Outcome::Done("null".into())))
        });
        let device = world.start(&script).await;
        script.slow.set(MS);
        world.send("in/a", [1, 2]).await;
        let mut answer = world.call(&device, "look");
        world.run(MS).await;
        assert_eq!(answer.try_recv().unwrap(), Ok("null".into()));
        assert_eq!(seen.get(), 0, "between the two deliveries");
        world.run(MS).await;
        assert_eq!(*script.rows.borrow(), [2]);
        world.stop(device).await;
    });
}

#[test]
fn a_device_that_ends_before_the_rest_is_handled_leaves_letters() {
    play(|world| async move {
        let script = storing(|value, _| match value {
            1 => rejected("one"),
            _ => Ok(Ok(())),
        });
        let letters = world.watch("$dead/#");
        let device = world.start(&script).await;
        script.slow.set(MS);
        world.send("in/a", [1, 2, 3]).await;
        let ended = device.device.mailbox.stop(StopReason::Unload);
        world.run(MS).await;
        ended.await.unwrap();
        assert_eq!(dead(&letters), [1, 2, 3]);
        assert!(script.rows.borrow().is_empty());
    });
}

#[test]
fn the_rest_does_not_come_again_with_the_retained_values() {
    play(|world| async move {
        let script = storing(|value, attempt| match (value, attempt) {
            (1, _) => rejected("one"),
            _ => Ok(Ok(())),
        });
        script.on_call(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, true);
            Ok(Ok(Outcome::Done("null".into())))
        });
        let device = world.start(&script).await;
        script.slow.set(MS);
        world.publish("in/a", [1]);
        world.publish("in/b", [2]);
        world.settle().await;
        let _answer = world.call(&device, "subscribe-again");
        world.run(10 * MS).await;
        assert_eq!(*script.rows.borrow(), [2], "once");
        world.stop(device).await;
    });
}

#[test]
fn a_plugin_that_cannot_go_on_counts_as_a_trap_also_beside_other_errors() {
    play(|world| async move {
        let script = storing(|value, attempt| match (value, attempt) {
            (1, _) => rejected("one"),
            (2, 1) => Ok(Err(GuestError::Fatal("lost".into()))),
            _ => Ok(Ok(())),
        });
        let letters = world.watch("$dead/#");
        let device = world.start(&script).await;
        world.send("in/a", [1, 2, 3]).await;
        world.run(SECOND).await;
        assert_eq!(*script.rows.borrow(), [2, 3]);
        assert_eq!(dead(&letters), [1]);
        assert_eq!(script.starts.borrow().len(), 2);
        world.stop(device).await;
    });
}
