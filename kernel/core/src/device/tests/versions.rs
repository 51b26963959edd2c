//! Whatever versions come and go, each event is handled once, in order.

use std::rc::Rc;

use proptest::prelude::*;

use super::rig::*;
use super::swap::passing;
use crate::device::{DeviceState, Manner, SwapRefused};

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Publishes so many events, and does not wait for what becomes of them.
    Publish(u8),
    /// A version that is fine takes over.
    Good,
    /// A version that traps on its next event takes over, and there is one.
    Bad,
    /// A version refuses the state, or its start.
    Refusing(bool),
    /// The version before the last swap comes back by order.
    Return,
    /// The instance traps in a call.
    Trap,
    /// Milliseconds pass.
    Pass(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_u8..9).prop_map(Step::Publish),
        3 => Just(Step::Good),
        2 => Just(Step::Bad),
        1 => any::<bool>().prop_map(Step::Refusing),
        1 => Just(Step::Return),
        1 => Just(Step::Trap),
        2 => (1_u16..20_000).prop_map(Step::Pass),
    ]
}

/// Passes events on, traps in calls.
fn good() -> Rc<Script> {
    let script = passing(0);
    script.on_call(|_, _| Err(trap("in a call")));
    script
}

fn bad() -> Rc<Script> {
    let script = good();
    script.on_event(|stage, index, event| {
        stage.publish("out", number(event), index);
        Err(trap("on an event"))
    });
    script
}

fn refusing(state: bool) -> Rc<Script> {
    let script = bad();
    if state {
        script.on_import(|_, _| rejected("no"));
    }
    script.on_start(|stage, _| {
        stage.publish("out", -1, 0);
        rejected("no")
    });
    script
}

/// Plays steps, and returns what went in and what came out.
fn played(steps: &[Step]) -> (i64, Vec<i64>, usize) {
    let mut result = (0, Vec::new(), 0);
    let out = &mut result;
    play(|world| async move {
        let (watch, letters) = (world.watch("out"), world.watch("$dead/#"));
        let first = good();
        let device = world.start(&first).await;
        let mut before = first;
        let mut sent = 0;
        for step in steps {
            match step {
                Step::Publish(count) => {
                    world.publish("in/a", sent..sent + i64::from(*count));
                    sent += i64::from(*count);
                }
                Step::Good => {
                    before = good();
                    let swap = world.order(&device, "good", &before, Manner::Trial).await;
                    assert_eq!(swap, Ok(()));
                }
                Step::Bad => {
                    let swap = world.order(&device, "bad", &bad(), Manner::Trial).await;
                    assert_eq!(swap, Ok(()));
                    world.send("in/a", [sent]).await;
                    sent += 1;
                }
                Step::Refusing(state) => {
                    let script = refusing(*state);
                    let swap = world.order(&device, "no", &script, Manner::Trial).await;
                    assert!(
                        matches!(swap, Err(SwapRefused::State { .. } | SwapRefused::Start(_))),
                        "{swap:?}"
                    );
                }
                Step::Return => {
                    let back = world.order(&device, "back", &before, Manner::Return).await;
                    assert_eq!(back, Ok(()));
                }
                Step::Trap => {
                    let _answer = world.call(&device, "trap");
                    // Few enough in five minutes not to be given up.
                    world.run(40 * SECOND).await;
                }
                Step::Pass(milliseconds) => world.run(u64::from(*milliseconds) * MS).await,
            }
        }
        world.run(60 * SECOND).await;
        assert_eq!(device.state(), DeviceState::Running);
        *out = (sent, values(&watch), taken(&letters).len());
        world.stop(device).await;
    });
    result
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_event_is_handled_once_and_in_order(steps in prop::collection::vec(step(), 1..40)) {
        let (sent, seen, letters) = played(&steps);
        prop_assert_eq!(seen, (0..sent).collect::<Vec<_>>());
        prop_assert_eq!(letters, 0);
    }
}
