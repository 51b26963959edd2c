//! What a device may touch: nothing but what weihe.toml grants it or its plugin.

use std::net::TcpListener;

use serde_json::Value;
use weihe_tests::{Host, Rig};

/// Two devices of one plugin. The plugin's grants hold for both, and each has one more of its own.
const SHARED: &str = r#"
[plugin.raw.grants]
subscribe = ["shared/#"]

[device.first]
plugin = "raw"
config = { input = "shared/a" }

[device.second]
plugin = "raw"
config = { input = "private/a" }
[device.second.grants]
subscribe = ["private/#"]
publish = ["out/+", "log"]
call = ["first"]
[device.second.grants.store]
tables = ["readings"]
keys = true

[device.third]
plugin = "raw"
config = { input = "private/a" }
"#;

fn host() -> Host {
    Host::new(SHARED, &[("raw", "weihe-guest-raw")])
}

#[test]
fn grants_of_a_plugin_hold_for_all_its_devices_and_those_of_a_device_for_it_alone() {
    let mut host = host();
    host.start();
    let failed = host.failed();
    let names: Vec<&Value> = failed.iter().map(|part| &part["name"]).collect();
    assert_eq!(names, ["third"], "{failed:?}");
    let message = failed[0]["message"].as_str().unwrap();
    assert!(
        message.contains("`third`") && message.contains("`private/a`"),
        "{message}"
    );
    assert!(host.stop());
}

#[test]
fn an_operator_sees_what_each_device_may_touch_and_which_line_says_so() {
    let host = host();
    let grants = host.ask(&["grants", "second"]).unwrap();
    let line = |text: &str| {
        let number = SHARED.lines().position(|line| line.starts_with(text));
        format!(
            "{}:{}",
            host.path("weihe.toml").display(),
            number.unwrap() + 1
        )
    };
    let expected = [
        ("publish", "plugin/second/#", None),
        ("subscribe", "plugin/second/#", None),
        ("subscribe", "shared/#", Some("subscribe = [\"shared/#\"]")),
        ("publish", "out/+", Some("publish")),
        ("publish", "log", Some("publish")),
        (
            "subscribe",
            "private/#",
            Some("subscribe = [\"private/#\"]"),
        ),
        ("call", "first", Some("call")),
        ("store.keys", "true", Some("keys")),
        ("store.tables", "readings", Some("tables")),
    ];
    let found: Vec<(&str, &str, Option<&str>)> = grants
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            assert_eq!(row["device"], "second");
            let text = |key: &str| row[key].as_str();
            (text("kind").unwrap(), text("what").unwrap(), text("place"))
        })
        .collect();
    let expected = expected.map(|(kind, what, at)| (kind, what, at.map(line)));
    assert_eq!(
        found,
        expected
            .iter()
            .map(|(kind, what, at)| (*kind, *what, at.as_deref()))
            .collect::<Vec<_>>()
    );
    let shown = String::from_utf8(host.run(&["grants"]).stdout).unwrap();
    for word in ["first", "second", "third", "always", "weihe.toml:3"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    let unknown = host.run(&["grants", "secnod"]);
    assert_eq!(unknown.status.code(), Some(1));
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(said.contains("did you mean `second`?"), "{said}");
}

#[tokio::test]
async fn topics_of_the_kernel_cannot_be_published_on_whatever_is_granted() {
    let rig = Rig::start(
        r##"
        [plugin]
        raw = "weihe-guest-raw"
        [device.forger]
        plugin = "raw"
        grants.publish = ["#", "$audit/#"]
        "##,
    )
    .await;
    let mut dead = rig.watch("$dead/forger");
    for topic in ["$audit/call", "$dead/other", "$link/field"] {
        rig.order("forger", &format!("claim {topic}"));
        let letter = dead.next().await;
        let error = letter.value["error"].as_str().unwrap();
        assert!(error.contains("Denied") && error.contains(topic), "{error}");
        let denied = rig.audited(weihe_kernel::audit::action::DENIED);
        assert_eq!(denied.last().unwrap().target, format!("publish/{topic}"));
    }
    rig.shutdown().await;
}

#[tokio::test]
async fn names_of_topics_that_a_device_may_not_subscribe_to_are_not_told() {
    let rig = Rig::start(
        r#"
        [plugin]
        raw = "weihe-guest-raw"
        [device.curious]
        plugin = "raw"
        grants.subscribe = ["open/#"]
        "#,
    )
    .await;
    let bus = rig.kernel().bus().clone();
    let (secret, open) = (bus.topic("secret/name"), bus.topic("open/name"));
    let own = bus.topic("plugin/curious/echo");
    let mut dead = rig.watch("$dead/curious");
    for (topic, told) in [
        (secret, "None"),
        (open, "Some(\"open/name\")"),
        (own, "Some(\"plugin/curious/echo\")"),
    ] {
        rig.order("curious", &format!("name {}", topic.unwrap().0));
        let letter = dead.next().await;
        let error = letter.value["error"].as_str().unwrap();
        assert!(error.ends_with(told), "{told}: {error}");
    }
    rig.shutdown().await;
}

#[tokio::test]
async fn the_network_is_reached_through_connections_alone() {
    let rig = Rig::start(
        r#"
        [plugin]
        raw = "weihe-guest-raw"
        [device.lonely]
        plugin = "raw"
        "#,
    )
    .await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let mut dead = rig.watch("$dead/lonely");
    rig.order(
        "lonely",
        &format!("dial {}", listener.local_addr().unwrap()),
    );
    let letter = dead.next().await;
    let error = letter.value["error"].as_str().unwrap();
    assert!(error.contains("PermissionDenied"), "{error}");
    let accepted = listener.accept().map(|_| ());
    assert_eq!(
        accepted.unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock,
        "nobody came"
    );
    rig.shutdown().await;
}
