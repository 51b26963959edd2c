//! What plugins may not have of the hardware: more than there can be, what is not granted, what another has.

use std::sync::Arc;

use serde_json::{Value, json};
use weihe_hal::HalCapability;
use weihe_hal::virtual_board::VirtualBoard;
use weihe_kernel::SystemClock;
use weihe_tests::Rig;

const BOARD: &str = r#"
lines = ["gpio/A3", "gpio/A4"]

[i2c."i2c/1"."0x44"]
model = "sht4x"
temperature = 21.5
humidity = 40.0
"#;

fn rig() -> Rig {
    let board = VirtualBoard::parse(BOARD, Arc::new(SystemClock::new())).unwrap();
    Rig::with_capability(Arc::new(HalCapability::new(Arc::new(board))))
}

async fn says(rig: &Rig, device: &str, command: &str, arguments: Value) -> String {
    match rig.call(device, command, arguments).await {
        Ok(answer) => answer.as_str().map_or(answer.to_string(), str::to_owned),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn lengths_beyond_all_memory_are_refused_with_the_limit() {
    let rig = rig();
    rig.add(
        r#"
        [plugin]
        lengths = "weihe-guest-lengths"
        [device.greedy]
        plugin = "lengths"
        [device.greedy.limits]
        call-time = "1 s"
        [device.greedy.grants.hal]
        i2c.bus = { bus = "i2c/1", addresses = [0x44] }
        "#,
    )
    .await;
    let ask = async |command: &str| says(&rig, "greedy", command, json!({})).await;
    let limit = "9223372036854775808 is more than the 8192 that one call may carry";
    let read = ask("i2c-read").await;
    assert!(read.contains("Other") && read.contains(limit), "{read}");
    let read = ask("i2c-write-read").await;
    assert!(
        read.contains("9223372036854775809 is more than the 8192"),
        "{read}"
    );
    let many = ask("i2c-operations").await;
    assert!(
        many.contains("operations of a transaction: 65 is more than the 64"),
        "{many}"
    );
    let wide = ask("i2c-address").await;
    assert!(
        wide.contains("address 0xffff on i2c/1 has more than 7 bits"),
        "{wide}"
    );
    let reserved = ask("i2c-reserved").await;
    assert!(
        reserved.contains("NoAcknowledge")
            && reserved.contains("address 0x03 on i2c/1 is not granted to device `greedy`"),
        "{reserved}"
    );
    assert_eq!(ask("i2c-nothing").await, "done: []");
    // A wait has the end that every call has.
    let wait = ask("wait").await;
    assert!(wait.contains("call-time"), "{wait}");
    rig.until_device("greedy", "trapped", |device| device.traps == 1)
        .await;
    rig.shutdown().await;
}

#[tokio::test]
async fn what_is_not_granted_is_refused_and_recorded() {
    let rig = rig();
    rig.add(
        r#"
        [plugin]
        console = "weihe-plugin-console"
        [device.console]
        plugin = "console"
        [device.console.grants.hal]
        gpio = { "gpio/A3" = "input", led = { line = "gpio/A4", mode = "output" } }
        i2c.bus = { bus = "i2c/1", addresses = [0x50] }
        "#,
    )
    .await;
    let ask =
        async |command: &str, arguments: Value| says(&rig, "console", command, arguments).await;
    let told = ask("write-line", json!({ "line": "gpio/A3", "value": true })).await;
    assert!(
        told.contains(
            "line `gpio/A3` is granted to device `console` as an input, not as an output"
        ),
        "{told}"
    );
    // The line behind a name of the integrator's is open under that name only.
    let told = ask("write-line", json!({ "line": "gpio/A4", "value": true })).await;
    assert!(
        told.contains(
            "line `gpio/A4` is not granted to device `console`; granted are `gpio/A3`, `led`"
        ),
        "{told}"
    );
    let told = ask("spi", json!({ "peripheral": "spi/0.0" })).await;
    assert!(
        told.contains("SPI peripheral `spi/0.0` is not granted"),
        "{told}"
    );
    let told = ask(
        "i2c",
        json!({ "bus": "bus", "address": "0x44", "write": "fd" }),
    )
    .await;
    assert!(
        told.contains("address 0x44 on i2c/1 is not granted to device `console`"),
        "{told}"
    );
    assert_eq!(
        ask("write-line", json!({ "line": "led", "value": true })).await,
        "null"
    );
    let denied = rig.audited("denied");
    let denied: Vec<String> = denied.iter().map(|entry| format!("{entry:?}")).collect();
    assert_eq!(denied.len(), 4, "{denied:#?}");
    assert!(
        denied.iter().all(|entry| entry.contains("console")),
        "{denied:#?}"
    );
    rig.shutdown().await;
}

#[tokio::test]
async fn the_second_taker_of_a_line_or_an_address_is_told_who_was_first() {
    let rig = rig();
    rig.add(
        r#"
        [plugin]
        console = "weihe-plugin-console"
        [device.first]
        plugin = "console"
        [device.first.grants.hal]
        gpio.led = { line = "gpio/A3", mode = "output" }
        i2c = { "i2c/1" = "all" }
        [device.second]
        plugin = "console"
        [device.second.grants.hal]
        gpio.lamp = { line = "gpio/A3", mode = "both" }
        i2c = { "i2c/1" = "all" }
        "#,
    )
    .await;
    // Its serial number: a measurement would take its time before it is read.
    let ask = json!({ "bus": "i2c/1", "address": 0x44, "write": "89" });
    rig.ask(
        "first",
        "write-line",
        json!({ "line": "led", "value": true }),
    )
    .await;
    rig.ask("first", "i2c", ask.clone()).await;
    let read = rig
        .ask(
            "first",
            "i2c",
            json!({ "bus": "i2c/1", "address": 0x44, "read": 6 }),
        )
        .await;
    assert_eq!(read["read"].as_str().unwrap().len(), 12, "{read}");
    let told = says(&rig, "second", "read-line", json!({ "line": "lamp" })).await;
    assert!(
        told.contains("gpio/A3 is taken by device `first`"),
        "{told}"
    );
    let told = says(&rig, "second", "i2c", ask).await;
    assert!(
        told.contains("address 0x44 on i2c/1 is taken by device `first`"),
        "{told}"
    );
    // When the first one is gone, all is free.
    rig.kernel().remove_device("first", "a test").await.unwrap();
    rig.ask("second", "read-line", json!({ "line": "lamp" }))
        .await;
    rig.shutdown().await;
}
