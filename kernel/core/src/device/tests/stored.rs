//! Stored state: what cannot be read, what the plugin refuses, and what takes long to store.

use std::cell::Cell;
use std::rc::Rc;

use super::super::NO_CAUSE;
use super::rig::*;
use super::state::{counting, look, restart, saved, stored};
use crate::device::{Checkpoints, DeviceState};

#[test]
fn state_that_cannot_be_read_is_waited_for_and_not_overwritten() {
    play(|world| async move {
        world.vault.kept.save("device", stored(7)).await.unwrap();
        *world.vault.broken.lock().unwrap() = Some("the disk does not answer".into());
        let script = counting();
        let device = world.start(&script).await;
        assert_eq!(device.state(), DeviceState::Waiting);
        let error = device.last_error();
        assert!(
            error.contains("cannot be read") && error.contains("the disk does not answer"),
            "{error}"
        );
        world.send("in/a", [1]).await;
        world.run(60 * SECOND).await;
        assert!(script.starts.borrow().is_empty(), "not started without it");
        *world.vault.broken.lock().unwrap() = None;
        world.run(10 * SECOND).await;
        assert_eq!(device.state(), DeviceState::Running);
        assert_eq!(look(&world, &device).await, "7");
        let starts = script.starts.take();
        assert_eq!(
            (starts.len(), starts[0].restored, starts[0].incarnation),
            (1, true, 1)
        );
        world.stop(device).await;
    });
}

#[test]
fn a_device_whose_state_is_slow_to_read_keeps_nobody_waiting() {
    play(|world| async move {
        world.vault.kept.save("device", stored(7)).await.unwrap();
        world.vault.lock("device");
        let mut device = world.add("device", &counting(), |_| {});
        let neighbour = Script::new();
        let other = world.add("other", &neighbour, |_| {});
        world.settle().await;
        world.send("in/a", [1]).await;
        assert_eq!(neighbour.batches(), [[1]], "the lane is free");
        assert!(device.started.try_recv().is_err(), "it waits");
        world.vault.unlock();
        world.settle().await;
        device.started.try_recv().unwrap().unwrap();
        assert_eq!(look(&world, &device).await, "7");
        world.stop(device).await;
        world.stop(other).await;
    });
}

#[test]
fn state_that_is_refused_is_set_aside_before_anything_takes_its_place() {
    play(|world| async move {
        world.vault.kept.save("device", stored(7)).await.unwrap();
        let script = counting();
        script.on_import(|_, _| rejected("version 1 is too old"));
        let device = world.start(&script).await;
        assert_eq!(look(&world, &device).await, "0");
        assert_eq!(
            device.last_error(),
            "it starts without its state: rejected: version 1 is too old; \
             that state (version 1, 8 bytes) is kept in memory, until the host ends"
        );
        world.send("in/a", [1]).await;
        world.run(SECOND).await;
        assert_eq!(saved(&world), [1], "the new one is stored");
        assert_eq!(world.vault.kept.refused("device"), Some(stored(7)));
        world.stop(device).await;
    });
}

#[test]
fn state_that_cannot_be_set_aside_is_not_given_up() {
    play(|world| async move {
        world.vault.kept.save("device", stored(7)).await.unwrap();
        for traps in [false, true] {
            let (script, refuses) = (counting(), Rc::new(Cell::new(true)));
            let (vault, still) = (world.vault.clone(), refuses.clone());
            script.on_import(move |_, _| {
                // The disk is full from now on.
                *vault.broken.lock().unwrap() = Some("the disk is full".into());
                match (still.get(), traps) {
                    (false, _) => Ok(Ok(())),
                    (true, false) => rejected("version 1 is too old"),
                    (true, true) => Err(trap("bad state")),
                }
            });
            let device = world.start(&script).await;
            world.send("in/a", [1]).await;
            world.run(60 * SECOND).await;
            assert_eq!(device.state(), DeviceState::Waiting, "traps: {traps}");
            assert!(script.starts.borrow().is_empty());
            let error = device.last_error();
            assert!(error.contains("the disk is full"), "{error}");
            // Meanwhile the operator has brought the old version back.
            refuses.set(false);
            world.run(10 * SECOND).await;
            *world.vault.broken.lock().unwrap() = None;
            assert_eq!(look(&world, &device).await, "7");
            world.stop(device).await;
            assert_eq!(world.vault.kept.refused("device"), None);
        }
    });
}

#[test]
fn nothing_of_a_refused_import_leaves_with_the_start() {
    play(|world| async move {
        world.vault.kept.save("device", stored(7)).await.unwrap();
        let script = counting();
        script.on_import(|stage, _| {
            stage.publish("out", 1, NO_CAUSE);
            stage.rows.push(1);
            rejected("half way")
        });
        let watch = world.watch("out");
        let device = world.start(&script).await;
        assert_eq!(device.state(), DeviceState::Running);
        assert!(values(&watch).is_empty());
        assert!(script.rows.borrow().is_empty());
        world.stop(device).await;
    });
}

#[test]
fn nothing_that_a_plugin_does_while_it_packs_its_state_has_an_effect() {
    play(|world| async move {
        let script = counting();
        script.on_export(|stage| {
            stage.publish("out", 1, NO_CAUSE);
            stage.rows.push(1);
            stage.after("t", MS);
            Ok(())
        });
        let dirty = Rc::new(Cell::new(false));
        let (seen, watch) = (dirty.clone(), world.watch("out"));
        script.on_call(move |stage, _| {
            seen.set(!stage.rows.is_empty() || !stage.outbox.is_empty());
            Ok(Ok(crate::device::Outcome::Done(stage.state.to_string())))
        });
        let device = world.start(&script).await;
        world.send("in/a", [1]).await;
        world.run(10 * SECOND).await;
        assert_eq!(saved(&world), [1]);
        assert_eq!(look(&world, &device).await, "1");
        assert!(!dirty.get(), "left over for the next handler");
        world.send("in/a", [2]).await;
        world.stop(device).await;
        assert_eq!(saved(&world), [1, 2]);
        assert!(values(&watch).is_empty());
        assert!(script.rows.borrow().is_empty());
    });
}

#[test]
fn a_device_serves_while_its_state_is_being_stored() {
    play(|world| async move {
        let script = counting();
        let device = world.start(&script).await;
        world.vault.lock("device");
        world.send("in/a", [1]).await;
        world.run(SECOND).await;
        assert_eq!(saved(&world), [1], "under way");
        for value in 2..=5 {
            world.send("in/a", [value]).await;
            world.run(2 * SECOND).await;
            assert_eq!(look(&world, &device).await, value.to_string());
        }
        assert_eq!(saved(&world), [1], "one at a time");
        assert_eq!(world.vault.kept.load("device").await, Ok(Some(stored(1))));
        world.vault.unlock();
        world.run(SECOND).await;
        assert_eq!(saved(&world), [1, 5], "then what is newest");
        world.stop(device).await;
    });
}

#[test]
fn a_trap_while_its_state_is_being_stored_loses_nothing_of_it() {
    play(|world| async move {
        let device = world.start(&counting()).await;
        world.vault.lock("device");
        world.send("in/a", [1, 2]).await;
        world.run(SECOND).await;
        restart(&world, &device).await;
        assert_eq!(look(&world, &device).await, "2");
        world.vault.unlock();
        world.run(10 * SECOND).await;
        assert_eq!(saved(&world), [2]);
        world.stop(device).await;
    });
}

#[test]
fn a_stop_waits_until_the_last_state_is_stored() {
    play(|world| async move {
        let device = world.start(&counting()).await;
        world.vault.lock("device");
        world.send("in/a", [1]).await;
        world.run(SECOND).await;
        world.send("in/a", [2]).await;
        let mut ended = device
            .device
            .mailbox
            .stop(crate::device::StopReason::Unload);
        world.run(SECOND).await;
        assert!(ended.try_recv().is_err());
        world.vault.unlock();
        world.settle().await;
        ended.await.unwrap();
        assert_eq!(saved(&world), [1, 2]);
        assert_eq!(world.vault.kept.load("device").await, Ok(Some(stored(2))));
    });
}

#[test]
fn state_that_could_not_be_stored_is_stored_at_the_stop_also_without_an_instance() {
    play(|world| async move {
        let device = world.start(&counting()).await;
        *world.vault.broken.lock().unwrap() = Some("the disk is full".into());
        world.send("in/a", [1]).await;
        world.run(SECOND).await;
        let _answer = world.call(&device, "trap");
        world.settle().await;
        assert_eq!(device.state(), DeviceState::Restarting);
        *world.vault.broken.lock().unwrap() = None;
        world.stop(device).await;
        assert_eq!(saved(&world), [1]);
    });
}
