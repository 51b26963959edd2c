//! Devices and connections that cannot be added. Each refusal names the culprit and what to do, and
//! leaves everything as it was.

use weihe_tests::Rig;

const PLUGINS: &str = r#"
[plugin]
raw = "weihe-guest-raw"
modbus = "weihe-plugin-modbus"
historian = "weihe-plugin-historian"
rule-hysteresis = "weihe-plugin-rule-hysteresis"

[connection.door]
type = "tcp-listen"
address = "127.0.0.1:0"

[device.first]
plugin = "raw"
connection = "door"
config.open = "connection"
"#;

/// What is said to a device that cannot be added to [`PLUGINS`].
async fn refusal(device: &str) -> String {
    let rig = Rig::start(PLUGINS).await;
    let before = rig.kernel().status();
    let text = rig.try_add(device).await.unwrap_err().to_string();
    let after = rig.kernel().status();
    assert_eq!(
        after.devices.len(),
        before.devices.len(),
        "it left a device behind"
    );
    assert_eq!(
        after.subscriptions.len(),
        before.subscriptions.len(),
        "it left a subscription behind"
    );
    rig.shutdown().await;
    text
}

#[tokio::test]
async fn an_import_that_is_not_granted_is_named_with_the_grant_that_is_missing() {
    let text = refusal("[device.history]\nplugin = \"historian\"\nconfig.topics = [\"#\"]").await;
    assert!(
        text.contains("plugin `historian` imports `weihe:store/sql@0.1.0`"),
        "{text}"
    );
    assert!(
        text.contains("add `[device.history.grants.store]`"),
        "{text}"
    );
}

#[tokio::test]
async fn a_grant_that_its_capability_does_not_understand_is_named() {
    let history =
        "[device.history]\nplugin = \"historian\"\nconfig.topics = [\"plugin/history/#\"]\n";
    let text = refusal(&format!(
        "{history}[device.history.grants.store]\ntabels = [\"readings\"]"
    ))
    .await;
    assert!(
        text.contains("`history`") && text.contains("tabels"),
        "{text}"
    );
    let text = refusal(&format!(
        "{history}[device.history.grants.stroe]\ntables = [\"readings\"]"
    ))
    .await;
    assert!(
        text.contains("`stroe`") && text.contains("did you mean `store`?"),
        "{text}"
    );
}

#[tokio::test]
async fn a_topic_that_is_not_granted_is_named() {
    let text = refusal("[device.eager]\nplugin = \"raw\"\nconfig.input = \"greenhouse/#\"").await;
    assert!(
        text.contains("`eager`") && text.contains("greenhouse/#"),
        "{text}"
    );
}

#[tokio::test]
async fn a_device_without_the_connection_that_its_plugin_needs_is_told_so() {
    let text = refusal("[device.soil]\nplugin = \"modbus\"").await;
    assert!(
        text.contains("`soil`") && text.contains("connection = ") && text.contains("`modbus`"),
        "{text}"
    );
}

#[tokio::test]
async fn a_connection_that_does_not_exist_is_named_with_the_nearest() {
    let text = refusal("[device.soil]\nplugin = \"modbus\"\nconnection = \"dor\"").await;
    assert!(
        text.contains("`soil`") && text.contains("did you mean `door`?"),
        "{text}"
    );
}

#[tokio::test]
async fn a_plugin_that_is_not_loaded_is_named_with_the_nearest() {
    let text = refusal("[device.soil]\nplugin = \"modbsu\"").await;
    assert!(
        text.contains("`soil`") && text.contains("did you mean `modbus`?"),
        "{text}"
    );
}

#[tokio::test]
async fn the_second_device_on_a_listener_is_told_who_holds_it() {
    let second =
        "[device.second]\nplugin = \"raw\"\nconnection = \"door\"\nconfig.open = \"connection\"";
    let text = refusal(second).await;
    assert!(
        text.contains("`second`") && text.contains("door") && text.contains("first"),
        "{text}"
    );
}

#[tokio::test]
async fn a_second_device_of_one_name_is_refused() {
    let text = refusal("[device.first]\nplugin = \"raw\"").await;
    assert_eq!(text, "there are two devices `first`");
}

#[tokio::test]
async fn two_devices_of_one_name_at_the_same_time_leave_one() {
    let rig = Rig::start(PLUGINS).await;
    let twin = "[device.twin]\nplugin = \"raw\"";
    let (first, second) = tokio::join!(rig.try_add(twin), rig.try_add(twin));
    assert_eq!(first.is_ok() as u8 + second.is_ok() as u8, 1);
    let mut bus = rig.watch("plugin/twin/echo");
    rig.order("twin", "well");
    bus.value("plugin/twin/echo", "well 1").await;
    rig.shutdown().await;
}

#[tokio::test]
async fn a_name_that_is_no_name_is_refused() {
    for name in ["Soil", "soil/1", "operator", "$soil"] {
        let text = refusal(&format!("[device.\"{name}\"]\nplugin = \"raw\"")).await;
        assert!(text.contains(name), "{text}");
    }
}

#[tokio::test]
async fn a_configuration_with_an_unknown_key_is_refused_in_the_plugins_words() {
    let text = refusal(
        "[device.rule]\nplugin = \"rule-hysteresis\"\n[device.rule.config]\ninput = \"plugin/rule/x\"\non-bellow = 20.0\noff-above = 30.0",
    )
    .await;
    assert!(
        text.contains("`rule`") && text.contains("on-bellow"),
        "{text}"
    );
}

#[tokio::test]
async fn two_listeners_on_one_address_are_refused_by_name() {
    let rig = Rig::bare();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let table: toml::Table = format!("type = \"tcp-listen\"\naddress = \"{free}\"")
        .parse()
        .unwrap();
    rig.kernel().add_connection("one", &table).unwrap();
    let text = rig
        .kernel()
        .add_connection("two", &table)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("one") && text.contains("two") && text.contains(&free.to_string()),
        "{text}"
    );
    let text = rig
        .kernel()
        .add_connection("one", &table)
        .unwrap_err()
        .to_string();
    assert_eq!(text, "there are two connections `one`");
    rig.shutdown().await;
}
