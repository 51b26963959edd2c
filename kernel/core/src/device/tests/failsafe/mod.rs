//! Outputs go to their safe values when nobody minds them any more, and at no other time.

mod lines;
mod others;
mod trouble;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::rig::*;
use crate::bus::Overflow;
use crate::connection::{LinkState, Priority, ReplyRule, Request};
use crate::device::{DeviceSpec, DeviceState, Effect, Manner, StopReason};
use crate::failsafe::guard::{Action, Change, Charge};
use crate::failsafe::limits::{FIRST_PAUSE, LONGEST_PAUSE, STOP_TIME};
use crate::failsafe::{
    Board, Guard, GuardState, GuardStatus, GuardedLine, Outputs, SafeFrame, SafeLine, SafeState,
    SafeStatus,
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
            by: "test",
            order: Bytes::from_static(b"0"),
        })
    }
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
