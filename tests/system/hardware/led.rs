//! The lamp, as an eye meets it.

use serde_json::json;
use weihe_hal::virtual_board::Fault;
use weihe_tests::{Workbench, on_a_workbench};

const BOARD: &str = r#"lines = ["gpio/A0", "gpio/A1"]"#;

const SYSTEM: &str = r#"
[plugin]
button = "weihe-plugin-button"
led = "weihe-plugin-led"

[device.door]
plugin = "button"
grants.hal.gpio.button = { line = "gpio/A0", mode = "input" }

[device.lamp]
plugin = "led"
config = { follow = "plugin/door/pressed" }
grants.subscribe = ["plugin/door/#"]
grants.hal.gpio.led = { line = "gpio/A1", mode = "output" }
"#;

#[test]
fn a_lamp_follows_a_button_and_goes_out_with_its_device() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        assert_eq!(bench.board().level("gpio/A1"), Some(false));
        bench.board().drive("gpio/A0", true);
        bench.ms(20).await;
        assert_eq!(bench.board().level("gpio/A1"), Some(true));
        assert_eq!(bench.value("plugin/lamp/on"), true);
        bench.remove("lamp").await;
        assert_eq!(bench.board().level("gpio/A1"), Some(false));
    });
}

#[test]
fn it_blinks_as_often_as_it_is_told() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        let told = json!({ "on": "100 ms", "off": "50 ms", "times": 2 });
        bench.ask("lamp", "blink", told).await;
        let mut seen = Vec::new();
        for _ in 0..8 {
            seen.push(bench.board().level("gpio/A1") == Some(true));
            bench.ms(50).await;
        }
        assert_eq!(seen, [true, true, false, true, true, false, false, false]);
        assert_eq!(bench.value("plugin/lamp/on"), false);
        let wrong = bench
            .call("lamp", "brightness", json!({ "percent": 50 }))
            .await;
        assert!(wrong.unwrap_err().to_string().contains("`drive = \"pwm\"`"));
    });
}

const DIMMED: &str = r#"
[plugin]
led = "weihe-plugin-led"

[device.lamp]
plugin = "led"
config = { drive = "pwm", gamma = 2 }
grants.hal.pwm.led = { channel = "pwm/0" }
"#;

#[test]
fn a_dimmed_lamp_fades_and_shows_after_a_fault_what_was_asked_for_meanwhile() {
    on_a_workbench(r#"[pwm."pwm/0"]"#, DIMMED, async |bench| {
        let share = |bench: &Workbench| {
            let (period, width, _) = bench.board().pwm("pwm/0").unwrap();
            width * 100 / period
        };
        let half = json!({ "percent": 50, "fade": "1 s" });
        bench.ask("lamp", "brightness", half).await;
        bench.ms(1_100).await;
        assert_eq!(share(bench), 25, "by the eye's measure");
        bench.board().fault("pwm/0", Fault::Unplugged).unwrap();
        bench.call("lamp", "on", json!({})).await.unwrap_err();
        let full = json!({ "percent": 100 });
        bench.call("lamp", "brightness", full).await.unwrap_err();
        assert_ne!(bench.value("plugin/lamp/state"), "ready");
        bench.board().mend("pwm/0").unwrap();
        bench.ms(5_000).await;
        assert_eq!(
            (share(bench), bench.value("plugin/lamp/brightness")),
            (100, json!(100.0))
        );
    });
}
