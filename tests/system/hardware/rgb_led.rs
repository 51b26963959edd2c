//! A lamp of three colours.

use serde_json::json;
use weihe_hal::virtual_board::Fault;
use weihe_tests::{Workbench, on_a_workbench};

const BOARD: &str = r#"
[pwm."pwm/0"]
[pwm."pwm/1"]
[pwm."pwm/2"]
"#;

const SYSTEM: &str = r#"
[plugin]
rgb-led = "weihe-plugin-rgb-led"

[device.mood]
plugin = "rgb-led"
config = { gamma = 1, frequency = 1000, follow = "wish/color" }
grants.subscribe = ["wish/#"]
grants.hal.pwm = { red = "pwm/0", green = "pwm/1", blue = "pwm/2" }
"#;

/// The shares of red, green and blue, in per cent of the time.
fn shares(bench: &Workbench) -> [u64; 3] {
    ["pwm/0", "pwm/1", "pwm/2"].map(|name| {
        let (period, width, on) = bench.board().pwm(name).unwrap();
        if on {
            (width * 100 + period / 2) / period.max(1)
        } else {
            0
        }
    })
}

#[test]
fn it_shows_colours_fades_between_them_and_blinks() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        assert_eq!(shares(bench), [0, 0, 0]);
        bench
            .ask("mood", "color", json!({ "color": "#ff0033" }))
            .await;
        assert_eq!(shares(bench), [100, 0, 20]);
        let over = json!({ "color": "lime", "fade": "1 s" });
        bench.ask("mood", "color", over).await;
        bench.ms(520).await;
        let [red, green, blue] = shares(bench);
        assert!((45..=52).contains(&red) && (48..=55).contains(&green) && (8..=11).contains(&blue));
        bench.ms(500).await;
        assert_eq!(shares(bench), [0, 100, 0]);
        assert_eq!(bench.value("plugin/mood/color"), "#00ff00");
        let blink = json!({ "color": "blue", "on": "100 ms", "times": 1 });
        bench.ask("mood", "blink", blink).await;
        assert_eq!(shares(bench), [0, 0, 100]);
        bench.ms(300).await;
        assert_eq!(
            (shares(bench), bench.value("plugin/mood/on")),
            ([0, 0, 0], json!(false))
        );
        let wrong = bench
            .call("mood", "color", json!({ "color": "#ggg" }))
            .await;
        assert!(wrong.unwrap_err().to_string().contains("#ff8000"));
    });
}

#[test]
fn a_channel_that_was_unplugged_shows_the_colour_when_it_is_back() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.board().fault("pwm/1", Fault::Unplugged).unwrap();
        let asked = bench
            .call("mood", "color", json!({ "color": "yellow" }))
            .await;
        assert!(asked.unwrap_err().to_string().contains("pwm/1"));
        bench.board().mend("pwm/1").unwrap();
        bench.ms(5_000).await;
        assert_eq!(shares(bench), [100, 100, 0]);
        assert_eq!(bench.value("plugin/mood/state"), "ready");
    });
}
