//! Lines and PWM channels of real components on a virtual board: safe values are set when nobody minds an
//! output any more, and nothing happens to it at any other time.

mod desk;
mod lives;
mod strict;

use weihe_kernel::SwapError;
use weihe_kernel::device::DeviceState;
use weihe_tests::outputs;

use desk::{Desk, device};
use strict::{FAN, LINES, Pulses};

const A: &str = LINES[0];
const B: &str = LINES[1];
const C: &str = LINES[2];
const SLOW: &str = LINES[3];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traps_swaps_and_ways_back_touch_no_line_and_a_stop_sets_all() {
    let desk = Desk::new().await;
    let start = "out gpio/A inactive 0; out gpio/B active 0; out gpio/C keep 0";
    desk.add(device("pump", start, start)).await;
    desk.done("pump", "set gpio/A 1; set gpio/C 1").await;
    let untouched = |desk: &Desk| {
        let records = LINES.map(|line| desk.board.record(line));
        assert_eq!(records, [vec![true], vec![], vec![true], vec![]]);
    };
    desk.trap("pump").await;
    untouched(&desk);
    let swapped = desk.kernel.swap_plugin("outputs", &outputs(2)).await;
    assert_eq!(swapped.unwrap().len(), 1);
    untouched(&desk);
    // On probation: the first version comes back.
    desk.trap("pump").await;
    untouched(&desk);
    desk.lift().await;
    desk.kernel
        .swap_plugin("outputs", &outputs(2))
        .await
        .unwrap();
    desk.kernel
        .rollback_plugin("outputs", "by the test")
        .await
        .unwrap();
    desk.lift().await;
    desk.kernel
        .swap_plugin("outputs", &outputs(2))
        .await
        .unwrap();
    desk.confirm().await;
    untouched(&desk);
    assert_eq!(
        desk.shown("pump"),
        [
            "inactive on gpio/A: armed, held",
            "active on gpio/B: armed, held"
        ]
    );
    // It has them as they are.
    desk.done("pump", "set gpio/A 0; set gpio/A 1").await;
    desk.kernel
        .remove_device("pump", "the test is over")
        .await
        .unwrap();
    let levels = LINES.map(|line| desk.board.level(line));
    assert_eq!(levels, [false, true, true, false]);
    assert_eq!(desk.board.open(), [""; 0], "all are free");
    assert_eq!(
        desk.shown("pump"),
        ["inactive on gpio/A: applied", "active on gpio/B: applied"]
    );
    desk.kernel.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_the_new_version_leaves_is_kept_for_the_way_back_until_that_is_confirmed() {
    let desk = Desk::new().await;
    let both = "out gpio/A inactive 0; out gpio/slow inactive 0";
    desk.add(device("pump", both, "out gpio/B inactive 1"))
        .await;
    desk.done("pump", "set gpio/A 1; set gpio/slow 1").await;
    desk.kernel
        .swap_plugin("outputs", &outputs(2))
        .await
        .unwrap();
    assert_eq!(desk.board.open(), [A, B, SLOW]);
    desk.kernel
        .rollback_plugin("outputs", "by the test")
        .await
        .unwrap();
    // What only the rejected version had is safe and free, and the rest is as it was.
    assert_eq!(desk.board.open(), [A, SLOW]);
    assert_eq!(desk.board.record(B), [true, false]);
    assert_eq!((desk.board.level(A), desk.board.level(SLOW)), (true, true));
    desk.done("pump", "set gpio/A 0; set gpio/A 1").await;
    desk.lift().await;
    desk.kernel
        .swap_plugin("outputs", &outputs(2))
        .await
        .unwrap();
    assert!(desk.board.level(A));
    desk.confirm().await;
    desk.until("the slow one is free", || desk.board.open() == [B])
        .await;
    assert_eq!(
        (desk.board.level(A), desk.board.level(SLOW)),
        (false, false)
    );
    assert_eq!(desk.shown("pump"), ["inactive on gpio/B: armed, held"]);
    desk.kernel.shutdown().await;
    assert!(!desk.board.level(B));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_traps_on_probation_leaves_no_output_of_its_own_behind() {
    let desk = Desk::new().await;
    let second = "out gpio/A inactive; out gpio/B inactive 1";
    desk.add(device("pump", "out gpio/A inactive 1", second))
        .await;
    desk.kernel
        .swap_plugin("outputs", &outputs(2))
        .await
        .unwrap();
    desk.done("pump", "out gpio/C active 0").await;
    desk.trap("pump").await;
    assert_eq!(desk.board.open(), [A]);
    assert_eq!(desk.board.record(A), [true]);
    assert_eq!(desk.board.record(B), [true, false]);
    assert_eq!(desk.board.record(C), [true]);
    desk.kernel.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_refused_version_has_done_in_its_start_is_undone() {
    let desk = Desk::new().await;
    let second = "out gpio/A active; set gpio/A 0; in gpio/B; out gpio/C inactive 1; \
                  pulse pwm/fan off; run pwm/fan 100 90; refuse";
    let first =
        "out gpio/A inactive 1; out gpio/B inactive 1; pulse pwm/fan 20; run pwm/fan 100 50";
    desk.add(device("pump", first, second)).await;
    let before = desk.shown("pump");
    let refused = desk.kernel.swap_plugin("outputs", &outputs(2)).await;
    assert!(
        matches!(refused, Err(SwapError::Refused { .. })),
        "{refused:?}"
    );
    assert_eq!(desk.board.record(A), [true, false, true]);
    assert_eq!(desk.board.record(C), [true, false], "it was safe at once");
    assert_eq!(desk.board.open(), [A, B, FAN]);
    let running = Pulses {
        period: 100,
        width: 50,
        on: true,
    };
    assert_eq!(desk.board.pulses(), running);
    let mut after = desk.shown("pump");
    after.sort_unstable();
    let mut sorted = before;
    sorted.sort_unstable();
    assert_eq!(after, sorted, "what is declared is what the first declared");
    // An output again, as it was.
    desk.done("pump", "set gpio/B 0; set gpio/B 1").await;
    desk.kernel.shutdown().await;
    assert_eq!([A, B].map(|line| desk.board.level(line)), [false, false]);
    assert_eq!(desk.board.pulses().width, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_device_holds_its_lines_at_their_safe_values_until_it_is_removed_or_restarted() {
    let desk = Desk::new().await;
    let start = "out gpio/A active 0; out gpio/slow inactive 1";
    desk.add(device("pump", start, start)).await;
    desk.fail("pump").await;
    let safe = |desk: &Desk| assert!(desk.board.level(A) && !desk.board.level(SLOW));
    safe(&desk);
    assert_eq!(
        desk.shown("pump"),
        [
            "active on gpio/A: applied, held",
            "inactive on gpio/slow: applied, held"
        ]
    );
    assert_eq!(desk.die(), [""; 0], "nothing is left to be done");
    let other = desk
        .kernel
        .add_device(device("lamp", "out gpio/A inactive 1", ""))
        .await;
    let refused = other.unwrap_err().to_string();
    assert!(
        refused.contains("gpio/A is taken by device `pump`"),
        "{refused}"
    );
    safe(&desk);
    desk.restart("pump").await.unwrap();
    assert_eq!(desk.state("pump"), Some(DeviceState::Running));
    assert_eq!(desk.board.record(A), [true], "it has it as it is");
    desk.done("pump", "set gpio/A 0; set gpio/slow 1").await;
    desk.fail("pump").await;
    desk.kernel
        .remove_device("pump", "the test is over")
        .await
        .unwrap();
    safe(&desk);
    assert_eq!(desk.board.open(), [""; 0]);
    desk.add(device("lamp", "out gpio/A inactive 1", "")).await;
    desk.kernel.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_device_stays_safe_when_a_version_that_was_to_bring_it_back_is_refused() {
    let desk = Desk::new().await;
    let second = "out gpio/A active; set gpio/A 1; out gpio/B active; refuse";
    desk.add(device("pump", "out gpio/A inactive 1", second))
        .await;
    desk.fail("pump").await;
    let refused = desk.kernel.swap_plugin("outputs", &outputs(2)).await;
    assert!(
        matches!(refused, Err(SwapError::Refused { .. })),
        "{refused:?}"
    );
    assert!(!desk.board.level(A));
    assert_eq!(
        desk.shown("pump"),
        ["inactive on gpio/A: applied, held"],
        "also as it is shown"
    );
    desk.kernel.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_has_one_holder_and_the_second_is_told_which() {
    let desk = Desk::new().await;
    desk.add(device("pump", "out gpio/A inactive 0", "")).await;
    desk.add(device("lamp", "", "")).await;
    let refused = desk.tell("lamp", "in gpio/A").await.unwrap_err();
    let refused = refused.to_string();
    assert!(
        refused.contains("gpio/A is taken by device `pump`"),
        "{refused}"
    );
    desk.kernel
        .remove_device("pump", "by the test")
        .await
        .unwrap();
    desk.done("lamp", "in gpio/A").await;
    desk.kernel.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_has_a_safe_value_exactly_while_it_is_an_output_that_has_one() {
    let desk = Desk::new().await;
    desk.add(device("pump", "in gpio/A", "")).await;
    assert_eq!(desk.shown("pump"), [""; 0]);
    desk.done("pump", "out gpio/A active 0").await;
    assert_eq!(desk.shown("pump"), ["active on gpio/A: armed, held"]);
    desk.done("pump", "out gpio/A inactive 0").await;
    assert_eq!(desk.shown("pump"), ["inactive on gpio/A: armed, held"]);
    desk.done("pump", "out gpio/A keep 0; set gpio/A 1").await;
    assert_eq!(desk.shown("pump"), [""; 0]);
    desk.done("pump", "out gpio/A active; in gpio/A").await;
    assert_eq!(desk.shown("pump"), [""; 0]);
    desk.kernel.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_gets_another_grant_or_cannot_start_leaves_its_lines_safe_and_free() {
    let desk = Desk::new().await;
    desk.add(device("pump", "out gpio/A inactive 1", "")).await;
    let mut less = device("pump", "out gpio/A inactive 1", "");
    let hal = less.grants.capabilities.get_mut("hal").unwrap();
    hal["gpio"].as_table_mut().unwrap().remove(A);
    let refused = desk.kernel.replace_device(less, "its grant changed").await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("not granted to device"), "{refused}");
    assert!(!desk.board.level(A));
    assert_eq!(desk.board.open(), [""; 0]);
    let start = "out gpio/B inactive 1; out gpio/slow active 0; refuse";
    let started = desk.kernel.add_device(device("lamp", start, "")).await;
    assert!(started.is_err());
    desk.until("the slow one is free", || desk.board.open().is_empty())
        .await;
    assert_eq!(desk.board.record(B), [true, false]);
    assert!(desk.board.level(SLOW));
    desk.kernel.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guard_knows_each_line_that_is_not_safe_yet_and_sets_it_when_the_host_dies() {
    let desk = Desk::new().await;
    let start = "out gpio/A inactive 1; out gpio/B active 0; out gpio/C keep 1; in gpio/slow";
    desk.add(device("pump", start, start)).await;
    let both = ["active of pump".to_owned(), "inactive of pump".to_owned()];
    assert_eq!(desk.die(), both);
    assert_eq!(
        LINES.map(|line| desk.board.guarded(line)),
        ["0", "1", "", ""]
    );
    desk.trap("pump").await;
    assert_eq!(desk.die(), both, "nothing has changed");
    desk.done("pump", "in gpio/A").await;
    assert_eq!(desk.die(), ["active of pump"]);
    desk.kernel.shutdown().await;
    assert_eq!(desk.die(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pwm_channel_is_switched_off_or_gets_its_safe_width_and_goes_on() {
    for (safe, width, on) in [("off", 90, false), ("20", 20, true)] {
        let desk = Desk::new().await;
        let start = format!("pulse {FAN} {safe}; run {FAN} 100 90");
        desk.add(device("fan", &start, &start)).await;
        desk.trap("fan").await;
        desk.kernel
            .swap_plugin("outputs", &outputs(2))
            .await
            .unwrap();
        assert!(desk.board.pulses().on);
        desk.kernel
            .remove_device("fan", "the test is over")
            .await
            .unwrap();
        let period = 100;
        assert_eq!(desk.board.pulses(), Pulses { period, width, on });
        assert_eq!(desk.board.open(), [""; 0]);
        desk.kernel.shutdown().await;
    }
}
