//! What a good device notices of a hostile one. `weihe-bench hostile` prints the figures of an optimised
//! build; here they only have to be of the right size, on a machine that does other things, too.

use std::time::Duration;

use weihe_tests::hostile::{BOMB, HOSTILE, Hostile, OWN_LANE, SHARED_LANE, SHORT};

/// An unoptimised host on a busy machine may be so many times slower.
const FACTOR: u32 = 4;

/// A busy machine is not busy each time; a guest that stalls its neighbour does it each time.
const ATTEMPTS: usize = 5;

async fn notice(hostile: &Hostile, shared: bool, goal: Duration) {
    let mut seen = Vec::new();
    for _ in 0..ATTEMPTS {
        let noticed = hostile.run(shared, SHORT).await;
        println!(
            "{:<32} {:<6} {:>10.1?} ({:.1?} without): {}",
            hostile.name,
            if shared { "shared" } else { "own" },
            noticed.worst,
            noticed.before,
            noticed.end
        );
        if noticed.worst <= goal.max(noticed.before) * FACTOR {
            return;
        }
        seen.push(noticed);
    }
    panic!("{}: {seen:#?}", hostile.name);
}

#[tokio::test]
async fn whatever_a_guest_does_its_neighbour_on_another_lane_keeps_its_rhythm() {
    for hostile in &HOSTILE {
        notice(hostile, false, OWN_LANE).await;
    }
}

#[tokio::test]
async fn whatever_a_guest_does_its_neighbour_on_the_same_lane_keeps_its_rhythm() {
    for hostile in &HOSTILE {
        notice(hostile, true, SHARED_LANE).await;
    }
}

#[tokio::test]
async fn a_component_that_takes_the_compiler_minutes_holds_up_nobody() {
    notice(&BOMB, false, OWN_LANE).await;
}
