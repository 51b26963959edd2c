//! Lines that a capability hands out.

use super::*;

#[test]
fn a_line_that_a_capability_handed_out_goes_to_its_safe_value() {
    for broken in [false, true] {
        play(|world| async move {
            let log = Arc::default();
            let script = holding(&[]);
            let lease: Arc<dyn SafeLine> = Arc::new(Pin {
                log: Arc::clone(&log),
                broken,
            });
            script.on_start(move |stage, _| {
                stage.subscribe("in/#", Overflow::DropOldest, 0, false);
                stage.device.outputs.declare(lease.clone());
                Ok(Ok(()))
            });
            let device = start(&world, &script).await;
            world.send("in/a", [-1]).await;
            world.run(10 * SECOND).await;
            assert_eq!(status(&device).outputs.len(), 1, "declared anew, held once");
            assert!(log.lock().unwrap().is_empty());
            fail(&world, &device).await;
            assert_eq!(*log.lock().unwrap(), ["off"]);
            let status = status(&device);
            match broken {
                false => assert_eq!(status.state, SafeState::Applied),
                true => {
                    assert_eq!(status.state, SafeState::Failed);
                    assert_eq!(status.outputs[0].error, "the chip is gone");
                }
            }
            world.stop(device).await;
        });
    }
}

#[test]
fn a_line_that_was_taken_back_is_left_alone() {
    play(|world| async move {
        let log = Arc::default();
        let device = start(&world, &holding(&[])).await;
        device.device.outputs.declare(Arc::new(Pin {
            log: Arc::clone(&log),
            broken: false,
        }));
        device.device.outputs.release("chip/17");
        world.stop(device).await;
        assert!(log.lock().unwrap().is_empty());
    });
}
