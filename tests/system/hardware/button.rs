//! The button, as a finger meets it.

use serde_json::json;
use weihe_hal::virtual_board::Fault;
use weihe_kernel::event::Quality;
use weihe_tests::{Workbench, on_a_workbench};

const BOARD: &str = r#"lines = ["gpio/A0", "gpio/A1"]"#;

const SYSTEM: &str = r#"
[plugin]
button = "weihe-plugin-button"

[device.door]
plugin = "button"
grants.hal.gpio.button = { line = "gpio/A0", mode = "input" }
"#;

/// Presses for so many milliseconds, then waits.
async fn press(bench: &mut Workbench, span: u64, pause: u64) {
    bench.board().drive("gpio/A0", true);
    bench.ms(span).await;
    bench.board().drive("gpio/A0", false);
    bench.ms(pause).await;
}

#[test]
fn clicks_double_clicks_and_long_presses_are_told_apart() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        assert_eq!(bench.value("plugin/door/pressed"), false);
        let mut told = bench.watch("plugin/door/+");
        told.so_far();
        press(bench, 100, 1_000).await;
        press(bench, 80, 100).await;
        press(bench, 80, 1_000).await;
        press(bench, 2_000, 1_000).await;
        let meant: Vec<String> = told
            .so_far()
            .into_iter()
            .filter(|event| !event.topic.contains("press"))
            .map(|event| format!("{} {}", event.topic, event.value))
            .collect();
        assert_eq!(
            meant,
            [
                "plugin/door/clicks 1",
                "plugin/door/click 1",
                "plugin/door/clicks 2",
                "plugin/door/double 1",
                "plugin/door/long 1",
            ]
        );
        let status = bench.ask("door", "status", json!({})).await;
        assert_eq!(
            (&status["presses"], &status["longs"]),
            (&json!(4), &json!(1))
        );
    });
}

#[test]
fn a_contact_that_bounces_is_pressed_once_and_at_the_time_when_it_settled() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        for level in [true, false, true, false] {
            bench.board().drive("gpio/A0", level);
            bench.ms(2).await;
        }
        let settled = bench.now();
        press(bench, 100, 1_000).await;
        assert_eq!(bench.value("plugin/door/presses"), 1);
        assert_eq!(bench.last("plugin/door/presses").unwrap().time, settled);
        assert_eq!(bench.value("plugin/door/click"), 1);
    });
}

#[test]
fn a_button_whose_chip_was_away_says_so_and_works_again() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.board().fault("gpio", Fault::Vanished).unwrap();
        bench.ms(6_000).await;
        let state = bench.last("plugin/door/state").unwrap();
        assert_eq!(state.quality, Quality::Bad);
        assert!(
            state.value.as_str().unwrap().contains("gpio/A0"),
            "{state:?}"
        );
        bench.board().mend("gpio").unwrap();
        bench.ms(40_000).await;
        assert_eq!(bench.value("plugin/door/state"), "ready");
        press(bench, 100, 1_000).await;
        assert_eq!(bench.value("plugin/door/click"), 1);
    });
}

#[test]
fn a_swap_between_press_and_release_is_one_click() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.board().drive("gpio/A0", true);
        bench.ms(3).await;
        bench.swap("button", "weihe-plugin-button").await;
        bench.ms(90).await;
        bench.swap("button", "weihe-plugin-button").await;
        bench.board().drive("gpio/A0", false);
        bench.ms(1_000).await;
        assert_eq!(bench.value("plugin/door/presses"), 1);
        assert_eq!(bench.value("plugin/door/click"), 1);
    });
}
