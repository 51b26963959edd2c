//! A field with one value: a slave's register, the lines to it, and devices that poll it.

use serde_json::{Value, json};
use weihe_kernel::event::Quality;
use weihe_tests::{Relay, Slave, Watch};

/// What the slave's register holds all the time.
pub const TRUE: u16 = 0x1234;

/// A device with one point, `level`, that is polled all the time.
pub fn device(name: &str, connection: &str, config: &str) -> String {
    format!(
        r#"
        [device.{name}]
        plugin = "modbus"
        connection = "{connection}"

        [device.{name}.config]
        period = "20 ms"
        timeout = "300 ms"
        points = [{{ name = "level", table = "holding", address = 7 }}]
        {config}
        "#
    )
}

/// A TCP connection that is opened again soon.
pub fn tcp(name: &str, port: u16) -> String {
    format!(
        r#"
        [connection.{name}]
        type = "tcp"
        address = "127.0.0.1:{port}"
        reconnect-min = "20 ms"
        reconnect-max = "100 ms"
        "#
    )
}

/// The master's side of a serial line.
pub fn uart(name: &str, line: &Relay) -> String {
    let port = line.master();
    format!(
        "[connection.{name}]\ntype = \"uart\"\nport = \"{}\"\nbaud = 115200\n",
        port.display()
    )
}

/// The plugin.
pub const MODBUS: &str = "[plugin]\nmodbus = \"weihe-plugin-modbus\"\n";

/// Sets the register of `level`.
pub fn hold(slave: &mut Slave, unit: u8, value: u16) {
    slave.put(json!({ "unit": unit, "table": "holding", "address": 7, "values": [value] }));
}

/// Waits for the true value; whatever comes before must have said that it is bad.
pub async fn truth(bus: &mut Watch) {
    bus.until("the true value", |event| {
        if event.quality == Quality::Good {
            assert_eq!(event.value, TRUE, "a wrong value was published: {event:?}");
            return true;
        }
        assert_eq!(
            (event.quality, &event.value),
            (Quality::Bad, &Value::Null),
            "{event:?}"
        );
        false
    })
    .await;
}
