//! What a test's board says to the sandbox, and makes of its answers.

#![allow(clippy::unwrap_used)]

use super::super::fault::Fault;
use super::super::sandbox::Sandbox;
use super::super::setup::Setup;
use super::I2cFault;
use crate::{Context, Description, Error, NoCommand, NoConfig, NoState, Plugin};
use serde_json::{Value as Json, json};
use std::cell::RefCell;
use std::rc::Rc;

struct Idle;

impl Plugin for Idle {
    type Config = NoConfig;
    type Command = NoCommand;
    type State = NoState;

    fn describe() -> Description {
        Description::new("idle", "0.1.0", "Does nothing")
    }

    fn start(_: &mut Context, _: NoConfig, _: Option<NoState>) -> Result<Self, Error> {
        Ok(Idle)
    }
}

/// A sandbox that writes down what it is asked.
struct Recorder(Rc<RefCell<Vec<Json>>>);

impl Sandbox for Recorder {
    fn ask(&mut self, request: &Json) -> Result<Json, String> {
        self.0.borrow_mut().push(request.clone());
        let ok = match (&request["do"], &request["act"]["do"]) {
            (kind, _) if kind == "look" => json!({
                "lines": [{
                    "name": "gpio/4", "aliases": ["lamp"], "kind": "led", "high": false, "active": true,
                    "direction": "output",
                }],
                "pwm": [{ "name": "servo", "period": 20_000_000, "width": 1_500_000, "on": true }],
            }),
            (_, act) if act == "hear" => json!({ "heard": "570d0a" }),
            _ => json!({}),
        };
        Ok(json!({ "ok": ok, "now": 1, "elapsed": 0, "seen": [] }))
    }
}

#[test]
fn the_board_of_the_sandbox_is_asked_and_told() {
    let asked = Rc::new(RefCell::new(Vec::new()));
    let sandbox = Box::new(Recorder(asked.clone()));
    let setup = Setup::<Idle>::within("hall", sandbox, Rc::default());
    let mut kernel = setup.board("lines = []").start("{}").unwrap();
    assert_eq!(asked.borrow()[0]["board"], "lines = []");
    asked.borrow_mut().clear();

    kernel.board().press("button").unwrap();
    kernel.board().level("door", true).unwrap();
    kernel.board().set("temperature", 31.5).unwrap();
    kernel.board().feed("gps", b"$G");
    kernel.inject(
        Fault::i2c(I2cFault::AddressNack)
            .on("sensors@0x44")
            .times(2),
    );
    kernel.mend();
    let acts: Vec<_> = asked
        .borrow_mut()
        .drain(..)
        .map(|mut asked| asked["act"].take())
        .collect();
    assert_eq!(
        acts,
        [
            json!({ "do": "press", "name": "button" }),
            json!({ "do": "set", "name": "door", "value": true }),
            json!({ "do": "set", "name": "temperature", "value": 31.5 }),
            json!({ "do": "say", "name": "gps", "bytes": "2447" }),
            json!({ "do": "fault", "name": "sensors@0x44", "fault": "nack", "times": 2 }),
            json!({ "do": "mend" }),
        ]
    );

    let lamp = kernel.board().line("lamp");
    assert!(lamp.is_active() && lamp.is_output() && !lamp.level());
    let pulse = kernel.board().pulse("servo");
    assert!(pulse.enabled && pulse.width.as_nanos() == 1_500_000);
    assert_eq!(kernel.board().written("scale"), b"W\r\n");
}

#[test]
#[should_panic(expected = "only be made to fail so natively")]
fn a_fault_that_the_virtual_board_has_not_is_not_passed_over() {
    let sandbox = Box::new(Recorder(Rc::default()));
    let setup = Setup::<Idle>::within("hall", sandbox, Rc::default());
    let mut kernel = setup.start("{}").unwrap();
    kernel.inject(Fault::i2c(I2cFault::Overrun).on("sensors"));
}
