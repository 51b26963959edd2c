//! Random lives of a whole system in virtual time, while events flow: versions come and go, good and
//! bad ones, devices trap, are unloaded and loaded. A model says what must be so after each step, and
//! an independent subscriber counts what went into each device and what came out of it.

mod check;
mod model;
mod saved;
mod traffic;
mod world;

use std::collections::VecDeque;

use weihe_tests::{Chance, setting};

use model::Model;
use world::World;

/// The seed, unless `WEIHE_TESTS_SEED` says another.
const SEED: u64 = 20_261_126;

/// Steps, unless `WEIHE_TESTS_STEPS` says more.
const STEPS: usize = 1_000;

/// Steps that are shown when one fails.
const SHOWN: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_plugins_each_event_goes_through_once_and_in_order() {
    let seed = setting("WEIHE_TESTS_SEED", SEED);
    let steps = setting("WEIHE_TESTS_STEPS", STEPS);
    let mut chance = Chance::new(seed);
    let mut model = Model::new();
    let world = World::start(chance.bits(), &model);
    let mut shown = VecDeque::new();
    for number in 1..=steps {
        let step = model.next(&mut chance);
        shown.push_back(format!("{number}: {step}"));
        if shown.len() > SHOWN {
            shown.pop_front();
        }
        let done = world.take(&mut model, step).await;
        if let Err(wrong) = done {
            let shown: Vec<String> = shown.into();
            panic!(
                "step {number} of seed {seed} (WEIHE_TESTS_SEED={seed}): {wrong}\nthe last steps:\n{}\n{model:#?}\n{}",
                shown.join("\n"),
                world.show()
            );
        }
    }
    world.end().await;
}
