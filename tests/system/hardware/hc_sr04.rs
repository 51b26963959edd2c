//! Distances by ultrasound.

use weihe_hal::virtual_board::Fault;
use weihe_kernel::event::Quality;
use weihe_tests::on_a_workbench;

const BOARD: &str = r#"
lines = ["gpio/0", "gpio/1"]

[world]
distance = 100

[echo.tank]
trigger = "gpio/0"
echo = "gpio/1"
distance = "distance"
"#;

const SYSTEM: &str = r#"
[plugin]
hc-sr04 = "weihe-plugin-hc-sr04"

[device.tank]
plugin = "hc-sr04"
config = { period = "100 ms", samples = 1, temperature = 20 }
grants.hal.gpio.trigger = { line = "gpio/0", mode = "output" }
grants.hal.gpio.echo = { line = "gpio/1", mode = "input" }
"#;

#[test]
fn it_measures_what_is_there_and_says_when_there_is_nothing() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        for centimetres in [100.0, 7.5, 250.0] {
            bench.board().set_world("distance", centimetres).unwrap();
            bench.ms(300).await;
            let told = bench.last("plugin/tank/distance").unwrap();
            let distance = told.value.as_f64().unwrap();
            // The board's air and the plugin's differ by a little.
            assert!(
                (distance - centimetres).abs() < centimetres * 0.01,
                "{distance}"
            );
            assert_eq!(told.quality, Quality::Good);
        }
        bench.board().set_world("distance", 1_000.0).unwrap();
        bench.ms(300).await;
        let far = bench.last("plugin/tank/distance").unwrap();
        assert_eq!((far.quality, far.value.is_null()), (Quality::Bad, true));
        bench.board().set_world("distance", 50.0).unwrap();
        bench.ms(400).await;
        assert_eq!(
            bench.last("plugin/tank/distance").unwrap().quality,
            Quality::Good
        );
    });
}

#[test]
fn a_broken_wire_is_no_distance() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.ms(300).await;
        bench.board().fault("gpio/1", Fault::Broken).unwrap();
        bench.ms(300).await;
        assert_eq!(
            bench.last("plugin/tank/distance").unwrap().quality,
            Quality::Bad
        );
        let status = bench.ask("tank", "status", serde_json::json!({})).await;
        assert_eq!(status["fault"], "the sensor does not answer");
        bench.board().mend("gpio/1").unwrap();
        bench.ms(400).await;
        assert_eq!(
            bench.last("plugin/tank/distance").unwrap().quality,
            Quality::Good
        );
    });
}
