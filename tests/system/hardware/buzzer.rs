//! A buzzer: what an ear hears.

use serde_json::json;
use weihe_hal::virtual_board::Fault;
use weihe_tests::{Workbench, on_a_workbench};

const BOARD: &str = r#"
lines = ["gpio/0"]
[pwm."pwm/0"]
"#;

const SYSTEM: &str = r#"
[plugin]
buzzer = "weihe-plugin-buzzer"

[device.bell]
plugin = "buzzer"
grants.hal.pwm.buzzer = { channel = "pwm/0" }

[device.alarm]
plugin = "buzzer"
config = { drive = "line", follow = "alarm/on" }
grants.subscribe = ["alarm/#"]
grants.hal.gpio.buzzer = { line = "gpio/0", mode = "output" }
"#;

/// What is heard, in hertz.
fn hertz(bench: &Workbench) -> Option<u64> {
    let (period, width, on) = bench.board().pwm("pwm/0").unwrap();
    (on && width > 0).then(|| (1_000_000_000 + period / 2) / period)
}

#[test]
fn a_melody_is_heard_note_by_note() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        let melody = json!({ "melody": "x:d=4,o=5,b=120:a4,8p,8c6" });
        bench.ask("bell", "play", melody).await;
        assert_eq!(bench.value("plugin/bell/sounding"), true);
        let mut heard = Vec::new();
        for _ in 0..5 {
            heard.push(hertz(bench));
            bench.ms(250).await;
        }
        assert_eq!(heard, [Some(440), Some(440), None, Some(1047), None]);
        assert_eq!(bench.value("plugin/bell/sounding"), false);
        let wrong = bench
            .call("bell", "play", json!({ "melody": "x::9z" }))
            .await;
        assert!(wrong.unwrap_err().to_string().contains("`9z`"));
    });
}

#[test]
fn a_buzzer_with_a_tone_of_its_own_beeps_on_a_line() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        let beeps = json!({ "times": 2, "on": "50 ms" });
        bench.ask("alarm", "beep", beeps).await;
        let mut heard = Vec::new();
        for _ in 0..5 {
            heard.push(bench.board().level("gpio/0") == Some(true));
            bench.ms(50).await;
        }
        assert_eq!(heard, [true, false, true, false, false]);
        bench.ask("alarm", "tone", json!({})).await;
        bench.remove("alarm").await;
        assert_eq!(
            bench.board().level("gpio/0"),
            Some(false),
            "silent without its device"
        );
    });
}

#[test]
fn a_channel_that_is_not_there_is_said_and_the_device_stays() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.board().fault("pwm/0", Fault::Unplugged).unwrap();
        bench
            .call("bell", "tone", json!({ "frequency": 1000 }))
            .await
            .unwrap_err();
        bench.board().mend("pwm/0").unwrap();
        bench.ms(5_000).await;
        assert_eq!(hertz(bench), Some(1_000));
        bench.ask("bell", "stop", json!({})).await;
        assert_eq!(hertz(bench), None);
    });
}
