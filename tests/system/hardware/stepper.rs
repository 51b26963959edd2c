//! A stepper motor.

use serde_json::json;
use weihe_hal::virtual_board::Fault;
use weihe_tests::{Workbench, on_a_workbench};

const BOARD: &str = r#"
lines = ["usb/[0-6]"]
"#;

const SYSTEM: &str = r#"
[plugin]
stepper = "weihe-plugin-stepper"

[device.axis]
plugin = "stepper"
config = { enable = true, steps-per-unit = 10, speed = 20, acceleration = 40, min = 0, max = 100 }
grants.hal.gpio.step = { line = "usb/0", mode = "output" }
grants.hal.gpio.dir = { line = "usb/1", mode = "output" }
grants.hal.gpio.enable = { line = "usb/2", mode = "output" }

[device.valve]
plugin = "stepper"
config = { drive = "coils", sequence = "half", speed = 100, hold = false }
grants.hal.gpio.a = { line = "usb/3", mode = "output" }
grants.hal.gpio.b = { line = "usb/4", mode = "output" }
grants.hal.gpio.c = { line = "usb/5", mode = "output" }
grants.hal.gpio.d = { line = "usb/6", mode = "output" }
"#;

fn on(bench: &Workbench, line: &str) -> bool {
    bench.board().level(line) == Some(true)
}

#[test]
fn it_speeds_up_arrives_holds_and_lets_go() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.ask("axis", "move", json!({ "to": 50 })).await;
        assert_eq!(bench.value("plugin/axis/moving"), true);
        assert!(on(bench, "usb/1") && on(bench, "usb/2"));
        // Half a second to speed up and to slow down, over 5 units each; 40 units at 20 a second.
        bench.ms(500).await;
        let early = bench.ask("axis", "status", json!({})).await["position"]
            .as_f64()
            .unwrap();
        assert!((4.0..6.5).contains(&early), "{early}");
        bench.ms(2_600).await;
        assert_eq!(bench.value("plugin/axis/position"), 50.0);
        assert_eq!(bench.value("plugin/axis/moving"), false);
        assert!(on(bench, "usb/2"), "it is held for a second");
        bench.ms(1_100).await;
        assert!(!on(bench, "usb/2"));
        let wrong = bench
            .call("axis", "move", json!({ "to": 101 }))
            .await
            .unwrap_err();
        assert!(wrong.to_string().contains("0 to 100"), "{wrong}");
        bench.ask("axis", "run", json!({ "speed": -20 })).await;
        bench.ms(500).await;
        assert!(!on(bench, "usb/1"));
        bench.ask("axis", "stop", json!({})).await;
        bench.ms(1_000).await;
        let status = bench.ask("axis", "status", json!({})).await;
        assert_eq!(status["moving"], false);
        assert!(
            (35.0..45.0).contains(&status["position"].as_f64().unwrap()),
            "{status}"
        );
    });
}

#[test]
fn coils_go_round_and_are_without_current_at_rest() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        let coils =
            |bench: &Workbench| ["usb/3", "usb/4", "usb/5", "usb/6"].map(|line| on(bench, line));
        bench.ask("valve", "move", json!({ "by": 4 })).await;
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(coils(bench));
            bench.ms(10).await;
        }
        assert_eq!(
            seen,
            [
                [true, true, false, false],
                [false, true, false, false],
                [false, true, true, false],
                // It has arrived, and holds for no time.
                [false; 4],
            ]
        );
        assert_eq!(bench.value("plugin/valve/position"), 4.0);
    });
}

#[test]
fn a_swap_on_the_way_arrives_at_the_same_step() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.ask("axis", "move", json!({ "to": 50 })).await;
        bench.ms(1_000).await;
        bench.swap("stepper", "weihe-plugin-stepper").await;
        bench.ms(3_000).await;
        assert_eq!(bench.value("plugin/axis/position"), 50.0);
    });
}

#[test]
fn lines_that_vanish_on_the_way_end_it_where_it_was() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.ask("axis", "move", json!({ "to": 50 })).await;
        bench.ms(1_000).await;
        bench.board().fault("usb", Fault::Vanished).unwrap();
        bench.ms(100).await;
        assert_eq!(bench.value("plugin/axis/moving"), false);
        assert_ne!(bench.value("plugin/axis/state"), "ready");
        let before = bench.value("plugin/axis/position");
        bench.board().mend("usb").unwrap();
        bench.ms(60_000).await;
        assert_eq!(bench.value("plugin/axis/state"), "ready");
        assert_eq!(
            bench.value("plugin/axis/position"),
            before,
            "it does not set out by itself"
        );
        bench.ask("axis", "move", json!({ "by": 1 })).await;
        bench.ms(1_000).await;
        assert_eq!(bench.value("plugin/axis/moving"), false);
    });
}
