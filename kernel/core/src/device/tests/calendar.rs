//! Timers on the calendar: a device whose clock is set.

use super::rig::*;
use crate::clock::Clock;
use crate::schedule::Missed;

const MINUTE: u64 = 60 * SECOND;

/// A full hour of the rig's clock, to count from.
fn full_hour() -> u64 {
    EPOCH.next_multiple_of(60 * MINUTE)
}

#[test]
fn cron_ticks_at_its_times_and_ends_with_its_device() {
    play(|world| async move {
        world.clock.set(full_hour());
        let script = Script::new();
        script.on_start(|stage, _| {
            stage.cron("report", "*/5 * * * *", Missed::Once);
            Ok(Ok(()))
        });
        let device = world.start(&script).await;
        world.run(5 * MINUTE - 1).await;
        assert_eq!(script.topics(), []);
        world.run(1).await;
        assert_eq!(script.topics(), [("$timer/report".into(), 1)]);
        world.run(60 * MINUTE).await;
        assert_eq!(script.topics().len(), 12);
        world.stop(device).await;
        assert_eq!(world.clock.next_deadline(), None);
    });
}

#[test]
fn an_idle_device_notices_that_the_clock_was_set() {
    for (missed, expected) in [
        (Missed::Skip, vec![1]),
        (Missed::Once, vec![12]),
        (Missed::CatchUp, vec![1; 12]),
    ] {
        play(|world| async move {
            world.clock.set(full_hour());
            let script = Script::new();
            script.on_start(move |stage, _| {
                stage.cron("report", "*/5 * * * *", missed);
                Ok(Ok(()))
            });
            let device = world.start(&script).await;
            world.run(MINUTE).await;
            world.clock.set(full_hour() + 61 * MINUTE);
            world.run(10 * SECOND).await;
            let ticks: Vec<i64> = script.topics().into_iter().map(|tick| tick.1).collect();
            assert_eq!(ticks, expected, "{missed:?}");
            // Back, before all that: what was delivered does not come again.
            world.clock.set(full_hour() + 56 * MINUTE);
            world.run(8 * MINUTE).await;
            assert_eq!(script.topics(), [], "{missed:?}");
            world.run(MINUTE).await;
            assert_eq!(script.topics(), [("$timer/report".into(), 1)], "{missed:?}");
            assert_eq!(world.clock.now(), full_hour() + 65 * MINUTE);
            world.stop(device).await;
        });
    }
}
