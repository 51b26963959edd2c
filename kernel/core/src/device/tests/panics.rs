//! A bug of the host in one actor.

use super::rig::*;
use crate::device::{CallError, DeviceState, StopReason};

/// A device whose actor panics in the middle of a batch.
async fn panicked(world: &World) -> Running {
    let script = Script::new();
    script.on_event(|_, _, event| match number(event) {
        1 => Ok(Ok(())),
        _ => panic!("a bug of the host, on purpose"),
    });
    let device = world.start(&script).await;
    world.send("in/a", [1]).await;
    world.send("in/a", [2]).await;
    device
}

#[test]
fn a_device_whose_actor_panicked_is_failed_and_holds_nothing() {
    play(|world| async move {
        let device = panicked(&world).await;
        assert_eq!(device.state(), DeviceState::Failed);
        let error = device.last_error();
        assert!(error.contains("host bug"), "{error}");
        assert!(world.bus.subscriptions().is_empty());
        let refused = world.try_call(&device, "look").unwrap_err();
        assert!(matches!(refused, CallError::Unavailable(_)), "{refused}");
        assert!(device.actor.await.unwrap_err().is_panic());
    });
}

#[test]
fn whoever_stops_a_device_whose_actor_panicked_does_not_wait() {
    play(|world| async move {
        let device = panicked(&world).await;
        let mut ended = device.device.mailbox.stop(StopReason::Shutdown);
        assert!(
            ended
                .try_recv()
                .is_err_and(|error| { error == tokio::sync::oneshot::error::TryRecvError::Closed })
        );
    });
}

#[test]
fn whoever_waits_for_a_device_while_its_actor_panics_is_answered() {
    play(|world| async move {
        let script = Script::new();
        script.slow.set(SECOND);
        script.on_event(|_, _, _| panic!("a bug of the host, on purpose"));
        let device = world.start(&script).await;
        world.send("in/a", [1]).await;
        let (call, ended) = (
            world.call(&device, "look"),
            device.device.mailbox.stop(StopReason::Shutdown),
        );
        world.run(SECOND).await;
        ended.await.unwrap_err();
        let ended = CallError::Unavailable("the device has ended".into());
        assert_eq!(call.await.unwrap(), Err(ended));
    });
}
