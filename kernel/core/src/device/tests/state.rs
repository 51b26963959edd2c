//! The plugin's own state: checkpoints, and what the next instance gets.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::rig::*;
use crate::bus::Overflow;
use crate::device::{Checkpoint, Checkpoints, Outcome};

/// Counts events in its state. The call `look` answers the count, `trap` traps.
pub(super) fn counting() -> Rc<Script> {
    let script = Script::new();
    script.has_state.set(true);
    script.on_event(|stage, _, _| {
        *stage.state += 1;
        Ok(Ok(()))
    });
    script.on_call(|stage, call| match call.command.as_str() {
        "trap" => Err(trap("on purpose")),
        _ => Ok(Ok(Outcome::Done(stage.state.to_string()))),
    });
    script
}

pub(super) async fn look(world: &World, device: &Running) -> String {
    let mut answer = world.call(device, "look");
    world.settle().await;
    answer.try_recv().unwrap().unwrap()
}

pub(super) async fn restart(world: &World, device: &Running) {
    let _answer = world.call(device, "trap");
    world.run(SECOND).await;
}

pub(super) fn saved(world: &World) -> Vec<i64> {
    world.vault.saved.lock().unwrap().clone()
}

pub(super) fn stored(state: i64) -> Checkpoint {
    Checkpoint {
        version: 1,
        bytes: state.to_le_bytes().to_vec(),
    }
}

#[test]
fn state_is_kept_at_the_interval_after_changes() {
    play(|world| async move {
        let exports = Rc::new(Cell::new(0));
        let (script, count) = (counting(), exports.clone());
        script.on_export(move |_| {
            count.set(count.get() + 1);
            Ok(())
        });
        let device = world.start(&script).await;
        world.run(10 * SECOND).await;
        assert_eq!(exports.get(), 0, "nothing happened");
        world.send("in/a", [1]).await;
        world.run(400 * MS).await;
        world.send("in/a", [2]).await;
        world.run(599 * MS).await;
        assert!(saved(&world).is_empty());
        world.run(MS).await;
        assert_eq!(saved(&world), [2], "one second after the first change");
        world.run(60 * SECOND).await;
        assert_eq!((saved(&world), exports.get()), (vec![2], 1));
        let _ = look(&world, &device).await;
        world.run(SECOND).await;
        assert_eq!(
            (saved(&world), exports.get()),
            (vec![2], 2),
            "only changes are stored"
        );
        world.stop(device).await;
    });
}

#[test]
fn a_fresh_instance_goes_on_from_the_last_checkpoint() {
    play(|world| async move {
        let script = counting();
        let device = world.start(&script).await;
        world.send("in/a", [1, 2]).await;
        world.run(SECOND).await;
        world.send("in/a", [3]).await;
        restart(&world, &device).await;
        assert_eq!(
            look(&world, &device).await,
            "2",
            "what came after the checkpoint is lost"
        );
        let restored: Vec<bool> = script
            .starts
            .borrow()
            .iter()
            .map(|start| start.restored)
            .collect();
        assert_eq!(restored, [false, true]);
        world.stop(device).await;
    });
}

#[test]
fn state_outlives_the_device() {
    play(|world| async move {
        let script = counting();
        let device = world.start(&script).await;
        world.send("in/a", [1, 2, 3]).await;
        world.stop(device).await;
        assert_eq!(saved(&world), [3], "kept at the stop");
        let device = world.start(&script).await;
        assert_eq!(look(&world, &device).await, "3");
        assert!(script.starts.borrow()[1].restored);
        world.stop(device).await;
    });
}

#[test]
fn state_that_traps_is_left_aside_by_the_next_instance() {
    play(|world| async move {
        world.vault.kept.save("device", stored(7)).await.unwrap();
        let script = counting();
        script.on_import(|_, _| Err(trap("bad state")));
        let device = world.start(&script).await;
        assert_eq!(look(&world, &device).await, "0");
        assert_eq!(
            device.last_error(),
            "it trapped on its state and starts without: bad state; \
             that state (version 1, 8 bytes) is kept in memory, until the host ends"
        );
        assert_eq!(world.vault.kept.refused("device"), Some(stored(7)));
        let starts = script.starts.take();
        assert_eq!(
            (starts.len(), starts[0].restored, starts[0].incarnation),
            (1, false, 2)
        );
        world.stop(device).await;
    });
}

#[test]
fn a_checkpoint_that_cannot_be_stored_is_tried_again_and_serves_meanwhile() {
    play(|world| async move {
        let script = counting();
        let device = world.start(&script).await;
        *world.vault.broken.lock().unwrap() = Some("the disk is full".into());
        world.send("in/a", [1, 2]).await;
        world.run(SECOND).await;
        assert!(
            device.last_error().contains("the disk is full"),
            "{}",
            device.last_error()
        );
        restart(&world, &device).await;
        assert_eq!(look(&world, &device).await, "2");
        *world.vault.broken.lock().unwrap() = None;
        world.run(10 * SECOND).await;
        assert_eq!(saved(&world), [2]);
        world.stop(device).await;
    });
}

#[test]
fn a_failed_save_is_made_good_also_when_nothing_more_happens() {
    play(|world| async move {
        let device = world.start(&counting()).await;
        *world.vault.broken.lock().unwrap() = Some("the disk is full".into());
        world.send("in/a", [1]).await;
        world.run(5 * SECOND).await;
        *world.vault.broken.lock().unwrap() = None;
        world.run(SECOND).await;
        assert_eq!(saved(&world), [1]);
        world.stop(device).await;
    });
}

#[test]
fn a_trap_while_state_is_packed_replaces_the_instance() {
    play(|world| async move {
        let (script, log) = (counting(), Rc::new(RefCell::new(0)));
        let count = log.clone();
        script.on_export(move |_| {
            *count.borrow_mut() += 1;
            if *count.borrow() == 2 {
                Err(trap("in the packing"))
            } else {
                Ok(())
            }
        });
        let device = world.start(&script).await;
        world.send("in/a", [1]).await;
        world.run(SECOND).await;
        world.send("in/a", [2]).await;
        world.run(2 * SECOND).await;
        assert_eq!(device.last_error(), "in the packing");
        assert_eq!(look(&world, &device).await, "1");
        world.stop(device).await;
    });
}

#[test]
fn a_plugin_without_state_is_asked_once() {
    play(|world| async move {
        let (script, exports) = (counting(), Rc::new(Cell::new(0)));
        script.has_state.set(false);
        let count = exports.clone();
        script.on_export(move |_| {
            count.set(count.get() + 1);
            Ok(())
        });
        script.on_start(|stage, _| {
            stage.subscribe("in/#", Overflow::DropOldest, 0, false);
            Ok(Ok(()))
        });
        let device = world.start(&script).await;
        for value in 0..5 {
            world.send("in/a", [value]).await;
            world.run(2 * SECOND).await;
        }
        assert_eq!(exports.get(), 1);
        world.stop(device).await;
    });
}
