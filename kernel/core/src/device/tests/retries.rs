//! Errors that a plugin returns, and commits that fail.

use std::cell::Cell;
use std::rc::Rc;

use super::super::NO_CAUSE;
use super::rig::*;
use crate::clock::Clock;
use crate::connection::{LinkState, Notice};
use crate::device::{DeviceState, Outcome};

#[test]
fn a_rejected_event_is_a_dead_letter_at_once_and_its_publications_go_with_it() {
    play(|world| async move {
        let script = Script::new();
        script.on_event(|stage, index, event| {
            stage.publish("out", number(event), index);
            match number(event) {
                2 => rejected("two is wrong"),
                _ => Ok(Ok(())),
            }
        });
        let (letters_at, watch) = (world.watch("$dead/device"), world.watch("out"));
        let device = world.start(&script).await;
        world.send("in/a", [1, 2, 3]).await;
        assert_eq!(
            letters(&letters_at),
            [(2.into(), "rejected: two is wrong".to_owned())]
        );
        assert_eq!(values(&watch), [1, 3]);
        assert_eq!(script.deliveries(), [(1, 1), (2, 1), (3, 1)]);
        assert_eq!(device.state(), DeviceState::Running);
        world.stop(device).await;
    });
}

#[test]
fn of_a_single_event_that_failed_nothing_stays() {
    play(|world| async move {
        let script = Script::new();
        script.on_event(|stage, index, event| {
            stage.rows.push(number(event));
            stage.publish("out", number(event), index);
            stage.publish("out", number(event), NO_CAUSE);
            stage.after("t", MS);
            rejected("no")
        });
        let watch = world.watch("out");
        let device = world.start(&script).await;
        world.send("in/a", [1]).await;
        world.run(SECOND).await;
        assert!(values(&watch).is_empty());
        assert!(script.rows.borrow().is_empty());
        assert_eq!(script.topics(), [("in/a".into(), 1)], "no tick");
        world.stop(device).await;
    });
}

/// Asks for a retry of one value while the cell says so.
fn busy_with(value: i64) -> (Rc<Script>, Rc<Cell<bool>>) {
    let (script, busy) = (Script::new(), Rc::new(Cell::new(true)));
    let asked = busy.clone();
    script.on_event(move |stage, index, event| {
        if number(event) == value && asked.get() {
            return retry("not yet");
        }
        stage.publish("out", number(event), index);
        Ok(Ok(()))
    });
    (script, busy)
}

#[test]
fn an_event_that_can_be_handled_later_comes_again_after_growing_pauses() {
    play(|world| async move {
        let (script, busy) = busy_with(2);
        let watch = world.watch("out");
        let device = world.start(&script).await;
        world.send("in/a", [1, 2, 3]).await;
        assert_eq!(values(&watch), [1, 3], "the rest of its batch is handled");
        assert_eq!(device.state(), DeviceState::Waiting);
        assert!(
            device.last_error().contains("not yet"),
            "{}",
            device.last_error()
        );
        script.batches();
        let began = world.clock.monotonic();
        let mut times = Vec::new();
        for _ in 0..70 {
            world.run(100 * MS).await;
            let again = script.deliveries();
            times.extend(
                again
                    .iter()
                    .map(|seen| (seen.1, (world.clock.monotonic() - began) / (100 * MS))),
            );
        }
        assert_eq!(times, [(2, 1), (3, 3), (4, 7), (5, 15), (6, 31), (7, 63)]);
        busy.set(false);
        world.run(10 * SECOND).await;
        assert_eq!(values(&watch), [2]);
        assert_eq!(device.state(), DeviceState::Running);
        world.stop(device).await;
    });
}

#[test]
fn while_an_event_waits_commands_are_served_and_nothing_new_overtakes() {
    play(|world| async move {
        let (script, busy) = busy_with(1);
        let watch = world.watch("out");
        let device = world.start(&script).await;
        world.send("in/a", [1]).await;
        world.send("in/a", [2]).await;
        world.send("in/b", [3]).await;
        world.run(SECOND).await;
        assert!(values(&watch).is_empty());
        let mut answer = world.call(&device, "look");
        world.settle().await;
        assert_eq!(answer.try_recv().unwrap(), Ok("null".into()));
        busy.set(false);
        world.run(SECOND).await;
        assert_eq!(values(&watch), [1, 2, 3]);
        world.stop(device).await;
    });
}

#[test]
fn a_connection_can_tell_what_a_kept_event_waits_for() {
    play(|world| async move {
        let (script, busy) = busy_with(1);
        script.on_notice(move |_, _, _| {
            busy.set(false);
            Ok(Ok(()))
        });
        let watch = world.watch("out");
        let device = world.start(&script).await;
        world.send("in/a", [1]).await;
        device.notify(Notice::Link {
            state: LinkState::Up,
            reason: "".into(),
        });
        world.run(100 * MS).await;
        assert_eq!(values(&watch), [1]);
        world.stop(device).await;
    });
}

#[test]
fn a_checkpoint_that_falls_due_meanwhile_is_taken() {
    play(|world| async move {
        let (script, _busy) = busy_with(2);
        script.has_state.set(true);
        let device = world.start(&script).await;
        world.send("in/a", [1, 2]).await;
        world.run(SECOND).await;
        assert_eq!(*world.vault.saved.lock().unwrap(), [0]);
        world.stop(device).await;
    });
}

/// Writes each value as a row and publishes it; commits while the cell is empty.
fn storing() -> (Rc<Script>, Rc<Cell<Option<&'static str>>>) {
    let (script, broken) = (Script::new(), Rc::new(Cell::new(None::<&str>)));
    script.on_event(|stage, index, event| {
        stage.rows.push(number(event));
        stage.publish("out", number(event), index);
        Ok(Ok(()))
    });
    let broke = broken.clone();
    script.on_commit(move || match broke.get() {
        Some(error) => Err(error.into()),
        None => Ok(()),
    });
    (script, broken)
}

#[test]
fn what_is_on_the_bus_is_committed() {
    play(|world| async move {
        let (script, _) = storing();
        let bus = world.bus.clone();
        script.on_commit(move || {
            assert!(bus.last("out").is_none(), "published before the commit");
            Ok(())
        });
        let watch = world.watch("out");
        let device = world.start(&script).await;
        world.send("in/a", [1, 2]).await;
        assert_eq!(values(&watch), [1, 2]);
        assert_eq!(*script.rows.borrow(), [1, 2]);
        world.stop(device).await;
    });
}

#[test]
fn while_commits_fail_nothing_leaves_and_nothing_is_lost() {
    play(|world| async move {
        let (script, broken) = storing();
        let (letters, watch) = (world.watch("$dead/#"), world.watch("out"));
        let device = world.start(&script).await;
        broken.set(Some("the disk is full"));
        world.send("in/a", 1..=3).await;
        world.send("in/a", 4..=6).await;
        world.run(60 * SECOND).await;
        assert!(values(&watch).is_empty());
        assert!(script.rows.borrow().is_empty());
        assert!(device.last_error().contains("the disk is full"));
        assert_eq!(device.state(), DeviceState::Waiting);
        broken.set(None);
        world.run(10 * SECOND).await;
        assert_eq!(
            *script.rows.borrow(),
            [1, 2, 3, 4, 5, 6],
            "once each, in order"
        );
        assert_eq!(values(&watch), [1, 2, 3, 4, 5, 6]);
        assert!(dead(&letters).is_empty());
        assert_eq!(device.state(), DeviceState::Running);
        world.stop(device).await;
    });
}

#[test]
fn a_command_whose_commit_fails_is_answered_so_and_leaves_nothing() {
    play(|world| async move {
        let (script, broken) = storing();
        script.on_call(|stage, call| {
            stage.rows.push(1);
            stage.publish("out", 1, NO_CAUSE);
            match call.command.as_str() {
                "later" => Ok(Ok(Outcome::Pending)),
                _ => Ok(Ok(Outcome::Done("1".into()))),
            }
        });
        let watch = world.watch("out");
        let device = world.start(&script).await;
        broken.set(Some("locked"));
        for command in ["now", "later"] {
            let mut answer = world.call(&device, command);
            world.settle().await;
            let error = answer.try_recv().unwrap().unwrap_err();
            assert_eq!(
                error,
                crate::device::CallError::Failed("locked".into()),
                "{command}"
            );
        }
        broken.set(None);
        world.run(SECOND).await;
        assert!(values(&watch).is_empty());
        assert!(script.rows.borrow().is_empty(), "a command is not retried");
        world.stop(device).await;
    });
}
