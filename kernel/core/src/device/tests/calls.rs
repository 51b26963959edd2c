//! Commands, their answers, and calls between devices.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::{CallError, MAX_CALLS, NO_CAUSE, Outcome};
use super::rig::*;
use crate::bus::Overflow;
use crate::event::{Quality, Value};

fn done(json: &str) -> crate::device::Hooked<Outcome, CallError> {
    Ok(Ok(Outcome::Done(json.into())))
}

#[test]
fn a_command_is_answered_and_what_it_did_takes_effect() {
    play(|world| async move {
        let script = Script::new();
        script.on_call(|stage, call| {
            assert_eq!(
                (call.command.as_str(), call.caller.as_str()),
                ("open", "operator")
            );
            stage.publish("out", 1, NO_CAUSE);
            done("{\"open\":true}")
        });
        let watch = world.watch("out");
        let device = world.start(&script).await;
        let mut answer = world.call(&device, "open");
        world.settle().await;
        assert_eq!(answer.try_recv().unwrap(), Ok("{\"open\":true}".into()));
        assert_eq!(values(&watch), [1]);
        world.stop(device).await;
    });
}

#[test]
fn commands_go_before_events_that_wait() {
    play(|world| async move {
        let (script, order) = (Script::new(), Rc::new(RefCell::new(Vec::new())));
        let (events, calls) = (order.clone(), order.clone());
        script.on_event(move |_, _, event| {
            events.borrow_mut().push(number(event).to_string());
            Ok(Ok(()))
        });
        script.on_call(move |_, call| {
            calls.borrow_mut().push(call.command.clone());
            done("null")
        });
        let device = world.start(&script).await;
        world.publish("in/a", [1, 2]);
        let _answer = world.call(&device, "stop");
        world.settle().await;
        assert_eq!(*order.borrow(), ["stop", "1", "2"]);
        world.stop(device).await;
    });
}

#[test]
fn a_command_that_fails_says_why_and_leaves_nothing() {
    play(|world| async move {
        let script = Script::new();
        script.on_call(|stage, _| {
            stage.rows.push(1);
            stage.publish("out", 1, NO_CAUSE);
            Ok(Err(CallError::InvalidArgument("`percent` is 120".into())))
        });
        let watch = world.watch("out");
        let device = world.start(&script).await;
        let mut answer = world.call(&device, "open");
        world.settle().await;
        let expected = CallError::InvalidArgument("`percent` is 120".into());
        assert_eq!(answer.try_recv().unwrap(), Err(expected));
        assert!(values(&watch).is_empty());
        assert!(script.rows.borrow().is_empty());
        world.stop(device).await;
    });
}

/// Leaves `later` open and answers it with the next event, or in the same breath when it is `both`.
fn answering_later() -> Rc<Script> {
    let (script, open) = (Script::new(), Rc::new(RefCell::new(Vec::new())));
    let asked = open.clone();
    script.on_call(move |stage, call| match call.command.as_str() {
        "later" => {
            asked.borrow_mut().push(call.id);
            Ok(Ok(Outcome::Pending))
        }
        "both" => {
            stage.reply(call.id, Ok("\"both\""));
            Ok(Ok(Outcome::Pending))
        }
        "trap" => Err(trap("bad command")),
        _ => done("null"),
    });
    script.on_event(move |stage, _, event| {
        for id in open.borrow_mut().drain(..) {
            stage.reply(id, Ok(&number(event).to_string()));
        }
        stage.reply(12_345, Ok("nobody asked"));
        Ok(Ok(()))
    });
    script
}

#[test]
fn a_command_can_be_answered_later() {
    play(|world| async move {
        let device = world.start(&answering_later()).await;
        let mut first = world.call(&device, "later");
        let mut both = world.call(&device, "both");
        world.settle().await;
        assert!(first.try_recv().is_err(), "still open");
        assert_eq!(both.try_recv().unwrap(), Ok("\"both\"".into()));
        world.send("in/a", [7]).await;
        assert_eq!(first.try_recv().unwrap(), Ok("7".into()));
        world.stop(device).await;
    });
}

#[test]
fn an_answer_after_the_caller_gave_up_is_ignored() {
    play(|world| async move {
        let device = world.start(&answering_later()).await;
        let given_up = world.call(&device, "later");
        world.settle().await;
        drop(given_up);
        world.send("in/a", [7]).await;
        let mut next = world.call(&device, "now");
        world.settle().await;
        assert_eq!(next.try_recv().unwrap(), Ok("null".into()));
        world.stop(device).await;
    });
}

#[test]
fn a_trap_answers_the_caller_and_those_who_still_wait_and_is_not_retried() {
    play(|world| async move {
        let script = answering_later();
        let device = world.start(&script).await;
        let mut waiting = world.call(&device, "later");
        let mut trapping = world.call(&device, "trap");
        world.settle().await;
        let error = trapping.try_recv().unwrap().unwrap_err();
        assert_eq!(
            error,
            CallError::Failed("command `trap` trapped: bad command".into())
        );
        let error = waiting.try_recv().unwrap().unwrap_err();
        assert_eq!(
            error,
            CallError::Failed("the plugin trapped: bad command".into())
        );
        // The next one waits for the fresh instance.
        let mut next = world.call(&device, "now");
        world.run(SECOND).await;
        assert_eq!(next.try_recv().unwrap(), Ok("null".into()));
        assert_eq!(script.starts.borrow().len(), 2, "one trap");
        world.stop(device).await;
    });
}

#[test]
fn a_command_whose_caller_has_given_up_does_not_take_effect() {
    play(|world| async move {
        let (script, seen) = (Script::new(), Rc::new(RefCell::new(Vec::new())));
        let log = seen.clone();
        script.on_call(move |_, call| {
            log.borrow_mut().push(call.command.clone());
            done("null")
        });
        let device = world.start(&script).await;
        drop(world.call(&device, "given-up"));
        let _answer = world.call(&device, "wanted");
        world.settle().await;
        assert_eq!(*seen.borrow(), ["wanted"]);
        world.stop(device).await;
    });
}

#[test]
fn callers_that_gave_up_make_room_for_others() {
    play(|world| async move {
        let script = Script::new();
        let device = world.start(&script).await;
        script.slow.set(SECOND);
        world.send("in/a", [1]).await;
        let mut answers: Vec<Answer> = (0..MAX_CALLS)
            .map(|_| world.call(&device, "wait"))
            .collect();
        let refused = world.try_call(&device, "one-more").unwrap_err();
        assert!(matches!(refused, CallError::Unavailable(text) if text.contains("64 calls")));
        answers.pop();
        let mut answer = world.call(&device, "one-more");
        world.run(SECOND).await;
        assert_eq!(answer.try_recv().unwrap(), Ok("null".into()));
        world.stop(device).await;
    });
}

/// Each answer: the id of its call, its sequence, quality and value.
type Answers = Rc<RefCell<Vec<(u64, u64, Quality, Value)>>>;

/// Calls `ask` of another device for each event, answers `ask` itself, and keeps the answers.
fn asking(other: &'static str) -> (Rc<Script>, Answers) {
    let (script, answers) = (Script::new(), Answers::default());
    let (asked, log) = (Rc::new(RefCell::new(Vec::new())), answers.clone());
    script.on_event(move |stage, _, event| {
        if stage.device.bus.topic_name(event.topic).as_deref() == Some("$answer") {
            let id = asked.borrow_mut().remove(0);
            log.borrow_mut()
                .push((id, event.sequence, event.quality, event.value.clone()));
        } else {
            asked.borrow_mut().push(stage.call(other, "ask", SECOND));
        }
        Ok(Ok(()))
    });
    script.on_call(|stage, call| done(&format!("\"{} to {}\"", stage.device.name, call.caller)));
    (script, answers)
}

#[test]
fn two_devices_that_call_each_other_both_get_their_answers() {
    play(|world| async move {
        let ((one, ones), (two, twos)) = (asking("two"), asking("one"));
        let (first, second) = (
            world.add("one", &one, |_| {}),
            world.add("two", &two, |_| {}),
        );
        world.settle().await;
        world.send("in/a", [1]).await;
        for (answers, expected) in [(ones, "\"two to one\""), (twos, "\"one to two\"")] {
            let answers = answers.borrow();
            let [(id, sequence, quality, value)] = &answers[..] else {
                panic!("not one answer: {answers:?}");
            };
            assert_eq!(id, sequence, "an answer names its call");
            assert_eq!(
                (quality, value),
                (&Quality::Good, &Value::Json(expected.into()))
            );
        }
        world.stop(first).await;
        world.stop(second).await;
    });
}

#[test]
fn calls_that_fail_are_answered_with_their_error() {
    play(|world| async move {
        let (script, answers) = asking("nobody");
        let device = world.start(&script).await;
        world.send("in/a", [1]).await;
        assert_eq!(answers.borrow()[0].2, Quality::Bad);
        assert_eq!(
            answers.borrow()[0].3,
            Value::Text("there is no `nobody`".into())
        );
        world.stop(device).await;

        let (script, answers) = asking("mute");
        let mute = Script::new();
        mute.on_call(|_, _| Ok(Ok(Outcome::Pending)));
        let (device, mute) = (world.start(&script).await, world.add("mute", &mute, |_| {}));
        world.settle().await;
        world.send("in/a", [1]).await;
        assert!(answers.borrow().is_empty());
        world.run(SECOND).await;
        assert_eq!(
            answers.borrow()[0].3,
            Value::Text("no answer in time".into())
        );
        world.stop(device).await;
        world.stop(mute).await;
    });
}

#[test]
fn an_answer_counts_as_an_open_call_until_it_is_taken() {
    play(|world| async move {
        let script = Script::new();
        script.on_event(|_, _, event| match event.value {
            Value::Integer(7) if event.attempt < 4 => retry("not now"),
            _ => Ok(Ok(())),
        });
        script.on_call(|stage, _| {
            stage.call("nobody", "ask", SECOND);
            done("null")
        });
        let device = world.start(&script).await;
        world.send("in/a", [7]).await;
        for _ in 0..3 {
            let _answer = world.call(&device, "ask");
            world.settle().await;
        }
        assert_eq!(
            device.device.open_calls(),
            3,
            "answered, but what is kept goes first"
        );
        world.run(60 * SECOND).await;
        assert_eq!(device.device.open_calls(), 0);
        world.stop(device).await;
    });
}

#[test]
fn a_call_of_a_handler_that_trapped_is_never_sent() {
    play(|world| async move {
        let (caller, callee) = (Script::new(), Script::new());
        caller.on_start(|stage, _| {
            stage.subscribe("go", Overflow::DropOldest, 0, false);
            Ok(Ok(()))
        });
        caller.on_event(|stage, _, _| {
            stage.call("callee", "ask", SECOND);
            Err(trap("after the call"))
        });
        let called = Rc::new(RefCell::new(0));
        let count = called.clone();
        callee.on_call(move |_, _| {
            *count.borrow_mut() += 1;
            done("null")
        });
        let callee = world.add("callee", &callee, |_| {});
        let device = world.start(&caller).await;
        world.publish("go", [1]);
        world.run(SECOND).await;
        assert_eq!(*called.borrow(), 0);
        world.stop(device).await;
        world.stop(callee).await;
    });
}
