//! Lines that are down, units that are silent or refuse.

use super::*;

#[test]
fn frames_wait_for_a_link_that_is_down_and_go_first_when_it_is_up() {
    play(|world| async move {
        let field = field(&world);
        let device = start(&world, &holding(&["a0", "b0"])).await;
        let neighbour = world.add("neighbour", &holding(&[]), wired).device;
        let seat = neighbour.open("field").unwrap();
        field.unplug();
        fail(&world, &device).await;
        let down = status(&device);
        assert_eq!(down.state, SafeState::Pending);
        assert!(
            down.outputs[0].error.contains("the link is down"),
            "{down:?}"
        );
        // As long as the cable is out.
        world.run(3_600 * SECOND).await;
        assert_eq!(field.heard(), [""; 0]);
        field.plug_in();
        while seat.state() != LinkState::Up {
            world.run(SECOND).await;
        }
        assert_eq!(field.heard(), ["a0", "b0"]);
        assert_eq!(status(&device).state, SafeState::Applied);
        assert_eq!(status(&device).outputs[0].error, "");
        world.stop(device).await;
    });
}

#[test]
fn a_refusal_is_told_with_the_reply_and_tried_again() {
    play(|world| async move {
        let field = field(&world);
        field.behave(Manners::Refusing);
        let device = start(&world, &holding(&["a0", "b0"])).await;
        fail(&world, &device).await;
        assert_eq!(field.heard()[..6], ["a0", "a0", "a0", "b0", "b0", "b0"]);
        let refused = status(&device);
        assert_eq!(refused.state, SafeState::Pending);
        let error = &refused.outputs[0].error;
        assert!(error.contains("refused: the reply is 21 30"), "{error}");
        assert!(refused.failures >= 2);
        field.behave(Manners::Polite);
        world.run(60 * SECOND).await;
        let heard = field.heard();
        assert_eq!(heard[heard.len() - 2..], ["a0", "b0"]);
        assert_eq!(status(&device).state, SafeState::Applied);
        world.stop(device).await;
    });
}

#[test]
fn a_unit_that_says_nothing_holds_up_a_stop_for_a_limited_time() {
    play(|world| async move {
        let field = field(&world);
        field.behave(Manners::Silent);
        let device = start(&world, &holding(&["a0", "b0", "c0", "d0", "e0"])).await;
        let outputs = device.device.outputs.clone();
        let mut ended = device.device.mailbox.stop(StopReason::Unload);
        world.run(STOP_TIME - 100 * MS).await;
        ended.try_recv().unwrap_err();
        world.run(100 * MS).await;
        ended.try_recv().unwrap();
        // It goes on without the device.
        field.behave(Manners::Polite);
        world.run(10 * FIRST_PAUSE).await;
        assert_eq!(outputs.status().unwrap().state, SafeState::Applied);
    });
}

#[test]
fn what_the_device_had_queued_is_not_sent_behind_its_frames() {
    play(|world| async move {
        let field = field(&world);
        field.behave(Manners::Silent);
        let script = holding(&["a0"]);
        script.on_event(|stage, _, _| {
            for what in ["p1", "p2", "p3"] {
                submit(stage, what);
            }
            Ok(Ok(()))
        });
        let device = start(&world, &script).await;
        world.send("in/a", [1]).await;
        let ended = device.device.mailbox.stop(StopReason::Unload);
        world.run(600 * MS).await;
        field.behave(Manners::Polite);
        world.run(10 * SECOND).await;
        ended.await.unwrap();
        let heard = field.heard();
        assert_eq!(
            heard[..2],
            ["p1", "a0"],
            "the exchange under way is finished"
        );
        assert!(!heard.iter().any(|what| what == "p2"), "{heard:?}");
    });
}

#[test]
fn a_version_that_brings_a_failed_device_back_calls_its_frames_off() {
    play(|world| async move {
        let field = field(&world);
        let device = start(&world, &holding(&["a0"])).await;
        field.unplug();
        fail(&world, &device).await;
        let swapped = world
            .order(&device, "second", &holding(&["b0"]), Manner::Trial)
            .await;
        assert_eq!(swapped, Ok(()));
        assert_eq!(status(&device).state, SafeState::Armed);
        field.plug_in();
        world.run(60 * SECOND).await;
        assert_eq!(field.heard(), [""; 0]);
        world.stop(device).await;
        assert_eq!(field.heard(), ["b0"]);
    });
}

#[test]
fn a_version_that_brings_a_failed_device_back_keeps_the_frames_of_the_one_before() {
    play(|world| async move {
        let field = field(&world);
        let device = start(&world, &holding(&["a0"])).await;
        fail(&world, &device).await;
        assert_eq!(field.heard(), ["a0"]);
        let swapped = world
            .order(&device, "second", &holding(&[]), Manner::Trial)
            .await;
        assert_eq!(swapped, Ok(()));
        assert_eq!(status(&device).state, SafeState::Armed);
        world.settle().await;
        let stats = world.around.connections.lock().unwrap()["field"].stats();
        let places: Vec<&str> = stats.devices.iter().map(|place| &*place.device).collect();
        assert_eq!(
            places,
            ["device"],
            "it has its place again, and its codec there"
        );
        world.stop(device).await;
        assert_eq!(field.heard(), ["a0"]);
    });
}
