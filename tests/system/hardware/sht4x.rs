//! The thermometer and hygrometer.

use std::time::Duration;

use serde_json::json;
use weihe_hal::virtual_board::Fault;
use weihe_tests::on_a_workbench;

use super::chips::{ails, bad, near};

const BOARD: &str = r#"
[world]
temperature = 21.5
humidity = 40.0

[i2c."i2c/1"."0x44"]
name = "climate"
model = "sht4x"
temperature = "temperature"
humidity = "humidity"
"#;

const SYSTEM: &str = r#"
plugin.sht4x = "weihe-plugin-sht4x"

[device.air]
plugin = "sht4x"
config = { bus = "i2c/1", period = "5 s", dead-band = { temperature = 0.5 } }
grants.hal.i2c."i2c/1" = [0x44]
"#;

/// A period, and what a measurement takes that is made three times.
const PERIOD: Duration = Duration::from_millis(5_200);

#[test]
fn temperature_and_humidity_follow_the_world() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.ms(100).await;
        near(bench, "plugin/air/temperature", 21.5, 0.01);
        near(bench, "plugin/air/humidity", 40.0, 0.01);
        assert_eq!(bench.value("plugin/air/state"), "ready");

        // Within its dead-band the temperature is not worth an event; the humidity has none.
        bench.board().set_world("temperature", 21.8).unwrap();
        bench.board().set_world("humidity", 41.0).unwrap();
        bench.pass(PERIOD).await;
        near(bench, "plugin/air/temperature", 21.5, 0.01);
        near(bench, "plugin/air/humidity", 41.0, 0.01);
        bench.board().set_world("temperature", 22.1).unwrap();
        bench.pass(PERIOD).await;
        near(bench, "plugin/air/temperature", 22.1, 0.01);
    });
}

#[test]
fn whoever_asks_gets_what_is_so_now() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.ms(100).await;
        bench.board().set_world("temperature", -10.0).unwrap();
        let read = bench.ask("air", "read", json!({})).await;
        let temperature = read["temperature"].as_f64().unwrap();
        assert!((temperature + 10.0).abs() < 0.02, "{read}");
        let serial = bench.ask("air", "serial", json!({})).await;
        assert!(serial["serial"].as_u64().unwrap() > 0, "{serial}");
    });
}

#[test]
fn a_sensor_that_is_pulled_says_so_and_comes_back() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.ms(100).await;
        bench.board().fault("climate", Fault::Unplugged).unwrap();
        bench.pass(PERIOD).await;
        ails(bench, "plugin/air/state", "0x44");
        bad(bench, "plugin/air/temperature");
        bad(bench, "plugin/air/humidity");
        let refused = bench.call("air", "read", json!({})).await.unwrap_err();
        assert!(refused.to_string().contains("0x44"), "{refused}");
        let status = bench.ask("air", "status", json!({})).await;
        assert_eq!(status["ready"], false);

        // An hour later it is still looked for.
        bench.pass(Duration::from_secs(3_600)).await;
        bench.board().mend("climate").unwrap();
        bench.pass(Duration::from_secs(31)).await;
        assert_eq!(bench.value("plugin/air/state"), "ready");
        near(bench, "plugin/air/temperature", 21.5, 0.01);
    });
}

#[test]
fn a_reading_that_is_disturbed_is_made_again_unnoticed() {
    on_a_workbench(BOARD, SYSTEM, async |bench| {
        bench.ms(100).await;
        let mut watch = bench.watch("plugin/air/#");
        watch.so_far();
        bench
            .board()
            .fault_times("climate", Fault::Nack, 2)
            .unwrap();
        bench.board().set_world("humidity", 60.0).unwrap();
        bench.pass(PERIOD).await;
        let seen = watch.so_far();
        assert_eq!(seen.len(), 1, "{seen:?}");
        near(bench, "plugin/air/humidity", 60.0, 0.01);
    });
}

#[test]
fn a_sensor_that_is_absent_at_first_is_no_failure_of_the_device() {
    let absent = SYSTEM
        .replace("0x44", "0x45")
        .replace("bus =", "address = 0x45, bus =");
    on_a_workbench(BOARD, &absent, async |bench| {
        bench.ms(500).await;
        ails(bench, "plugin/air/state", "0x45");
        bad(bench, "plugin/air/temperature");
        let device = bench.device("air");
        assert_eq!((device.traps, device.retries, device.dead), (0, 0, 0));
    });
}
