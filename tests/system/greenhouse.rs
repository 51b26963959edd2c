//! The greenhouse of the example: slave ← modbus → bus.

use weihe_tests::Rig;

/// The slave behind a listener.
const SLAVE: &str = r#"
[plugin]
greenhouse-slave = "greenhouse-slave"
modbus = "weihe-plugin-modbus"

[connection.slave]
type = "tcp-listen"
address = "127.0.0.1:0"

[device.greenhouse-slave]
plugin = "greenhouse-slave"
connection = "slave"
"#;

#[tokio::test]
async fn a_device_on_a_wire_is_polled_by_a_sandboxed_plugin_and_its_values_arrive_on_the_bus() {
    let rig = Rig::start(SLAVE).await;
    let port = rig.port("slave").await;
    let mut link = rig.watch("$link/#");
    let mut bus = rig.watch("plugin/soil/#");
    rig.add(&format!(
        r#"
        [connection.field]
        type = "tcp"
        address = "127.0.0.1:{port}"

        [device.soil]
        plugin = "modbus"
        connection = "field"

        [device.soil.config]
        period = "50 ms"
        points = [
            {{ name = "moisture", table = "input", address = 0, type = "f32" }},
            {{ name = "valve", table = "coil", address = 0 }},
        ]
        "#
    ))
    .await;
    link.value("$link/field", "up").await;
    let moisture = bus.topic("plugin/soil/moisture").await;
    let percent = moisture.value.as_f64().unwrap();
    assert!((0.0..=100.0).contains(&percent), "{moisture:?}");
    assert_eq!(moisture.source, "soil");
    bus.value("plugin/soil/valve", false).await;
    rig.shutdown().await;
}
