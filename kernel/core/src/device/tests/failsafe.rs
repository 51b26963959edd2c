//! Outputs go to their safe values when nobody minds them any more, and at no other time.

use std::rc::Rc;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::rig::*;
use crate::bus::Overflow;
use crate::connection::{LinkState, Priority, ReplyRule, Request};
use crate::device::{DeviceSpec, DeviceState, Effect, Manner, StopReason};
use crate::failsafe::guard::{Action, Charge};
use crate::failsafe::limits::{FIRST_PAUSE, STOP_TIME};
use crate::failsafe::{
    Board, Guard, GuardState, GuardStatus, GuardedLine, SafeFrame, SafeLine, SafeState, SafeStatus,
};

/// A frame of two bytes that the unit confirms by repeating it.
fn frame(what: &'static str) -> SafeFrame {
    let bytes = Bytes::from_static(what.as_bytes());
    let mut frame = SafeFrame::new(what, bytes.clone(), ReplyRule::Length(2), 500 * MS);
    frame.expects = bytes;
    frame
}

fn set(stage: &mut Stage, frames: &[&'static str]) {
    let effect = Effect::SetFailSafe {
        seat: stage.device.open("field").unwrap(),
        frames: frames.iter().map(|what| frame(what)).collect(),
    };
    stage.outbox.effects.push(effect);
}

fn submit(stage: &mut Stage, what: &'static str) {
    let effect = Effect::Submit {
        seat: stage.device.open("field").unwrap(),
        ticket: stage.device.new_ticket(),
        request: Request {
            bytes: Bytes::from_static(what.as_bytes()),
            reply: ReplyRule::Length(2),
            priority: Priority::Command,
            timeout: 500 * MS,
            deadline: 60 * SECOND,
            turnaround: 0,
            peer: None,
        },
    };
    stage.outbox.effects.push(effect);
}

/// Registers frames in its start, traps on negative values, and cannot go on with 13.
fn holding(frames: &'static [&'static str]) -> Rc<Script> {
    let script = Script::new();
    script.on_start(move |stage, _| {
        stage.subscribe("in/#", Overflow::DropOldest, 0, false);
        if !frames.is_empty() {
            set(stage, frames);
        }
        Ok(Ok(()))
    });
    script.on_event(|_, _, event| match number(event) {
        ..0 => Err(trap("negative")),
        _ => Ok(Ok(())),
    });
    script
}

fn field(world: &World) -> Field {
    let field = Field::default();
    world.plug("field", field.clone());
    field
}

fn wired(spec: &mut DeviceSpec) {
    spec.connection = Some("field".into());
}

async fn start(world: &World, script: &Rc<Script>) -> Running {
    world.start_with(script, wired).await
}

fn status(device: &Running) -> SafeStatus {
    device.device.outputs.status().unwrap()
}

/// Feeds it to death.
async fn fail(world: &World, device: &Running) {
    for value in 1..=60 {
        if device.state() == DeviceState::Failed {
            return;
        }
        world.send("in/a", [-value]).await;
        world.run(SECOND).await;
    }
    assert_eq!(device.state(), DeviceState::Failed);
}

#[test]
fn traps_and_restarts_set_nothing_and_the_final_failure_sets_all_in_order() {
    play(|world| async move {
        let field = field(&world);
        let device = start(&world, &holding(&["a0", "b0"])).await;
        assert_eq!(status(&device).state, SafeState::Armed);
        let watch = world.watch("$safe/#");
        world.send("in/a", [-1]).await;
        world.run(10 * SECOND).await;
        assert_eq!(device.state(), DeviceState::Running);
        assert_eq!(field.heard(), [""; 0]);
        assert!(taken(&watch).is_empty(), "a restart is no news");
        fail(&world, &device).await;
        assert_eq!(field.heard(), ["a0", "b0"]);
        let status = status(&device);
        assert_eq!((status.state, status.applied), (SafeState::Applied, 2));
        assert!(status.cause.contains("it has failed"), "{status:?}");
        let told = taken(&watch);
        assert_eq!(world.topic(told[0].topic), "$safe/device");
        let last = told.last().unwrap().value.to_json();
        assert_eq!(last["state"], "applied");
        assert_eq!(last["outputs"][1]["what"], "b0");
        world.stop(device).await;
        assert_eq!(field.heard(), [""; 0], "once is enough");
    });
}

#[test]
fn a_stop_sends_the_plugins_last_words_first() {
    play(|world| async move {
        let field = field(&world);
        let script = holding(&["a0"]);
        script.on_stop(|stage, _| {
            let effect = Effect::Send {
                seat: stage.device.open("field").unwrap(),
                peer: None,
                bytes: Bytes::from_static(b"ok"),
            };
            stage.outbox.effects.push(effect);
            Ok(())
        });
        let device = start(&world, &script).await;
        let outputs = device.device.outputs.clone();
        world.stop(device).await;
        assert_eq!(field.heard(), ["ok", "a0"]);
        let status = outputs.status().unwrap();
        assert_eq!(status.state, SafeState::Applied);
        assert_eq!(status.cause, "it was stopped");
    });
}

#[test]
fn a_plugin_can_withdraw_its_frames_and_a_handler_that_traps_registers_none() {
    play(|world| async move {
        let field = field(&world);
        let script = holding(&["a0"]);
        script.on_event(|stage, _, event| match number(event) {
            0 => {
                set(stage, &[]);
                Ok(Ok(()))
            }
            _ => {
                set(stage, &["x0"]);
                Err(trap("after it had registered"))
            }
        });
        let device = start(&world, &script).await;
        world.send("in/a", [1]).await;
        world.run(10 * SECOND).await;
        assert_eq!(status(&device).outputs[0].what, "a0");
        world.send("in/a", [0]).await;
        assert_eq!(device.device.outputs.status(), None);
        world.stop(device).await;
        assert_eq!(field.heard(), [""; 0]);
    });
}

#[test]
fn a_change_of_versions_and_the_way_back_set_nothing() {
    play(|world| async move {
        let field = field(&world);
        let device = start(&world, &holding(&["a0", "b0"])).await;
        let swapped = world
            .order(&device, "second", &holding(&["c0"]), Manner::Trial)
            .await;
        assert_eq!(swapped, Ok(()));
        assert_eq!(status(&device).outputs[0].what, "c0");
        // It traps on probation: the first comes back, with its frames.
        world.send("in/a", [-1]).await;
        world.run(10 * SECOND).await;
        let outputs = status(&device).outputs;
        let what: Vec<_> = outputs.iter().map(|output| &*output.what).collect();
        assert_eq!(what, ["a0", "b0"]);
        // One that does not speak of them keeps them.
        let swapped = world
            .order(&device, "third", &holding(&[]), Manner::Trial)
            .await;
        assert_eq!(swapped, Ok(()));
        assert_eq!(status(&device).outputs.len(), 2);
        assert_eq!(status(&device).state, SafeState::Armed);
        assert_eq!(field.heard(), [""; 0]);
        world.stop(device).await;
        assert_eq!(field.heard(), ["a0", "b0"]);
    });
}

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
fn a_panic_of_the_actor_sets_safe_values() {
    play(|world| async move {
        let field = field(&world);
        let script = holding(&["a0"]);
        script.on_event(|_, _, _| panic!("a bug of the host, on purpose"));
        let device = start(&world, &script).await;
        world.send("in/a", [1]).await;
        assert_eq!(field.heard(), ["a0"]);
        assert!(status(&device).cause.contains("host bug"));
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

/// A line, and what was done to it.
struct Pin {
    log: Arc<Mutex<Vec<String>>>,
    broken: bool,
}

impl SafeLine for Pin {
    fn name(&self) -> &str {
        "chip/17"
    }

    fn describe(&self) -> String {
        "pump = off".into()
    }

    fn apply(&self) -> Result<(), String> {
        self.log.lock().unwrap().push("off".into());
        match self.broken {
            true => Err("the chip is gone".into()),
            false => Ok(()),
        }
    }

    fn guarded(&self) -> Option<GuardedLine> {
        let descriptor = std::fs::File::open("/dev/null").unwrap();
        Some(GuardedLine {
            descriptor: Arc::new(descriptor.into()),
            write: Bytes::from_static(b"0"),
        })
    }
}

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

/// A guard that only remembers.
#[derive(Default)]
struct Watchman {
    charges: Mutex<Vec<Vec<String>>>,
    dismissed: Mutex<bool>,
}

impl Guard for Watchman {
    fn watch(&self, charges: Vec<Charge>) {
        let shown = charges.iter().map(|charge| match &charge.action {
            Action::Exchange { frames, .. } => {
                let labels: Vec<&str> = frames.iter().map(|frame| &*frame.label).collect();
                format!("{} on {}: {}", charge.device, charge.on, labels.join(" "))
            }
            Action::Write(bytes) => format!("{} on {}: {bytes:?}", charge.device, charge.on),
        });
        self.charges.lock().unwrap().push(shown.collect());
    }

    fn dismiss(&self) {
        *self.dismissed.lock().unwrap() = true;
    }

    fn status(&self) -> GuardStatus {
        GuardStatus {
            state: GuardState::Running,
            pid: None,
            charges: 0,
            error: String::new(),
        }
    }
}

#[test]
fn the_guard_knows_what_is_left_to_be_done_and_on_which_descriptor() {
    play(|world| async move {
        let watchman = Arc::new(Watchman::default());
        let board = Board::new(Some(watchman.clone()));
        let last = || watchman.charges.lock().unwrap().last().cloned().unwrap();
        let field = field(&world);
        let quiet = world.add("quiet", &holding(&[]), wired);
        board.join(&quiet.device.outputs);
        let device = world.add("device", &holding(&["a0", "b0"]), wired);
        board.join(&device.device.outputs);
        world.settle().await;
        // The kernel says so whenever a link has changed.
        board.link_changed("field");
        assert_eq!(last(), ["device on field: a0 b0"]);
        quiet.device.outputs.declare(Arc::new(Pin {
            log: Arc::default(),
            broken: false,
        }));
        assert_eq!(
            last(),
            ["quiet on chip/17: b\"0\"", "device on field: a0 b0"]
        );
        // A link that is down has no descriptor.
        field.unplug();
        world.settle().await;
        board.link_changed("field");
        assert_eq!(last(), ["quiet on chip/17: b\"0\""]);
        field.plug_in();
        world.run(60 * SECOND).await;
        board.link_changed("field");
        assert_eq!(last().len(), 2);
        world.stop(device).await;
        assert_eq!(field.heard(), ["a0", "b0"]);
        assert_eq!(last(), ["quiet on chip/17: b\"0\""]);
        let looks = watchman.charges.lock().unwrap().len();
        board.link_changed("other");
        assert_eq!(watchman.charges.lock().unwrap().len(), looks, "no concern");
        board.dismiss();
        assert!(*watchman.dismissed.lock().unwrap());
    });
}

#[test]
fn a_device_of_the_same_name_takes_over_what_is_left_to_be_done() {
    play(|world| async move {
        let board = Board::new(None);
        let field = field(&world);
        field.unplug();
        let device = world.add("device", &holding(&["a0"]), wired);
        board.join(&device.device.outputs);
        world.settle().await;
        let outputs = device.device.outputs.clone();
        world.stop(device).await;
        board.left(&outputs);
        assert_eq!(board.status().devices[0].state, SafeState::Pending);
        let next = world.add("device", &holding(&["b0"]), wired);
        board.join(&next.device.outputs);
        world.settle().await;
        board.taken_over(&next.device.outputs);
        field.plug_in();
        world.run(60 * SECOND).await;
        assert_eq!(field.heard(), [""; 0]);
        let devices = board.status().devices;
        assert_eq!(devices.len(), 1);
        assert_eq!(devices[0].outputs[0].what, "b0");
        assert_eq!(devices[0].state, SafeState::Armed);
        let last = world.bus.last("$safe/device").unwrap().value.to_json();
        assert_eq!(last["outputs"][0]["what"], "b0");
        world.stop(next).await;
        assert_eq!(field.heard(), ["b0"]);
    });
}
