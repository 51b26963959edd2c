//! A motor on an H-bridge.

use serde_json::json;
use weihe_hal::virtual_board::Fault;
use weihe_tests::{Workbench, on_a_workbench};

const BOARD: &str = r#"
lines = ["usb/[0-1]"]
[pwm."pwm/0"]
"#;

const SYSTEM: &str = r#"
[plugin]
motor = "weihe-plugin-motor"

[device.fan]
plugin = "motor"
config = { dead-time = "50 ms", watchdog = "10 s" }
grants.hal.gpio.forward = { line = "usb/0", mode = "output" }
grants.hal.gpio.backward = { line = "usb/1", mode = "output" }
grants.hal.pwm.speed = { channel = "pwm/0" }
"#;

/// Both halves of the bridge, and the share of the time in per cent.
fn bridge(bench: &Workbench) -> (bool, bool, u64) {
    let on = |line| bench.board().level(line) == Some(true);
    let (period, width, enabled) = bench.board().pwm("pwm/0").unwrap();
    let share = if enabled {
        width * 100 / period.max(1)
    } else {
        0
    };
    (on("usb/0"), on("usb/1"), share)
}

#[test]
fn it_turns_both_ways_with_a_pause_between_brakes_and_coasts() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        assert_eq!(bridge(bench), (false, false, 0));
        bench.ask("fan", "drive", json!({ "speed": 60 })).await;
        assert_eq!(bridge(bench), (true, false, 60));
        bench.ask("fan", "drive", json!({ "speed": -25 })).await;
        assert_eq!(bridge(bench), (false, false, 0));
        bench.ms(50).await;
        assert_eq!(bridge(bench), (false, true, 25));
        assert_eq!(bench.value("plugin/fan/speed"), -25.0);
        bench.ask("fan", "brake", json!({})).await;
        bench.ms(50).await;
        assert_eq!(bridge(bench), (true, true, 100));
        bench.ask("fan", "coast", json!({})).await;
        assert_eq!(bridge(bench), (false, false, 0));
        let soft = json!({ "speed": 50, "acceleration": 100 });
        bench.ask("fan", "drive", soft).await;
        bench.ms(260).await;
        let (forward, _, share) = bridge(bench);
        assert!(forward && (24..=27).contains(&share), "{share}");
    });
}

#[test]
fn nobody_at_the_controls_and_the_end_of_the_device_let_it_coast() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.ask("fan", "drive", json!({ "speed": 100 })).await;
        bench.ms(9_999).await;
        assert_eq!(bridge(bench), (true, false, 100));
        bench.ms(2).await;
        assert_eq!(
            (bridge(bench), bench.value("plugin/fan/mode")),
            ((false, false, 0), json!("coast"))
        );
        bench.ask("fan", "drive", json!({ "speed": 100 })).await;
        bench.remove("fan").await;
        assert_eq!((bridge(bench).0, bridge(bench).1), (false, false));
    });
}

#[test]
fn lines_that_have_vanished_are_said_and_used_again() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.board().fault("usb", Fault::Vanished).unwrap();
        let asked = bench.call("fan", "drive", json!({ "speed": 30 })).await;
        assert!(asked.unwrap_err().to_string().contains("usb/"));
        bench.board().mend("usb").unwrap();
        bench.ms(5_000).await;
        assert_eq!(bridge(bench), (true, false, 30));
        assert_eq!(bench.value("plugin/fan/state"), "ready");
    });
}
