//! Drivers of the embedded-hal ecosystem, unmodified, as a plugin on the virtual board.

use std::sync::Arc;

use weihe_hal::HalCapability;
use weihe_hal::virtual_board::VirtualBoard;
use weihe_kernel::SystemClock;
use weihe_kernel::event::{Quality, Value};
use weihe_tests::Rig;

const BOARD: &str = r#"
[i2c.bus.0x44]
model = "sht4x"
temperature = 21.5
humidity = 40.0
"#;

const SYSTEM: &str = r#"
[plugin]
drivers = "weihe-guest-drivers"

[device.drivers]
plugin = "drivers"

[device.drivers.grants.hal]
i2c = { bus = "all" }
"#;

/// Each with the address at which its driver looks for it.
const ABSENT: [(&str, &str); 8] = [
    ("bme280", "0x76"),
    ("ads1115", "0x48"),
    ("ina226", "0x41"),
    ("mcp23017", "0x20"),
    ("pca9685", "0x43"),
    ("eeprom", "0x50"),
    ("ds3231", "0x68"),
    ("ssd1306", "0x3c"),
];

fn rig() -> Rig {
    let board = VirtualBoard::parse(BOARD, Arc::new(SystemClock::new())).unwrap();
    Rig::with_capability(Arc::new(HalCapability::new(Arc::new(board))))
}

#[tokio::test]
async fn nine_unmodified_drivers_speak_to_their_chips_or_say_which_is_missing() {
    let rig = rig();
    rig.add(SYSTEM).await;
    let mut measured = rig.watch("plugin/drivers/+");
    rig.publish("plugin/drivers/in", [Value::None]);

    let air = measured
        .until("the air", |event| event.topic.ends_with("/sht4x"))
        .await;
    assert!((air.value.as_f64().unwrap() - 21.5).abs() < 0.01, "{air:?}");
    for (chip, address) in ABSENT {
        let topic = format!("plugin/drivers/{chip}");
        let said = measured.until(chip, |event| event.topic == topic).await;
        assert_eq!(said.quality, Quality::Bad, "{said:?}");
        // Most drivers show the error that they were given, in the words of the kernel.
        let text = said.value.as_str().unwrap();
        if chip != "ssd1306" {
            assert!(text.contains(address), "{chip}: {text}");
        }
    }
    rig.shutdown().await;
}

#[tokio::test]
async fn a_plugin_imports_only_the_hardware_that_it_uses() {
    let rig = rig();
    rig.add(SYSTEM).await;
    let plugins = rig.kernel().status().plugins;
    let mut imports: Vec<_> = plugins[0]
        .imports
        .iter()
        .filter(|import| import.contains(":hal/") || import.contains(":i2c/"))
        .map(String::as_str)
        .collect();
    imports.sort_unstable();
    let needed = [
        "wasi:i2c/i2c@0.2.0-draft",
        "weihe:hal/delay@0.1.0",
        "weihe:hal/i2c-buses@0.1.0",
    ];
    // A type comes along with the interface that uses it.
    imports.retain(|import| *import != "weihe:hal/types@0.1.0");
    assert_eq!(imports, needed);
    rig.shutdown().await;
}
