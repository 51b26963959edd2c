//! Chips that measure: weather, voltages, power, the time.

use std::time::Duration;

use serde_json::json;
use weihe_hal::virtual_board::Fault;
use weihe_kernel::event::Quality;
use weihe_tests::on_a_workbench;

use super::chips::{ails, bad, near};

const BOARD: &str = r#"
[world]
temperature = 21.5
humidity = 40.0
pressure = 1003.2
battery = 1.25
supply = 12.0
load = 1.5

[i2c."i2c/1"."0x76"]
name = "weather"
model = "bme280"
temperature = "temperature"
humidity = "humidity"
pressure = "pressure"

[i2c."i2c/1"."0x48"]
name = "converter"
model = "ads1115"
a0 = "battery"
a1 = 3.0
a2 = 5.0

[i2c."i2c/1"."0x40"]
name = "meter"
model = "ina226"
voltage = "supply"
current = "load"
shunt = 0.01

[i2c."i2c/1"."0x68"]
name = "clock"
model = "ds3231"
temperature = "temperature"

[spi."spi/0.0"]
model = "mcp3008"
ch0 = "battery"
ch1 = 3.3
"#;

const WEATHER: &str = r#"
plugin.bme280 = "weihe-plugin-bme280"
[device.roof]
plugin = "bme280"
config = { bus = "i2c/1", period = "10 s", oversampling = 16 }
grants.hal.i2c."i2c/1" = [0x76]
"#;

const PERIOD: Duration = Duration::from_millis(10_500);

#[test]
fn weather_is_measured_and_forgotten_settings_are_noticed() {
    on_a_workbench(BOARD, WEATHER, async |bench| {
        bench.ms(300).await;
        near(bench, "plugin/roof/temperature", 21.5, 0.02);
        near(bench, "plugin/roof/humidity", 40.0, 0.05);
        near(bench, "plugin/roof/pressure", 1003.2, 0.1);

        // What is read is what was measured in this period, not in the one before.
        bench.board().set_world("temperature", 5.0).unwrap();
        bench.pass(PERIOD).await;
        near(bench, "plugin/roof/temperature", 5.0, 0.02);

        // Pulled and put back between two measurements, it has lost its settings; nobody notices a thing.
        bench.board().fault("weather", Fault::Unplugged).unwrap();
        bench.board().mend("weather").unwrap();
        bench.board().set_world("temperature", 6.0).unwrap();
        bench.pass(PERIOD).await;
        near(bench, "plugin/roof/temperature", 6.0, 0.02);

        bench.board().fault("weather", Fault::Unplugged).unwrap();
        bench.pass(PERIOD).await;
        ails(bench, "plugin/roof/state", "0x76");
        bad(bench, "plugin/roof/pressure");
        bench.board().mend("weather").unwrap();
        bench.pass(Duration::from_secs(31)).await;
        near(bench, "plugin/roof/pressure", 1003.2, 0.1);
    });
}

const VOLTAGES: &str = r#"
plugin.ads1115 = "weihe-plugin-ads1115"
[device.panel]
plugin = "ads1115"
grants.hal.i2c."i2c/1" = [0x48]
[device.panel.config]
bus = "i2c/1"
period = "1 s"
channels = [
  { name = "battery", input = "a0", scale = 10.0 },
  { name = "difference", input = "a0-a1" },
  { name = "too-much", input = "a2" },
]
"#;

#[test]
fn voltages_are_scaled_and_one_beyond_the_range_is_uncertain() {
    on_a_workbench(BOARD, VOLTAGES, async |bench| {
        bench.ms(300).await;
        near(bench, "plugin/panel/battery", 12.5, 0.01);
        near(bench, "plugin/panel/difference", -1.75, 0.001);
        let event = bench.last("plugin/panel/too-much").unwrap();
        assert_eq!(event.quality, Quality::Uncertain, "{event:?}");

        bench.board().fault("converter", Fault::Unplugged).unwrap();
        bench.ms(1_500).await;
        bad(bench, "plugin/panel/battery");
        bench.board().mend("converter").unwrap();
        bench.board().set_world("battery", 1.3).unwrap();
        bench.ms(31_000).await;
        near(bench, "plugin/panel/battery", 13.0, 0.01);
    });
}

const POWER: &str = r#"
plugin.ina226 = "weihe-plugin-ina226"
[device.supply]
plugin = "ina226"
config = { bus = "i2c/1", period = "1 s", shunt = 0.01, max-current = 8.0 }
grants.hal.i2c."i2c/1" = [0x40]
"#;

#[test]
fn power_is_measured_after_a_loss_of_power_too() {
    on_a_workbench(BOARD, POWER, async |bench| {
        bench.ms(300).await;
        near(bench, "plugin/supply/voltage", 12.0, 0.01);
        near(bench, "plugin/supply/current", 1.5, 0.01);
        near(bench, "plugin/supply/power", 18.0, 0.1);

        // Without its calibration the chip would say that nothing flows.
        bench.board().fault("meter", Fault::Unplugged).unwrap();
        bench.board().mend("meter").unwrap();
        bench.board().set_world("load", -2.0).unwrap();
        bench.ms(2_000).await;
        near(bench, "plugin/supply/current", -2.0, 0.01);

        bench.board().fault("meter", Fault::Unplugged).unwrap();
        bench.ms(2_000).await;
        bad(bench, "plugin/supply/power");
        ails(bench, "plugin/supply/state", "0x40");
    });
}

const INPUTS: &str = r#"
plugin.mcp3008 = "weihe-plugin-mcp3008"
[device.knobs]
plugin = "mcp3008"
grants.hal.spi = ["spi/0.0"]
[device.knobs.config]
spi = "spi/0.0"
period = "1 s"
channels = [
  { name = "battery", input = "ch0" },
  { name = "share", input = "ch1", scale = 30.303, decimals = 0 },
]
"#;

#[test]
fn an_spi_converter_measures_and_its_absence_is_noticed() {
    on_a_workbench(BOARD, INPUTS, async |bench| {
        bench.ms(300).await;
        near(bench, "plugin/knobs/battery", 1.25, 0.005);
        near(bench, "plugin/knobs/share", 100.0, 0.5);
        bench.board().fault("spi/0.0", Fault::Unplugged).unwrap();
        bench.ms(1_500).await;
        bad(bench, "plugin/knobs/battery");
        ails(bench, "plugin/knobs/state", "spi/0.0");
        bench.board().mend("spi/0.0").unwrap();
        bench.ms(31_000).await;
        near(bench, "plugin/knobs/battery", 1.25, 0.005);
    });
}

const CLOCK: &str = r#"
plugin.ds3231 = "weihe-plugin-ds3231"
[device.clock]
plugin = "ds3231"
config = { bus = "i2c/1", period = "1 s" }
grants.hal.i2c."i2c/1" = [0x68]
"#;

#[test]
fn a_clock_is_set_goes_on_and_wakes_people() {
    on_a_workbench(BOARD, CLOCK, async |bench| {
        bench.ms(300).await;
        let set = json!({"time": "2026-01-31T06:29:30"});
        let told = bench.ask("clock", "set", set).await;
        assert_eq!(told["time"], "2026-01-31T06:29:30");
        assert_eq!(told["stopped"], false);
        bench.ask("clock", "alarm", json!({"at": "06:30"})).await;
        bench.ms(20_000).await;
        let told = bench.ask("clock", "time", json!({})).await;
        assert_eq!(told["time"], "2026-01-31T06:29:50");
        near(bench, "plugin/clock/temperature", 21.5, 0.25);
        assert!(bench.last("plugin/clock/alarm").is_none());
        bench.ms(12_000).await;
        assert_eq!(bench.value("plugin/clock/alarm"), true);

        let wrong = bench
            .call("clock", "set", json!({"time": "tomorrow"}))
            .await;
        assert!(wrong.unwrap_err().to_string().contains("tomorrow"));
        // The host's clock is what it is set to when nobody says more.
        bench.ask("clock", "set", json!({})).await;
        bench.ms(1_500).await;
        near(bench, "plugin/clock/drift", 0.0, 1.0);

        bench.board().fault("clock", Fault::Unplugged).unwrap();
        bench.ms(2_000).await;
        bad(bench, "plugin/clock/drift");
    });
}
