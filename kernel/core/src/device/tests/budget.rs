//! What traps cost of the restart budget: crash loops end, poison among good inputs does not.

use std::rc::Rc;

use super::rig::*;
use crate::device::{BUDGET, DeviceState};

/// Traps on negative values.
fn trapping_on_negative_values() -> Rc<Script> {
    let script = Script::new();
    script.on_event(|stage, _, event| {
        stage.rows.push(number(event));
        match number(event) {
            ..0 => Err(trap("negative")),
            _ => Ok(Ok(())),
        }
    });
    script
}

#[test]
fn any_number_of_poison_events_among_good_ones_does_not_end_a_device() {
    play(|world| async move {
        let script = trapping_on_negative_values();
        let letters = world.watch("$dead/#");
        let device = world.start(&script).await;
        for value in 1..=100 {
            world.send("in/a", [-value, value]).await;
            world.run(SECOND).await;
            assert_eq!(device.state(), DeviceState::Running, "after {value}");
        }
        assert_eq!(*script.rows.borrow(), (1..=100).collect::<Vec<_>>());
        assert_eq!(dead(&letters), (1..=100).map(|v| -v).collect::<Vec<_>>());
        world.stop(device).await;
    });
}

#[test]
fn five_poison_events_on_end_do_not_end_a_device_at_once_or_over_minutes() {
    for pause in [0, 50 * SECOND] {
        play(|world| async move {
            let script = trapping_on_negative_values();
            let letters = world.watch("$dead/#");
            let device = world.start(&script).await;
            for value in 1..=5 {
                world.send("in/a", [-value]).await;
                world.run(pause).await;
            }
            world.run(10 * SECOND).await;
            assert_eq!(device.state(), DeviceState::Running);
            assert_eq!(dead(&letters), [-1, -2, -3, -4, -5]);
            world.stop(device).await;
        });
    }
}

#[test]
fn a_plugin_that_traps_on_every_event_of_a_topic_is_given_up() {
    play(|world| async move {
        let script = Script::new();
        script.on_event(|stage, _, event| {
            let topic = stage.device.bus.topic_name(event.topic).unwrap();
            match &*topic {
                "in/a" => Err(trap("everything")),
                _ => Ok(Ok(())),
            }
        });
        let device = world.start(&script).await;
        for value in 0..60 {
            world.send("in/a", [value]).await;
            world.send("in/fine", [value]).await;
            world.run(SECOND).await;
        }
        assert_eq!(device.state(), DeviceState::Failed);
        let instances = script.starts.borrow().len();
        assert!(instances <= 3 * BUDGET, "{instances} instances");
        world.stop(device).await;
    });
}

#[test]
fn a_plugin_that_traps_on_each_first_delivery_is_given_up() {
    play(|world| async move {
        let script = Script::new();
        script.on_event(|_, _, event| match event.attempt {
            1 => Err(trap("once each")),
            _ => Ok(Ok(())),
        });
        let device = world.start(&script).await;
        for value in 0..60 {
            world.send("in/a", [value]).await;
            world.run(SECOND).await;
        }
        assert_eq!(device.state(), DeviceState::Failed, "no event is to blame");
        world.stop(device).await;
    });
}
