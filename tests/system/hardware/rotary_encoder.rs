//! A knob.

use serde_json::json;
use weihe_hal::virtual_board::Fault;
use weihe_tests::on_a_workbench;

const BOARD: &str = r#"
lines = ["usb/0", "usb/1"]

[line."usb/2"]
kind = "button"

[encoder.knob]
a = "usb/0"
b = "usb/1"
quarter = "10ms"
"#;

const SYSTEM: &str = r#"
[plugin]
rotary-encoder = "weihe-plugin-rotary-encoder"

[device.volume]
plugin = "rotary-encoder"
config = { push = true, step = 5, min = 0, max = 100, start = 50 }
grants.hal.gpio.a = { line = "usb/0", mode = "input" }
grants.hal.gpio.b = { line = "usb/1", mode = "input" }
grants.hal.gpio.push = { line = "usb/2", mode = "input" }
"#;

#[test]
fn it_counts_steps_both_ways_within_its_limits() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        assert_eq!(bench.value("plugin/volume/value"), 50.0);
        bench.board().turn("knob", 3).unwrap();
        bench.ms(500).await;
        assert_eq!(bench.value("plugin/volume/position"), 3);
        assert_eq!(bench.value("plugin/volume/value"), 65.0);
        bench.board().turn("knob", -20).unwrap();
        bench.ms(2_000).await;
        assert_eq!(bench.value("plugin/volume/position"), -17);
        assert_eq!(bench.value("plugin/volume/value"), 0.0);
        bench.board().press("usb/2", Some(50_000_000)).unwrap();
        bench.ms(1_000).await;
        assert_eq!(bench.value("plugin/volume/click"), 1);
    });
}

#[test]
fn swaps_while_it_is_turned_lose_no_step() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.board().turn("knob", 40).unwrap();
        for span in [7, 10, 13, 130, 25, 5] {
            // At any place of a step.
            bench.ms(span).await;
            bench
                .swap("rotary-encoder", "weihe-plugin-rotary-encoder")
                .await;
        }
        bench.ms(3_000).await;
        assert_eq!(bench.value("plugin/volume/position"), 40);
        let status = bench.ask("volume", "status", json!({})).await;
        assert_eq!(status["missed"], 0);
        let device = bench.device("volume");
        assert_eq!(device.dropped, 0);
    });
}

#[test]
fn a_knob_whose_chip_was_away_counts_again() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.board().fault("usb", Fault::Vanished).unwrap();
        bench.ms(6_000).await;
        assert_ne!(bench.value("plugin/volume/state"), "ready");
        bench.board().mend("usb").unwrap();
        bench.ms(40_000).await;
        assert_eq!(bench.value("plugin/volume/state"), "ready");
        bench.board().turn("knob", 2).unwrap();
        bench.ms(1_000).await;
        assert_eq!(bench.value("plugin/volume/position"), 2);
    });
}
