//! A temperature from an analogue input.

use serde_json::json;
use weihe_hal::virtual_board::Fault;
use weihe_kernel::event::Quality;
use weihe_tests::on_a_workbench;

const BOARD: &str = r#"
[world]
cpu = 45

[adc."adc/0"]
quantity = "temperature"
value = "cpu"
min = -40
max = 125
"#;

const SYSTEM: &str = r#"
[plugin]
thermal-zone = "weihe-plugin-thermal-zone"

[device.cpu]
plugin = "thermal-zone"
config = { period = "1 s", warning = 70, critical = 90, hysteresis = 5 }
grants.hal.adc = { temperature = "adc/0" }
"#;

#[test]
fn levels_come_and_go_with_hysteresis() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        let mut levels = bench.watch("plugin/cpu/level");
        for celsius in [72.0, 67.0, 64.0, 95.0, 50.0] {
            bench.board().set_world("cpu", celsius).unwrap();
            bench.ms(1_000).await;
            let measured = bench.value("plugin/cpu/temperature").as_f64().unwrap();
            assert!((measured - celsius).abs() < 0.2, "{measured}");
        }
        let levels: Vec<_> = levels
            .so_far()
            .into_iter()
            .map(|event| event.value)
            .collect();
        assert_eq!(
            levels,
            ["normal", "warning", "normal", "critical", "normal"]
        );
        let status = bench.ask("cpu", "status", json!({})).await;
        assert!(status["highest"].as_f64().unwrap() > 94.0);
    });
}

#[test]
fn a_channel_that_is_unplugged_is_bad_and_comes_back() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.board().fault("adc/0", Fault::Unplugged).unwrap();
        bench.ms(2_000).await;
        assert_eq!(
            bench.last("plugin/cpu/temperature").unwrap().quality,
            Quality::Bad
        );
        let refused = bench.call("cpu", "read", json!({})).await.unwrap_err();
        assert!(refused.to_string().contains("adc/0"), "{refused}");
        bench.board().mend("adc/0").unwrap();
        bench.ms(2_000).await;
        assert_eq!(
            bench.last("plugin/cpu/temperature").unwrap().quality,
            Quality::Good
        );
        assert_eq!(bench.value("plugin/cpu/state"), "ready");
    });
}
