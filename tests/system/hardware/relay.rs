//! Relays: what may be on when, and what a swap leaves alone.

use serde_json::json;
use weihe_hal::virtual_board::Fault;
use weihe_tests::{Workbench, on_a_workbench};

const BOARD: &str = r#"
[line."usb/0"]
kind = "relay"
[line."usb/1"]
kind = "relay"
"#;

const SYSTEM: &str = r#"
[plugin]
relay = "weihe-plugin-relay"

[device.shutter]
plugin = "relay"
config = { relays = ["up", "down"], interlock = "500 ms", max-on = "30 s" }
grants.hal.gpio.up = { line = "usb/0", mode = "output" }
grants.hal.gpio.down = { line = "usb/1", mode = "output" }
"#;

fn levels(bench: &Workbench) -> [bool; 2] {
    ["usb/0", "usb/1"].map(|line| bench.board().level(line) == Some(true))
}

#[test]
fn two_relays_with_an_interlock_are_never_on_together_and_not_for_ever() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.ms(1_000).await;
        bench.ask("shutter", "on", json!({ "relay": "up" })).await;
        assert_eq!(levels(bench), [true, false]);
        bench.ask("shutter", "on", json!({ "relay": "down" })).await;
        assert_eq!(levels(bench), [false, false]);
        bench.ms(499).await;
        assert_eq!(levels(bench), [false, false]);
        bench.ms(1).await;
        assert_eq!(levels(bench), [false, true]);
        assert_eq!(bench.value("plugin/shutter/down"), true);
        bench.ms(30_000).await;
        assert_eq!(levels(bench), [false, false]);
        let wrong = bench.call("shutter", "on", json!({})).await.unwrap_err();
        assert!(wrong.to_string().contains("`up`, `down`"), "{wrong}");
    });
}

#[test]
fn a_swap_leaves_the_line_as_it_is_and_the_time_running() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.ms(1_000).await;
        bench.ask("shutter", "on", json!({ "relay": "up" })).await;
        bench.ms(10_000).await;
        let mut told = bench.watch("plugin/shutter/up");
        told.so_far();
        bench.swap("relay", "weihe-plugin-relay").await;
        assert_eq!(levels(bench), [true, false]);
        bench.ms(19_999).await;
        assert_eq!(levels(bench), [true, false]);
        bench.ms(1).await;
        assert_eq!(levels(bench), [false, false]);
        let told: Vec<bool> = told
            .so_far()
            .iter()
            .filter_map(|event| event.value.as_bool())
            .collect();
        assert_eq!(told.last(), Some(&false));
        assert!(
            !told[..told.len() - 1].contains(&false),
            "never off between: {told:?}"
        );
    });
}

#[test]
fn relays_of_an_adapter_that_was_pulled_are_as_they_should_be_when_it_is_back() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.ms(1_000).await;
        assert_eq!(bench.value("plugin/shutter/state"), "ready");
        bench.board().fault("usb", Fault::Vanished).unwrap();
        let refused = bench
            .call("shutter", "on", json!({ "relay": "down" }))
            .await;
        assert!(refused.unwrap_err().to_string().contains("usb/"));
        let state = bench.last("plugin/shutter/state").unwrap();
        assert_eq!(state.quality, weihe_kernel::event::Quality::Bad);
        bench.board().mend("usb").unwrap();
        bench.ms(60_000).await;
        assert_eq!(bench.value("plugin/shutter/state"), "ready");
        // What was asked for meanwhile.
        assert_eq!(levels(bench), [false, false], "on for 30 s, and off again");
        assert_eq!(bench.value("plugin/shutter/down"), false);
    });
}
