//! Whatever happens, each event is handled once or is a dead letter, in order; of a device that has
//! failed the rest is counted as dropped.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

use proptest::prelude::*;

use super::rig::*;
use crate::device::{DeviceState, Outcome};

/// As often as an event is delivered by default.
const POISON: u8 = 3;

/// What becomes of an event, each time it is delivered.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Fine,
    /// Traps so many times, then is fine. (Two would be poison for an event that shared its first
    /// batch with another that trapped.)
    Traps(u8),
    /// Is put off so many times, then is fine.
    Retries(u8),
    Rejected,
    /// Its commit fails so many times.
    NotCommitted(u8),
}

#[derive(Debug, Clone)]
enum Step {
    /// Publishes a run on one of the topics.
    Publish(u8, Vec<Fate>),
    /// Calls a command, which may trap.
    Call(bool),
    /// Lets milliseconds pass.
    Pass(u16),
}

/// Most events are fine.
fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        20 => Just(Fate::Fine),
        1 => prop_oneof![Just(1), Just(POISON)].prop_map(Fate::Traps),
        2 => (1_u8..=4).prop_map(Fate::Retries),
        2 => Just(Fate::Rejected),
        1 => (1_u8..=2).prop_map(Fate::NotCommitted),
    ]
}

/// One step; of the calls so many trap, and spend the budget.
fn step(trapping: f64) -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u8..3, prop::collection::vec(fate(), 1..8)).prop_map(|(to, run)| Step::Publish(to, run)),
        1 => prop::bool::weighted(trapping).prop_map(Step::Call),
        2 => (0_u16..400).prop_map(Step::Pass),
    ]
}

/// Steps after which most devices run, or most have failed.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop_oneof![
        3 => prop::collection::vec(step(0.2), 1..20),
        1 => prop::collection::vec(step(1.0), 60..120),
    ]
}

/// A value for each event: its index, and what is left of its fate.
type Fates = Rc<RefCell<Vec<Fate>>>;

fn script(fates: &Fates) -> Rc<Script> {
    let script = Script::new();
    let (left, failing) = (fates.clone(), Rc::new(RefCell::new(false)));
    let fails = failing.clone();
    // What an event that fails has written and published is the actor's to undo.
    script.on_event(move |stage, index, event| {
        stage.rows.push(number(event));
        stage.publish("out", number(event), index);
        let fate = &mut left.borrow_mut()[number(event) as usize];
        match fate {
            Fate::Traps(times @ 1..) => {
                *times -= 1;
                Err(trap("by fate"))
            }
            Fate::Retries(times @ 1..) => {
                *times -= 1;
                retry("by fate")
            }
            Fate::Rejected => rejected("by fate"),
            Fate::NotCommitted(times @ 1..) => {
                *times -= 1;
                *fails.borrow_mut() = true;
                Ok(Ok(()))
            }
            _ => Ok(Ok(())),
        }
    });
    script.on_commit(move || match std::mem::take(&mut *failing.borrow_mut()) {
        true => Err("by fate".into()),
        false => Ok(()),
    });
    script.on_call(|_, call| match call.command.as_str() {
        "trap" => Err(trap("by a call")),
        _ => Ok(Ok(Outcome::Done("null".into()))),
    });
    script
}

/// What was published in, and what became of it.
#[derive(Default)]
struct Outcomes {
    /// Topic and fate of each event.
    events: Vec<(u8, Fate)>,
    /// What was stored.
    rows: Vec<i64>,
    /// What was published.
    published: Vec<i64>,
    /// What went to the dead letters.
    dead: Vec<i64>,
    /// Events dropped from queues.
    dropped: u64,
    /// From which event on the device had failed, and heard nothing any more.
    failed: Option<usize>,
}

/// Plays the steps.
fn run(steps: Vec<Step>, batch: u32) -> Outcomes {
    let result = Rc::new(RefCell::new(Outcomes::default()));
    let out = result.clone();
    play(|world| async move {
        let fates = Fates::default();
        let script = script(&fates);
        let (letters, watch) = (world.watch("$dead/#"), world.watch("out"));
        let device = world
            .start_with(&script, |spec| {
                spec.limits.batch = batch;
                spec.limits.queue = 10_000;
            })
            .await;
        let mut events = Vec::new();
        let mut answers = Vec::new();
        let mut failed = None;
        for step in steps {
            if device.state() == DeviceState::Failed {
                failed.get_or_insert(events.len());
            }
            match step {
                Step::Publish(topic, run) => {
                    let first = events.len() as i64;
                    let last = first + run.len() as i64;
                    events.extend(run.iter().map(|fate| (topic, *fate)));
                    fates.borrow_mut().extend(run);
                    world.publish(&format!("in/{topic}"), first..last);
                }
                Step::Call(traps) => {
                    answers.push(world.call(&device, if traps { "trap" } else { "look" }));
                }
                Step::Pass(millis) => world.run(u64::from(millis) * MS).await,
            }
        }
        world.run(200 * SECOND).await;
        for mut answer in answers {
            assert!(answer.try_recv().is_ok(), "every call is answered");
        }
        if device.state() == DeviceState::Failed {
            failed.get_or_insert(events.len());
        } else {
            assert_eq!(device.state(), DeviceState::Running);
        }
        let dropped = device.device.live.counters.dropped.clone();
        world.stop(device).await;
        *out.borrow_mut() = Outcomes {
            events,
            rows: script.rows.take(),
            published: values(&watch),
            dead: dead(&letters),
            dropped: dropped.load(Relaxed),
            failed,
        };
    });
    result.take()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_event_is_handled_once_or_is_a_dead_letter_and_order_is_kept(
        steps in steps(),
        batch in 1_u32..6,
    ) {
        let Outcomes { events, rows, published, dead, dropped, failed } = run(steps, batch);
        let heard = failed.unwrap_or(events.len());
        let mut seen = HashMap::new();
        for value in rows.iter().chain(&dead) {
            *seen.entry(*value).or_insert(0) += 1;
        }
        prop_assert_eq!(seen.len() as u64 + dropped, heard as u64, "handled, dead or counted");
        for (value, (_, fate)) in events.iter().enumerate() {
            let count = seen.get(&(value as i64)).copied().unwrap_or(0);
            if failed.is_some() {
                prop_assert!(count <= 1, "event {} of fate {:?}: {}", value, fate, count);
                // What it kept or had queued when it failed is lost, but not unseen.
                continue;
            }
            prop_assert_eq!(count, 1, "event {} of fate {:?}", value, fate);
            let is_dead = dead.contains(&(value as i64));
            let poison = matches!(fate, Fate::Rejected | Fate::Traps(POISON));
            prop_assert_eq!(is_dead, poison, "event {} of fate {:?}", value, fate);
        }
        // What is stored is what is published, in one order.
        prop_assert_eq!(&rows, &published);
        // The order of each topic, but for events that were put off within their batch: those
        // come after the rest of it.
        for topic in 0..3 {
            let of_topic: Vec<i64> = rows
                .iter()
                .copied()
                .filter(|value| {
                    let (at, fate) = events[*value as usize];
                    at == topic && !matches!(fate, Fate::Retries(_))
                })
                .collect();
            prop_assert!(of_topic.is_sorted(), "topic {}: {:?}", topic, of_topic);
        }
    }
}
