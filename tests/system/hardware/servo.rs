//! A servo.

use serde_json::json;
use weihe_hal::virtual_board::Fault;
use weihe_tests::{Workbench, on_a_workbench};

const BOARD: &str = r#"[pwm."pwm/0"]"#;

const SYSTEM: &str = r#"
[plugin]
servo = "weihe-plugin-servo"

[device.flap]
plugin = "servo"
config = { min-pulse = "1 ms", max-pulse = "2 ms", range = 90, max-angle = 80, release = "2 s" }
grants.hal.pwm.servo = { channel = "pwm/0" }
"#;

/// The width of the pulses in microseconds; none without pulses.
fn pulses(bench: &Workbench) -> Option<u64> {
    let (period, width, on) = bench.board().pwm("pwm/0").unwrap();
    on.then(|| {
        assert_eq!(period, 20_000_000);
        width / 1_000
    })
}

#[test]
fn it_goes_to_angles_as_fast_as_asked_and_lets_go_then() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        assert_eq!(pulses(bench), None, "nobody has asked for anything");
        bench.ask("flap", "move", json!({ "angle": 0 })).await;
        assert_eq!(pulses(bench), Some(1_000));
        bench
            .ask("flap", "move", json!({ "angle": 45, "speed": 45 }))
            .await;
        bench.ms(500).await;
        assert_eq!(pulses(bench), Some(1_250));
        assert_eq!(bench.value("plugin/flap/moving"), true);
        bench.ms(500).await;
        assert_eq!(pulses(bench), Some(1_500));
        assert_eq!(bench.value("plugin/flap/angle"), 45.0);
        assert_eq!(bench.value("plugin/flap/moving"), false);
        bench.ms(2_100).await;
        assert_eq!(pulses(bench), None);
        let wrong = bench
            .call("flap", "move", json!({ "angle": 81 }))
            .await
            .unwrap_err();
        assert!(wrong.to_string().contains("0 to 80"), "{wrong}");
    });
}

#[test]
fn a_swap_on_the_way_goes_on_to_where_it_was_going() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.ask("flap", "move", json!({ "angle": 0 })).await;
        bench
            .ask("flap", "move", json!({ "angle": 80, "over": "1 s" }))
            .await;
        bench.ms(500).await;
        let before = pulses(bench).unwrap();
        bench.swap("servo", "weihe-plugin-servo").await;
        let after = pulses(bench).unwrap();
        assert!((before..before + 50).contains(&after), "{before} {after}");
        bench.ms(600).await;
        assert_eq!(bench.value("plugin/flap/angle"), 80.0);
    });
}

#[test]
fn without_its_channel_it_says_so_and_is_where_it_should_be_when_it_is_back() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.board().fault("pwm/0", Fault::Unplugged).unwrap();
        bench
            .call("flap", "move", json!({ "angle": 90 }))
            .await
            .unwrap_err();
        bench
            .call("flap", "move", json!({ "angle": 18 }))
            .await
            .unwrap_err();
        assert_ne!(bench.value("plugin/flap/state"), "ready");
        bench.board().mend("pwm/0").unwrap();
        bench.ms(1_500).await;
        assert_eq!(bench.value("plugin/flap/state"), "ready");
        assert_eq!(pulses(bench), Some(1_200));
    });
}
